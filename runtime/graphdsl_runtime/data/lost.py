"""What the empty cells of data cost: values that are there, and that no model reads."""

from __future__ import annotations

__all__ = ["Lost", "lost_values"]

from dataclasses import dataclass

import numpy as np

from graphdsl_runtime.data.fields import Field
from graphdsl_runtime.data.table import Array


@dataclass(frozen=True, slots=True)
class Lost:
    """Values of a variable that are there and go unused, and the rows that they are in."""

    values: int
    rows: int

    def __str__(self) -> str:
        rows = "1 row" if self.rows == 1 else f"{self.rows} rows"
        return f"{self.values} in {rows}" if self.values else "0"


def lost_values(field: Field, kept: Array) -> Lost:
    """Count the values of a variable that are there and go unused.

    A row that is not ``kept`` loses all values that it has. In the other rows, a variable (of a
    family, a member) that lacks one of its values loses those that it has.
    Shapes: ``kept`` is bool ``(n,)``.

    >>> import numpy as np
    >>> from graphdsl_runtime import Variable
    >>> from graphdsl_runtime.data.fields import read_field
    >>> from graphdsl_runtime.data.pieces import Owner, Piece
    >>> from graphdsl_runtime.data.table import Column
    >>> x = Variable("x", role="observed", kind="real", shape=(2,), optional=True)
    >>> cells = np.array([[1.0, np.nan], [2.0, 3.0], [np.nan, np.nan]])
    >>> field = read_field(Owner("x", x, (Piece(Column("x", cells)),)))
    >>> str(lost_values(field, np.array([True, True, True])))
    '1 in 1 row'
    >>> str(lost_values(field, np.array([True, False, True])))
    '3 in 2 rows'
    """
    if field.values is None or (field.facts is not None and field.facts.complete and kept.all()):
        return Lost(0, 0)
    unread = field.absent() | ~kept[:, None]
    rows, values = 0, 0
    for start, _, there in field.values.blocks():
        here = unread[start : start + len(there)]
        each = there.reshape(len(there), here.shape[1], -1) & here[:, :, None]
        values += int(each.sum())
        rows += int(np.any(each, axis=(1, 2)).sum())
    return Lost(values, rows)
