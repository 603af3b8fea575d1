"""The order of work: observe, encode, sample, decode, so that one pass serves every term."""

from __future__ import annotations

__all__ = ["make_plan"]

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from graphdsl.ir.loss import Decoded, Observe, Ref
from graphdsl.ir.model import Conditional, Family, Model, Network, Via
from graphdsl.lower.bounds import Piece
from graphdsl.lower.models import Auxiliary, Decoder, Encoder, SubPosterior
from graphdsl.lower.posteriors import plan_posteriors, run_experts
from graphdsl.lower.runs import (
    ModelKey,
    Plan,
    held_members,
    likelihood,
    place_of,
    run_slot,
    tensor_shape,
)
from graphdsl.lower.slots import Names, Slot, network_slot, slots


def make_plan(model: Model, pieces: Sequence[Piece]) -> dict[str, Plan]:
    """Plan the passes that the pieces of an objective need, for the samples of each network."""
    attributes: defaultdict[str, Names] = defaultdict(Names)
    shared = list(_shared_experts(model, attributes))
    encoders = {
        network.name: list(slots(network.conditionals, model, attributes[_base(network.name)]))
        for network in (model.inference, *_needed_networks(model, pieces))
    }
    decoders = list(slots(model.generation.conditionals, model)) if model.generation else []
    auxiliaries = list(slots(_auxiliaries(pieces), model, attributes["r"]))
    plan = Plan(model)
    inferring = [slot for several in encoders.values() for slot in several]
    _observe(plan, inferring, decoders, auxiliaries, pieces)
    plan_posteriors(plan, encoders["q"], _wanted_subsets(pieces, "q"))
    for base, slot in shared:
        if any(_base(name) == base for name in encoders):
            family = slot.children[0].partition("[")[0]
            plan.experts[base, slot.children] = run_experts(plan, slot, f"experts_{base}_{family}")
    plans = {"q": plan, **dict(_branches(plan, encoders, pieces))}
    for under, branch in plans.items():
        here = [piece for piece in pieces if piece.under == under]
        for slot in (*_needed_decoders(decoders, here), *_needed(auxiliaries, here, Auxiliary)):
            _run_model(branch, slot)
        for slot in _needed_decoders(decoders, here, frozen=True):
            _run_model(branch, slot, frozen=True)
    _plan_decode(plan, decoders)
    return plans


def _branches(
    plan: Plan, encoders: Mapping[str, list[Slot]], pieces: Sequence[Piece]
) -> Iterator[tuple[str, Plan]]:
    """The samples of each further inference network; `infer` asks the one that sees most."""
    model = plan.model
    main = _main_network(model)
    for network in model.further:
        if network.name in encoders:
            branch = plan.branch(network.name)
            if network.name == main:
                branch.infer, branch.inferred = plan.infer, plan.inferred
            slots_of = encoders[network.name]
            plan_posteriors(branch, slots_of, _wanted_subsets(pieces, network.name))
            yield network.name, branch


def _main_network(model: Model) -> str:
    """The network that `infer` asks: q, or of the others the one that sees most."""
    if model.inference.conditionals or not model.further:
        return "q"
    return max(model.further, key=lambda one: len(one.variables)).name


def _needed_networks(model: Model, pieces: Iterable[Piece]) -> list[Network]:
    """The further inference networks that some piece samples from, or compares with."""
    wanted = {piece.under for piece in pieces}
    wanted |= {piece.ref.network for piece in pieces if isinstance(piece.ref, Encoder)}
    return [network for network in model.further if network.name in wanted]


def _shared_experts(model: Model, attributes: Mapping[str, Names]) -> Iterator[tuple[str, Slot]]:
    """Experts of `infer r(S) {... by poe}`: one pass serves every S."""
    union: dict[tuple[str, tuple[str, ...]], dict[str, Conditional]] = {}
    for network in model.further:
        for one in network.conditionals:
            if one.by == "poe":
                parents = union.setdefault((one.network, one.children), {})
                parents.update(dict.fromkeys(one.parents, one))
    for (base, _), parents_of in union.items():
        several = [node.name for node in model.nodes if node.name in parents_of]
        if not model.observed().issuperset(several):
            continue  # experts on latents run where the latents are sampled
        conditional = replace(next(iter(parents_of.values())), parents=tuple(several))
        for slot in slots([conditional], model, attributes[base]):
            yield base, slot


def _base(under: str) -> str:
    return under.partition("(")[0]


def _needed_decoders(
    decoders: Iterable[Slot], pieces: Iterable[Piece], frozen: bool = False
) -> list[Slot]:
    wanted = {
        piece.node
        for piece in pieces
        if isinstance(piece.ref, Decoder) and piece.ref.frozen == frozen
    }
    return [one for one in decoders if wanted & set(one.children)]


def _needed(several: Iterable[Slot], pieces: Iterable[Piece], kind: type[Auxiliary]) -> list[Slot]:
    """The networks made for these pieces: what they predict, from what."""
    wanted = {(p.ref.node, p.ref.given) for p in pieces if isinstance(p.ref, kind)}
    return [
        one
        for one in several
        if any((c.children[0], tuple(c.parents)) in wanted for c in one.conditionals)
    ]


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


def _wanted_subsets(
    pieces: Iterable[Piece], under: str
) -> dict[Conditional, list[tuple[str, ...]]]:
    wanted: dict[Conditional, list[tuple[str, ...]]] = {}
    for piece in pieces:
        if isinstance(piece.ref, SubPosterior) and piece.under == under:
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


def _run_model(plan: Plan, slot: Slot, frozen: bool = False) -> None:
    """A decoder, or a network made for a bound, on the samples."""
    family = plan.model.family_of(slot.children[0])
    target = f"{slot.attribute}{'_frozen' * frozen}{plan.tag}"
    plan.add_network(network_slot(slot, plan.model))
    plan.forward.append(run_slot(plan, slot, target, likelihood(family), frozen))
    network = slot.conditionals[0].network
    for child, conditional in _children_of(slot):
        given = conditional.parents if network == "r" else ()
        plan.likelihood[ModelKey(network, child, given, frozen)] = (target, slot.children)


def _children_of(slot: Slot) -> Iterator[tuple[str, Conditional]]:
    for conditional in slot.conditionals:
        for child in conditional.children:
            yield child, conditional


def _plan_decode(plan: Plan, decoders: list[Slot]) -> None:
    """Run p on values of the latents alone."""
    model = plan.model
    plan = plan.branch("q")
    for family in model.families:
        plan.values.update(dict.fromkeys(family.nodes, (family.name, family.nodes)))
    parts: dict[str, list[Slot]] = {}
    known = {slot.attribute for slot in plan.networks}
    for slot in decoders:
        family = model.family_of(slot.children[0])
        parents = {name for one in slot.conditionals for name in one.parents}
        if parents & model.observed():
            continue  # it needs data: `decode` has latents alone
        if family.role == "latent":
            continue  # a conditional prior
        if slot.attribute not in known:
            plan.networks.append(network_slot(slot, model))
        plan.decode.append(run_slot(plan, slot, slot.attribute, likelihood(family)))
        parts.setdefault(family.name, []).append(slot)
    plan.decoded += (_decoded(model.family(name), group) for name, group in _whole(model, parts))


def _whole(model: Model, parts: Mapping[str, list[Slot]]) -> Iterator[tuple[str, list[Slot]]]:
    """The families of which every member is decoded, their slots in order."""
    for name, group in parts.items():
        held = {child for slot in group for child in slot.children}
        if held == set(model.family(name).nodes):
            yield name, sorted(group, key=lambda slot: place_of(slot.children[0]))


def _decoded(family: Family, ordered: Sequence[Slot]) -> Decoded:
    tensors: tuple[Ref, ...] = (Ref(ordered[0].attribute),)
    if len(ordered) > 1:
        where = {c: (one.attribute, one.children) for one in ordered for c in one.children}
        tensors = held_members(where, ordered)
    return Decoded(
        variable=family.name,
        parts=tensors,
        distribution="bernoulli" if likelihood(family) == "bernoulli" else "unit",
    )
