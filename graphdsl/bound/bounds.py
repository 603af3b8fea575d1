"""Positive entropies folded into cross-entropies, and everything paired into tractable pieces.

The one rule: +H(v|S) <= CE_r(v|S), with the gap E KL(q(v|S) || r(v|S)). A cross-entropy of a latent
and the entropy of its encoder then make a rate, E KL(q(v|Pa) || r), in closed form. What is left of
negative entropies is bounded by the encoder's own: -H(v|S) <= -H(v|Pa_v), with the gap
I(v; Pa_v | S) (P9, UB2).
"""

from __future__ import annotations

__all__ = ["pieces"]

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Literal

from graphdsl.bound.generated_means import has_density
from graphdsl.bound.groups import Seen, as_it_is
from graphdsl.bound.models import (
    Auxiliary,
    named_model,
)
from graphdsl.bound.pieces import Piece, Pieces, Pool, Vanished
from graphdsl.bound.pools import parents_read, pools_of
from graphdsl.bound.relaxations import relaxation, relaxed_bounds, with_relaxations
from graphdsl.ir.graph import Independence
from graphdsl.ir.information import (
    Collected,
    LocalEntropy,
    ModelCrossEntropy,
    PenaltyAtom,
    Term,
    entropy,
)
from graphdsl.ir.model import Model
from graphdsl.ir.symbols import NetworkName, P, Q, Variable, names
from graphdsl.ir.weight import ZERO


def pieces(
    collected: Collected,
    model: Model,
    independences: Mapping[NetworkName, Independence],
    seen: Seen = as_it_is,
) -> Pieces:
    """Bound what must be bounded, and pair cross-entropies with the encoders' entropies.

    `seen` gives the sign of a weight as the loss sees it: a network made for a term plays where it
    is not known to be positive.
    """
    parts: list[Piece] = []
    vanished: list[Vanished] = []
    for under in (Q, *(network.name for network in model.further), P):
        if under not in independences:
            continue
        parts_of = _pieces(_of(collected, under), model, independences[under], under, seen)
        parts += parts_of.parts
        vanished += parts_of.vanished
    return Pieces(tuple(parts), tuple(vanished))


def _of(collected: Collected, under: NetworkName) -> Collected:
    """What an objective asks for over the samples of one distribution."""
    return replace(
        collected,
        models=tuple(model for model in collected.models if model.atom.under == under),
        exact=tuple(one for one in collected.exact if one.under == under),
        unbounded=tuple(one for one in collected.unbounded if one.under == under),
        uncertain=tuple(one for one in collected.uncertain if one.under == under),
        intractable=tuple(one for one in collected.intractable if one.under == under),
    )


def _pieces(
    collected: Collected, model: Model, independence: Independence, under: NetworkName, seen: Seen
) -> Pieces:
    pools = pools_of(collected, model, independence, under, seen)
    relaxed = relaxed_bounds(collected, independence, model)
    left = {one.node: one for one in collected.exact}
    for node, bounds in relaxed.items():
        own = left.get(node, _own(node, independence, under))
        weight = sum((bound.weight for bound in bounds), own.weight)
        left[node] = replace(own, weight=weight)
    parts: list[Piece] = []
    for pool in pools:
        if not pool.weight:
            continue
        if pool.cost is not None:
            parts.append(_piece("cost", pool, ()))
        elif _is_told(pool, model, independence):
            parts.append(_piece("reconstruction", pool, ()))
        elif _closed_form(pool, independence) and not _plays(pool) and not _asked_of_some(pool):
            parents = independence.parents(pool.node)
            minus = Term(-pool.weight, entropy((pool.node,), parents, under))
            parts.append(_piece("kl", pool, (minus,)))
            own = left.get(pool.node, _own(pool.node, independence, under))
            left[pool.node] = replace(own, weight=own.weight + pool.weight)
        else:
            parts.append(_piece("cross_entropy", pool, ()))
    rank = {name: place for place, name in enumerate(independence.order)}
    entropies = sorted(left.values(), key=lambda one: rank[one.node])
    parts += (_entropy_piece(one) for one in entropies if one.weight)
    parts += (_penalty_piece(one, model) for one in collected.models if one.atom.environment)
    cancelled = [*_cancelled(pools)]
    if not parts:
        bounded = (relaxation(*one, independence, under, collected) for one in relaxed.items())
        return Pieces((), (*cancelled, *bounded))
    parts[0] = _with_vanished(parts[0], cancelled)
    return Pieces(tuple(with_relaxations(parts, relaxed, independence)), ())


def _cancelled(pools: Iterable[Pool]) -> Iterator[Vanished]:
    """Bounds whose cross-entropies cancel: their gaps are still there.

    -KL(q(u|x) || p(u)) is bounded by nothing at all: +H(u|x) <= CE_p(u), and -CE_p(u).
    """
    for pool in pools:
        bounds = tuple(share.bound for share in pool.shares if share.bound is not None)
        if bounds and not pool.weight:
            stands_for = tuple(share.stands_for for share in pool.shares)
            lines = {line for share in pool.shares for line in share.lines}
            yield Vanished(stands_for, bounds, tuple(sorted(lines)))


def _with_vanished(piece: Piece, vanished: Iterable[Vanished]) -> Piece:
    """The first piece records the bounds whose cross-entropies cancel."""
    for one in vanished:
        piece = replace(
            piece,
            stands_for=(*piece.stands_for, *one.stands_for),
            bounds=(*piece.bounds, *one.bounds),
            lines=tuple(sorted({*piece.lines, *one.lines})),
        )
    return piece


def _own(node: Variable, independence: Independence, under: NetworkName) -> LocalEntropy:
    """The entropy of an encoder's own density, of which the objective asks nothing yet."""
    return LocalEntropy(node, independence.parents(node), ZERO, under=under)


def _entropy_piece(one: LocalEntropy) -> Piece:
    return Piece(
        kind="entropy",
        node=one.node,
        ref=None,
        weight=one.weight,
        stands_for=(Term(one.weight, entropy((one.node,), one.given, one.under)),),
        bounds=(),
        lines=one.lines,
        under=one.under,
    )


def _penalty_piece(one: ModelCrossEntropy, model: Model) -> Piece:
    ref = named_model(one, model)
    given = (*names(parents_read(ref)), one.atom.environment)
    given += (Variable("biased"),) * one.atom.biased
    atom = PenaltyAtom(one.atom.penalty, one.atom.node, given, one.atom.under)
    return Piece(
        kind="penalty",
        node=one.atom.node,
        ref=ref,
        weight=one.weight,
        stands_for=(Term(one.weight, atom),),
        bounds=(),
        lines=one.lines,
        under=one.atom.under,
        environment=one.atom.environment,
        biased=one.atom.biased,
        penalty=one.atom.penalty,
    )


def _is_told(pool: Pool, model: Model, independence: Independence) -> bool:
    """Whether it is a prediction of data, or of p's samples that no density of p's own is for."""
    if pool.under != "p":
        return pool.node in independence.data
    if _plays(pool) or not independence.parents(pool.node) or not has_density(pool.node, model):
        return True
    return not _closed_form(pool, independence)


def _plays(pool: Pool) -> bool:
    """Whether its network is trained against the term: by its cross-entropy, as it predicts."""
    return isinstance(pool.ref, Auxiliary) and pool.ref.adversary


def _asked_of_some(pool: Pool) -> bool:
    """Whether it is a cross-entropy of a latent that rows pay only where they have what it reads.

    The encoder's entropy, which a rate would add to it, is asked of the other rows as well.
    """
    return isinstance(pool.ref, Auxiliary) and pool.named and bool(pool.needs)


def _closed_form(pool: Pool, independence: Independence) -> bool:
    """Whether the model's parents tell nothing of the latent beyond its encoder's own parents."""
    parents = independence.parents(pool.node)
    given = parents_read(pool.ref)
    return independence.separated({pool.node}, given - parents, parents)


def _piece(
    kind: Literal["kl", "reconstruction", "cost", "cross_entropy"],
    pool: Pool,
    minus: tuple[Term, ...],
) -> Piece:
    return Piece(
        kind=kind,
        node=pool.node,
        ref=pool.ref,
        weight=pool.weight,
        stands_for=(*(share.stands_for for share in pool.shares), *minus),
        bounds=tuple(share.bound for share in pool.shares if share.bound is not None),
        lines=tuple(sorted({line for share in pool.shares for line in share.lines})),
        under=pool.under,
        among=pool.among,
        cost=pool.cost,
        named=pool.named,
        needs=pool.needs,
    )
