"""Posteriors: every encoder once, and from its results each posterior that a term asks for."""

from __future__ import annotations

__all__ = ["plan_posteriors", "present_experts", "run_experts"]

from collections.abc import Sequence
from dataclasses import replace

from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.draws import as_block
from graphdsl.ir.model import Conditional, Family, Model
from graphdsl.ir.slots import Slot
from graphdsl.ir.statements import Assemble, Fuse, InferenceLine, Known, Ref, Run, Sample
from graphdsl.notation.networks import children_text, joint_text, pattern
from graphdsl.program.data import labels_of, masks, parents_of
from graphdsl.program.drawn_sets import chosen
from graphdsl.program.fallbacks import fallbacks
from graphdsl.program.keys import density, members, seen, without_q
from graphdsl.program.masks import weights_of
from graphdsl.program.runs import (
    Mixture,
    ModelKey,
    Plan,
    gathered,
    held_members,
    run_slot,
    slot_shape,
)
from graphdsl.program.slots import expert_slots, member_ref, network_slot


def plan_posteriors(
    plan: Plan, encoders: list[Slot], wanted: dict[Conditional, list[tuple[str, ...]]]
) -> None:
    """Plan `forward` and `infer` up to the last sample; latents follow what they condition on."""
    pieces_of: dict[str, list[Slot]] = {}
    for slot in encoders:
        pieces_of.setdefault(plan.model.family_of(slot.children[0]).name, []).append(slot)
    left = {name: len(parts) for name, parts in pieces_of.items()}
    found = fallbacks(encoders, plan.priors, plan.model)
    for slot in found.order:
        family = plan.model.family_of(slot.children[0])
        alone = len(pieces_of[family.name]) == 1
        name = family.name if alone else members(family, slot.children)
        posterior = f"{plan.base}.{name}{plan.under.removeprefix(plan.base)}"
        _posterior(plan, slot, posterior, wanted, found.priors.get(slot.children))
        posterior = _known(plan, slot, _playing(plan, slot, posterior))
        for child in slot.children:
            plan.posterior[child] = (posterior, slot.children)
            plan.values[child] = (f"{name}{plan.tag}", slot.children)
        noise = member_ref(family.name, slot.children, family.nodes)
        sample = Sample(
            target=f"{name}{plan.tag}",
            distribution=posterior,
            noise=noise,
            latent=family.name,
            shape=(*slot_shape(slot, family), *family.encoded[len(family.shape) :]),
            grid=len(family.extents),
            discrete=family.kind in ("categorical", "binary"),
            density=density(posterior) if plan.law(slot.children[0]).is_run_alone else "",
        )
        plan.forward.append(sample)
        plan.infer.append(sample)
        left[family.name] -= 1
        if not left[family.name]:
            _assemble(plan, family, pieces_of[family.name])  # later encoders may read it


def _posterior(
    plan: Plan,
    slot: Slot,
    target: str,
    wanted: dict[Conditional, list[tuple[str, ...]]],
    prior: Slot | None,
) -> None:
    if slot.conditionals[0].by != "joint":
        _fused(plan, slot, target, wanted.get(_whole(plan.model, plan.under, slot), []))
        return
    plan.add_network(network_slot(slot, plan.model))
    gather = list(gathered(plan, slot))
    run = run_slot(plan, slot, target)
    missing = tuple(one for one in run.seen if one.optional)
    if prior is None:
        plan.forward += [*gather, replace(run, missing=missing)]
        plan.infer += [*gather, run]
        return
    gather += gathered(plan, prior)
    # What it says of data alone, it says to all inference networks.
    of_data = plan.model.observed().issuperset(parents_of([prior]))
    from_prior = run_slot(plan, prior, prior.result + ("" if of_data else plan.tag))
    told = replace(run, prior=from_prior.target)
    if missing:
        plan.add_network(network_slot(prior, plan.model))
        held = (from_prior.target, prior.children)
        plan.likelihood.update({ModelKey("p", child): held for child in prior.children})
        foreign = parents_of([prior]) - parents_of([slot])
        plan.foreign.update(dict.fromkeys(slot.children, foreign) if foreign else {})
        plan.forward += gather
        plan.forward += [from_prior] if from_prior not in plan.forward else []
        plan.forward.append(replace(told, missing=missing))
    else:
        plan.forward += [*gather, run]
    plan.infer += [*gather, from_prior, told]


def _playing(plan: Plan, slot: Slot, posterior: str) -> str:
    """The posterior as the model has it, held still, where its network plays against a term."""
    if not slot.conditionals[0].plays:
        return posterior
    place, run = next(
        (place, one)
        for place, one in enumerate(plan.forward)
        if isinstance(one, Run) and one.target == posterior
    )
    held = f"{posterior}~frozen"
    plan.forward[place : place + 1] = [
        replace(run, target=held, frozen=True),
        replace(run, detached=True),
    ]
    key = ModelKey(plan.under, slot.children[0], (), "detached")
    plan.likelihood.update(
        {key._replace(node=child): (posterior, slot.children) for child in slot.children}
    )
    return held


def _known(plan: Plan, slot: Slot, posterior: str) -> str:
    """The posterior, with the labels that rows have in its place; its own where there are none."""
    model = plan.model
    labels = tuple(labels_of(model, [slot]))
    if not labels:
        return posterior
    family = model.family_of(labels[0])
    known = Known(
        target=f"{posterior}~known",
        source=posterior,
        seen=member_ref(seen(family), labels, family.nodes),
        value=member_ref(family.name, labels, family.nodes),
        shape=slot_shape(slot, model.family_of(slot.children[0])),
    )
    plan.likelihood.update({ModelKey(plan.base, label): (posterior, labels) for label in labels})
    plan.forward.append(known)
    plan.infer.append(known)
    return known.target


def _whole(model: Model, under: str, slot: Slot) -> Conditional:
    """The conditional that a slot's was split from, by family of children."""
    (part,) = slot.conditionals
    return next(
        one
        for one in model.inference_of(under).conditionals
        if set(part.children) <= set(one.children)
    )


def run_experts(plan: Plan, slot: Slot, experts: str) -> tuple[str, tuple[str, ...]]:
    """Run every expert of a product once; the tensor that holds them, and their parents."""
    model = plan.model
    shape = slot_shape(slot, model.family_of(slot.children[0]))
    parts = expert_slots(slot, model)
    single = len(parts) == 1 and parts[0].stacked
    sources = []
    for part in parts:
        plan.add_network(network_slot(part, model))
        name = experts if single else f"expert:{without_q(part.result)}"
        run = run_slot(plan, part, name)
        plan.forward.append(run)
        plan.infer.append(run)
        several = range(len(part.experts)) if part.stacked else (None,)
        sources += [Ref(name) if k is None else Ref(name, (k,), True) for k in several]
    if not single:
        joined = Fuse(
            target=experts, how="concatenate", experts=tuple(sources), formula="", shape=shape
        )
        plan.forward.append(joined)
        plan.infer.append(joined)
    return experts, tuple(parent for part in parts for parent in part.experts)


def _fused(plan: Plan, slot: Slot, target: str, subsets: list[tuple[str, ...]]) -> None:
    """A product of experts: every expert once, then each posterior that a term asks for."""
    model = plan.model
    shape = slot_shape(slot, model.family_of(slot.children[0]))
    (conditional,) = slot.conditionals
    known = plan.experts.get((plan.base, slot.children))
    if known is None:
        known = run_experts(plan, slot, f"experts:{without_q(target)}")
    experts, every = known
    whole = _whole(model, plan.under, slot)
    block = next((name for name in whole.parents if as_block(name) is not None), "")
    order = tuple(parent for parent in every if parent in conditional.parents)
    places = None if order == every else tuple(every.index(parent) for parent in order)
    base, mixed = conditional.network, conditional.by == "mixture"
    of, given = children_text(model, slot), block or joint_text(model, order)
    formula = f"{base}({of} | {given}), eq. 13"
    product = Fuse(
        target=target,
        how="expert" if mixed else "drawn" if block else "product",
        experts=(Ref(experts, places),),
        formula=_of_one(conditional, of, given) if mixed else formula,
        shape=shape,
        there=f"present:{without_q(target)}",
        selector=conditional.selector if mixed else "",
        seen=_seen_experts(plan, order),
        present=present_experts(plan, order),
        chosen=chosen(model, block, order) if block else None,
        weights=weights_of(model, conditional, order),
    )
    if conditional.mixes and not conditional.one_expert:
        _mixture(plan, slot, product, f"{base}({of} | {given})", order)
    plan.forward.append(product)
    plan.infer.append(product)
    for subset in [one for one in subsets if as_block(one[0]) is not None]:
        _drawn_posterior(plan, slot, target, experts, every, subset[0])
    subsets = [one for one in subsets if as_block(one[0]) is None]
    if subsets:
        held = Ref(experts, places)
        _subset_posteriors(plan, slot, conditional, target, held, order, subsets)


def _of_one(conditional: Conditional, of: str, given: str) -> str:
    """The one expert of a mixture that a row draws, where there are several."""
    drawn = f", {conditional.selector}" if conditional.mixes else ""
    return f"{conditional.network}({of} | {given}{drawn})"


def _mixture(plan: Plan, slot: Slot, one: Fuse, formula: str, experts: tuple[str, ...]) -> None:
    """The mixture itself, whose density a term has, beside the one expert that a row draws."""
    mixture = Mixture(f"mixture:{without_q(one.target)}", slot.children, experts)
    plan.forward.append(
        replace(
            one,
            target=mixture.key,
            how="mixture",
            formula=formula,
            shape=(len(experts), *one.shape),
            there=f"present:{mixture.key}",
            selector="",
        )
    )
    plan.mixtures.update(dict.fromkeys(slot.children, mixture))


def _subset_posteriors(
    plan: Plan,
    slot: Slot,
    conditional: Conditional,
    target: str,
    experts: Ref,
    order: tuple[str, ...],
    subsets: list[tuple[str, ...]],
) -> None:
    family = plan.model.family_of(slot.children[0])
    each = [(parent,) for parent in order] == subsets
    name = f"{target}~each" if each else f"{target}~subsets"
    attribute = ""
    if not each:
        attribute = f"subsets:{without_q(target)}"
        rows = tuple(tuple(parent in subset for parent in order) for subset in subsets)
        plan.subsets.append((attribute, rows))
    children = children_text(plan.model, slot)
    given = pattern(order) if each else "x_S".replace("x", order[0].partition("[")[0])
    plan.forward.append(
        Fuse(
            target=name,
            how="each" if each else "subsets",
            experts=(experts,),
            formula=f"{conditional.network}({children} | {given}), of the same experts",
            shape=(len(subsets), *slot_shape(slot, family)),
            there=f"present:{without_q(name)}",
            subsets=attribute,
            present=present_experts(plan, order),
            weights=weights_of(plan.model, conditional, order),
        )
    )
    for child in slot.children:
        for place, subset in enumerate(subsets):
            plan.subset_of[plan.under, child, subset] = (name, place)


def present_experts(plan: Plan, experts: tuple[str, ...]) -> tuple[Ref | None, ...]:
    """Which experts a row has in training; nothing if it has all of them."""
    known = [masks(plan.model, [one]) for one in experts]
    if not any(known):
        return ()
    family = plan.model.family_of(experts[0])
    if experts == family.nodes and family.members is not None:
        return (Ref(seen(family)),)
    return tuple(replace(mask[0], one=True) if mask else None for mask in known)


def _drawn_posterior(
    plan: Plan, slot: Slot, target: str, experts: str, every: tuple[str, ...], block: str
) -> None:
    """q(z | x[S]): the product of the same experts, under the mask of a set that is drawn."""
    model = plan.model
    found = as_block(block)
    if found is None:
        raise CompilerBug(f"{block} is no block of a drawn set")
    members = model.members(found.head)
    order = tuple(parent for parent in every if parent in members)
    places = None if order == every else tuple(every.index(parent) for parent in order)
    name = f"{target}|{block}"
    children = children_text(model, slot)
    plan.forward.append(
        Fuse(
            target=name,
            how="drawn",
            there=f"present:{without_q(name)}",
            experts=(Ref(experts, places),),
            formula=f"{slot.conditionals[0].network}({children} | {block}), of the same experts",
            shape=slot_shape(slot, model.family_of(slot.children[0])),
            present=present_experts(plan, order),
            chosen=chosen(model, block, order),
            weights=weights_of(model, slot.conditionals[0], order),
        )
    )
    for child in slot.children:
        plan.drawn_posterior[plan.under, child, block] = (name, slot.children)


def _seen_experts(plan: Plan, experts: tuple[str, ...]) -> tuple[Ref, ...]:
    """Which experts there are where views may be missing; nothing if some expert is a latent."""
    if not plan.model.observed().issuperset(experts):
        return ()
    family = plan.model.family_of(experts[0])
    if experts == family.nodes and family.members is not None:
        return (Ref(seen(family)),)
    masks = []
    for one in experts:
        family = plan.model.family_of(one)
        mask = member_ref(seen(family), (one,), family.nodes)
        masks.append(Ref(mask.name, mask.places if mask.places else None, True))
        if mask.places is None and family.members is not None:
            masks[-1] = Ref(mask.name, (0,), True)  # the only member of its family
    return tuple(masks)


def _assemble(plan: Plan, family: Family, parts: Sequence[Slot]) -> None:
    """Families whose members were sampled apart are put together again."""
    held = tuple(node for node in family.nodes if node in plan.posterior)
    if len(parts) == 1:
        posterior, order = plan.posterior[held[0]]
        posteriors: tuple[Ref, ...] = (member_ref(posterior, held, order),)
    else:
        posteriors = held_members(plan.posterior, held)
        target = f"{family.name}{plan.tag}"
        whole_family = Assemble(target=target, parts=held_members(plan.values, held))
        plan.forward.append(whole_family)
        plan.infer.append(whole_family)
        for child in held:
            plan.values[child] = (target, held)
    law = plan.model.distribution_of(parts[0].conditionals[0]).law
    word = "Labelled" if family.labels and family.kind == "real" else law.runtime
    plan.inferred.append(
        InferenceLine(
            latent=family.name,
            parts=posteriors,
            distribution=word,
            grid=len(family.extents) > 1,
        )
    )
