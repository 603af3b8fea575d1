"""Negative entropies bounded by the encoder's own, and what such a bound drops (P9, UB2)."""

from __future__ import annotations

__all__ = ["can_relax", "relaxation", "relaxed_bounds", "stand_for", "with_relaxations"]

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from graphdsl.bound.lasting import lasting_gap
from graphdsl.bound.pieces import Piece, Vanished
from graphdsl.ir.graph import Independence
from graphdsl.ir.information import (
    Collected,
    Information,
    LocalEntropy,
    Term,
    entropy,
)
from graphdsl.ir.loss import Bound
from graphdsl.ir.model import Model
from graphdsl.ir.notation import Phrase
from graphdsl.ir.symbols import ModelRef, NetworkName, Variable, names


def can_relax(one: LocalEntropy, independence: Independence) -> bool:
    """Whether -H(v|S) <= -H(v|Pa_v) holds: S must tell nothing of v beyond v's parents."""
    parents = independence.parents(one.node)
    return independence.separated({one.node}, one.given - parents, parents)


def relaxed_bounds(
    collected: Collected, independence: Independence, model: Model
) -> dict[Variable, list[Bound]]:
    """-H(v|S) <= -H(v|Pa_v): conditioning on more leaves less entropy."""
    relaxed: dict[Variable, list[Bound]] = {}
    for one in collected.intractable:
        parents = independence.parents(one.node)
        missing, given = names(parents - one.given), names(one.given)
        relaxed.setdefault(one.node, []).append(
            Bound(
                weight=one.weight,
                entropy=Term(one.weight, entropy((one.node,), one.given, one.under)),
                model=ModelRef(one.under.base, (one.node,), names(parents)),
                gap=(-one.weight, Information((one.node,), missing, given, one.under)),
                tight_when=Phrase((one.node, " _||_ ", missing, " | " * bool(given), given)),
                certified=True,
                lasting=lasting_gap(one, independence, model).sentence,
            )
        )
    return relaxed


def with_relaxations(
    pieces: list[Piece], relaxed: dict[Variable, list[Bound]], independence: Independence
) -> Iterator[Piece]:
    """Each latent's first piece carries what its encoder's entropy stands for besides itself.

    The first piece of all carries that of latents whose entropies have cancelled.
    """
    waiting = dict(relaxed)
    alive = {piece.node for piece in pieces}
    for place, piece in enumerate(pieces):
        for node in [
            one for one in waiting if one == piece.node or (not place and one not in alive)
        ]:
            piece = _relaxing(piece, node, waiting.pop(node), independence)
        yield piece


def _relaxing(
    piece: Piece, node: Variable, bounds: Iterable[Bound], independence: Independence
) -> Piece:
    replacements = stand_for(node, bounds, independence, piece.under)
    return replace(
        piece, stands_for=(*piece.stands_for, *replacements), bounds=(*piece.bounds, *bounds)
    )


def relaxation(
    node: Variable,
    bounds: Sequence[Bound],
    independence: Independence,
    under: NetworkName,
    collected: Collected,
) -> Vanished:
    """The same, where the encoders' entropies cancel and nothing else is left."""
    replacements = stand_for(node, bounds, independence, under)
    lines = {line for one in collected.intractable if one.node == node for line in one.lines}
    return Vanished(replacements, tuple(bounds), tuple(sorted(lines)))


def stand_for(
    node: Variable, bounds: Iterable[Bound], independence: Independence, under: NetworkName
) -> tuple[Term, ...]:
    """What is bounded, less what is computed in its place: the encoder's own entropy."""
    own = entropy((node,), independence.parents(node), under)
    left = [*bounds]
    instead = (Term(-bound.weight, own) for bound in left)
    return (*(bound.entropy for bound in left), *instead)
