"""Masks: which edges of a family there are, fixed by the spec or learned."""

from __future__ import annotations

__all__ = ["MOST_ENUMERATED", "EdgeGradient", "Gate", "Mask"]

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from graphdsl.ir.symbols import Variable

#: What the probabilities of a learned mask's edges are trained by.
EdgeGradient: TypeAlias = Literal["straight_through", "disarm", "enumeration"]


MOST_ENUMERATED = 8  #: edges, whose structures are 256 passes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """A table of entries, each an edge or none."""

    name: str
    extents: tuple[int, ...]  #: how many entries along each index
    start: Fraction | None = None  #: of a learned mask: the probability that each edge starts with
    kept: frozenset[tuple[int, ...]] = frozenset()  #: of a fixed one: the edges that there are
    gradient: EdgeGradient = "straight_through"  #: of a learned one

    @property
    def learned(self) -> bool:
        """Whether training decides on its entries."""
        return self.start is not None


@dataclass(frozen=True, slots=True)
class Gate:
    """An edge that is there where an entry of a learned mask is one."""

    parent: Variable
    child: Variable
    mask: str
    entry: tuple[int, ...]  #: counted from one, as in the spec
