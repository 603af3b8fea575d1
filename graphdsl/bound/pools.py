"""Cross-entropies that an objective names, or that bound its entropies: a pool for each model."""

from __future__ import annotations

__all__ = ["parents_read", "pools_of", "readings"]

from collections.abc import Iterable, Iterator
from dataclasses import replace

from graphdsl.bound.groups import Seen
from graphdsl.bound.missing_rows import is_apart, needed
from graphdsl.bound.models import (
    Auxiliary,
    BoundModel,
    Decoder,
    Encoder,
    Prior,
    SubPosterior,
    choose_model,
    model_ref,
    named_model,
    reading_of,
)
from graphdsl.bound.pieces import Pool, Share
from graphdsl.ir.graph import Independence
from graphdsl.ir.information import (
    Collected,
    CrossEntropy,
    LocalEntropy,
    ModelGap,
    PenaltyAtom,
    Term,
    entropy,
)
from graphdsl.ir.loss import Bound
from graphdsl.ir.model import Model, Place
from graphdsl.ir.notation import Phrase
from graphdsl.ir.objective import Cost
from graphdsl.ir.symbols import NO_VARIABLE, NetworkName, Variable, names
from graphdsl.ir.symmetry import Reading
from graphdsl.ir.weight import ZERO, Weight
from graphdsl.signs import sign


def readings(one: LocalEntropy, model: Model) -> list[Reading]:
    """The models that bound an entropy: one, or that of each member of a block."""
    return [
        reading_of(choose_model(node, one.reads(given), model, one.under), one.under, among)
        for node, given, among in _each(one, model)
    ]


def pools_of(
    collected: Collected, model: Model, independence: Independence, under: NetworkName, seen: Seen
) -> list[Pool]:
    """The cross-entropies over the samples of one distribution, in the order of their models."""

    def plays(weight: Weight) -> bool:
        return seen(sign(weight, model.parameters)) in ("nonpositive", "unknown")

    pools: dict[tuple[Variable, BoundModel, Variable, Cost | None, bool], Pool] = {}

    def pool(
        node: Variable,
        ref: BoundModel,
        among: Variable = NO_VARIABLE,
        cost: Cost | None = None,
        named: bool = False,
    ) -> Pool:
        apart = named and is_apart(ref, model)
        predicted = node in independence.data
        needs = needed(ref, node, model, under, predicted=predicted, named=named)
        new = Pool(node, ref, under, among, cost, apart, needs)
        return pools.setdefault((node, ref, among, cost, apart), new)

    for asked in collected.models:
        if asked.atom.environment:
            continue
        ref, atom = named_model(asked, model, plays(asked.weight)), asked.atom
        once = _once(asked.weight, atom.node, atom.among, model)
        term = _cross_entropy(once, ref, under, atom.among, atom.cost)
        share = Share(asked.weight, term, asked.lines)
        pool(atom.node, ref, atom.among, atom.cost, named=True).shares.append(share)
    for certified, one in _to_bound(collected):
        term = Term(one.weight, entropy((one.node,), one.given, under))
        for node, given, among in _each(one, model):
            ref = choose_model(node, one.reads(given), model, under)
            if isinstance(ref, Auxiliary):
                ref = replace(ref, adversary=plays(one.weight))
            bound = _bound(one, ref, term, certified)
            stands = Term(_once(one.weight, node, among, model), term.atom)
            pool(node, ref, among).shares.append(Share(one.weight, stands, one.lines, bound))
    rank = {name: place for place, name in enumerate(independence.order)}
    return sorted(
        pools.values(),
        key=lambda each: (each.among, rank[each.node], _place(each.ref, model), each.cost or ""),
    )


def _place(ref: BoundModel, model: Model) -> tuple[int, tuple[Place, ...]]:
    """Where a model comes among those of its variable: in the order of declarations."""
    match ref:
        case Prior():
            return (model.place_of_network("p"), ())
        case Decoder(conditional=one):
            return (model.place_of_network("p"), tuple(map(model.place, one.parents)))
        case Encoder(network=name, conditional=one):
            return (model.place_of_network(name), tuple(map(model.place, one.parents)))
        case SubPosterior(network=name, experts=experts):
            return (model.place_of_network(name), tuple(map(model.place, experts)))
        case Auxiliary(given=given):
            return (model.place_of_network("new"), tuple(map(model.place, given)))


def _each(
    one: LocalEntropy, model: Model
) -> Iterator[tuple[Variable, frozenset[Variable], Variable]]:
    """An entropy's variable; of a block, H(x[S]|C) <= sum over i in S of H(x_i|C), each member."""
    block = one.node.block
    if block is None:
        yield one.node, one.given, NO_VARIABLE
        return
    given = frozenset(name for name in one.given if name.block is None)
    for name in model.members(block.head):
        yield name, given, one.node


def _once(weight: Weight, node: Variable, among: Variable, model: Model) -> Weight:
    """What the members of a block stand for together, the first of them says."""
    return weight if not among or node == model.members(node.head)[0] else ZERO


def _to_bound(collected: Collected) -> Iterator[tuple[bool, LocalEntropy]]:
    yield from ((True, one) for one in _together(collected.unbounded))
    yield from ((False, one) for one in _together(collected.uncertain))


def _together(several: Iterable[LocalEntropy]) -> Iterable[LocalEntropy]:
    """Equal entropies of several projections are one, so that their gap is stated whole."""
    entropies: dict[
        tuple[Variable, frozenset[Variable], frozenset[Variable] | None], LocalEntropy
    ] = {}
    for one in several:
        known = entropies.get((one.node, one.given, one.read))
        if known is not None:
            lines = tuple(sorted({*known.lines, *one.lines}))
            one = replace(known, weight=known.weight + one.weight, lines=lines)
        entropies[one.node, one.given, one.read] = one
    return entropies.values()


def _cross_entropy(
    weight: Weight, ref: BoundModel, under: NetworkName, among: Variable, cost: Cost | None
) -> Term:
    whole = replace(ref, node=among or ref.node)
    if cost is not None:
        given = (*names(parents_read(ref)), Variable(cost))
        return Term(weight, PenaltyAtom("cost", whole.node, given, under))
    return Term(
        weight, CrossEntropy((whole.node,), names(parents_read(ref)), model_ref(whole), under)
    )


def _bound(one: LocalEntropy, ref: BoundModel, term: Term, certified: bool) -> Bound:
    given = names(one.given)
    model = model_ref(replace(ref, node=one.node))
    condition = (" given ", given) if given else ()
    says = (model, " is what ", one.under, "'s joint says of ", one.node, *condition)
    return Bound(
        weight=one.weight,
        entropy=term,
        model=model,
        gap=(one.weight, ModelGap(one.node, given, model, one.under)),
        tight_when=Phrase(says),
        certified=certified,
    )


def parents_read(ref: BoundModel) -> frozenset[Variable]:
    """What a model is given."""
    return frozenset(model_ref(ref).parents)
