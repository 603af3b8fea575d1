"""Inequalities among the sets that a claim speaks of: few, whatever the number of variables."""

from __future__ import annotations

__all__ = ["lattice_inequalities"]

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, combinations
from typing import TypeAlias

from graphdsl.ir.information import Entropy, Information, entropy
from graphdsl.ir.symbols import Names, Variable, names
from graphdsl.prove.setting import Setting

Variables: TypeAlias = frozenset[Variable]
Inequality: TypeAlias = Entropy | Information

_MOST = 80  #: sets of which all pairs are taken; of more, each group and the union before it


def lattice_inequalities(groups: Sequence[Names], setting: Setting) -> list[Inequality]:
    """I(A - B; B - A | A, B in common) and H(A - B | B), for sets A, B of the claim.

    The sets are the groups, in their order, and the unions of the first of them: with those, every
    D(q||G) is a sum of such informations, its local Markov form (theory: P1).
    """
    found = [frozenset(group) for group in groups]
    unions = list(accumulate(found, lambda one, two: one | two))
    sets = list(dict.fromkeys((*found, *unions)))
    pairs = combinations(sets, 2) if len(sets) <= _MOST else zip(found[1:], unions, strict=False)
    return list(dict.fromkeys((*_among(pairs, setting), *_alone(sets, setting))))


def _among(pairs: Iterable[tuple[Variables, Variables]], setting: Setting) -> Iterator[Inequality]:
    for first, second in pairs:
        sides = sorted((names(first - second), names(second - first)))
        if all(sides):
            yield Information(sides[0], sides[1], names(first & second))
        else:
            yield from _rest(max(first, second, key=len), first & second, setting)


def _alone(sets: Iterable[Variables], setting: Setting) -> Iterator[Inequality]:
    for one in sets:
        yield from _rest(one, frozenset(), setting)


def _rest(of: Variables, given: Variables, setting: Setting) -> Iterator[Inequality]:
    """H of what one set has over another, if it is discrete."""
    if of != given and setting.real.isdisjoint(of - given):
        yield entropy(of - given, given)
