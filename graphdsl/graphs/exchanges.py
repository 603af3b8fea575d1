"""An order of a graph's points that numbering does not decide, and permutations that keep it."""

from __future__ import annotations

__all__ = ["ordered"]

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from graphdsl.graphs.colours import Coloured, Colouring

Permutation: TypeAlias = Mapping[int, int]  #: what is not in it stays where it is

_MOST_LEAVES = 64  #: orders that are compared, where colours alone do not decide


def ordered(graph: Coloured, points: Sequence[int]) -> tuple[list[int], list[Permutation]]:
    """Points in an order that equal graphs share, up to the permutations that are given too.

    The permutations generate the automorphisms of the graph, as far as they move points: for each
    point that is set apart, one for every other point that may take its place.
    """
    generators: list[Permutation] = []
    colouring = _descend(graph, points, Colouring(graph), generators, [_MOST_LEAVES])
    return sorted(points, key=colouring.place), generators


def _descend(
    graph: Coloured,
    points: Sequence[int],
    colouring: Colouring,
    generators: list[Permutation],
    budget: list[int],
) -> Colouring:
    """Set points apart until no two share a colour; of points that are no equals, the least."""
    fixed: list[int] = []
    level: list[Permutation] = []
    while (cell := colouring.shared(points)) is not None:
        members = [point for point in points if colouring.colour[point] == cell]
        level = [*_conjugates(level, fixed, members[0])]
        found, strangers = _exchanged(graph, points, colouring, members, level)
        if strangers and budget[0] > 0:
            chosen = _least(graph, points, colouring, (members[0], *strangers), budget)
            members = [chosen, *(one for one in members if one != chosen)]
            found, _ = _exchanged(graph, points, colouring, members, level)
        level += found
        generators += found
        fixed.append(members[0])
        colouring.set_apart(members[0])
    return colouring


def _exchanged(
    graph: Coloured,
    points: Sequence[int],
    colouring: Colouring,
    members: Sequence[int],
    known: Sequence[Permutation],
) -> tuple[list[Permutation], list[int]]:
    """What puts others in the first's place, and those that nothing puts there."""
    found: list[Permutation] = []
    strangers: list[int] = []
    for other in members[1:]:
        if other not in _orbit(members[0], (*known, *found)):
            one = _matched(graph, points, colouring, members[0], other)
            if one is None:
                strangers.append(other)
            else:
                found.append(one)
    return found, strangers


def _least(
    graph: Coloured,
    points: Sequence[int],
    colouring: Colouring,
    candidates: Iterable[int],
    budget: list[int],
) -> int:
    """The point whose graph, once all is set apart, comes first."""
    found: list[tuple[str, int]] = []
    for candidate in candidates:
        budget[0] -= 1
        trial = colouring.copy()
        trial.set_apart(candidate)
        leaf = _descend(graph, points, trial, [], budget)
        found.append((_certificate(graph, leaf), candidate))
    return min(found, key=lambda one: one[0])[1]


def _certificate(graph: Coloured, colouring: Colouring) -> str:
    """What a graph is, its vertices called by their colours."""
    return repr(sorted((colouring.colour[v], *_seen(graph, colouring, v)) for v in _all(graph)))


def _all(graph: Coloured) -> range:
    return range(len(graph.words))


def _seen(graph: Coloured, colouring: Colouring, vertex: int) -> list[tuple[str, int]]:
    return sorted((word, colouring.colour[near]) for word, near in graph.around[vertex])


def _matched(
    graph: Coloured, points: Sequence[int], colouring: Colouring, first: int, other: int
) -> Permutation | None:
    """A permutation that keeps the graph and its colours, and puts `other` in the first's place."""
    left, right = colouring.copy(), colouring.copy()
    left.set_apart(first)
    right.set_apart(other)
    return _completed(graph, points, left, right, {first: other})


def _completed(
    graph: Coloured,
    points: Sequence[int],
    left: Colouring,
    right: Colouring,
    known: dict[int, int],
) -> Permutation | None:
    if left.trace != right.trace:
        return None
    cell = left.shared(points)
    if cell is None:
        return _read(graph, points, left, right)
    vertex = next(point for point in points if left.colour[point] == cell)
    back = {new: old for old, new in known.items()}
    wishes = (back.get(vertex, vertex), vertex, *sorted(right.cells[cell]))  # as little as may be
    for wish in dict.fromkeys(one for one in wishes if one in right.cells[cell]):
        one, two = left.copy(), right.copy()
        one.set_apart(vertex)
        two.set_apart(wish)
        found = _completed(graph, points, one, two, {**known, vertex: wish})
        if found is not None:
            return found
    return None


def _read(
    graph: Coloured, points: Sequence[int], left: Colouring, right: Colouring
) -> Permutation | None:
    """The permutation that two colourings are, if it keeps the graph."""
    seen: dict[int, list[tuple[str, int]]] = {}  #: by colour: all that share it see the same
    for vertex in _all(graph):
        if seen.setdefault(left.colour[vertex], near := _seen(graph, left, vertex)) != near:
            return None
    for vertex in _all(graph):
        if seen.get(right.colour[vertex]) != _seen(graph, right, vertex):
            return None
    of = {right.colour[point]: point for point in points}
    found = {point: of[left.colour[point]] for point in points}
    return {old: new for old, new in found.items() if old != new}


def _orbit(point: int, permutations: Iterable[Permutation]) -> set[int]:
    """All places that a point can be put in."""
    several = [*permutations]
    found, waiting = {point}, [point]
    while waiting:
        here = waiting.pop()
        for one in several:
            there = one.get(here, here)
            if there not in found:
                found.add(there)
                waiting.append(there)
    return found


def _conjugates(
    level: Sequence[Permutation], fixed: Sequence[int], first: int
) -> Iterator[Permutation]:
    """What follows from the exchanges of the point that was set apart last, for the next one."""
    turn = next((one for one in level if one.get(fixed[-1]) == first), None)
    if turn is None:
        return
    for one in level:
        moved = {*one, *turn}
        found = {point: _through(point, turn, one, turn) for point in moved}
        if one is not turn and all(found.get(point, point) == point for point in fixed):
            yield {old: new for old, new in found.items() if old != new}


def _through(point: int, *permutations: Permutation) -> int:
    for one in permutations:
        point = one.get(point, point)
    return point
