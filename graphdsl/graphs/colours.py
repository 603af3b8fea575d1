"""Coloured graphs: what tells their vertices apart, and which permutations leave them unchanged.

Colours are refined until vertices of one colour see the same colours around them (Weisfeiler and
Leman, 1968); a vertex of a colour that several still share is then set apart, and so on (McKay,
1981). No step depends on how vertices are numbered, so that equal graphs are coloured alike.
"""

from __future__ import annotations

__all__ = ["Coloured", "Colouring"]

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Coloured:
    """A graph in the making: vertices with a colour in words, edges with a label."""

    words: list[str] = field(default_factory=list)
    around: list[list[tuple[str, int]]] = field(default_factory=list)

    def vertex(self, *word: object) -> int:
        """A new vertex; its colour is what the words are written as."""
        self.words.append(repr(word))
        self.around.append([])
        return len(self.words) - 1

    def edge(self, start: int, end: int, label: str = "") -> None:
        """An edge, which both of its ends see, each from its side."""
        self.around[start].append((f">{label}", end))
        self.around[end].append((f"<{label}", start))


class Colouring:
    """Colours of a graph's vertices, refined; numbers that equal graphs have in common."""

    def __init__(self, graph: Coloured) -> None:
        self._graph = graph
        by_word: defaultdict[str, list[int]] = defaultdict(list)
        for vertex, word in enumerate(graph.words):
            by_word[word].append(vertex)
        self.colour = [0] * len(graph.words)
        self.cells: list[set[int]] = []
        self.keys: list[tuple[int, ...]] = []  #: of each colour, by which colours are put in order
        self.trace: list[object] = []  #: how the refinement went, in words that equal graphs share
        for place, word in enumerate(sorted(by_word)):
            self._new_cell(by_word[word], (place,))
        self._refine(range(len(graph.words)))

    def copy(self) -> Colouring:
        """The same colours, to be refined on their own."""
        other = object.__new__(Colouring)
        other._graph = self._graph
        other.colour = [*self.colour]
        other.cells = [*self.cells]
        other.keys = [*self.keys]
        other.trace = []
        return other

    def set_apart(self, vertex: int) -> None:
        """Give one vertex a colour of its own, and refine."""
        old = self.colour[vertex]
        if len(self.cells[old]) > 1:
            self._leave(old, [vertex], first=True)
            self._refine([vertex])

    def shared(self, vertices: Iterable[int]) -> int | None:
        """The first colour that several of these vertices have, or None."""
        seen: set[int] = set()
        twice: set[int] = set()
        for vertex in vertices:
            (twice if self.colour[vertex] in seen else seen).add(self.colour[vertex])
        return min(twice, default=None)

    def place(self, vertex: int) -> tuple[int, ...]:
        """Where a vertex stands in the order of the colours."""
        return self.keys[self.colour[vertex]]

    def _new_cell(self, vertices: Iterable[int], key: tuple[int, ...]) -> None:
        cell = set(vertices)
        for vertex in cell:
            self.colour[vertex] = len(self.cells)
        self.cells.append(cell)
        self.keys.append(key)

    def _leave(self, cell: int, vertices: Iterable[int], first: bool = False) -> None:
        """Give some vertices of a colour one of their own, next to it in the order."""
        key = self.keys[cell]
        own, rest = ((0,), (1,)) if first else ((1,), (0,))
        self.cells[cell] = self.cells[cell].difference(vertices)
        self.keys[cell] = (*key, *rest)
        self._new_cell(vertices, (*key, *own))

    def _refine(self, changed: Iterable[int]) -> None:
        """Split colours until equal ones see equal ones; only what sees a change is looked at."""
        touched = {near for vertex in changed for _, near in self._graph.around[vertex]}
        while touched:
            split = self._split(touched)
            touched = {near for vertex in split for _, near in self._graph.around[vertex]}

    def _split(self, touched: Iterable[int]) -> list[int]:
        by_cell: defaultdict[int, defaultdict[tuple[tuple[str, int], ...], list[int]]]
        by_cell = defaultdict(lambda: defaultdict(list))
        colour = self.colour
        for vertex in touched:
            if len(self.cells[colour[vertex]]) > 1:
                seen = tuple(
                    sorted((word, colour[near]) for word, near in self._graph.around[vertex])
                )
                by_cell[colour[vertex]][seen].append(vertex)
        fresh: list[int] = []
        for cell in sorted(by_cell):
            fresh += self._split_cell(cell, by_cell[cell])
        return fresh

    def _split_cell(
        self, cell: int, parts: dict[tuple[tuple[str, int], ...], list[int]]
    ) -> list[int]:
        """The largest part keeps its colour: what no change reached, where there is any."""
        ordered = sorted(parts)
        untouched = len(self.cells[cell]) > sum(map(len, parts.values()))
        if not untouched:
            ordered.remove(max(ordered, key=lambda seen: (len(parts[seen]), seen)))
        self.trace.append((cell, untouched, [(seen, len(parts[seen])) for seen in ordered]))
        fresh: list[int] = []
        for seen in ordered:
            self._leave(cell, parts[seen])
            fresh += parts[seen]
        return fresh
