"""What p makes: `decode`, from values of what it conditions on, and samples of those, root first.

`decode` reads everything that p conditions on: latents, and observed or given parents. Where all of
that is standard normal noise, there is nothing more to say. Otherwise `ancestral_sample` draws it,
parents before children: latents from their priors, conditional or not, and what p generates and
conditions on from its likelihood. The data's own variables that are roots of p have to be given.
"""

from __future__ import annotations

__all__ = ["plan_generation"]

from collections.abc import Iterable, Iterator, Sequence

from graphdsl.ir.laws import NORMAL
from graphdsl.ir.model import Family, Model
from graphdsl.ir.slots import Slot
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
from graphdsl.program.data import observed, one_hot, parents_of
from graphdsl.program.keys import members
from graphdsl.program.runs import (
    Plan,
    gathered,
    held_members,
    run_slot,
    slot_shape,
    tensor_shape,
)
from graphdsl.program.slots import member_ref, network_slot


def plan_generation(plan: Plan, slots: Sequence[Slot]) -> None:
    """Plan `decode`, and `ancestral_sample` where it is needed."""
    _plan_decode(plan, slots)
    if _is_more_than_noise(plan.model, slots):
        _plan_ancestral(plan, slots)


def _plan_decode(plan: Plan, slots: Sequence[Slot]) -> None:
    """The likelihood of everything observed, from values of its parents."""
    model = plan.model
    decoders = [one for one in slots if model.family_of(one.children[0]).role != "latent"]
    for slot in slots:
        _build(plan, slot)
    plan.values.update(_as_declared(model))
    predicted = {family.name for family in _data_read(model, decoders)} & {
        family.name for family, slot in _families(model, decoders) if slot.children == family.nodes
    }
    for family in _data_read(model, decoders):
        if family.name not in predicted:
            plan.decode += [observed(family, "latents"), *one_hot(family)]
    parts: dict[str, list[Slot]] = {}
    for family, slot in _families(model, _parents_first(model, decoders, predicted)):
        plan.decode.append(run_slot(plan, slot, slot.result))
        parts.setdefault(family.name, []).append(slot)
        if family.name in predicted:
            plan.decode += [_prediction(family, slot), *one_hot(family)]
    for name, group in parts.items():
        held = {child: (one.result, one.children) for one in group for child in one.children}
        family = model.family(name)
        if held.keys() == set(family.nodes):
            parts_of = (
                (member_ref(group[0].result, family.nodes, group[0].children),)
                if len(group) == 1
                else held_members(held, family.nodes)
            )
            plan.decoded.append(
                Decoded(
                    variable=name,
                    parts=parts_of,
                    distribution=model.distribution_of(group[0].conditionals[0]).law.runtime,
                    grid=len(family.extents) > 1,
                )
            )


def _families(model: Model, slots: Iterable[Slot]) -> Iterator[tuple[Family, Slot]]:
    return ((model.family_of(slot.children[0]), slot) for slot in slots)


def _parents_first(model: Model, decoders: Sequence[Slot], predicted: set[str]) -> Iterator[Slot]:
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


def _prediction(family: Family, slot: Slot) -> Predict:
    """What p generates and conditions on: as it is given, or as its own likelihood has it."""
    return Predict(
        target=family.name,
        variable=family.name,
        distribution=slot.result,
        shape=tensor_shape(family),
    )


def _build(plan: Plan, slot: Slot) -> None:
    """A network of p that the loss does not run is built all the same."""
    if slot.attribute not in plan.networks:
        plan.add_network(network_slot(slot, plan.model))


def _as_declared(model: Model) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Every variable where its family's own tensor holds it."""
    return {node: (one.name, one.nodes) for one in model.families for node in one.nodes}


def _data_read(model: Model, slots: Iterable[Slot]) -> list[Family]:
    read = parents_of(slots)
    return [one for one in model.families if one.role != "latent" and read & set(one.nodes)]


def _is_more_than_noise(model: Model, slots: Sequence[Slot]) -> bool:
    """Whether what p conditions on is anything but roots with the noise's own law."""
    generated = {child for slot in slots for child in slot.children}
    latents = [one for one in model.families if one.role == "latent"]
    of_latents = {node for one in latents for node in one.nodes}
    other_law = any(one.distribution.law != NORMAL or one.labels for one in latents)
    return bool(other_law or generated & (of_latents | parents_of(slots)))


# ---- ancestral sampling --------------------------------------------------------------------------


def _plan_ancestral(plan: Plan, slots: Sequence[Slot]) -> None:
    """Draw what p conditions on, and every latent, in an order in which parents come first."""
    model = plan.model
    generated = {child: slot for slot in slots for child in slot.children}
    read = parents_of(slots)
    given = [one for one in _data_read(model, slots) if not generated.keys() & set(one.nodes)]
    wanted = [
        one
        for one in model.families
        if one not in given and (one.role == "latent" or read & set(one.nodes))
    ]
    draft = Plan(model)
    for family in given:
        draft.ancestral += [observed(family, "given"), *one_hot(family)]
    done = {node for family in given for node in family.nodes}
    draft.values.update(
        {node: place for node, place in _as_declared(model).items() if node in done}
    )
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
    plan.ancestral = list(_without_idle(draft.ancestral))
    plan.drawn = [
        Drawn(variable=one.name, value=one.name, grid=len(one.extents) > 1)
        for one in (*given, *wanted)
    ]


def _without_idle(statements: Sequence[Statement]) -> Iterator[Statement]:
    """Vectors of categories that no network of p reads are not written."""
    read = {ref.name for one in statements if isinstance(one, Run) for ref in one.arguments}
    for one in statements:
        if not isinstance(one, OneHot) or one.target in read:
            yield one


def _draw_roots(draft: Plan, family: Family, generated: Iterable[str]) -> None:
    """The members of a family that are roots of p: from the prior, or given."""
    roots = tuple(node for node in family.nodes if node not in set(generated))
    if family.role != "latent":
        for node in roots:
            target, shape = members(family, (node,)), family.shape
            draft.ancestral.append(
                Observe(
                    target=target,
                    seen=f"seen:{target}",
                    variable=node,
                    shape=shape,
                    source="given",
                )
            )
            draft.ancestral += one_hot(family, target, shape)
            draft.values[node] = (target, (node,))
        return
    if not roots:
        return
    target = family.name if roots == family.nodes else members(family, roots)
    shape = _shape(family, roots)
    may_be_given = bool(family.labels) and roots == family.nodes
    drawn = f"{target}~drawn" if may_be_given else target
    draft.ancestral.append(
        Sample(
            target=drawn,
            distribution="",
            word=family.distribution.law.prior,
            noise=member_ref(family.name, roots, family.nodes),
            latent=family.name,
            shape=shape,
            grid=len(family.extents),
        )
    )
    if may_be_given:  # p(x | y) of what is given
        draft.ancestral.append(
            OrGiven(target=target, source=drawn, variable=family.name, shape=shape)
        )
    draft.values.update(dict.fromkeys(roots, (target, roots)))


def _draw(draft: Plan, slot: Slot) -> None:
    """The children of one network of p, once its parents have values."""
    family = draft.model.family_of(slot.children[0])
    for together in list(gathered(draft, slot)):
        nodes = [node for node, (name, _) in draft.values.items() if name == together.target]
        of = draft.model.family_of(nodes[0])
        draft.ancestral.append(together)
        if of.role != "latent":
            draft.ancestral += one_hot(of, together.target, (len(nodes), *of.shape))
    draft.ancestral.append(run_slot(draft, slot, slot.result))
    whole = slot.children == family.nodes
    target = family.name if whole else members(family, slot.children)
    shape = slot_shape(slot, family)
    if family.role == "latent":
        draft.ancestral.append(
            Sample(
                target=target,
                distribution=slot.result,
                noise=member_ref(family.name, slot.children, family.nodes),
                latent=family.name,
                shape=(*shape, *family.encoded[len(family.shape) :]),
                grid=len(family.extents),
            )
        )
    else:
        draft.ancestral.append(DrawData(target=target, distribution=slot.result, shape=shape))
        if not whole:
            draft.ancestral += one_hot(family, target, shape)
    draft.values.update(dict.fromkeys(slot.children, (target, slot.children)))


def _complete(draft: Plan, family: Family) -> None:
    """A family drawn in parts is put together, once all of it is there."""
    if any(node not in draft.values for node in reversed(family.nodes)):  # the last comes last
        return
    if any(draft.values[node][0] != family.name for node in family.nodes):
        parts = held_members(draft.values, family.nodes)
        draft.ancestral.append(Assemble(target=family.name, parts=parts))
        whole = (family.name, family.nodes)
        draft.values.update(dict.fromkeys(family.nodes, whole))
    if family.role != "latent":
        draft.ancestral += one_hot(family)


def _shape(family: Family, nodes: Sequence[str]) -> tuple[int, ...]:
    if nodes == family.nodes:
        return (*tensor_shape(family), *family.encoded[len(family.shape) :])
    return family.encoded if len(nodes) == 1 else (len(nodes), *family.encoded)
