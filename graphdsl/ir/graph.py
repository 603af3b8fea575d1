"""What the other rooms know of a DAG: an order, parents, and who is independent of whom."""

from __future__ import annotations

__all__ = ["Dag", "Independence"]

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from graphdsl.ir.symbols import Variable


@dataclass(frozen=True, slots=True)
class Dag:
    """An acyclic network, its nodes (which may be blocks) in topological order."""

    nodes: tuple[frozenset[Variable], ...]
    parents: tuple[tuple[int, ...], ...]  #: of each node, as places in `nodes`

    @property
    def variables(self) -> frozenset[Variable]:
        """All the variables that its nodes hold."""
        return frozenset().union(*self.nodes)

    def parent_set(self, place: int) -> frozenset[Variable]:
        """Pa_v as a set of variables."""
        return frozenset().union(*(self.nodes[parent] for parent in self.parents[place]))


class Independence(Protocol):
    """What G^q, its observed edges completed, guarantees of every q that follows it."""

    order: tuple[Variable, ...]  #: topological, the data's own variables first
    data: frozenset[Variable]  #: the observed roots: their joint is the data's, and arbitrary

    def parents(self, node: Variable) -> frozenset[Variable]:
        """Pa_v in G^q."""
        ...

    def separated(
        self, a: Iterable[Variable], b: Iterable[Variable], given: Iterable[Variable]
    ) -> bool:
        """Whether `given` d-separates `a` from `b`."""
        ...

    def boundary(self, node: Variable, given: frozenset[Variable]) -> frozenset[Variable]:
        """The smallest subset of `given` that d-separates `node` from the rest of it."""
        ...
