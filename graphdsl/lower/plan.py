"""The order of work: observe, encode, sample, decode, so that one pass serves every term."""

from __future__ import annotations

__all__ = ["make_plan"]

from collections.abc import Iterable, Sequence

from graphdsl.ir.model import Conditional, Model, Via
from graphdsl.lower.bounds import Piece
from graphdsl.lower.data import observed, one_hot, parents_of
from graphdsl.lower.generation import plan_generation
from graphdsl.lower.models import Auxiliary, Decoder, SubPosterior
from graphdsl.lower.posteriors import plan_posteriors
from graphdsl.lower.runs import Plan, place_of, run_slot
from graphdsl.lower.slots import Slot, network_slot, slots


def make_plan(model: Model, pieces: Sequence[Piece]) -> Plan:
    """Plan the passes that the pieces of an objective need."""
    plan = Plan(model)
    encoders = list(slots(model.inference.conditionals, model))
    plan.priors = {
        slot.children: slot
        for slot in _all_decoders(model)
        if model.family_of(slot.children[0]).role == "latent"
    }
    decoders = _needed_decoders(model, pieces)
    auxiliaries = list(slots(_auxiliaries(pieces), model))
    _observe(plan, encoders, decoders, auxiliaries, pieces)
    plan_posteriors(plan, encoders, _wanted_subsets(pieces))
    for slot in (*decoders, *auxiliaries):
        _run_model(plan, slot)
    plan_generation(plan, list(_all_decoders(model)))
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
    encoded, others = parents_of(encoders), parents_of((*decoders, *auxiliaries))
    modelled = {piece.node for piece in pieces if piece.kind == "reconstruction"}
    told = encoded | parents_of(plan.priors.values())
    families = [family for family in plan.model.families if family.role != "latent"]
    for family in families:
        plan.values.update(dict.fromkeys(family.nodes, (family.local, family.nodes)))
        if set(family.nodes) & (encoded | others | modelled):
            plan.forward.append(observed(family))
        if set(family.nodes) & told:
            plan.infer.append(observed(family))
    for family in families:
        if set(family.nodes) & (encoded | others):
            plan.forward += one_hot(family)
        if set(family.nodes) & told:
            plan.infer += one_hot(family)


def _run_model(plan: Plan, slot: Slot) -> None:
    """A decoder, or a network made for a bound, on the samples."""
    if ("p", slot.children[0]) in plan.likelihood and slot.conditionals[0].network == "p":
        return  # a prior that a posterior has asked for
    target = slot.attribute
    plan.networks.append(network_slot(slot, plan.model))
    plan.forward.append(run_slot(plan, slot, target))
    for child in slot.children:
        plan.likelihood[slot.conditionals[0].network, child] = (target, slot.children)
