"""A large table that is read some rows at a time, so that its numbers never lie in memory."""

from __future__ import annotations

__all__ = ["LEAST", "Streamed", "placed", "read_streamed"]

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from graphdsl_runtime.data.arrow_files import INDEX, arrow_column, from_arrow
from graphdsl_runtime.data.errors import refused
from graphdsl_runtime.data.spool import room
from graphdsl_runtime.data.table import Array, Column, Table

#: Bytes from which a file is large.
LEAST = 1 << 28

#: Rows of some columns, as a slice of all rows and a table of pyarrow's, which has no types.
Rows: TypeAlias = Iterator[tuple[slice, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """A file of columns that can be read from its beginning as often as need be."""

    name: str  #: of the file, for messages
    rows: int
    types: dict[str, Any]  #: of each column, by its name in the file, in their order
    some_rows: Callable[[Sequence[str]], Rows]  #: of these columns, each held to its type
    whole: Callable[[Sequence[str]], Any]  #: these columns, all at once


def placed(batches: Iterable[Any]) -> Rows:
    """Give record batches one by one, each held to its own types; leave empty ones out."""
    import pyarrow as pa

    start = 0
    for batch in batches:
        if batch.num_rows:
            batch.validate(full=True)
            yield slice(start, start + batch.num_rows), pa.Table.from_batches([batch])
            start += batch.num_rows


def read_streamed(file: Streamed) -> Table:
    """Read numbers, and lists of numbers, into room outside the memory; the rest as it is.

    Raises `DataRefused`, and what pyarrow does of a broken file.
    """
    types = {name: kind for name, kind in file.types.items() if not name.startswith(INDEX)}
    numbers = [name for name, kind in types.items() if _is_number(kind)]
    lists = [name for name, kind in types.items() if _is_list(kind)]
    rest = [name for name in types if name not in numbers and name not in lists]
    numbers_of = {number.name: number for number in _numbers(file, numbers)}
    for name in lists:
        column = _list(file, name)
        numbers_of[column.name] = column
    if rest:
        text = file.whole(rest)
        text.validate(full=True)
        numbers_of |= {one.name: one for one in from_arrow(file.name, text).columns}
    order = {name.strip(): place for place, name in enumerate(types)}
    columns = sorted(numbers_of.values(), key=lambda one: order.get(one.name, len(order)))
    return Table(file.name, tuple(columns))


@dataclass(frozen=True, slots=True)
class _Alike:
    """Columns of one type, which lie in one array, one after another."""

    names: Sequence[str]
    values: Array
    missing: Array | None

    def with_missing(self, place: int, here: slice, gone: Array) -> _Alike:
        missing = room(self.values.shape, bool) if self.missing is None else self.missing
        missing[place, here] = gone
        return replace(self, missing=missing)


def _numbers(file: Streamed, names: Sequence[str]) -> Iterator[Column]:
    """Read columns of one number a row, all of them together."""
    kinds: dict[np.dtype[Any], list[str]] = {}
    for name in names:
        kinds.setdefault(np.dtype(file.types[name].to_pandas_dtype()), []).append(name)
    groups = [
        _Alike(alike, room((len(alike), file.rows), kind), None) for kind, alike in kinds.items()
    ]
    for here, rows in file.some_rows(names) if names else ():
        for number, group in enumerate(groups):
            for place, name in enumerate(group.names):
                column = arrow_column(name, rows.column(name))
                group.values[place, here] = column.values
                if column.missing is not None:
                    groups[number] = groups[number].with_missing(place, here, column.missing)
    for group in groups:
        for place, name in enumerate(group.names):
            gone = None if group.missing is None else group.missing[place]
            gone = gone if gone is not None and gone.any() else None
            yield Column(name.strip(), group.values[place], missing=gone)


def _list(file: Streamed, name: str) -> Column:
    """Read a column of lists, which have one shape in all rows."""
    whole: Column | None = None
    for here, rows in file.some_rows([name]):
        column = arrow_column(name.strip(), rows.column(name))
        if column.unusable:
            return replace(column, values=np.zeros(file.rows))
        if whole is None:
            values = room((file.rows, *column.shape), np.float64)
            whole = Column(name.strip(), values)
        if column.shape != whole.shape:
            said = f"has lists of different lengths in `{name}`"
            raise refused("DATA05", file.name, said, "store lists of one length")
        whole.values[here] = column.values
        if column.missing is not None:
            whole.values[here][column.missing] = np.nan
    assert whole is not None  # a large file has rows
    return whole


def _is_number(kind: Any) -> bool:  # noqa: ANN401  # pyarrow has no types
    from pyarrow import types

    return bool(types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind))


def _is_list(kind: Any) -> bool:  # noqa: ANN401
    from pyarrow import types

    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))
