"""Linear equations in exact fractions."""

from __future__ import annotations

__all__ = ["solve_exactly"]

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

Vector: TypeAlias = Mapping[int, Fraction]
_Equation: TypeAlias = dict[int, Fraction]  #: unknowns with their factors, and the right-hand side

_NONE = Fraction(0)
_RIGHT = -1  #: the place of the right-hand side in an equation


def solve_exactly(columns: Sequence[Vector], target: Vector) -> list[Fraction] | None:
    """The x with sum_j x_j columns_j = target, or None if there is none; what is free is zero.

    >>> one, two = Fraction(1), Fraction(2)
    >>> solve_exactly([{0: one, 1: one}, {1: two}], {0: two, 1: one})
    [Fraction(2, 1), Fraction(-1, 2)]
    """
    left = _equations(columns, target)
    solved: list[tuple[int, _Equation]] = []
    while left:
        # The shortest equation, and the unknown that is in the fewest: so the least fills up.
        shortest = min(left, key=lambda row: len(left[row]))
        pivot = left.pop(shortest)
        counts = {name: sum(name in one for one in left.values()) for name in pivot if name >= 0}
        if not counts:
            return None
        place = min(counts, key=lambda name: counts[name])
        for row in [row for row, equation in left.items() if place in equation]:
            _eliminate(left[row], pivot, place)
            if not left[row]:
                del left[row]
        solved.append((place, pivot))
    answer = [Fraction(0)] * len(columns)
    for place, equation in reversed(solved):
        known = sum((value * answer[name] for name, value in equation.items() if name >= 0), _NONE)
        answer[place] = (equation.get(_RIGHT, _NONE) - known) / equation[place]
    return answer


def _equations(columns: Sequence[Vector], target: Vector) -> dict[int, _Equation]:
    equations: defaultdict[int, _Equation] = defaultdict(dict)
    for place, column in [*enumerate(columns), (_RIGHT, target)]:
        for row, value in column.items():
            if value:
                equations[row][place] = value
    return dict(equations)


def _eliminate(equation: _Equation, pivot: Vector, place: int) -> None:
    """Take so much of the pivot from an equation that an unknown is gone."""
    factor = equation[place] / pivot[place]
    for name, value in pivot.items():
        left = equation.get(name, _NONE) - factor * value
        if left:
            equation[name] = left
        else:
            equation.pop(name, None)
