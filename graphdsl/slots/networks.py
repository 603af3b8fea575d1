"""Networks as the emitted class declares them: sizes, outputs, units and scales."""

from __future__ import annotations

__all__ = [
    "arguments_of",
    "exposure_of",
    "group_of",
    "network_slot",
    "output_of",
    "scale_name",
    "with_scale",
]

from collections.abc import Sequence
from math import prod

from graphdsl.catalog.laws import Output, scale_of
from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.loss import Builder, LearnedScale, NetworkSlot
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional
from graphdsl.ir.symbols import Variable
from graphdsl.ir.values import Attribute
from graphdsl.slots.priors import prior_builder
from graphdsl.slots.slots import Argument, Slot


def network_slot(slot: Slot, model: Model) -> NetworkSlot:
    """What the emitted class declares for a slot."""
    family = model.family_of(slot.children[0])
    conditional = slot.conditionals[0]
    arguments = arguments_of(slot, model)
    axis = () if slot.per_network is None else (slot.per_network,)
    law, output = model.distribution_of(conditional).law, output_of(conditional, model)
    units, without = _units(conditional, model)
    numbers = 1 if law.joint else len(output.parameters)
    count = max(len(slot.names), 1) if slot.stacked else None
    encoded = family.encoded if output.by_class else family.shape
    outputs: int | tuple[int, ...] = (slot.per_network or 1) * prod(encoded)
    convolutional = conditional.via.name == "conv"
    is_image = convolutional and family.role != "latent"
    if is_image or (numbers == 1 and (law.joint or axis or len(encoded) != 1)):
        outputs = (*axis, *encoded)
    own = conditional.via.name == "own"
    stacked = slot.stacked and not slot.tied
    is_residual = conditional.via.name == "resnet"
    name = "linear" if conditional.via.name == "linear" else "mlp"
    name = "resnet" if is_residual else f"{name}s" if stacked else name
    if not arguments:
        name = "marginal_models" if stacked else "marginal_model"
    if convolutional:
        name = "conv_decoder" if is_image else "conv_encoder"
    prior = prior_builder(conditional, model, with_scale) if not slot.arguments else None
    return NetworkSlot(
        attribute=slot.attribute,
        names=tuple(name for name, _ in slot.tied) or slot.names,
        models=tuple(one for _, one in slot.tied) or slot.models,
        tied=bool(slot.tied),
        network=conditional.network,
        children=slot.children,
        builder=prior
        or Builder(
            name="own" if own else name,  # type: ignore[arg-type]  # one of them, as just decided
            module=conditional.via.module,
            answer=output.words if own else "",
            count=count,
            inputs=tuple(
                (_argument_shape(argument.nodes[0], model), argument.shared and not argument.gates)
                for argument in arguments
            ),
            hidden=conditional.via.sizes,
            options=conditional.via.options,
            outputs=outputs,
            numbers=numbers,
            law=law.builder,
            context=_CONTEXT if law.is_run_alone else 0,
            reads=tuple(_data_read(argument, model) for argument in arguments),
            describes=with_scale(slot.children, model),
            units=units,
            without=without,
        ),
        scale=_learned_scale(slot, model),
        exposure=model.distribution_of(conditional).exposure,
    )


def arguments_of(slot: Slot, model: Model) -> tuple[Argument, ...]:
    """What its networks read: all parents but an exposure, which their answer is a share of."""
    exposure = exposure_of(slot, model)
    return tuple(argument for argument in slot.arguments if argument is not exposure)


def exposure_of(slot: Slot, model: Model) -> Argument | None:
    """The parent that the mean of counts is a share of."""
    return _parent(slot, model.distribution_of(slot.conditionals[0]).exposure)


def group_of(slot: Slot, model: Model) -> Argument | None:
    """The parent for whose classes a scale is learned."""
    return _parent(slot, model.distribution_of(slot.conditionals[0]).group)


def _parent(slot: Slot, name: Variable) -> Argument | None:
    return next(
        (argument for argument in slot.arguments if name and argument.nodes == ((name,),)), None
    )


def with_scale(nodes: Sequence[Variable], model: Model) -> tuple[Variable, ...]:
    """Variables of one family that are data and have a scale: the family, if they are all of it.

    They have the names that a batch holds them by.
    """
    family = model.family_of(nodes[0])
    is_data = family.role != "latent" or family.labels
    if not is_data or not family.distribution.law.has_units:
        return ()
    if family.members is not None and len(nodes) > 1 and tuple(nodes) == family.nodes:
        return (family.held_as,)
    return tuple(family.labelled(node) if family.label_of else node for node in nodes)


def _data_read(argument: Argument, model: Model) -> tuple[Variable, ...]:
    """What an argument is of data that have a scale: each member's own, or what they share."""
    if len(argument.nodes) == 1:
        return with_scale(argument.nodes[0], model)
    return with_scale([node for nodes in argument.nodes for node in nodes], model)


def _units(conditional: Conditional, model: Model) -> tuple[str, str]:
    """What a network answers of data that have a scale, and which number of the law it lacks."""
    law, output = model.distribution_of(conditional).law, output_of(conditional, model)
    scale = scale_of(output)
    if scale is None:
        return law.word, ""
    return ("means", "") if output.parameters == ("means",) else (law.word, scale.word)


def output_of(conditional: Conditional, model: Model) -> Output:
    """How its network's output is read: with a scale for latents, and where the law says so."""
    distribution = model.distribution_of(conditional)
    scale, family = distribution.law.scale, model.family_of(conditional.children[0])
    own = scale is None or family.role == "latent" or distribution.scale == "own"
    return distribution.law.output if own or scale is None else scale.output


def scale_name(slot: Slot, model: Model) -> Attribute:
    """The attribute of a learned scale."""
    scale = model.distribution_of(slot.conditionals[0]).law.scale
    if scale is None:
        raise CompilerBug(f"{slot.attribute} has no scale to learn")
    return Attribute(f"{scale.attribute}:{slot.attribute}")


def _learned_scale(slot: Slot, model: Model) -> LearnedScale | None:
    """A learned scale for each variable or each coordinate, or for both in each class."""
    distribution = model.distribution_of(slot.conditionals[0])
    scale = distribution.law.scale
    if distribution.scale != "learned" or scale is None:
        return None
    family, group = model.family_of(slot.children[0]), distribution.group
    shape = family.shape
    by_member = slot.is_family and not slot.tied  # what is shared is shared whole
    has_axes = by_member or bool(group)  # as many as the answer, of size one where all share it
    inner = shape if scale.each or distribution.each else (1,) * len(shape) if has_axes else ()
    if family.classes is not None:  # what parts the classes of each coordinate
        inner = (*inner, family.classes - 1)
    members = len(slot.children) if by_member else 1
    classes = model.family_of(group).classes if group else None
    return LearnedScale(
        attribute=scale_name(slot, model),
        shape=(members, *inner) if slot.is_family and has_axes else inner,
        law=distribution.law.word,
        classes=classes or 0,
    )


#: How many numbers an encoder hands to a flow, which they steer.
_CONTEXT = 64


def _argument_shape(nodes: tuple[Variable, ...], model: Model) -> tuple[int, ...]:
    """The shape of a row of some variables of one family, as networks read them."""
    family = model.family_of(nodes[0])
    return family.encoded if len(nodes) == 1 else (len(nodes), *family.encoded)
