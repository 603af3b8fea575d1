"""The order of work: observe, encode, sample, decode, so that one pass serves every term."""

from __future__ import annotations

__all__ = ["make_plan"]

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from graphdsl.bound.bounds import Piece
from graphdsl.bound.models import Auxiliary, Decoder, Encoder, SubPosterior
from graphdsl.ir.model import Conditional, Distribution, Model, Network, Via
from graphdsl.ir.slots import Slot
from graphdsl.program.ancestors import Generation
from graphdsl.program.compared_encoders import run_compared
from graphdsl.program.decode import plan_generation
from graphdsl.program.drawn_sets import plan_draws, written_out
from graphdsl.program.inputs import Inputs, labels_of, parents_of
from graphdsl.program.keys import Keys
from graphdsl.program.passes.stack_subsets import (
    plan_inference,
    plan_together,
    run_on_sets,
    together,
)
from graphdsl.program.posteriors import plan_posteriors, run_experts
from graphdsl.program.runs import place_of, run_slot
from graphdsl.program.slots import expert_slots, network_slot, slots, some_of
from graphdsl.program.state import ModelKey, Plan, Program


def make_plan(
    model: Model,
    inputs: Inputs,
    pieces: Sequence[Piece],
    others: Iterable[str] = (),
    every: Sequence[Piece] | None = None,
) -> dict[str, Plan]:
    """Plan the passes that the pieces of an objective need, for the samples of each network.

    The `others` are networks that terms which are no pieces take samples of. Where there are
    several objectives, `every` piece of all of them is given too: each network has one name.
    """
    every = pieces if every is None else every
    attributes: defaultdict[str, Keys] = defaultdict(Keys)
    shared = list(_shared_experts(model, attributes))
    networks = (model.inference, *_needed_networks(model, every, others))
    written: defaultdict[str, list[Conditional]] = defaultdict(list)
    for network in networks:
        written[_base(network.name)] += [written_out(one, model) for one in network.conditionals]
    encoders = {
        network.name: list(
            slots(
                [written_out(one, model) for one in network.conditionals],
                model,
                attributes[_base(network.name)],
                written[_base(network.name)],
            )
        )
        for network in networks
    }
    decoders = list(slots(model.generation.conditionals, model)) if model.generation else []
    auxiliaries = list(slots(_auxiliaries(every, model), model, attributes["r"]))
    played = _needed(auxiliaries, every, adversary=True)
    priors = [one for one in decoders if model.family_of(one.children[0]).role == "latent"]
    program = Program(
        model,
        inputs,
        decoders,
        priors={slot.children: slot for slot in priors},
        owners=dict(_owners(model, encoders, decoders, auxiliaries, shared)),
    )
    plan = Plan(program, encoders=encoders["q"])
    inferring = [slot for several in encoders.values() for slot in several]
    _observe(plan, inferring, decoders, auxiliaries, pieces)
    program.draws = plan_draws(plan, pieces)
    plan_posteriors(plan, encoders["q"], _wanted_subsets(pieces, "q"))
    for base, slot in shared:
        if any(_base(name) == base for name in encoders):
            family = model.family_of(slot.children[0]).name
            program.experts[base, slot.children] = run_experts(plan, slot, f"{base}.{family}")
    at_once = together(plan, pieces, encoders, decoders, others)
    plans = {"q": plan, **dict(_branches(plan, encoders, pieces, at_once))}
    for under, branch in plans.items():
        if branch.together:
            own = [one for one in pieces if one.under in branch.together]
            if under == branch.together[0]:
                run_on_sets(branch, decoders, own)
            continue
        own = [one for one in pieces if one.under == under]
        _run_models(branch, decoders, auxiliaries, own, played)
    run_compared(plans, encoders, pieces)
    _run_under_p(plans, auxiliaries, pieces, played)
    plan_generation(plan.branch("q"), decoders)
    return plans


def _run_under_p(
    plans: dict[str, Plan],
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
    for slot in _needed(auxiliaries, here):
        for name in generated.model.declared(parents_of([slot])):
            generated.sample(generated.model.family_of(name))
    _run_auxiliaries(generated.plan, auxiliaries, here, played)


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
    encoders: Mapping[str, list[Slot]],
    pieces: Sequence[Piece],
    at_once: Iterable[tuple[str, ...]],
) -> Iterator[tuple[str, Plan]]:
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


def _main_network(model: Model) -> str:
    """The network that `infer` asks: q, or of the others, critics last, the one that sees most."""
    if model.inference.conditionals or not model.further:
        return "q"
    follows = {one.name: not any(c.plays for c in one.conditionals) for one in model.further}
    return max(model.further, key=lambda one: (follows[one.name], len(one.variables))).name


def _needed_networks(model: Model, pieces: Iterable[Piece], others: Iterable[str]) -> list[Network]:
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
    encoders: Mapping[str, Iterable[Slot]],
    decoders: Iterable[Slot],
    auxiliaries: Iterable[Slot],
    shared: Iterable[tuple[str, Slot]],
) -> Iterator[tuple[str, str]]:
    """Whose network every attribute holds."""
    inferring = [(_base(name), slot) for name, several in encoders.items() for slot in several]
    for base, slot in (*inferring, *shared):
        parts = (slot,) if slot.conditionals[0].by == "joint" else expert_slots(slot, model)
        yield from ((one.attribute, base) for one in parts)
    yield from ((slot.attribute, "p") for slot in decoders)
    yield from ((slot.attribute, "predictors") for slot in auxiliaries)


def _base(under: str) -> str:
    return under.partition("(")[0]


def _needed_decoders(
    plan: Plan, decoders: Iterable[Slot], pieces: Iterable[Piece], frozen: bool = False
) -> list[Slot]:
    wanted = _decoded(plan, pieces, frozen)
    return [one for one in decoders if wanted & set(one.children)]


def _needed(
    several: Iterable[Slot], pieces: Iterable[Piece], adversary: bool | None = None
) -> list[Slot]:
    """The networks made for these pieces, or those of them that play against a term, or do not."""
    refs = [piece.ref for piece in pieces if isinstance(piece.ref, Auxiliary)]
    wanted = {(ref.node, ref.given) for ref in refs if adversary in (None, ref.adversary)}
    return [
        one
        for one in several
        if any((c.children[0], tuple(c.parents)) in wanted for c in one.conditionals)
    ]


def _auxiliaries(pieces: Iterable[Piece], model: Model) -> list[Conditional]:
    """Conditionals for the networks that only a bound needs, or a critic, or both: one for each."""
    refs: dict[tuple[str, tuple[str, ...]], bool] = {}
    for piece in pieces:
        if isinstance(piece.ref, Auxiliary):
            asked = piece.ref.node, piece.ref.given
            refs[asked] = refs.get(asked, False) or piece.under == "p"
    return [
        Conditional(
            network="r",
            children=(node,),
            parents=given,
            by="joint",
            via=Via(),
            lines=(0, len(given)),
            drawn=_own_scale(node, model) if under_p else None,
        )
        for (node, given), under_p in refs.items()
    ]


def _own_scale(node: str, model: Model) -> Distribution | None:
    """The law of what predicts p's samples of real data: how far it errs is its own to say."""
    family = model.family_of(node)
    if family.kind != "real" or family.role == "latent":
        return None
    return Distribution(family.distribution.law, "own")


def _wanted_subsets(
    pieces: Iterable[Piece], under: str
) -> dict[Conditional, list[tuple[str, ...]]]:
    wanted: dict[Conditional, list[tuple[str, ...]]] = {}
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


def _run_models(
    plan: Plan,
    decoders: Sequence[Slot],
    auxiliaries: Sequence[Slot],
    pieces: Sequence[Piece],
    played: Sequence[Slot],
) -> None:
    """Everything that predicts from the samples of one network."""
    decoded = _decoded(plan, pieces)
    for slot in _needed_decoders(plan, decoders, pieces):
        if slot.conditionals[0].plays:
            _run_model(plan, slot, frozen=True)
            _run_model(plan, slot, detached=True)
        else:
            _run_model(plan, slot, only=decoded)
    _run_auxiliaries(plan, auxiliaries, pieces, played)
    for slot in _needed_decoders(plan, decoders, pieces, frozen=True):
        if ModelKey("p", slot.children[0], (), "frozen") not in plan.likelihood:
            _run_model(plan, slot, frozen=True)


def _decoded(plan: Plan, pieces: Iterable[Piece], frozen: bool = False) -> frozenset[str]:
    """The variables that pieces ask p's own networks for; of a label, what it labels."""
    asked = (piece.ref for piece in pieces)
    return frozenset(
        plan.model.labelled(one.node)
        for one in asked
        if isinstance(one, Decoder) and one.frozen == frozen
    )


def _run_auxiliaries(
    plan: Plan, auxiliaries: Sequence[Slot], pieces: Sequence[Piece], played: Sequence[Slot]
) -> None:
    """Networks made for bounds; one that plays against a term runs for itself and, frozen, for all.

    Its critic trains it on the same samples by the same cross-entropy as any bound would, so that
    the bound's own term leaves its weights alone, and trains what they read. So do terms over other
    samples, of networks that are `played` somewhere.
    """
    own = _needed(auxiliaries, pieces, adversary=True)
    for slot in _needed(auxiliaries, pieces):
        if slot not in played:
            _run_model(plan, slot)
    for slot in (one for one in _needed(auxiliaries, pieces) if one in played):
        _run_model(plan, slot, frozen=True)
        for child, conditional in _children_of(slot):
            key = ModelKey("r", child, conditional.parents)
            plan.likelihood[key] = plan.likelihood[key._replace(held="frozen")]
        if slot in own:
            _run_model(plan, slot, detached=True)


def _run_model(
    plan: Plan,
    slot: Slot,
    frozen: bool = False,
    detached: bool = False,
    only: frozenset[str] = frozenset(),
) -> None:
    """A decoder, or a network made for a bound, on the samples; `detached`, as a critic's own."""
    held: Literal["", "frozen", "detached"] = "detached" if detached else "frozen" if frozen else ""
    wish = f"{slot.result}{'~frozen' * frozen}{'!' * detached}{plan.tag}"
    network = slot.conditionals[0].network
    if ModelKey(network, slot.children[0]) in plan.likelihood and network == "p" and not frozen:
        return  # a prior that a posterior has asked for
    plan.program.add_network(network_slot(slot, plan.model))
    if _is_apart(plan, slot) or not _is_known(plan, slot):
        slot = some_of(slot, only)
    # A prior of data may be there, which another network's posterior has asked for.
    run = plan.forward.add(replace(run_slot(plan, slot, wish, frozen), detached=detached))
    for child, conditional in _children_of(slot):
        given = conditional.parents if network == "r" else ()
        plan.likelihood[ModelKey(network, child, given, held)] = (run.target, slot.children)
    for label in labels_of(plan.model, [slot]) if network == "p" else ():
        of_labels = tuple(labels_of(plan.model, [slot]))
        plan.likelihood[ModelKey(network, label, (), held)] = (run.target, of_labels)


def _is_apart(plan: Plan, slot: Slot) -> bool:
    """Whether some members can run alone: the parents of each lie side by side."""
    if slot.tied or plan.model.distribution_of(slot.conditionals[0]).scale == "learned":
        return False  # one tensor for all members
    own = [
        node for one in slot.arguments if not one.shared for nodes in one.nodes for node in nodes
    ]
    return all(len(plan.values[node][1]) > 1 for node in own if node in plan.values)


def _is_known(plan: Plan, slot: Slot) -> bool:
    """Whether these samples hold the parents of all members: `infer r` may have only some."""
    nodes = (node for one in slot.arguments for group in one.nodes for node in group)
    return all(node in plan.values for node in nodes)


def _children_of(slot: Slot) -> Iterator[tuple[str, Conditional]]:
    for conditional in slot.conditionals:
        for child in conditional.children:
            yield child, conditional
