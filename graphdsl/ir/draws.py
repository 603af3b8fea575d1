"""Sets of indices that are drawn, one at a time, where a mean over all of them is too long.

`x[S]` and `x[not S]` are then two blocks of variables that together are the family x; every term
that holds one of them is meant as its mean over S.
"""

from __future__ import annotations

__all__ = ["Draw", "draws_in", "inside", "mean_over", "outside"]

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from graphdsl.ir.symbols import DrawnBlock, NetworkName, Variable


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """A set that a mean runs over, uniform over all that are not empty."""

    name: str  #: as the spec has it: `S`
    kind: Literal["subsets", "bipartitions"]  #: the second leave something out
    count: int  #: of the indices that it is drawn from, 1..count
    families: tuple[str, ...] = ()  #: whose members it chooses from


def inside(head: str, draw: str) -> Variable:
    """The members of a family in a drawn set.

    >>> inside("x", "S"), outside("x", "S")
    ('x[S]', 'x[not S]')
    """
    return Variable(head, block=DrawnBlock(head, draw, outside=False))


def outside(head: str, draw: str) -> Variable:
    """The members of a family outside of a drawn set."""
    return Variable(head, block=DrawnBlock(head, draw, outside=True))


def draws_in(names: Iterable[Variable], *titles: NetworkName) -> tuple[str, ...]:
    """The drawn sets that variables, and distributions such as `r(S)`, speak of.

    >>> from graphdsl.ir.symbols import IndexSet
    >>> draws_in([outside("x", "S")], NetworkName("r", (IndexSet((1, 2), (), "T"),)))
    ('S', 'T')
    """
    draws = [name.block.draw for name in names if name.block is not None]
    draws += [draw for title in titles for draw in title.draws]
    return tuple(dict.fromkeys(draws))


def mean_over(names: Iterable[Variable], *titles: NetworkName) -> str:
    """The expectation that is meant where a term speaks of drawn sets: `E_S `; often nothing."""
    return "".join(f"E_{draw} " for draw in draws_in(names, *titles))
