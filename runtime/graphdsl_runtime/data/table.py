"""What every reader gives: named columns, with the names of categories and the missing cells."""

from __future__ import annotations

__all__ = ["Array", "Column", "Table", "from_text"]

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from graphdsl_runtime.data.errors import refused

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

#: What an empty cell of text is written as, besides nothing at all.
EMPTY = ("", "#N/A", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null")


@dataclass(frozen=True, eq=False)
class Column:
    """A column of a table: numbers, or the places of names in ``categories``.

    Shapes: ``values`` and ``missing`` are ``(n, *shape)``.  A NaN is missing too.

    >>> Column("sex", np.array([1, 0]), categories=("female", "male")).shape
    ()
    """

    name: str
    values: Array  #: bool, integers or floats; of categories int64
    _: KW_ONLY
    categories: tuple[str, ...] | None = None  #: names; of text, sorted
    ordered: bool = False  #: whether the order of the categories is that of their numbers
    missing: Array | None = None  #: bool; None where no cell is said to be missing
    entries: tuple[str, ...] = ()  #: names along the last axis, such as those of genes
    unusable: str = ""  #: what the values are, where no variable can have them, such as "dates"

    @property
    def rows(self) -> int:
        """How many rows it has; 0 of a single number."""
        return len(self.values) if self.values.ndim else 0

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one row."""
        return tuple(self.values.shape[1:])


@dataclass(frozen=True, eq=False)
class Table:
    """Columns under names that differ, as a reader found them.

    Arrays of a file need not have one number of rows, as long as those that are used have.
    """

    name: str  #: of the file, for messages
    columns: tuple[Column, ...]
    _: KW_ONLY
    held_out: Array | None = None  #: bool, which rows its makers hold out
    by_order: bool = False  #: whether columns go to variables that they fit under other names
    nameless: bool = False  #: whether the only column has no name of its own, as in a `.npy`
    rows: tuple[str, ...] = ()  #: names of the rows, where they have some
    notes: tuple[str, ...] = field(default=())  #: what a reader did that its user should know

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for column in self.columns:
            if column.name in seen:
                raise refused(
                    "DATA02",
                    self.name,
                    f"has two columns named `{column.name}`",
                    "give every column a name of its own",
                )
            seen.add(column.name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in their order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column | None:
        """Find a column by its name."""
        return self._by_name.get(name)

    @cached_property
    def entries(self) -> Mapping[str, Sequence[tuple[Column, int]]]:
        """The named entries of columns, by name: each with its place."""
        columns: dict[str, list[tuple[Column, int]]] = {}
        for column in self.columns:
            for place, name in enumerate(column.entries):
                columns.setdefault(name, []).append((column, place))
        return columns

    @cached_property
    def _by_name(self) -> Mapping[str, Column]:
        return {column.name: column for column in self.columns}


def from_text(name: str, cells: Sequence[Any] | Array, absent: Array | None = None) -> Column:
    """Make a column of text: categories by sorted names, without the spaces around them.

    >>> column = from_text("site", ["b", " a", "", "b"])
    >>> column.categories, column.values.tolist(), column.missing.tolist()
    (('a', 'b'), [1, 0, 0, 1], [False, False, True, False])
    """
    shape = np.shape(cells)
    flat = [str(cell).strip() for cell in np.asarray(cells, dtype=object).ravel()]
    missing = np.array([cell in EMPTY for cell in flat], dtype=bool)
    if absent is not None:
        missing |= absent.ravel()
    there = sorted({cell for cell, gone in zip(flat, missing, strict=True) if not gone})
    place = {cell: number for number, cell in enumerate(there)}
    codes = np.array(
        [0 if gone else place[cell] for cell, gone in zip(flat, missing, strict=True)],
        dtype=np.int64,
    )
    return Column(
        name,
        codes.reshape(shape),
        categories=tuple(there),
        missing=missing.reshape(shape) if missing.any() else None,
    )
