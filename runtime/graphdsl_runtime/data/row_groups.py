"""`.parquet`: of large files some rows at a time, so that their numbers never lie in memory."""

from __future__ import annotations

__all__ = ["read_parquet"]

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from graphdsl_runtime.data import spool
from graphdsl_runtime.data.arrow_files import (
    INDEX,
    arrow_column,
    from_arrow,
    read_whole_parquet,
    refusing,
)
from graphdsl_runtime.data.errors import needs, refused
from graphdsl_runtime.data.spool import room
from graphdsl_runtime.data.table import Array, Column, Table

_LEAST = 1 << 28  # bytes, without compression
_BUFFER = 1 << 16  # bytes of a column that are read from the file together


def read_parquet(path: Path) -> Table:
    """Read a table that says the types of its columns; a large one some rows at a time.

    Raises `DataRefused`.
    """
    with needs("data"):
        from pyarrow import parquet
    with refusing(path):
        file = parquet.ParquetFile(path)
        names = [one.strip() for one in file.schema_arrow.names]
        plain = all(names) and len(set(names)) == len(names)
        if plain and _size(file.metadata) >= _LEAST:
            return _large(path)
    return read_whole_parquet(path)


def _large(path: Path) -> Table:
    """Read numbers, and lists of numbers, into room outside the memory; the rest as it is.

    Raises `DataRefused`, and what pyarrow does of a broken file.
    """
    from pyarrow import parquet

    file = parquet.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER)
    fields = [
        (field.name, field.type) for field in file.schema_arrow if not field.name.startswith(INDEX)
    ]
    numbers = [name for name, kind in fields if _is_number(kind)]
    lists = [name for name, kind in fields if _is_list(kind)]
    rest = [name for name, kind in fields if not _is_number(kind) and not _is_list(kind)]
    found = {one.name: one for one in _numbers(path, file, numbers)}
    for name in lists:
        column = _list(path, file, name)
        found[column.name] = column
    text = file.read(columns=rest)
    text.validate(full=True)
    found |= {one.name: one for one in from_arrow(path.name, text).columns}
    order = {name.strip(): place for place, (name, _) in enumerate(fields)}
    columns = sorted(found.values(), key=lambda one: order.get(one.name, len(order)))
    return Table(path.name, tuple(columns))


def _numbers(path: Path, file: Any, names: Sequence[str]) -> Iterator[Column]:  # noqa: ANN401  # pyarrow has no types
    """Read columns of one number a row: those of one type lie in one array, one after another."""
    rows = file.metadata.num_rows
    kinds: dict[np.dtype[Any], list[str]] = {}
    for name in names:
        kind = file.schema_arrow.field(name).type.to_pandas_dtype()
        kinds.setdefault(np.dtype(kind), []).append(name)
    for kind, alike in kinds.items():
        values = room((len(alike), rows), kind)
        missing: Array | None = None
        for here, batch in _batches(file, alike):
            for place, name in enumerate(alike):
                column = arrow_column(name, batch.column(name))
                values[place, here] = column.values
                if column.missing is not None:
                    missing = room(values.shape, bool) if missing is None else missing
                    missing[place, here] = column.missing
        for place, name in enumerate(alike):
            gone = None if missing is None or not missing[place].any() else missing[place]
            yield Column(name.strip(), values[place], missing=gone)


def _list(path: Path, file: Any, name: str) -> Column:  # noqa: ANN401
    """Read a column of lists, which have one shape in all rows."""
    rows = file.metadata.num_rows
    whole: Column | None = None
    for here, batch in _batches(file, [name]):
        column = arrow_column(name.strip(), batch.column(name))
        if column.unusable:
            return replace(column, values=np.zeros(rows))
        if whole is None:
            values = room((rows, *column.shape), np.float64)
            whole = Column(name.strip(), values)
        if column.shape != whole.shape:
            said = f"has lists of different lengths in `{name}`"
            raise refused("DATA05", path.name, said, "store lists of one length")
        whole.values[here] = column.values
        if column.missing is not None:
            whole.values[here][column.missing] = np.nan
    assert whole is not None  # a large file has rows
    return whole


def _batches(file: Any, names: Sequence[str]) -> Iterator[tuple[slice, Any]]:  # noqa: ANN401
    """Give some rows of some columns at a time, each held to its own types."""
    import pyarrow as pa

    metadata = file.metadata
    row = max(1, _size(metadata) // max(1, metadata.num_rows)) * len(names)
    row = max(8 * len(names), row // max(1, metadata.num_columns))
    start = 0
    for batch in file.iter_batches(
        batch_size=max(1, 8 * spool.AT_ONCE // row), columns=list(names)
    ):
        batch.validate(full=True)
        yield slice(start, start + batch.num_rows), pa.Table.from_batches([batch])
        start += batch.num_rows


def _size(metadata: Any) -> int:  # noqa: ANN401
    """How many bytes the values have, as the file says."""
    return sum(metadata.row_group(one).total_byte_size for one in range(metadata.num_row_groups))


def _is_number(kind: Any) -> bool:  # noqa: ANN401
    from pyarrow import types

    return bool(types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind))


def _is_list(kind: Any) -> bool:  # noqa: ANN401
    from pyarrow import types

    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))
