"""d-separation in G^q, on bit masks: what every q that follows the network must satisfy."""

from __future__ import annotations

__all__ = ["Separation"]

from collections.abc import Iterable, Iterator, Mapping

from graphdsl.ir.symbols import Variable

_NO_BLOCKS: Mapping[Variable, Iterable[Variable]] = {}


class Separation:
    """Independences of a DAG, by reachability in the moral graph of the ancestors.

    A node's set of neighbours there is one integer, so that a query costs a few operations on
    words rather than on sets. They are found where a query comes by: one about neighbours in a
    chain does not grow with the chain.
    A block that is some part of a family, `x[S]`, is asked about as all of it.

    >>> chain = Separation(("a", "b", "c"), {"a": (), "b": ("a",), "c": ("b",)}, data={"a"})
    >>> chain.separated({"a"}, {"c"}, {"b"}), chain.separated({"a"}, {"c"}, ())
    (True, False)
    >>> sorted(chain.boundary("c", frozenset({"a", "b"})))
    ['b']
    """

    def __init__(
        self,
        order: tuple[Variable, ...],
        parents: Mapping[Variable, Iterable[Variable]],
        data: Iterable[Variable],
        blocks: Mapping[Variable, Iterable[Variable]] = _NO_BLOCKS,
    ) -> None:
        self.order = order
        self.data = frozenset(data).union(blocks)
        self._parents = {name: frozenset(parents[name]) for name in order}
        self._bit = {name: 1 << place for place, name in enumerate(order)}
        for name, members in blocks.items():  # some of these, we cannot say which
            self._bit.setdefault(name, self._mask(members))
            self._parents.setdefault(name, frozenset())
        self._parent_mask = [self._parents_of(place) for place in range(len(order))]
        self._complete = self._complete_prefix()
        self._child_mask = self._child_masks()
        self._find_ancestors()
        self._moral: dict[int, dict[int, int]] = {}
        self._answers: dict[tuple[int, int, int], bool] = {}

    def parents(self, node: Variable) -> frozenset[Variable]:
        """Pa_v in G^q."""
        return self._parents[node]

    def separated(
        self, a: Iterable[Variable], b: Iterable[Variable], given: Iterable[Variable]
    ) -> bool:
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
            waves = self._reach(start, evidence, within)
            self._answers[asked] = not any(seen & goal for seen in waves)
        return self._answers[asked]

    def boundary(self, node: Variable, given: frozenset[Variable]) -> frozenset[Variable]:
        """The smallest subset of `given` that d-separates `node` from the rest of `given`."""
        evidence = self._mask(given)
        start = self._bit[node]
        for seen in self._reach(start, evidence, self._ancestral(start | evidence)):
            if not evidence & ~seen:
                break
        return self._names(seen & evidence)

    def _reach(self, start: int, evidence: int, within: int) -> Iterator[int]:
        """What can be reached over nodes outside the evidence, the evidence at the rim included.

        It comes wave by wave: who has seen enough need not wait for the rest.
        """
        moral = self._moral.setdefault(within, {})
        seen = frontier = start
        while frontier:
            spread = 0
            for place in _places(frontier):
                if place not in moral:
                    moral[place] = self._neighbours(place, within)
                spread |= moral[place]
            fresh = spread & ~seen
            seen |= fresh
            frontier = fresh & ~evidence
            yield seen

    def _neighbours(self, place: int, within: int) -> int:
        """A node's neighbours in the moral graph: parents, children, and their other parents."""
        children = self._child_mask[place] & within
        neighbours = self._parent_mask[place] | children
        if self._complete >> place & 1:
            neighbours |= self._complete & within
        for child in _places(children):
            neighbours |= self._parent_mask[child]
        return neighbours

    def _ancestral(self, mask: int) -> int:
        total = rest = mask
        while rest:  # the last of them first: it may have others above it
            last = rest.bit_length() - 1
            total |= self._ancestors[last]
            rest &= ~(self._ancestors[last] | 1 << last)
        return total

    def _find_ancestors(self) -> None:
        self._ancestors: list[int] = []
        for parents in self._parent_mask:  # parents stand earlier in a topological order
            self._ancestors.append(self._ancestral(parents))

    def _complete_prefix(self) -> int:
        """The first nodes, as far as each is a child of all before it: what the data are."""
        complete = 0
        for place, parents in enumerate(self._parent_mask):
            if parents != complete:
                break
            complete |= 1 << place
        return complete

    def _child_masks(self) -> list[int]:
        """The children of each node; those of the complete prefix within it are left out."""
        masks = [0] * len(self.order)
        for child, parents in enumerate(self._parent_mask):
            if not self._complete >> child & 1:
                for parent in _places(parents):
                    masks[parent] |= 1 << child
        return masks

    def _parents_of(self, place: int) -> int:
        parents = self._parents[self.order[place]]
        if len(parents) == place:  # all that stand before it
            return (1 << place) - 1
        return self._mask(parents)

    def _mask(self, names: Iterable[Variable]) -> int:
        mask = 0
        for name in names:
            mask |= self._bit.get(name) or self._bit[name.original]
        return mask

    def _names(self, mask: int) -> frozenset[Variable]:
        return frozenset(self.order[place] for place in _places(mask))


def _places(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
