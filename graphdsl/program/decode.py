"""What p makes: `decode`, from values of what it conditions on, and samples of those, root first.

`decode` reads everything that p conditions on: latents, and observed or given parents. Where all of
that is standard normal noise, there is nothing more to say. Otherwise `ancestral_sample` draws it,
parents before children: latents from their priors, conditional or not, and what p generates and
conditions on from its likelihood. The data's own variables that are roots of p have to be given.
"""

from __future__ import annotations

__all__ = ["plan_generation"]

from collections.abc import Iterable, Iterator, Mapping, Sequence

from graphdsl.catalog.laws import NORMAL, Law
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Family
from graphdsl.ir.statements import (
    Assemble,
    Decoded,
    DrawData,
    Drawn,
    Observe,
    OneHot,
    OrGiven,
    Predict,
    Run,
    Sample,
    Statement,
)
from graphdsl.ir.symbols import Variable
from graphdsl.ir.values import Ref, Value
from graphdsl.program.inputs import Inputs, parents_of, tensor_shape
from graphdsl.program.members import member_noise, member_ref
from graphdsl.program.runs import gathered, held_members, run_slot, slot_shape
from graphdsl.program.state import Held, Plan, Program
from graphdsl.slots.keys import members
from graphdsl.slots.networks import network_slot
from graphdsl.slots.slots import Slot


def plan_generation(plan: Plan, slots: Sequence[Slot]) -> None:
    """Plan `decode`, and `ancestral_sample` where it is needed."""
    _plan_decode(plan, slots)
    if _is_more_than_noise(plan.model, slots):
        _plan_ancestral(plan.program, slots)


def _plan_decode(plan: Plan, slots: Sequence[Slot]) -> None:
    """The likelihood of everything observed, from values of its parents."""
    program, model, inputs = plan.program, plan.model, plan.inputs
    decoders = [one for one in slots if model.family_of(one.children[0]).role != "latent"]
    for slot in slots:
        _build(program, slot)
    plan.values.update(_as_declared(plan.inputs, model))
    predicted = {family.name for family in _data_read(model, decoders)} & {
        family.name for family, slot in _families(model, decoders) if slot.children == family.nodes
    }
    for family in _data_read(model, decoders):
        if family.name not in predicted:
            program.decode.add(inputs.observed(family, "latents"))
            program.decode.extend(inputs.one_hot(family))
    held: dict[Variable, dict[Variable, Held]] = {}
    laws: dict[Variable, Law] = {}
    for family, slot in _families(model, _parents_first(model, decoders, predicted)):
        run = program.decode.add(run_slot(plan, slot, slot.result))
        held.setdefault(family.name, {}).update(
            dict.fromkeys(slot.children, (run.target, slot.children))
        )
        laws.setdefault(family.name, model.distribution_of(slot.conditionals[0]).law)
        if family.name in predicted:
            program.decode.add(_prediction(inputs, family, run.target))
            program.decode.extend(inputs.one_hot(family))
    for name, posterior in held.items():
        family = model.family(name)
        if posterior.keys() == set(family.nodes):
            program.decoded.append(
                Decoded(
                    variable=name,
                    parts=_side_by_side(posterior, family.nodes),
                    distribution=laws[name].runtime,
                    grid=len(family.extents) > 1,
                )
            )


def _side_by_side(held: Mapping[Variable, Held], nodes: tuple[Variable, ...]) -> tuple[Ref, ...]:
    """A family whole, where one value holds it, or member by member."""
    first, children = held[nodes[0]]
    if set(children) == set(nodes):
        return (member_ref(first, nodes, children),)
    return held_members(held, nodes)


def _families(model: Model, slots: Iterable[Slot]) -> Iterator[tuple[Family, Slot]]:
    return ((model.family_of(slot.children[0]), slot) for slot in slots)


def _parents_first(
    model: Model, decoders: Sequence[Slot], predicted: set[Variable]
) -> Iterator[Slot]:
    """The decoders, after those that predict what they read."""
    waiting, unknown = list(decoders), set(predicted)
    while waiting:
        slot = next(
            one
            for one in waiting
            if unknown.isdisjoint(model.family_of(name).name for name in parents_of([one]))
        )
        waiting.remove(slot)
        unknown.discard(model.family_of(slot.children[0]).name)
        yield slot


def _prediction(inputs: Inputs, family: Family, distribution: Value) -> Predict:
    """What p generates and conditions on: as it is given, or as its own likelihood has it."""
    return Predict(target=inputs.declared(family), variable=family.name, distribution=distribution)


def _build(program: Program, slot: Slot) -> None:
    """A network of p that the loss does not run is built all the same."""
    if slot.attribute not in program.networks:
        program.add_network(network_slot(slot, program.model))


def _as_declared(inputs: Inputs, model: Model) -> dict[Variable, Held]:
    """Every variable where its family's own tensor holds it."""
    return {
        node: (inputs.declared(family), family.nodes)
        for family in model.families
        for node in family.nodes
    }


def _data_read(model: Model, slots: Iterable[Slot]) -> list[Family]:
    read = parents_of(slots)
    return [
        family for family in model.families if family.role != "latent" and read & set(family.nodes)
    ]


def _is_more_than_noise(model: Model, slots: Sequence[Slot]) -> bool:
    """Whether what p conditions on is anything but roots with the noise's own law."""
    generated = {child for slot in slots for child in slot.children}
    latents = [family for family in model.families if family.role == "latent"]
    of_latents = {node for latent in latents for node in latent.nodes}
    other_law = any(latent.distribution.law != NORMAL or latent.labels for latent in latents)
    return bool(other_law or generated & (of_latents | parents_of(slots)))


# ---- ancestral sampling --------------------------------------------------------------------------


def _plan_ancestral(program: Program, slots: Sequence[Slot]) -> None:
    """Draw what p conditions on, and every latent, in an order in which parents come first."""
    model, inputs = program.model, program.inputs
    generated = {child: slot for slot in slots for child in slot.children}
    read = parents_of(slots)
    given = [one for one in _data_read(model, slots) if not generated.keys() & set(one.nodes)]
    wanted = [
        one
        for one in model.families
        if one not in given and (one.role == "latent" or read & set(one.nodes))
    ]
    draft = Plan(program)
    for family in given:
        draft.forward.add(inputs.observed(family, "given"))
        draft.forward.extend(inputs.one_hot(family))
    done = {node for family in given for node in family.nodes}
    declared = _as_declared(inputs, model)
    draft.values.update({node: held for node, held in declared.items() if node in done})
    for family in wanted:
        _draw_roots(draft, family, generated.keys())
        done |= {node for node in family.nodes if node not in generated}
        _complete(draft, family)
    waiting = [slot for slot in slots if model.family_of(slot.children[0]) in wanted]
    while waiting:
        slot = next(one for one in waiting if done >= parents_of([one]))
        waiting.remove(slot)
        _draw(draft, slot)
        done |= set(slot.children)
        _complete(draft, model.family_of(slot.children[0]))
    program.ancestral.extend(_without_idle(list(draft.forward)))
    for family in (*given, *wanted):
        value, _ = draft.values[family.nodes[0]]
        grid = len(family.extents) > 1
        program.drawn.append(Drawn(variable=family.name, value=value, grid=grid))


def _without_idle(statements: Sequence[Statement]) -> Iterator[Statement]:
    """Vectors of categories that no network of p reads are not written."""
    read = {
        ref.value
        for statement in statements
        if isinstance(statement, Run)
        for ref in statement.arguments
    }
    for statement in statements:
        if not isinstance(statement, OneHot) or statement.target in read:
            yield statement


def _draw_roots(draft: Plan, family: Family, generated: Iterable[Variable]) -> None:
    """The members of a family that are roots of p: from the prior, or given."""
    roots = tuple(node for node in family.nodes if node not in set(generated))
    if family.role != "latent":
        for node in roots:
            target = Value(members(family, (node,)), family.shape)
            seen = Value(f"seen:{target.name}")
            draft.forward.add(Observe(target=target, seen=seen, variable=node, source="given"))
            draft.forward.extend(draft.inputs.one_hot(family, target))
            draft.values[node] = (target, (node,))
        return
    if not roots:
        return
    wish = family.name if roots == family.nodes else members(family, roots)
    shape = _shape(family, roots)
    may_be_given = bool(family.labels) and roots == family.nodes
    sample = draft.forward.add(
        Sample(
            target=Value(f"{wish}~drawn" if may_be_given else wish, shape),
            distribution=None,
            word=family.distribution.law.prior,
            noise=member_noise(family, roots),
            latent=family.name,
        )
    )
    target = sample.target
    if may_be_given:  # p(x | y) of what is given
        source, target = target, Value(wish, shape)
        draft.forward.add(OrGiven(target=target, source=source, variable=family.name))
    draft.values.update(dict.fromkeys(roots, (target, roots)))


def _draw(draft: Plan, slot: Slot) -> None:
    """The children of one network of p, once its parents have values."""
    family = draft.model.family_of(slot.children[0])
    for together in list(gathered(draft, slot)):
        nodes = [node for node, (value, _) in draft.values.items() if value is together.target]
        of = draft.model.family_of(nodes[0])
        draft.forward.add(together)
        if of.role != "latent":
            draft.forward.extend(draft.inputs.one_hot(of, together.target))
    run = draft.forward.add(run_slot(draft, slot, slot.result))
    whole = slot.children == family.nodes
    wish = family.name if whole else members(family, slot.children)
    shape = slot_shape(slot, family)
    if family.role == "latent":
        target = Value(wish, (*shape, *family.encoded[len(family.shape) :]))
        draft.forward.add(
            Sample(
                target=target,
                distribution=run.target,
                noise=member_noise(family, slot.children),
                latent=family.name,
                chooses=run.is_mixture,
            )
        )
    else:
        target = draft.inputs.declared(family) if whole else Value(wish, shape)
        draft.forward.add(DrawData(target=target, distribution=run.target))
        if not whole:
            draft.forward.extend(draft.inputs.one_hot(family, target))
    draft.values.update(dict.fromkeys(slot.children, (target, slot.children)))


def _complete(draft: Plan, family: Family) -> None:
    """A family drawn in parts is put together, once all of it is there."""
    if any(node not in draft.values for node in reversed(family.nodes)):  # the last comes last
        return
    if len({draft.values[node][0] for node in family.nodes}) > 1:
        parts = held_members(draft.values, family.nodes)
        target = draft.inputs.declared(family)
        draft.forward.add(Assemble(target=target, parts=parts))
        draft.values.update(dict.fromkeys(family.nodes, (target, family.nodes)))
    if family.role != "latent":
        value, _ = draft.values[family.nodes[0]]
        draft.forward.extend(draft.inputs.one_hot(family, value))


def _shape(family: Family, nodes: Sequence[Variable]) -> tuple[int, ...]:
    if nodes == family.nodes:
        return (*tensor_shape(family), *family.encoded[len(family.shape) :])
    return family.encoded if len(nodes) == 1 else (len(nodes), *family.encoded)
