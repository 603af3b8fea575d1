"""A column, or an entry of one, and the variable that takes some of them."""

from __future__ import annotations

__all__ = ["Owner", "Piece", "all_pieces", "close_to", "find", "listed"]

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from graphdsl_runtime import Variable
from graphdsl_runtime.data.table import Column, Table


@dataclass(frozen=True, slots=True)
class Piece:
    """A column, or one entry along its last axis."""

    column: Column
    entry: int | None = None

    @property
    def name(self) -> str:
        """Its name: that of the entry, where it is one."""
        return self.column.name if self.entry is None else self.column.entries[self.entry]

    @property
    def size(self) -> int:
        """How many values a row of it has."""
        return math.prod(self.column.shape) if self.entry is None else 1


@dataclass(frozen=True, slots=True)
class Owner:
    """A variable, a whole family, or one member of it, with the columns that it takes."""

    name: str
    variable: Variable
    pieces: tuple[Piece, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one row."""
        whole = self.name == self.variable.name
        return self.variable.tensor_shape if whole else self.variable.shape


def find(table: Table, name: str) -> list[Piece]:
    """Find the column of a name, or the entry of one."""
    column = table.column(name)
    if column is not None:
        return [Piece(column)]
    return [Piece(*one) for one in table.entries.get(name, ())]


def all_pieces(table: Table) -> Iterator[Piece]:
    """Every column, and in the place of one whose entries have names, these."""
    for column in table.columns:
        if column.entries:
            yield from (Piece(column, place) for place in range(len(column.entries)))
        else:
            yield Piece(column)


def close_to(name: str, names: Iterable[str]) -> str:
    """Ask whether a name that is near was meant; nothing where none is."""
    close = get_close_matches(name, list(names), n=1)
    return f"did you mean `{close[0]}`?" if close else ""


def listed(table: Table, most: int = 12) -> str:
    """Say which columns there are, the first ones by name."""
    names = [f"`{name}`" for name in table.names[:most]]
    more = len(table.names) - most
    return f"its columns are {', '.join(names)}" + (f" and {more} more" if more > 0 else "")
