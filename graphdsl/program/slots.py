"""Conditionals to networks: families of equal shapes become one slot, and one tensor axis."""

from __future__ import annotations

__all__ = [
    "expert_slots",
    "member_noise",
    "member_ref",
    "network_slot",
    "output_of",
    "scale_name",
    "slots",
    "some_of",
    "with_scale",
]

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.laws import Output
from graphdsl.ir.loss import Builder, NetworkSlot
from graphdsl.ir.masks import Gate
from graphdsl.ir.model import Conditional, Family, Model
from graphdsl.ir.notation import natural
from graphdsl.ir.slots import Argument, Slot
from graphdsl.ir.statements import Attribute, Noise, Ref, Value
from graphdsl.ir.symbols import ModelRef
from graphdsl.program.keys import Keys
from graphdsl.program.ordering import in_order


def slots(
    conditionals: Sequence[Conditional],
    model: Model,
    attributes: Keys | None = None,
    relatives: Sequence[Conditional] = (),
) -> Iterator[Slot]:
    """Slots of the conditionals of q, p, or those made for bounds; experts have their own.

    `relatives` are the conditionals of networks of one statement, `r(1)` and `r(2)`: lines that
    share a network share it among all of them.
    """
    attributes = attributes or Keys()
    groups = _by_line(conditionals, model)
    sharing = {key: group for key, group in groups.items() if group[0].via.shared}
    sharing |= {key: of for key, of in _by_line(relatives, model).items() if key in sharing}
    key_of = {one: key for key, group in groups.items() for one in group}
    stacks: list[tuple[Conditional, ...]] = []
    for key, several in groups.items():
        is_whole = len(sharing.get(key, several)) == len(several)
        stacks += _stackable(several, model) if is_whole else [(one,) for one in several]
    for together in _in_sequence(stacks):
        first = together[0]
        group = sharing.get(key_of[first])
        family = model.family_of(first.children[0]).name
        if group is None:
            yield _slot(attributes.take(f"{first.network}.{family}"), together, model)
            continue
        attribute = attributes.shared(key_of[first], f"{first.network}.{family}")
        slot = replace(
            _slot(attribute, together, model),
            tied=tuple(dict.fromkeys(_of_network(group, model))),
        )
        if len(together) < len(group):  # run one by one: each answer has a name of its own
            slot = replace(slot, result=attributes.take(f"{attribute}[{_places(first)}]"))
        yield slot


def some_of(slot: Slot, wanted: Iterable[str]) -> Slot:
    """The members of a slot that a term asks for, where they run side by side."""
    asked = set(wanted)
    places = tuple(place for place, one in enumerate(slot.children) if one in asked)
    apart = slot.stacked and not slot.experts
    if not apart or len(places) in (0, len(slot.children)):
        return slot
    arguments = tuple(
        Argument(
            one.nodes if one.shared else tuple(one.nodes[place] for place in places),
            one.shared,
            tuple(one.gates[place] for place in places) if one.gates else (),
        )
        for one in slot.arguments
    )
    return replace(
        slot,
        conditionals=tuple(slot.conditionals[place] for place in places),
        children=tuple(slot.children[place] for place in places),
        arguments=arguments,
        names=tuple(slot.names[place] for place in places),
        models=tuple(slot.models[place] for place in places),
        is_family=len(places) > 1,
        picked=places,
    )


def expert_slots(slot: Slot, model: Model) -> tuple[Slot, ...]:
    """The networks of a product of experts: one slot for the parents of each family."""
    (conditional,) = slot.conditionals
    found = []
    parts = _runs(conditional.parents, model)
    if slot.tied and len(slot.tied) > len(parts[0]):
        parts = tuple((parent,) for parent in conditional.parents)  # one network, run one by one
    for place, part in enumerate(parts, start=1):
        suffix = "" if len(parts) == 1 else f"|{model.family_of(part[0]).name}"
        named = [_named(conditional, (parent,), model) for parent in part]
        found.append(
            Slot(
                attribute=slot.attribute if slot.tied else Attribute(f"{slot.attribute}{suffix}"),
                tied=slot.tied,
                result=f"{slot.result}|{place}" if slot.tied else f"{slot.attribute}{suffix}",
                conditionals=slot.conditionals,
                children=conditional.children,
                is_family=slot.is_family,
                stacked=len(part) > 1,
                arguments=(Argument(tuple((parent,) for parent in part), False),),
                names=tuple(name for name, _ in named),
                models=tuple(one for _, one in named),
                experts=part,
            )
        )
    return tuple(found)


def network_slot(slot: Slot, model: Model) -> NetworkSlot:
    """What the emitted class declares for a slot."""
    family = model.family_of(slot.children[0])
    conditional = slot.conditionals[0]
    axis = () if slot.per_network is None else (slot.per_network,)
    law, output = model.distribution_of(conditional).law, output_of(conditional, model)
    numbers = 1 if law.joint else len(output.parameters)
    count = max(len(slot.names), 1) if slot.stacked else None
    outputs: int | tuple[int, ...] = (slot.per_network or 1) * family.size
    convolutional = conditional.via.name == "conv"
    is_image = convolutional and family.role != "latent"
    if is_image or (numbers == 1 and (law.joint or axis or len(family.encoded) != 1)):
        outputs = (*axis, *family.encoded)
    own = conditional.via.name == "own"
    several = slot.stacked and not slot.tied
    name = "mlps" if several else "mlp"
    if not slot.arguments:
        name = "marginal_models" if several else "marginal_model"
    if convolutional:
        name = "conv_decoder" if is_image else "conv_encoder"
    return NetworkSlot(
        attribute=slot.attribute,
        names=tuple(name for name, _ in slot.tied) or slot.names,
        models=tuple(one for _, one in slot.tied) or slot.models,
        tied=bool(slot.tied),
        network=conditional.network,
        children=slot.children,
        builder=Builder(
            name="own" if own else name,  # type: ignore[arg-type]  # one of seven, as just decided
            module=conditional.via.module,
            answer=output.words if own else "",
            count=count,
            inputs=tuple(
                (_shape(one.nodes[0], model), one.shared and not one.gates)
                for one in slot.arguments
            ),
            hidden=conditional.via.sizes,
            outputs=outputs,
            numbers=numbers,
            law=law.builder,
            context=_CONTEXT if law.is_run_alone else 0,
            reads=tuple(_data_read(one, model) for one in slot.arguments),
            describes=with_scale(slot.children, model),
            units=_units(conditional, model),
        ),
        scale=_learned_scale(slot, model),
    )


def with_scale(nodes: Sequence[str], model: Model) -> tuple[str, ...]:
    """Variables of one family that are data and have a scale: the family, if they are all of it.

    They have the names that a batch holds them by.
    """
    family = model.family_of(nodes[0])
    is_data = family.role != "latent" or family.labels
    if not is_data or family.kind not in ("real", "count"):
        return ()
    if family.members is not None and len(nodes) > 1 and tuple(nodes) == family.nodes:
        return (family.held_as,)
    return tuple(family.held_as + node.removeprefix(family.name) for node in nodes)


def _data_read(argument: Argument, model: Model) -> tuple[str, ...]:
    """What an argument is of data that have a scale: each member's own, or what they share."""
    if len(argument.nodes) == 1:
        return with_scale(argument.nodes[0], model)
    return with_scale([node for nodes in argument.nodes for node in nodes], model)


def _units(conditional: Conditional, model: Model) -> str:
    """What a network answers of data that have a scale."""
    law = model.distribution_of(conditional).law
    return law.word if output_of(conditional, model) == law.output else "means"


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


def _learned_scale(slot: Slot, model: Model) -> tuple[Attribute, tuple[int, ...], str] | None:
    """One learned scale for each variable, whatever its shape."""
    distribution = model.distribution_of(slot.conditionals[0])
    if distribution.scale != "learned":
        return None
    inner = (1,) * len(model.family_of(slot.children[0]).shape)
    each = slot.is_family and not slot.tied  # what is shared is shared whole
    return (
        scale_name(slot, model),
        (len(slot.children), *inner) if each else (),
        distribution.law.word,
    )


#: How many numbers an encoder hands to a flow, which they steer.
_CONTEXT = 64


def _by_line(
    conditionals: Iterable[Conditional], model: Model
) -> dict[tuple[object, ...], list[Conditional]]:
    """Conditionals of one family and line, or of the same lines: they may be one tensor."""
    groups: dict[tuple[object, ...], list[Conditional]] = {}
    for one in _by_family(conditionals, model):
        family = model.family_of(one.children[0]).name
        shared = (one.column,) if one.via.shared else ()
        alike = one.lines, one.via, one.drawn, one.plays  # a `;` ends a line as well
        groups.setdefault((family, *alike, *shared), []).append(one)
    return groups


def _by_family(conditionals: Iterable[Conditional], model: Model) -> Iterator[Conditional]:
    """Children of different families have networks of their own."""
    for one in conditionals:
        families: dict[str, list[str]] = {}
        for child in one.children:
            family = child if _is_flow(one, model) else model.family_of(child).name
            families.setdefault(family, []).append(child)
        for children in families.values():
            yield replace(one, children=tuple(children))


def _stackable(group: list[Conditional], model: Model) -> Iterator[tuple[Conditional, ...]]:
    """The whole group if its members differ in indices alone, else each by itself."""
    if len(group) == 1:
        yield tuple(group)
        return
    children = {child for one in group for child in one.children}
    alone = (
        any(one.by != "joint" or len(one.children) > 1 for one in group)
        or _is_flow(group[0], model)  # flows are no tensors that could be side by side
        or len(children) < len(group)  # several models of one variable
        or any(children & set(one.parents) for one in group)
        or _stacked_arguments(group, model) is None
    )
    if alone:
        yield from ((one,) for one in group)
    else:
        yield tuple(group)


def _is_flow(conditional: Conditional, model: Model) -> bool:
    return output_of(conditional, model).is_distribution


def _in_sequence(stacks: list[tuple[Conditional, ...]]) -> Iterator[tuple[Conditional, ...]]:
    """Stacks that wait for each other, as in a chain of two families, are run one by one."""
    children = [[name for one in stack for name in one.children] for stack in stacks]
    parents = [[name for one in stack for name in one.parents] for stack in stacks]
    whole = set(in_order(children, parents))
    for place, stack in enumerate(stacks):
        yield from (stack,) if place in whole else ((one,) for one in stack)


def _stacked_arguments(group: Sequence[Conditional], model: Model) -> tuple[Argument, ...] | None:
    runs = [_gated_runs(one, model) for one in group]
    if len({len(run) for run in runs}) != 1:
        return None
    arguments = []
    for position in zip(*runs, strict=True):
        nodes, gates = tuple(run for run, _ in position), tuple(gate for _, gate in position)
        gates = gates if any(gates) else ()
        if len({one.mask for several in gates for one in several}) > 1 or not all(gates):
            return None
        if len(set(nodes)) == 1:
            arguments.append(Argument((nodes[0],), True, gates))
        elif all(len(run) == 1 for run in nodes) and _one_family(nodes, model):
            arguments.append(Argument(nodes, False, gates))
        else:
            return None
    return tuple(arguments)


def _one_family(position: Sequence[tuple[str, ...]], model: Model) -> bool:
    return len({model.family_of(nodes[0]).name for nodes in position}) == 1


def _slot(attribute: Attribute, group: tuple[Conditional, ...], model: Model) -> Slot:
    stacked = len(group) > 1
    if stacked:
        arguments = _stacked_arguments(group, model) or ()
    else:
        arguments = tuple(
            Argument((run,), False, (gates,) if gates else ())
            for run, gates in _gated_runs(group[0], model)
        )
    family = model.family_of(group[0].children[0])
    children = tuple(child for one in group for child in one.children)
    named = [_named(one, one.parents, model) for one in group]
    return Slot(
        is_family=len(children) > 1 or (family.nodes == children and family.members is not None),
        attribute=attribute,
        result=attribute,
        conditionals=group,
        children=children,
        stacked=stacked,
        arguments=arguments,
        names=tuple(name for name, _ in named),
        models=tuple(one for _, one in named),
    )


def _of_network(group: Sequence[Conditional], model: Model) -> Iterator[tuple[str, ModelRef]]:
    """All that one network is for: conditionals, or their experts."""
    for one in group:
        readers = [one.parents] if one.by == "joint" else [(parent,) for parent in one.parents]
        yield from (_named(one, reader, model) for reader in readers)


def _places(one: Conditional) -> str:
    """The indices of a conditional's child."""
    return ",".join(map(str, natural(one.children[0])[1]))


def _runs(parents: Sequence[str], model: Model) -> tuple[tuple[str, ...], ...]:
    """Parents of one family, side by side, are one argument."""
    runs: dict[str, list[str]] = {}
    for parent in parents:
        runs.setdefault(model.family_of(parent).name, []).append(parent)
    return tuple(tuple(run) for run in runs.values())


def _gated_runs(
    conditional: Conditional, model: Model
) -> list[tuple[tuple[str, ...], tuple[Gate, ...]]]:
    """The arguments of a network, and the gates of those that stand under a mask."""
    gate_of = {one.parent: one for one in conditional.gates if one.child in conditional.children}
    runs: list[tuple[tuple[str, ...], tuple[Gate, ...]]] = []
    for run in _runs(conditional.parents, model):
        parts: dict[str, list[str]] = {}
        for parent in run:
            mask = gate_of[parent].mask if parent in gate_of else ""
            parts.setdefault(mask, []).append(parent)
        for mask, part in parts.items():
            runs.append((tuple(part), tuple(gate_of[one] for one in part) if mask else ()))
    return runs


def _named(conditional: Conditional, parents: Sequence[str], model: Model) -> tuple[str, ModelRef]:
    """A conditional, and what it is called: `q(u[1]|x[1],z)`; whole families by bare name."""
    children = _joint(conditional.children, model)
    given = ",".join(_joint(run, model) for run in _runs(parents, model))
    bar = f"|{given}" if given else ""
    ref = ModelRef(conditional.network, conditional.children, tuple(parents))
    return f"{conditional.network}({children}{bar})", ref


def _joint(nodes: Sequence[str], model: Model) -> str:
    """Variables side by side; a whole family of several by its bare name."""
    family = model.family_of(nodes[0])
    whole = len(nodes) > 1 and tuple(nodes) == family.nodes
    return family.name if whole else ",".join(nodes)


def _shape(nodes: tuple[str, ...], model: Model) -> tuple[int, ...]:
    family = model.family_of(nodes[0])
    return family.encoded if len(nodes) == 1 else (len(nodes), *family.encoded)


def member_ref(tensor: Value, nodes: Sequence[str], everything: Sequence[str]) -> Ref:
    """Some members of a tensor that holds `everything` along its family axis."""
    return Ref(tensor, *_members(nodes, everything))


def member_noise(family: Family, nodes: Sequence[str]) -> Noise:
    """The noise of a family, or of some members of it."""
    places, one = _members(nodes, family.nodes)
    return Noise(family.name, places, one, grid=len(family.extents))


def _members(
    nodes: Sequence[str], everything: Sequence[str]
) -> tuple[tuple[int, ...] | None, bool]:
    """The places of some members, and whether they are a single one."""
    if tuple(nodes) == tuple(everything):
        return None, False
    places = tuple(everything.index(node) for node in nodes)
    return places, len(places) == 1
