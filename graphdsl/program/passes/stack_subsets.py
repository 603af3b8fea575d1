"""Every r(S) at once: inference networks of one statement that differ in their set alone.

One product gives the posteriors of all sets, on an axis behind the rows; one sample is drawn of
each, with the noise that all have in common; and a network of p runs once, on the samples of those
sets whose terms ask for it. The loss is what it would be set by set.
"""

from __future__ import annotations

__all__ = ["plan_inference", "plan_together", "run_on_sets", "together"]

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from graphdsl.bound.models import Decoder, Encoder, Prior, SubPosterior
from graphdsl.bound.pieces import Piece
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network
from graphdsl.ir.objective import Wrapped
from graphdsl.ir.statements import Fuse, Sample
from graphdsl.ir.symbols import NetworkName, Variable
from graphdsl.ir.values import NO_ATTRIBUTE, Attribute, Noise, Ref, Value
from graphdsl.notation.networks import children_text
from graphdsl.program.blocks import Block
from graphdsl.program.experts import present_experts
from graphdsl.program.posteriors import plan_posteriors
from graphdsl.program.runs import run_slot, slot_shape
from graphdsl.program.state import ModelKey, Plan
from graphdsl.slots.grouping import some_of
from graphdsl.slots.networks import network_slot
from graphdsl.slots.slots import Key, Slot

_Encoders: TypeAlias = Mapping[NetworkName, Sequence[Slot]]
_Asked: TypeAlias = frozenset[tuple[NetworkName, Variable]]  #: network, variable


def together(
    plan: Plan,
    pieces: Sequence[Piece],
    encoders: _Encoders,
    decoders: Sequence[Slot],
    others: Iterable[NetworkName],
) -> tuple[tuple[NetworkName, ...], ...]:
    """The networks that are sampled at once: of each statement the most that are alike."""
    model = plan.model
    if model.players:
        return ()  # each player would have lists of sets of its own
    compared = (piece.ref for piece in pieces if isinstance(piece.ref, Encoder | SubPosterior))
    apart = {*others, *(ref.network for ref in compared), *_under_signs(model)}
    alike: defaultdict[str, defaultdict[Hashable, list[NetworkName]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for network in model.further:
        own = [piece for piece in pieces if piece.under == network.name]
        slots = encoders.get(network.name, ())
        base = network.name.base
        known = all((base, slot.children) in plan.program.experts for slot in slots)
        if not own or not known or network.name in apart or not all(map(_is_of_sets, own)):
            continue
        if _is_product(model, network, slots):
            kinds = frozenset((one.kind, one.weight, one.cost) for one in own)
            children = tuple(slot.children for slot in slots)
            alike[base][children, kinds].append(network.name)
    most = [
        max(map(tuple[NetworkName, ...], groups.values()), key=len) for groups in alike.values()
    ]
    stacks = []
    for names in most:
        theirs = [piece for piece in pieces if piece.under in names]
        if len(names) > 1 and _is_even(model, encoders[names[0]], decoders, theirs):
            stacks.append(names)
    return tuple(stacks)


def _under_signs(model: Model) -> Iterator[str]:
    """The networks that a term under a sign is of: it is summed by itself."""
    for term in model.objective:
        if isinstance(term.functional, Wrapped):
            yield from (inner.functional.under for inner in term.functional.inner)


def _is_product(model: Model, network: Network, slots: Sequence[Slot]) -> bool:
    """Whether every latent is a product of experts on data, its whole family at once."""
    return (
        bool(slots)
        and all(
            conditional.by == "poe"
            and not conditional.gates
            and model.observed().issuperset(conditional.parents)
            and slot.children == model.family_of(slot.children[0]).nodes
            for slot in slots
            for conditional in slot.conditionals
        )
        and not any(
            name.block for conditional in network.conditionals for name in conditional.parents
        )
    )


def _is_of_sets(piece: Piece) -> bool:
    """Whether a piece is a rate against a declared prior, or what p's own networks predict."""
    match piece.kind, piece.ref:
        case "kl", Prior():
            return True
        case (("reconstruction" | "cost"), Decoder(frozen=False)):
            return not piece.among
    return False


def _is_even(
    model: Model, encoders: Sequence[Slot], decoders: Sequence[Slot], pieces: Sequence[Piece]
) -> bool:
    """Whether the terms of all networks are one term each, which tensors hold without a gap."""
    weights: defaultdict[Hashable, set[Hashable]] = defaultdict(set)
    asked: defaultdict[Hashable, set[tuple[NetworkName, Variable]]] = defaultdict(set)
    for piece in pieces:
        key = piece.kind, piece.cost, model.family_of(piece.node).name
        weights[key].add(piece.weight)
        asked[key].add((piece.under, piece.node))
    if any(len(weights_of) > 1 for weights_of in weights.values()):
        return False
    names = {piece.under for piece in pieces}
    for slot in encoders:
        every = {(name, child) for name in names for child in slot.children}
        if asked.get(("kl", None, model.family_of(slot.children[0]).name), every) != every:
            return False
    latents = {slot.children for slot in encoders}
    return all(
        _reads_all_of(slot, latents)
        and _is_rectangle(model, slot, _asked(slot, pieces))
        and len({_asked(slot, of_kind) for of_kind in _by_kind(slot, pieces)}) == 1
        for slot in decoders
        if _asked(slot, pieces)
    )


def _asked(slot: Slot, pieces: Iterable[Piece]) -> _Asked:
    """Which networks' samples it runs on, and for which of its children."""
    return frozenset(
        (piece.under, piece.node)
        for piece in pieces
        if isinstance(piece.ref, Decoder) and piece.node in slot.children
    )


def _by_kind(slot: Slot, pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    kinds: defaultdict[Hashable, list[Piece]] = defaultdict(list)
    for piece in pieces:
        if piece.node in slot.children:
            kinds[piece.kind, piece.cost].append(piece)
    yield from kinds.values()


def _reads_all_of(slot: Slot, latents: set[tuple[Variable, ...]]) -> bool:
    """Whether its members read nothing but whole latents of the networks, and these in common."""
    return all(
        not argument.gates
        and (argument.shared or not slot.stacked)
        and argument.nodes[0] in latents
        for argument in slot.arguments
    )


def _is_rectangle(model: Model, slot: Slot, asked: _Asked) -> bool:
    """Whether as many sets ask for each member, and members that none asks for need not run."""
    sets_of = {child: {name for name, node in asked if node == child} for child in slot.children}
    if len({frozenset(one) for one in sets_of.values()}) == 1:
        return True
    wanted = [child for child, sets in sets_of.items() if sets]
    apart = slot.stacked and not slot.tied
    learned = model.distribution_of(slot.conditionals[0]).scale == "learned"
    return apart and not learned and len({len(sets_of[child]) for child in wanted}) == 1


# ---- the pass ------------------------------------------------------------------------------------


def plan_together(plan: Plan, names: tuple[NetworkName, ...], encoders: _Encoders) -> None:
    """The posteriors of all sets, and a sample of each."""
    model, first = plan.model, encoders[names[0]]
    plan.together, plan.encoders = names, list(first)
    for place, slot in enumerate(first):
        family = model.family_of(slot.children[0])
        experts, every = plan.program.experts[plan.base, slot.children]
        label = Key(plan.base, family.name).label
        attribute = Attribute(f"subsets:{plan.base}.{family.name}")
        parents = [encoders[name][place].conditionals[0].parents for name in names]
        plan.program.subsets.append(
            (attribute, tuple(tuple(one in parents_of for one in every) for parents_of in parents))
        )
        of, shape = children_text(model, slot), (len(names), *slot_shape(slot, family))
        posterior = plan.forward.add(
            Fuse(
                target=Value(f"{plan.base}.{family.name}", shape),
                how="subsets",
                experts=(Ref(experts),),
                formula=f"{plan.base}({of} | {_head(every)}_S) of every S, eq. 13",
                there=Value(f"present:{label}"),
                subsets=attribute,
                present=present_experts(plan, every),
            )
        )
        sample = plan.forward.add(
            Sample(
                target=Value(f"{family.name}{plan.tag}", shape),
                distribution=posterior.target,
                noise=Noise(family.name, grid=len(family.extents), in_sets=True),
                latent=family.name,
            )
        )
        plan.posterior.update(dict.fromkeys(slot.children, (posterior.target, slot.children)))
        plan.values.update(dict.fromkeys(slot.children, (sample.target, slot.children)))


def _head(nodes: Iterable[Variable]) -> str:
    """What a set is a set of: `x` of `x[1]` and `x[2]`."""
    return ",".join(dict.fromkeys(name.head for name in nodes))


def plan_inference(plan: Plan, name: NetworkName, encoders: _Encoders) -> None:
    """What `infer` asks of one of these networks, for itself."""
    alone = plan.branch(name)
    alone.forward, alone.infer, alone.inferred = Block(), plan.infer, plan.inferred
    plan_posteriors(alone, list(encoders[name]), {})


def run_on_sets(plan: Plan, decoders: Iterable[Slot], pieces: Sequence[Piece]) -> None:
    """Every network of p once: each member on the samples of the sets that ask for it."""
    for slot in decoders:
        asked = _asked(slot, pieces)
        if not asked:
            continue
        plan.program.add_network(network_slot(slot, plan.model))
        some = some_of(slot, {node for _, node in asked})
        run = run_slot(plan, some, f"{slot.result}{plan.tag}")
        rows = [[(name, child) in asked for child in some.children] for name in plan.together]
        sets = tuple(place for place, row in enumerate(rows) if any(row))
        holders, count = NO_ATTRIBUTE, len(sets)
        which = f"of {'every' if count == len(rows) else 'some'} S"
        if all(all(rows[place]) for place in sets):
            places = None if count == len(rows) else sets
            arguments = tuple(replace(argument, places=places) for argument in run.arguments)
            run = replace(run, arguments=arguments)
        else:
            holders, count = Attribute(f"holders:{slot.attribute}"), sum(row[0] for row in rows)
            own, listed = _listed(plan, slot, rows)
            plan.program.holders.append((holders, listed))
            which = "of every S that asks for i" if own else "of every S with i"
        shape = (count, *(run.target.shape or ()))
        value = plan.forward.add(
            replace(
                run,
                target=replace(run.target, shape=shape),
                on_sets=True,
                holders=holders,
                formula=f"{run.formula} {which}",
            )
        )
        for child in some.children:
            plan.likelihood[ModelKey("p", child)] = (value.target, some.children)


def _listed(plan: Plan, slot: Slot, rows: Sequence[Sequence[bool]]) -> tuple[bool, Attribute]:
    """The attribute that lists which sets ask for which members: its own, or the experts'."""
    table, subsets = tuple(map(tuple, rows)), plan.program.subsets
    for name, known in subsets:
        if known == table:
            return name == f"subsets:{slot.attribute}", name
    subsets.append((Attribute(f"subsets:{slot.attribute}"), table))
    return True, subsets[-1][0]
