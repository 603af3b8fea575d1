"""Sets of indices that are drawn, one at a time, where a mean over all of them is too long.

`x[S]` and `x[not S]` are then two blocks of variables that together are the family x; every term
that holds one of them is meant as its mean over S.
"""

from __future__ import annotations

__all__ = [
    "Block",
    "Draw",
    "as_block",
    "draws_in",
    "inside",
    "latex_mean_over",
    "mean_over",
    "outside",
]

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

_PART = re.compile(r"([^\[]+)\[(not )?([^\W\d]\w*)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """A set that a mean runs over, uniform over all that are not empty."""

    name: str  #: as the spec has it: `S`
    kind: Literal["subsets", "bipartitions"]  #: the second leave something out
    count: int  #: of the indices that it is drawn from, 1..count
    families: tuple[str, ...] = ()  #: whose members it chooses from


class Block(NamedTuple):
    """What a block such as `x[not S]` is."""

    head: str
    draw: str
    outside: bool


def inside(head: str, draw: str) -> str:
    """The members of a family in a drawn set.

    >>> inside("x", "S"), outside("x", "S")
    ('x[S]', 'x[not S]')
    """
    return f"{head}[{draw}]"


def outside(head: str, draw: str) -> str:
    """The members of a family outside of a drawn set."""
    return f"{head}[not {draw}]"


@cache
def as_block(name: str) -> Block | None:
    """The block that a name stands for; None if it is one variable.

    >>> as_block("x[not S]"), as_block("x[2]")
    (Block(head='x', draw='S', outside=True), None)
    """
    found = _PART.fullmatch(name)
    return Block(found[1], found[3], bool(found[2])) if found else None


def draws_in(names: Iterable[str], *titles: str) -> tuple[str, ...]:
    """The drawn sets that variables, and distributions such as `r(S)`, speak of.

    >>> draws_in(["x[1]", "x[not S]"], "q", "r(S)", "r({1,2})")
    ('S',)
    """
    found = [one.draw for one in map(as_block, names) if one is not None]
    found += [word for one in titles for word in re.findall(r"[^\W\d]\w*", one.partition("(")[2])]
    return tuple(dict.fromkeys(found))


def latex_mean_over(names: Iterable[str], *titles: str) -> str:
    """The same in LaTeX."""
    return "".join(f"\\mathbb{{E}}_{{{draw}}}\\," for draw in draws_in(names, *titles))


def mean_over(names: Iterable[str], *titles: str) -> str:
    """The expectation that is meant where a term speaks of drawn sets: `E_S `; often nothing."""
    return "".join(f"E_{draw} " for draw in draws_in(names, *titles))
