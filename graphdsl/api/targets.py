"""What a column of a table says of rows: classes or numbers, for those who predict it."""

from __future__ import annotations

__all__ = ["Targets", "targets_of"]

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from graphdsl_runtime.data import Table

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

_CLASSES = 50  # whole numbers of more values are measured, not classes


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """A value for each row, where it has one.

    Shapes: ``(n,)`` each.
    """

    of: str  #: the name of the column
    values: Array
    there: Array  #: bool, which rows have a value
    classes: bool  #: text, or whole numbers of at most 50 values

    def at(self, places: Sequence[int]) -> Targets:
        """Give those of some rows, by their places in the table."""
        rows = np.asarray(places, dtype=np.int64)
        return Targets(self.of, self.values[rows], self.there[rows], self.classes)


def targets_of(table: Table, name: str, option: str) -> Targets:
    """Read a column of one value a row; ``option`` is the one that asks for it, for messages.

    Raises `DataRefused` where there is no such column.

    >>> from graphdsl_runtime.data import Column, Table
    >>> y, z = Column("y", np.array([0, 1, 1])), Column("z", np.array([0.5, 1, 2]))
    >>> table = Table("rows", (y, z))
    >>> targets_of(table, "y", "--probe").classes, targets_of(table, "z", "--probe").classes
    (True, False)
    """
    from graphdsl_runtime.data.errors import refused

    column = table.column(name)
    if column is None or column.shape or column.unusable:
        listed = ", ".join(f"`{one}`" for one in table.names[:12])
        said = f"{table.name} has no column `{name}` of one value a row"
        raise refused("DATA03", option, said, f"its columns are {listed}")
    values = column.values
    there = np.isfinite(values.astype(float))
    if column.missing is not None:
        there &= ~column.missing
    few = values.dtype.kind in "biu" and len(np.unique(values[there])) <= _CLASSES
    return Targets(name, values, there, column.categories is not None or few)
