"""Conditionals to networks: families of equal shapes become one slot, and one tensor axis."""

from __future__ import annotations

__all__ = ["expert_slots", "slots", "some_of"]

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from graphdsl.ir.masks import Gate
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional
from graphdsl.ir.symbols import ModelRef, Variable
from graphdsl.slots.keys import Keys
from graphdsl.slots.networks import output_of
from graphdsl.slots.ordering import in_order
from graphdsl.slots.slots import Argument, Key, Slot


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
    for key, members in groups.items():
        is_whole = len(sharing.get(key, members)) == len(members)
        stacks += _stackable(members, model) if is_whole else [(one,) for one in members]
    for together in _in_sequence(stacks):
        first = together[0]
        group = sharing.get(key_of[first])
        family = model.family_of(first.children[0]).name
        if group is None:
            yield _slot(attributes.take(Key(first.network, family)), together, model)
            continue
        attribute = attributes.shared(key_of[first], Key(first.network, family))
        slot = replace(
            _slot(attribute, together, model),
            tied=tuple(dict.fromkeys(_of_network(group, model))),
        )
        if len(together) < len(group):  # run one by one: each answer has a name of its own
            member = attribute.then(f"[{first.children[0].subscript}]")
            slot = replace(slot, result=attributes.take(member))
        yield slot


def some_of(slot: Slot, wanted: Iterable[Variable]) -> Slot:
    """The members of a slot that a term asks for, where they run side by side."""
    asked = set(wanted)
    places = tuple(place for place, child in enumerate(slot.children) if child in asked)
    apart = slot.stacked and not slot.experts
    if not apart or len(places) in (0, len(slot.children)):
        return slot
    arguments = tuple(
        Argument(
            argument.nodes if argument.shared else tuple(argument.nodes[place] for place in places),
            argument.shared,
            tuple(argument.gates[place] for place in places) if argument.gates else (),
        )
        for argument in slot.arguments
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
    experts = []
    parts = _runs(conditional.parents, model)
    if slot.tied and len(slot.tied) > len(parts[0]):
        parts = tuple((parent,) for parent in conditional.parents)  # one network, run one by one
    for place, part in enumerate(parts, start=1):
        suffix = "" if len(parts) == 1 else f"|{model.family_of(part[0]).name}"
        named = [_named(conditional, (parent,), model) for parent in part]
        experts.append(
            Slot(
                attribute=slot.attribute if slot.tied else slot.attribute.then(suffix),
                tied=slot.tied,
                result=slot.result.then(f"|{place}") if slot.tied else slot.attribute.then(suffix),
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
    return tuple(experts)


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
    for conditional in conditionals:
        families: dict[str, list[Variable]] = {}
        for child in conditional.children:
            family = child if _is_flow(conditional, model) else model.family_of(child).name
            families.setdefault(family, []).append(child)
        for children in families.values():
            yield replace(conditional, children=tuple(children))


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
        if len({one.mask for gates_of in gates for one in gates_of}) > 1 or not all(gates):
            return None
        if len(set(nodes)) == 1:
            arguments.append(Argument((nodes[0],), True, gates))
        elif all(len(run) == 1 for run in nodes) and _one_family(nodes, model):
            arguments.append(Argument(nodes, False, gates))
        else:
            return None
    return tuple(arguments)


def _one_family(position: Sequence[tuple[Variable, ...]], model: Model) -> bool:
    return len({model.family_of(nodes[0]).name for nodes in position}) == 1


def _slot(attribute: Key, group: tuple[Conditional, ...], model: Model) -> Slot:
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


def _runs(parents: Sequence[Variable], model: Model) -> tuple[tuple[Variable, ...], ...]:
    """Parents of one family, side by side, are one argument."""
    runs: dict[str, list[Variable]] = {}
    for parent in parents:
        runs.setdefault(model.family_of(parent).name, []).append(parent)
    return tuple(tuple(run) for run in runs.values())


def _gated_runs(
    conditional: Conditional, model: Model
) -> list[tuple[tuple[Variable, ...], tuple[Gate, ...]]]:
    """The arguments of a network, and the gates of those that stand under a mask."""
    gate_of = {
        gate.parent: gate for gate in conditional.gates if gate.child in conditional.children
    }
    runs: list[tuple[tuple[Variable, ...], tuple[Gate, ...]]] = []
    for run in _runs(conditional.parents, model):
        parts: dict[str, list[Variable]] = {}
        for parent in run:
            mask = gate_of[parent].mask if parent in gate_of else ""
            parts.setdefault(mask, []).append(parent)
        for mask, part in parts.items():
            runs.append((tuple(part), tuple(gate_of[one] for one in part) if mask else ()))
    return runs


def _named(
    conditional: Conditional, parents: Sequence[Variable], model: Model
) -> tuple[str, ModelRef]:
    """A conditional, and what it is called: `q(u[1]|x[1],z)`; whole families by bare name."""
    children = _joint(conditional.children, model)
    given = ",".join(_joint(run, model) for run in _runs(parents, model))
    bar = f"|{given}" if given else ""
    ref = ModelRef(conditional.network, conditional.children, tuple(parents))
    return f"{conditional.network}({children}{bar})", ref


def _joint(nodes: Sequence[Variable], model: Model) -> str:
    """Variables side by side; a whole family of several by its bare name."""
    family = model.family_of(nodes[0])
    whole = len(nodes) > 1 and tuple(nodes) == family.nodes
    return family.name if whole else ",".join(nodes)
