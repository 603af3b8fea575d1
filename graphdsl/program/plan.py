"""The order of work: observe, encode, sample, decode, so that one pass serves every term."""

from __future__ import annotations

__all__ = ["make_plan"]

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from graphdsl.bound.models import Decoder, Encoder, SubPosterior
from graphdsl.bound.pieces import Piece
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional, Network
from graphdsl.ir.symbols import NetworkName, Q, Variable
from graphdsl.program.ancestors import Generation
from graphdsl.program.compared_encoders import run_compared
from graphdsl.program.decode import plan_generation
from graphdsl.program.drawn_sets import plan_draws, written_out
from graphdsl.program.experts import run_experts
from graphdsl.program.inputs import Inputs, labels_of, parents_of
from graphdsl.program.passes.stack_subsets import (
    plan_inference,
    plan_together,
    run_on_sets,
    together,
)
from graphdsl.program.posteriors import plan_posteriors
from graphdsl.program.predictions import needed, networks_for_bounds, run_auxiliaries, run_models
from graphdsl.program.runs import place_of
from graphdsl.program.state import ModelKey, Plan, Program
from graphdsl.slots.grouping import expert_slots, slots
from graphdsl.slots.keys import Keys
from graphdsl.slots.slots import Slot


def make_plan(
    model: Model,
    inputs: Inputs,
    pieces: Sequence[Piece],
    others: Iterable[NetworkName] = (),
    every: Sequence[Piece] | None = None,
) -> dict[NetworkName, Plan]:
    """Plan the passes that the pieces of an objective need, for the samples of each network.

    The `others` are networks that terms which are no pieces take samples of. Where there are
    several objectives, `every` piece of all of them is given too: each network has one name.
    """
    every = pieces if every is None else every
    attributes: defaultdict[str, Keys] = defaultdict(Keys)
    shared = list(_shared_experts(model, attributes))
    encoders = _encoders(
        model, (model.inference, *_needed_networks(model, every, others)), attributes
    )
    decoders = list(slots(model.generation.conditionals, model)) if model.generation else []
    auxiliaries = list(slots(networks_for_bounds(every, model), model, attributes["r"]))
    played = needed(auxiliaries, every, adversary=True)
    owners = dict(_owners(model, encoders, decoders, auxiliaries, shared))
    plan = Plan(_program(model, inputs, encoders[Q], decoders, owners), encoders=encoders[Q])
    inferring = [slot for slots_of in encoders.values() for slot in slots_of]
    _observe(plan, inferring, decoders, auxiliaries, pieces)
    plan.program.draws = plan_draws(plan, pieces)
    plan_posteriors(plan, encoders[Q], _wanted_subsets(pieces, Q))
    for base, slot in shared:
        if any(name.base == base for name in encoders):
            family = model.family_of(slot.children[0]).name
            experts = run_experts(plan, slot, f"{base}.{family}")
            plan.program.experts[base, slot.children] = experts
    at_once = together(plan, pieces, encoders, decoders, others)
    plans = {Q: plan, **dict(_branches(plan, encoders, pieces, at_once))}
    _run_models(plans, decoders, auxiliaries, pieces, played)
    run_compared(plans, encoders, pieces)
    _run_under_p(plans, auxiliaries, pieces, played)
    plan_generation(plan.branch(Q), decoders)
    return plans


def _encoders(
    model: Model, networks: Iterable[Network], attributes: Mapping[str, Keys]
) -> dict[NetworkName, list[Slot]]:
    """The slots of each inference network; those of one base, as r(1) and r(2), share names."""
    written = {
        network.name: [written_out(conditional, model) for conditional in network.conditionals]
        for network in networks
    }
    relatives: defaultdict[str, list[Conditional]] = defaultdict(list)
    for name, conditionals in written.items():
        relatives[name.base] += conditionals
    return {
        name: list(slots(conditionals, model, attributes[name.base], relatives[name.base]))
        for name, conditionals in written.items()
    }


def _program(
    model: Model,
    inputs: Inputs,
    encoders: Iterable[Slot],
    decoders: list[Slot],
    owners: dict[str, str],
) -> Program:
    """The program of one module, before anything runs in it."""
    priors = [slot for slot in decoders if model.family_of(slot.children[0]).role == "latent"]
    return Program(
        model,
        inputs,
        decoders,
        priors={slot.children: slot for slot in priors},
        encoder_of={child: slot for slot in encoders for child in slot.children},
        owners=owners,
    )


def _run_models(
    plans: Mapping[NetworkName, Plan],
    decoders: Sequence[Slot],
    auxiliaries: Sequence[Slot],
    pieces: Sequence[Piece],
    played: Sequence[Slot],
) -> None:
    """Run the decoders and predictors that the pieces read, for the samples of each network."""
    for under, branch in plans.items():
        if not branch.together:
            own = [piece for piece in pieces if piece.under == under]
            run_models(branch, decoders, auxiliaries, own, played)
        elif under == branch.together[0]:
            own = [piece for piece in pieces if piece.under in branch.together]
            run_on_sets(branch, decoders, own)


def _run_under_p(
    plans: dict[NetworkName, Plan],
    auxiliaries: Sequence[Slot],
    pieces: Iterable[Piece],
    played: Sequence[Slot],
) -> None:
    """What terms ask of p's own samples: p's densities, and what predicts some from others."""
    here = [piece for piece in pieces if piece.under == "p"]
    if not here:
        return
    generated = Generation(plans)
    for piece in here:
        _ask(generated, piece)
    for slot in needed(auxiliaries, here):
        for name in generated.model.declared(parents_of([slot])):
            generated.sample(generated.model.family_of(name))
    run_auxiliaries(generated.plan, auxiliaries, here, played)


def _ask(generated: Generation, piece: Piece) -> None:
    """Ask for p's own distribution of a variable, or for its sample: what a term needs."""
    own = piece.kind in ("kl", "entropy")
    if not own:
        generated.sample(generated.model.family_of(piece.node))
    if own or isinstance(piece.ref, Decoder):
        generated.run(piece.node)
        held = generated.plan.posterior[piece.node]
        generated.plan.likelihood[ModelKey("p", piece.node)] = held


def _branches(
    plan: Plan,
    encoders: Mapping[NetworkName, list[Slot]],
    pieces: Sequence[Piece],
    at_once: Iterable[tuple[NetworkName, ...]],
) -> Iterator[tuple[NetworkName, Plan]]:
    """The samples of each further inference network; `infer` asks the one that sees most."""
    model = plan.model
    main = _main_network(model)
    for names in at_once:
        branch = plan.branch(names[0])
        plan_together(branch, names, encoders)
        if main in names:
            plan_inference(plan, main, encoders)
        yield from ((name, branch) for name in names)
    done = {name for names in at_once for name in names}
    for network in model.further:
        if network.name in encoders and network.name not in done:
            branch = plan.branch(network.name)
            if network.name == main:
                branch.infer, branch.inferred = plan.infer, plan.inferred
            branch.encoders = encoders[network.name]
            plan_posteriors(branch, branch.encoders, _wanted_subsets(pieces, network.name))
            yield network.name, branch


def _main_network(model: Model) -> NetworkName:
    """The network that `infer` asks: q, or of the others, critics last, the one that sees most."""
    if model.inference.conditionals or not model.further:
        return Q
    follows = {
        network.name: not any(c.plays for c in network.conditionals) for network in model.further
    }
    return max(model.further, key=lambda one: (follows[one.name], len(one.variables))).name


def _needed_networks(
    model: Model, pieces: Iterable[Piece], others: Iterable[NetworkName]
) -> list[Network]:
    """The further inference networks that some piece samples from, or compares with."""
    wanted = {*others, *(piece.under for piece in pieces)}
    compared = (piece.ref for piece in pieces if isinstance(piece.ref, Encoder | SubPosterior))
    wanted |= {ref.network for ref in compared}
    return [network for network in model.further if network.name in wanted]


def _shared_experts(model: Model, attributes: Mapping[str, Keys]) -> Iterator[tuple[str, Slot]]:
    """Experts of `infer r(S) {... by poe}`: one pass serves every S."""
    union: dict[tuple[str, tuple[str, ...]], dict[str, Conditional]] = {}
    for network in model.further:
        for one in network.conditionals:
            if one.by != "joint":
                parents = union.setdefault((one.network, one.children), {})
                parents.update(dict.fromkeys(written_out(one, model).parents, one))
    for (base, _), sources in union.items():
        several = [node.name for node in model.nodes if node.name in sources]
        if not model.observed().issuperset(several):
            continue  # experts on latents run where the latents are sampled
        conditional = replace(next(iter(sources.values())), parents=tuple(several))
        for slot in slots([conditional], model, attributes[base]):
            yield base, slot


def _owners(
    model: Model,
    encoders: Mapping[NetworkName, Iterable[Slot]],
    decoders: Iterable[Slot],
    auxiliaries: Iterable[Slot],
    shared: Iterable[tuple[str, Slot]],
) -> Iterator[tuple[str, str]]:
    """Whose network every attribute holds."""
    inferring = [(name.base, slot) for name, slots_of in encoders.items() for slot in slots_of]
    for base, slot in (*inferring, *shared):
        parts = (slot,) if slot.conditionals[0].by == "joint" else expert_slots(slot, model)
        yield from ((part.attribute, base) for part in parts)
    yield from ((slot.attribute, "p") for slot in decoders)
    yield from ((slot.attribute, "predictors") for slot in auxiliaries)


def _wanted_subsets(
    pieces: Iterable[Piece], under: NetworkName
) -> dict[Conditional, list[tuple[Variable, ...]]]:
    wanted: dict[Conditional, list[tuple[Variable, ...]]] = {}
    for piece in pieces:
        if isinstance(piece.ref, SubPosterior) and piece.ref.network == under:
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
    encoders = list(encoders)
    encoded, others = parents_of(encoders), parents_of((*decoders, *auxiliaries))
    modelled = {
        piece.node for piece in pieces if piece.kind in ("reconstruction", "cost", "penalty")
    }
    modelled |= {piece.environment for piece in pieces if piece.environment}
    inferring = encoded | parents_of(plan.program.priors.values())
    labels = set(labels_of(plan.model, encoders))
    families = [family for family in plan.model.families if family.role != "latent"]
    if not any(set(family.nodes) & (encoded | others | modelled) for family in families):
        modelled |= set(families[0].nodes[:1]) if families else set()  # which says how many rows
    for family in families:
        held = plan.inputs.declared(family), family.nodes
        plan.values.update(dict.fromkeys(family.nodes, held))
        if set(family.nodes) & (encoded | others | modelled | labels):
            plan.forward.add(plan.inputs.observed(family))
        if set(family.nodes) & (inferring | labels):
            plan.infer.add(replace(plan.inputs.observed(family), some=True))
    for family in families:
        if set(family.nodes) & (encoded | others):
            plan.forward.extend(plan.inputs.one_hot(family))
        if set(family.nodes) & inferring:
            plan.infer.extend(plan.inputs.one_hot(family))
