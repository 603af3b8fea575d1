"""Posteriors: every encoder once, and from its results each posterior that a term asks for."""

from __future__ import annotations

__all__ = ["plan_posteriors"]

from collections.abc import Sequence
from dataclasses import replace

from graphdsl.ir.networks import Conditional, Family
from graphdsl.ir.statements import Assemble, InferenceLine, Known, Run, Sample
from graphdsl.ir.symbols import Variable
from graphdsl.ir.values import Ref, Value
from graphdsl.program.experts import fused_posterior, whole_conditional
from graphdsl.program.fallbacks import fallbacks
from graphdsl.program.inputs import labels_of, parents_of
from graphdsl.program.members import member_noise, member_ref
from graphdsl.program.runs import (
    gathered,
    held_members,
    observed_parents,
    run_slot,
    slot_shape,
)
from graphdsl.program.state import ModelKey, Plan
from graphdsl.slots.keys import members
from graphdsl.slots.networks import network_slot
from graphdsl.slots.slots import Slot


def plan_posteriors(
    plan: Plan, encoders: list[Slot], wanted: dict[Conditional, list[tuple[Variable, ...]]]
) -> None:
    """Plan `forward` and `infer` up to the last sample; latents follow what they condition on."""
    pieces_of: dict[str, list[Slot]] = {}
    for slot in encoders:
        pieces_of.setdefault(plan.model.family_of(slot.children[0]).name, []).append(slot)
    left = {name: len(parts) for name, parts in pieces_of.items()}
    found = fallbacks(encoders, plan.program.priors, plan.model)
    for slot in found.order:
        family = plan.model.family_of(slot.children[0])
        alone = len(pieces_of[family.name]) == 1
        name = family.name if alone else members(family, slot.children)
        posterior = _posterior(plan, slot, name, wanted, found.priors.get(slot.children))
        posterior = _known(plan, slot, posterior)
        sample = _sample(plan, slot, posterior, name)
        held = sample.target, slot.children
        plan.posterior.update(dict.fromkeys(slot.children, (posterior, slot.children)))
        plan.values.update(dict.fromkeys(slot.children, held))
        left[family.name] -= 1
        if not left[family.name]:
            _assemble(plan, family, pieces_of[family.name])  # later encoders may read it


def _sample(plan: Plan, slot: Slot, posterior: Value, name: str) -> Sample:
    """Sample the children of a slot, in `forward` and in `infer`."""
    family = plan.model.family_of(slot.children[0])
    shape = (*slot_shape(slot, family), *family.encoded[len(family.shape) :])
    is_flow = plan.law(slot.children[0]).is_run_alone
    sample = plan.forward.add(
        Sample(
            target=Value(f"{name}{plan.tag}", shape),
            distribution=posterior,
            noise=member_noise(family, slot.children),
            latent=family.name,
            discrete=plan.law(slot.children[0]).gradient == "relaxed",
            density=Value(f"log:{posterior.name}") if is_flow else None,
        )
    )
    plan.infer.add(sample)
    return sample


def _posterior(
    plan: Plan,
    slot: Slot,
    name: str,
    wanted: dict[Conditional, list[tuple[Variable, ...]]],
    prior: Slot | None,
) -> Value:
    """Run the encoder of a slot in `forward` and `infer`: the posterior, as the model has it."""
    where = plan.under.argument_text
    if slot.conditionals[0].by != "joint":
        label = f"{name}{where}" if plan.base == "q" else f"{plan.base}.{name}{where}"
        whole = whole_conditional(plan.model, plan.under, slot)
        return fused_posterior(plan, slot, label, wanted.get(whole, []))
    plan.program.add_network(network_slot(slot, plan.model))
    gather = list(gathered(plan, slot))
    run = run_slot(plan, slot, f"{plan.base}.{name}{where}")
    seen = observed_parents(plan, slot)
    missing = tuple(one for one in seen if one.optional)
    if prior is None:
        plan.forward.extend(gather)
        plan.infer.extend(gather)
        return _encoded(plan, slot, replace(run, missing=missing), replace(run, missing=seen))
    gather += gathered(plan, prior)
    # What it says of data alone, it says to all inference networks.
    of_data = plan.model.observed().issuperset(parents_of([prior]))
    from_prior = run_slot(plan, prior, prior.result + ("" if of_data else plan.tag))
    plan.forward.extend(gather)
    plan.infer.extend(gather)
    if missing:
        plan.program.add_network(network_slot(prior, plan.model))
        from_prior = plan.forward.add(from_prior)
        held = (from_prior.target, prior.children)
        plan.likelihood.update({ModelKey("p", child): held for child in prior.children})
        foreign = parents_of([prior]) - parents_of([slot])
        plan.foreign.update(dict.fromkeys(slot.children, foreign) if foreign else {})
    own = replace(run, prior=from_prior.target, missing=missing) if missing else run
    known = replace(from_prior, missing=observed_parents(plan, prior))
    inferred = replace(run, prior=plan.infer.add(known).target, missing=seen)
    return _encoded(plan, slot, own, inferred)


def _encoded(plan: Plan, slot: Slot, run: Run, inferred: Run) -> Value:
    """Put an encoder's run into both methods; held still where it plays against a term."""
    if not slot.conditionals[0].plays:
        run = plan.forward.add(run)
        plan.infer.add(replace(inferred, target=run.target))
        return run.target
    held = Value(f"{run.target.name}~frozen", run.target.shape)
    plan.forward.add(replace(run, target=held, frozen=True))
    plan.forward.add(replace(run, detached=True))
    key = ModelKey(plan.under, slot.children[0], (), "detached")
    plan.likelihood.update(
        {key._replace(node=child): (run.target, slot.children) for child in slot.children}
    )
    plan.infer.add(replace(inferred, target=held))
    return held


def _known(plan: Plan, slot: Slot, posterior: Value) -> Value:
    """The posterior, with the labels that rows have in its place; its own where there are none."""
    model = plan.model
    labels = tuple(labels_of(model, [slot]))
    if not labels:
        return posterior
    family = model.family_of(labels[0])
    shape = slot_shape(slot, model.family_of(slot.children[0]))
    known = plan.forward.add(
        Known(
            target=Value(f"{posterior.name}~known", shape),
            source=posterior,
            seen=member_ref(plan.inputs.seen(family), labels, family.nodes),
            value=member_ref(plan.inputs.declared(family), labels, family.nodes),
        )
    )
    plan.infer.add(known)
    plan.likelihood.update({ModelKey(plan.base, label): (posterior, labels) for label in labels})
    return known.target


def _assemble(plan: Plan, family: Family, parts: Sequence[Slot]) -> None:
    """Families whose members were sampled apart are put together again."""
    held = tuple(node for node in family.nodes if node in plan.posterior)
    if len(parts) == 1:
        posterior, order = plan.posterior[held[0]]
        posteriors: tuple[Ref, ...] = (member_ref(posterior, held, order),)
    else:
        posteriors = held_members(plan.posterior, held)
        parts_of = held_members(plan.values, held)
        whole = plan.forward.add(Assemble(target=Value(f"{family.name}{plan.tag}"), parts=parts_of))
        plan.infer.add(whole)
        plan.values.update(dict.fromkeys(held, (whole.target, held)))
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
