"""Recognise named forms: sums of informations that are a total correlation, or one information."""

from __future__ import annotations

__all__ = ["name_terms"]

from collections.abc import Iterable
from itertools import permutations

from graphdsl.ir.information import (
    Information,
    Step,
    Term,
    TotalCorrelation,
    information,
)
from graphdsl.ir.symbols import Variable


def name_terms(terms: Iterable[Term]) -> tuple[tuple[Term, ...], tuple[Step, ...]]:
    """Laws: I(a; b|C) + I(c; a, b|C) = TC(a; b; c|C), and I(a; b|C) + I(a; c|C, b) = I(a; b, c|C).

    Both are the chain rule, read from right to left, so that fewer terms with better known names
    are left.
    """
    current = list(terms)
    steps: list[Step] = []
    while (pair := _first_pair(current)) is not None:
        first, second, joined, rule = pair
        # The joined term takes the first one's place: it is the next to be extended.
        current = [joined if term is first else term for term in current if term is not second]
        if steps and steps[-1].rule == rule and steps[-1].after == (first,):
            # A longer total correlation in one step, not in a step for each of its parts.
            before = (*steps.pop().before, second)
        else:
            before = (first, second)
        steps.append(Step(rule=rule, because="chain rule", before=before, after=(joined,)))
    return tuple(current), tuple(steps)


def _first_pair(terms: list[Term]) -> tuple[Term, Term, Term, str] | None:
    for first, second in permutations(terms, 2):
        if first.weight != second.weight or not isinstance(second.atom, Information):
            continue
        for name, join in (("total correlation", _correlation), ("one information", _chain)):
            joined = join(first, second.atom)
            if joined is not None:
                return first, second, joined, name
    return None


def _correlation(first: Term, second: Information) -> Term | None:
    """TC(P | C) + I(v; all of P | C) = TC(P; v | C)."""
    atom = first.atom
    if isinstance(atom, Information):
        parts: tuple[tuple[Variable, ...], ...] = (atom.left, atom.right)
    elif isinstance(atom, TotalCorrelation):
        parts = atom.parts
    else:
        return None
    if atom.given != second.given:
        return None
    union = {name for part in parts for name in part}
    for new, old in ((second.left, second.right), (second.right, second.left)):
        if set(old) == union:
            ordered = parts if isinstance(atom, TotalCorrelation) else tuple(sorted(parts))
            return Term(first.weight, information((*ordered, new), atom.given))
    return None


def _chain(first: Term, second: Information) -> Term | None:
    """I(a; b | C) + I(a; c | C, b) = I(a; b, c | C)."""
    atom = first.atom
    if not isinstance(atom, Information):
        return None
    for a, b in ((atom.left, atom.right), (atom.right, atom.left)):
        if set(second.given) != {*atom.given, *b}:
            continue
        for other, c in ((second.left, second.right), (second.right, second.left)):
            if set(other) == set(a):
                return Term(first.weight, information((a, (*b, *c)), atom.given))
    return None
