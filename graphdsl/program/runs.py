"""One pass of one slot: its arguments, its distribution, its shape, and where its results lie."""

from __future__ import annotations

__all__ = [
    "gathered",
    "held_members",
    "observed_parents",
    "place_of",
    "run_slot",
    "slot_shape",
]

from collections.abc import Iterable, Iterator, Mapping

from graphdsl.catalog.priors import VAMP
from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Family
from graphdsl.ir.statements import Assemble, Run, Seen, Through
from graphdsl.ir.symbols import Variable
from graphdsl.ir.values import Attribute, Ref, Value
from graphdsl.notation.networks import slot_formula
from graphdsl.program.masks import gated
from graphdsl.program.members import member_ref
from graphdsl.program.state import Held, Plan
from graphdsl.slots import keys
from graphdsl.slots.networks import arguments_of, exposure_of, group_of, output_of, scale_name
from graphdsl.slots.slots import Argument, Slot


def run_slot(plan: Plan, slot: Slot, wish: str, frozen: bool = False) -> Run:
    """Run a slot's networks on what is known by now of its parents."""
    model = plan.model
    output = output_of(slot.conditionals[0], model)
    family = model.family_of(slot.children[0])
    exposure, group = exposure_of(slot, model), group_of(slot, model)
    shape = slot_shape(slot, family)
    if slot.experts:
        shape = (*((len(slot.experts),) if slot.stacked else ()), *shape)
    distribution = model.distribution_of(slot.conditionals[0])
    return Run(
        target=Value(wish, shape),
        slot=slot.attribute,
        arguments=tuple(
            _argument(plan, one, bool(slot.picked) and not one.shared)
            for one in arguments_of(slot, model)
        ),
        output=output,
        reshape=_reshape(slot, family) if output.is_vector else None,
        formula=slot_formula(slot, model),
        scale=_scale(model, slot),
        scale_by_member=not slot.tied,
        group=None if group is None else _argument(plan, group, False),
        axes=len(family.shape),
        exposure=None if exposure is None else _argument(plan, exposure, False),
        frozen=frozen,
        picked=slot.picked,
        components=0 if distribution.law == VAMP else distribution.components,
        through=_through(plan, slot) if distribution.law == VAMP else None,
    )


def _through(plan: Plan, slot: Slot) -> Through:
    """Q's encoder of the latent whose prior is a mixture of its posteriors."""
    encoder = plan.program.encoder_of[slot.children[0]]
    family, output = (
        plan.model.family_of(slot.children[0]),
        output_of(encoder.conditionals[0], plan.model),
    )
    reshape = _reshape(encoder, family) if output.is_vector else None
    return Through(slot=encoder.attribute, output=output, reshape=reshape)


def gathered(plan: Plan, slot: Slot) -> Iterator[Assemble]:
    """Put members that a slot reads side by side, where they were sampled apart."""
    for argument in slot.arguments:
        nodes = tuple(node for group in argument.nodes for node in group)
        if len({plan.values[node][0] for node in nodes}) > 1:
            if nodes not in plan.gathered:
                family = plan.model.family_of(nodes[0])
                parts = held_members(plan.values, nodes)
                target = Value(keys.members(family, nodes) + plan.tag)
                if any(part.value in plan.vectors for part in parts):
                    plan.vectors.add(target)
                plan.gathered[nodes] = target
                yield Assemble(target=target, parts=parts)
            plan.values.update(dict.fromkeys(nodes, (plan.gathered[nodes], nodes)))


def held_members(held: Mapping[Variable, Held], nodes: Iterable[Variable]) -> tuple[Ref, ...]:
    """Members of a family one by one, wherever each is held."""
    return tuple(member_ref(held[node][0], (node,), held[node][1]) for node in nodes)


def observed_parents(plan: Plan, slot: Slot) -> tuple[Seen, ...]:
    """The masks of a slot's observed parents."""
    return tuple(_seen(plan, slot))


def _scale(model: Model, slot: Slot) -> float | Attribute | None:
    """A fixed scale, or the attribute of a learned one."""
    distribution = model.distribution_of(slot.conditionals[0])
    scale = distribution.law.scale
    if scale is None or distribution.scale is None or distribution.scale == "own":
        return None
    if distribution.scale == "learned":
        return scale_name(slot, model)
    return float(distribution.scale)


def slot_shape(slot: Slot, family: Family) -> tuple[int, ...]:
    """The shape of one row of a slot's result."""
    return (len(slot.children), *family.shape) if slot.is_family else family.shape


def place_of(node: Variable) -> tuple[int, ...]:
    """The indices of a member; none for a variable that is no family."""
    return node.member


def _reshape(slot: Slot, family: Family) -> tuple[int, ...] | None:
    """The shape of what a network's last axis holds, where that is not simply a vector."""
    if slot.per_network is None:
        return None if len(family.shape) == 1 else family.shape
    return None if not family.shape else (slot.per_network, *family.shape)


def _seen(plan: Plan, slot: Slot) -> Iterable[Seen]:
    """The masks of a slot's observed parents."""
    for argument in slot.arguments:
        nodes = [node for group in argument.nodes for node in group]
        family = plan.model.family_of(nodes[0])
        if family.role == "latent":
            continue
        mask = member_ref(plan.inputs.seen(family), nodes, family.nodes)
        if slot.stacked and not argument.shared:
            yield Seen(Ref(mask.value, mask.places), "each", family.optional)
        else:
            single = family.members is None or mask.one
            yield Seen(mask, "single" if single else "all", family.optional)


def _argument(plan: Plan, argument: Argument, picked: bool) -> Ref:
    nodes = tuple(node for group in argument.nodes for node in group)
    holders = {plan.values[node][0] for node in nodes}
    if len(holders) != 1:
        raise CompilerBug(f"{', '.join(nodes)} are not in one tensor yet")
    ref = plan.value(nodes)
    per_member = picked or len(argument.nodes) > 1
    family = plan.model.family_of(nodes[0])
    value = ref.value
    if family.kind == "categorical" and family.role != "latent" and value not in plan.vectors:
        value = plan.inputs.vector(value, family)
    if family.members is not None and nodes == family.nodes and len(nodes) == 1:
        # The only member of its family, without the axis.
        return gated(plan, Ref(value, (0,), True), argument)
    alone = picked and len(nodes) == 1 and plan.values[nodes[0]][1] == nodes
    member = Ref(value, ref.places, ref.one and not per_member, in_sets=alone)
    return gated(plan, member, argument)
