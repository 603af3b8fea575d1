"""An order of a graph's points that numbering does not decide, and permutations that keep it."""

from __future__ import annotations

__all__ = ["ordered"]

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from graphdsl.graphs.colours import Coloured, Colouring

Permutation: TypeAlias = Mapping[int, int]  #: what is not in it stays where it is

_NEAR = 3  #: steps from a point to the vertices that it tells apart
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
        permutations, strangers = _exchanged(graph, points, colouring, members, level)
        if strangers and budget[0] > 0:
            chosen = _least(graph, points, colouring, (members[0], *strangers), budget)
            members = [chosen, *(member for member in members if member != chosen)]
            permutations, _ = _exchanged(graph, points, colouring, members, level)
        level += permutations
        generators += permutations
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
    permutations: list[Permutation] = []
    strangers: list[int] = []
    first = members[0]
    orbit = _orbit(first, known)
    if orbit.issuperset(members):
        return permutations, strangers
    left = colouring.copy()
    left.set_apart(first)
    around = _Surroundings(graph, points, colouring)
    for other in members[1:]:
        if other not in orbit:
            one = _matched(graph, points, colouring, left, around, first, other)
            if one is None:
                strangers.append(other)
            else:
                permutations.append(one)
                orbit = _orbit(first, (*known, *permutations))
    return permutations, strangers


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
    graph: Coloured,
    points: Sequence[int],
    colouring: Colouring,
    left: Colouring,
    around: _Surroundings,
    first: int,
    other: int,
) -> Permutation | None:
    """A permutation that keeps the graph and its colours, and puts `other` in the first's place."""
    right = colouring.copy()
    right.set_apart(other)
    if left.trace != right.trace:
        return None
    swap = _swap(points, left, right)
    if swap is not None and around.extend(swap) and _keeps(graph, swap):
        return {point: swap[point] for point in points if point in swap}
    return _completed(graph, points, left, right, {first: other})


def _swap(points: Sequence[int], left: Colouring, right: Colouring) -> dict[int, int] | None:
    """The involution of points that two colourings tell apart: a guess, to be checked.

    Views that are alike differ in nothing else, so this finds the exchange of two of them without
    setting all the others apart.
    """
    swap: dict[int, int] = {}
    for cell in {left.colour[point] for point in points}:
        here, there = left.cells[cell], right.cells[cell]
        if here.isdisjoint(there):
            for old, new in zip(sorted(here), sorted(there), strict=True):
                if swap.setdefault(old, new) != new or swap.setdefault(new, old) != old:
                    return None
    return swap


class _Surroundings:
    """The vertices of a graph by their colours and by the points that they stand near.

    A vertex within a few steps of points is known by those points and by their distances; one that
    is farther away, by its neighbours on the side of the points.
    """

    def __init__(self, graph: Coloured, points: Sequence[int], colouring: Colouring) -> None:
        self._graph = graph
        self._colour = [*colouring.colour]
        self._near: dict[int, list[tuple[tuple[int, int], int]]] = {}  #: of a vertex, the points
        self._holds: dict[int, list[int]] = {}  #: the vertices near a point
        alone = (cell for cell in colouring.cells if len(cell) == 1)
        barred = {*points}.union(*alone)
        for point in points:
            self._holds[point] = self._spread(point, barred)
        self._distance = _distances(graph, points)
        self._alike: defaultdict[object, list[int]] = defaultdict(list)
        for vertex, distance in self._distance.items():
            if distance:
                self._alike[self._sight(vertex, {})].append(vertex)

    def _spread(self, point: int, barred: set[int]) -> list[int]:
        """Enter a point at the vertices within a few steps of it.

        No step leads through a point, or through a vertex of a colour of its own: that one stays
        where it is, and all of the graph may be around it. The colour of the first step tells what
        part the point plays there.
        """
        seen = {*barred}
        first = [vertex for _, vertex in self._graph.around[point] if vertex not in seen]
        last = {(vertex, self._colour[vertex]) for vertex in first}
        for distance in range(1, _NEAR + 1):
            for vertex, colour in last:
                self._near.setdefault(vertex, []).append(((distance, colour), point))
            seen.update(vertex for vertex, _ in last)
            last = {
                (near, colour)
                for vertex, colour in last
                for _, near in self._graph.around[vertex]
                if near not in seen
            }
        return [*(seen - barred)]

    def extend(self, swap: dict[int, int]) -> bool:
        """Let the vertices around moved points follow them; False where several could be meant."""
        reached = {vertex for point in swap for vertex in self._holds[point]}
        while reached:
            moved = []
            for vertex in reached:
                images = self._alike.get(self._sight(vertex, swap), ())
                if vertex not in images:
                    if len(images) != 1:
                        return False
                    moved.append((vertex, images[0]))
            swap.update(moved)
            reached = {
                far
                for vertex, _ in moved
                for _, far in self._graph.around[vertex]
                if far not in self._near and self._distance[far] > self._distance[vertex]
            }
        return True

    def _sight(self, vertex: int, swap: Permutation) -> object:
        """The colour of a vertex, and the points that it is known by, once they are moved."""
        near = self._near.get(vertex)
        if near is not None:
            seen: list[tuple[object, int]] = [(far, swap.get(point, point)) for far, point in near]
        else:
            own = self._distance[vertex]
            seen = [
                (word, swap.get(other, other))
                for word, other in self._graph.around[vertex]
                if self._distance[other] < own
            ]
        return self._colour[vertex], tuple(sorted(seen))


def _distances(graph: Coloured, points: Sequence[int]) -> dict[int, int]:
    """How many edges each vertex is from the nearest point."""
    distances = dict.fromkeys(points, 0)
    waiting = deque(points)
    while waiting:
        here = waiting.popleft()
        for _, near in graph.around[here]:
            if near not in distances:
                distances[near] = distances[here] + 1
                waiting.append(near)
    return distances


def _keeps(graph: Coloured, swap: Permutation) -> bool:
    """Whether a permutation is an automorphism: each vertex that it moves sees what its image does.

    An edge is seen from both ends, so vertices that stay need no look.
    """
    for old, new in swap.items():
        if graph.words[old] != graph.words[new]:
            return False
        moved = sorted((word, swap.get(near, near)) for word, near in graph.around[old])
        if moved != sorted(graph.around[new]):
            return False
    return True


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
        completed = _completed(graph, points, one, two, {**known, vertex: wish})
        if completed is not None:
            return completed
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
    images = {point: of[left.colour[point]] for point in points}
    return {old: new for old, new in images.items() if old != new}


def _orbit(point: int, permutations: Iterable[Permutation]) -> set[int]:
    """All places that a point can be put in."""
    generators = [*permutations]
    orbit, waiting = {point}, [point]
    while waiting:
        here = waiting.pop()
        for one in generators:
            there = one.get(here, here)
            if there not in orbit:
                orbit.add(there)
                waiting.append(there)
    return orbit


def _conjugates(
    level: Sequence[Permutation], fixed: Sequence[int], first: int
) -> Iterator[Permutation]:
    """What follows from the exchanges of the point that was set apart last, for the next one."""
    turn = next((one for one in level if one.get(fixed[-1]) == first), None)
    if turn is None:
        return
    for one in level:
        moved = {*one, *turn}
        conjugate = {point: _through(point, turn, one, turn) for point in moved}
        if one is not turn and all(conjugate.get(point, point) == point for point in fixed):
            yield {old: new for old, new in conjugate.items() if old != new}


def _through(point: int, *permutations: Permutation) -> int:
    for permutation in permutations:
        point = permutation.get(point, point)
    return point
