"""Bounds whose computed parts cancel: nothing of them is in the loss, and their gaps still are.

-0.5 I(x; z, u) beside 0.5 KL(q(z, u | x) || p(z, u)) may leave no rate at all. The objective is
then above by what the bounds give away, and some term has to say so.
"""

from __future__ import annotations

__all__ = ["telling"]

from collections.abc import Iterable
from dataclasses import replace

from graphdsl.bound.pieces import Vanished
from graphdsl.bound.relations import combined, of_bounds
from graphdsl.ir.loss import LossTerm
from graphdsl.lower.terms import added_up

#: Kinds of terms whose own share has no closed form.
_ESTIMATED = ("importance", "information", "total_correlation")


def telling(terms: tuple[LossTerm, ...], several: Iterable[Vanished]) -> tuple[LossTerm, ...]:
    """The terms, one of which records what has vanished beside its own share.

    It is the first that is no estimate and no bound from below, if there is such a term.
    """
    vanished = tuple(one for one in several if one.bounds)
    if not terms or not vanished:
        return terms
    place = min(range(len(terms)), key=lambda at: _unfit(terms[at]))
    term = terms[place]
    for one in vanished:
        term = replace(
            term,
            stands_for=added_up((*term.stands_for, *one.stands_for)),
            bounds=(*term.bounds, *one.bounds),
            lines=tuple(sorted({*term.lines, *one.lines})),
            relation=combined((term.relation, of_bounds(one.bounds))),
        )
    return (*terms[:place], term, *terms[place + 1 :])


def _unfit(term: LossTerm) -> tuple[bool, bool]:
    return term.relation == "lower", term.code.kind in _ESTIMATED
