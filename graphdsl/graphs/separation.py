"""d-separation in G^q, on bit masks: what every q that follows the network must satisfy."""

from __future__ import annotations

__all__ = ["Separation"]

from collections.abc import Iterable, Mapping

from graphdsl.ir.notation import original

_NO_BLOCKS: Mapping[str, Iterable[str]] = {}


class Separation:
    """Independences of a DAG, by reachability in the moral graph of the ancestors.

    A node's set of neighbours there is one integer, so that a query costs a few operations on
    words rather than on sets; this is what lets networks of a hundred nodes be derived at once.
    A block that is some part of a family, `x[S]`, is asked about as all of it.

    >>> chain = Separation(("a", "b", "c"), {"a": (), "b": ("a",), "c": ("b",)}, data={"a"})
    >>> chain.separated({"a"}, {"c"}, {"b"}), chain.separated({"a"}, {"c"}, ())
    (True, False)
    >>> sorted(chain.boundary("c", frozenset({"a", "b"})))
    ['b']
    """

    def __init__(
        self,
        order: tuple[str, ...],
        parents: Mapping[str, Iterable[str]],
        data: Iterable[str],
        blocks: Mapping[str, Iterable[str]] = _NO_BLOCKS,
    ) -> None:
        self.order = order
        self.data = frozenset(data).union(blocks)
        self._parents = {name: frozenset(parents[name]) for name in order}
        self._bit = {name: 1 << place for place, name in enumerate(order)}
        for name, members in blocks.items():  # some of these, we cannot say which
            self._bit.setdefault(name, self._mask(members))
            self._parents.setdefault(name, frozenset())
        self._parent_mask = [self._mask(self._parents[name]) for name in order]
        self._ancestors = self._ancestral_masks()
        self._moral: dict[int, list[int]] = {}
        self._answers: dict[tuple[int, int, int], bool] = {}

    def parents(self, node: str) -> frozenset[str]:
        """Pa_v in G^q."""
        return self._parents[node]

    def separated(self, a: Iterable[str], b: Iterable[str], given: Iterable[str]) -> bool:
        """Whether `given` d-separates `a` from `b`; what is in `given` is apart from anything."""
        evidence = self._mask(given)
        start, goal = self._mask(a) & ~evidence, self._mask(b) & ~evidence
        if not start or not goal:
            return True
        if start & goal:
            return False
        asked = start, goal, evidence
        if asked not in self._answers:  # every pass over a derivation asks again
            within = self._ancestral(start | goal | evidence)
            self._answers[asked] = not self._reach(start, evidence, within) & goal
        return self._answers[asked]

    def boundary(self, node: str, given: frozenset[str]) -> frozenset[str]:
        """The smallest subset of `given` that d-separates `node` from the rest of `given`."""
        evidence = self._mask(given)
        start = self._bit[node]
        touched = self._reach(start, evidence, self._ancestral(start | evidence))
        return self._names(touched & evidence)

    def _reach(self, start: int, evidence: int, within: int) -> int:
        """What can be reached over nodes outside the evidence, the evidence at the rim included."""
        neighbours = self._moral_graph(within)
        seen = frontier = start
        while frontier:
            spread = 0
            for place in _places(frontier):
                spread |= neighbours[place]
            fresh = spread & ~seen
            seen |= fresh
            frontier = fresh & ~evidence
        return seen

    def _moral_graph(self, within: int) -> list[int]:
        """Neighbours of each node: parents, children, and the other parents of its children."""
        if within not in self._moral:
            neighbours = [0] * len(self.order)
            for place in _places(within):
                clique = self._parent_mask[place] | 1 << place
                for member in _places(clique):
                    neighbours[member] |= clique
            self._moral[within] = neighbours
        return self._moral[within]

    def _ancestral(self, mask: int) -> int:
        total = mask
        for place in _places(mask):
            total |= self._ancestors[place]
        return total

    def _ancestral_masks(self) -> list[int]:
        masks: list[int] = []
        for parents in self._parent_mask:  # parents stand earlier in a topological order
            mask = parents
            for place in _places(parents):
                mask |= masks[place]
            masks.append(mask)
        return masks

    def _mask(self, names: Iterable[str]) -> int:
        mask = 0
        for name in names:
            mask |= self._bit[original(name)]
        return mask

    def _names(self, mask: int) -> frozenset[str]:
        return frozenset(self.order[place] for place in _places(mask))


def _places(mask: int) -> Iterable[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
