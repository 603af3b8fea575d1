"""Linear equations in exact fractions."""

from __future__ import annotations

__all__ = ["solve_exactly"]

from collections.abc import Mapping, Sequence
from fractions import Fraction

Vector = Mapping[int, Fraction]
_RIGHT = -1  #: the place of the right-hand side in an equation


def solve_exactly(columns: Sequence[Vector], target: Vector) -> list[Fraction] | None:
    """The x with sum_j x_j columns_j = target, or None if there is none; what is free is nought.

    >>> one, two = Fraction(1), Fraction(2)
    >>> solve_exactly([{0: one, 1: one}, {1: two}], {0: two, 1: one})
    [Fraction(2, 1), Fraction(-1, 2)]
    """
    left = _equations(columns, target)
    solved: list[tuple[int, dict[int, Fraction]]] = []
    while left:
        # The shortest equation first: what it is taken from fills up least.
        pivot = left.pop(min(range(len(left)), key=lambda k: len(left[k])))
        place = max(pivot)
        if place == _RIGHT:
            return None
        for equation in (*left, *(equation for _, equation in solved)):
            _eliminate(equation, pivot, place)
        left = [equation for equation in left if equation]
        solved.append((place, pivot))
    answer = [Fraction(0)] * len(columns)
    for place, equation in solved:
        answer[place] = equation.get(_RIGHT, Fraction(0)) / equation[place]
    return answer


def _equations(columns: Sequence[Vector], target: Vector) -> list[dict[int, Fraction]]:
    """A row each: the unknowns with their factors, and the right-hand side."""
    equations: dict[int, dict[int, Fraction]] = {}
    for place, column in [*enumerate(columns), (_RIGHT, target)]:
        for row, value in column.items():
            if value:
                equations.setdefault(row, {})[place] = value
    return list(equations.values())


def _eliminate(equation: dict[int, Fraction], pivot: Vector, place: int) -> None:
    """Take so much of the pivot from an equation that an unknown is gone."""
    factor = equation.get(place, Fraction(0)) / pivot[place]
    if not factor:
        return
    for name, value in pivot.items():
        left = equation.get(name, Fraction(0)) - factor * value
        if left:
            equation[name] = left
        else:
            equation.pop(name, None)
