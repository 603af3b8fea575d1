"""Which drawn sets the pieces of a loss are means over."""

from __future__ import annotations

__all__ = ["draws_used"]

from collections.abc import Iterable

from graphdsl.bound.models import Encoder, SubPosterior
from graphdsl.bound.pieces import Piece
from graphdsl.ir.draws import draws_in


def draws_used(pieces: Iterable[Piece]) -> tuple[str, ...]:
    """The drawn sets that pieces of the loss speak of, in their order."""
    draws: list[str] = []
    for piece in pieces:
        names, titles = [piece.among], [piece.under]
        if isinstance(piece.ref, SubPosterior):
            names += piece.ref.experts
        if isinstance(piece.ref, Encoder | SubPosterior):
            titles.append(piece.ref.network)
        draws += draws_in(names, *titles)
    return tuple(dict.fromkeys(draws))
