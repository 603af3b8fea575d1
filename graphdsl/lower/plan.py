"""The order of work: observe, encode, sample, decode, so that one pass serves every term."""

from __future__ import annotations

__all__ = ["make_plan"]

from collections.abc import Iterable, Sequence

from graphdsl.ir.loss import Decoded, Observe, Ref
from graphdsl.ir.model import Conditional, Model, Via
from graphdsl.lower.bounds import Piece
from graphdsl.lower.models import Auxiliary, Decoder, SubPosterior
from graphdsl.lower.posteriors import plan_posteriors
from graphdsl.lower.runs import (
    Plan,
    held_members,
    likelihood,
    place_of,
    run_slot,
    tensor_shape,
)
from graphdsl.lower.slots import Slot, network_slot, slots


def make_plan(model: Model, pieces: Sequence[Piece]) -> Plan:
    """Plan the passes that the pieces of an objective need."""
    plan = Plan(model)
    encoders = list(slots(model.inference.conditionals, model))
    decoders = _needed_decoders(model, pieces)
    auxiliaries = list(slots(_auxiliaries(pieces), model))
    _observe(plan, encoders, decoders, auxiliaries, pieces)
    plan_posteriors(plan, encoders, _wanted_subsets(pieces))
    for slot in (*decoders, *auxiliaries):
        _run_model(plan, slot)
    _plan_decode(plan, list(_all_decoders(model)))
    return plan


def _needed_decoders(model: Model, pieces: Iterable[Piece]) -> list[Slot]:
    wanted = {piece.node for piece in pieces if isinstance(piece.ref, Decoder)}
    return [one for one in _all_decoders(model) if wanted & set(one.children)]


def _all_decoders(model: Model) -> Iterable[Slot]:
    return slots(model.generation.conditionals, model) if model.generation else ()


def _auxiliaries(pieces: Iterable[Piece]) -> list[Conditional]:
    """Conditionals for the networks that only a bound needs."""
    refs = dict.fromkeys(piece.ref for piece in pieces if isinstance(piece.ref, Auxiliary))
    return [
        Conditional(
            network="r",
            children=(ref.node,),
            parents=ref.given,
            by="joint",
            via=Via(),
            lines=(0, len(ref.given)),
        )
        for ref in refs
    ]


def _wanted_subsets(pieces: Iterable[Piece]) -> dict[Conditional, list[tuple[str, ...]]]:
    wanted: dict[Conditional, list[tuple[str, ...]]] = {}
    for piece in pieces:
        if isinstance(piece.ref, SubPosterior):
            subsets = wanted.setdefault(piece.ref.conditional, [])
            if piece.ref.experts not in subsets:
                subsets.append(piece.ref.experts)
    for subsets_of in wanted.values():
        subsets_of.sort(key=lambda one: (len(one), [place_of(name) for name in one]))
    return wanted


def _observe(
    plan: Plan,
    encoders: Iterable[Slot],
    decoders: Iterable[Slot],
    auxiliaries: Iterable[Slot],
    pieces: Iterable[Piece],
) -> None:
    model = plan.model
    encoded = {n for s in encoders for c in s.conditionals for n in c.parents}
    others = {n for s in (*decoders, *auxiliaries) for c in s.conditionals for n in c.parents}
    modelled = {piece.node for piece in pieces if piece.kind == "reconstruction"}
    for family in model.families:
        if family.role == "latent":
            continue
        members = set(family.nodes)
        for node in family.nodes:
            plan.values[node] = (family.name, family.nodes)
        statement = Observe(target=family.name, variable=family.name, shape=tensor_shape(family))
        if members & (encoded | others | modelled):
            plan.forward.append(statement)
        if members & encoded:
            plan.infer.append(statement)


def _run_model(plan: Plan, slot: Slot) -> None:
    """A decoder, or a network made for a bound, on the samples."""
    family = plan.model.family_of(slot.children[0])
    target = slot.attribute
    plan.networks.append(network_slot(slot, plan.model))
    plan.forward.append(run_slot(plan, slot, target, likelihood(family)))
    for child in slot.children:
        plan.likelihood[slot.conditionals[0].network, child] = (target, slot.children)


def _plan_decode(plan: Plan, decoders: list[Slot]) -> None:
    """Run p on values of the latents alone."""
    model = plan.model
    parts: dict[str, list[Slot]] = {}
    known = {slot.attribute for slot in plan.networks}
    for slot in decoders:
        family = model.family_of(slot.children[0])
        parents = {name for one in slot.conditionals for name in one.parents}
        if parents & model.observed():
            continue  # it needs data: `decode` has latents alone
        if slot.attribute not in known:
            plan.networks.append(network_slot(slot, model))
        plan.decode.append(run_slot(plan, slot, slot.attribute, likelihood(family)))
        parts.setdefault(family.name, []).append(slot)
    for name, group in parts.items():
        held = {child for slot in group for child in slot.children}
        if held == set(model.family(name).nodes):
            ordered = sorted(group, key=lambda slot: place_of(slot.children[0]))
            tensors: tuple[Ref, ...] = (Ref(ordered[0].attribute),)
            if len(ordered) > 1:
                where = {c: (one.attribute, one.children) for one in ordered for c in one.children}
                tensors = held_members(where, ordered)
            kind = likelihood(model.family(name))
            plan.decoded.append(
                Decoded(
                    variable=name,
                    parts=tensors,
                    distribution="bernoulli" if kind == "bernoulli" else "unit",
                )
            )
