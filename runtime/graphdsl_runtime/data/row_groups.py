"""`.parquet`: of large files some rows of a row group at a time."""

from __future__ import annotations

__all__ = ["read_parquet"]

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from graphdsl_runtime.data import spool, streamed
from graphdsl_runtime.data.arrow_files import plain_names, read_whole_parquet, refusing
from graphdsl_runtime.data.errors import needs
from graphdsl_runtime.data.streamed import Rows, Streamed, placed, read_streamed
from graphdsl_runtime.data.table import Table

_BUFFER = 1 << 16  # bytes of a column that are read from the file together


def read_parquet(path: Path) -> Table:
    """Read a table that says the types of its columns; a large one some rows at a time.

    Raises `DataRefused`.
    """
    with needs("data"):
        from pyarrow import parquet
    with refusing(path):
        file = parquet.ParquetFile(path)
        if plain_names(file.schema_arrow.names) and _size(file.metadata) >= streamed.LEAST:
            return read_streamed(_large(path))
    return read_whole_parquet(path)


def _large(path: Path) -> Streamed:
    from pyarrow import parquet

    file = parquet.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER)
    return Streamed(
        name=path.name,
        rows=file.metadata.num_rows,
        types={field.name: field.type for field in file.schema_arrow},
        some_rows=lambda names: _some_rows(file, names),
        whole=lambda names: file.read(columns=list(names)),
    )


def _some_rows(file: Any, names: Sequence[str]) -> Rows:  # noqa: ANN401  # pyarrow has no types
    """Give some rows of some columns at a time, each held to its own types."""
    metadata = file.metadata
    row = max(1, _size(metadata) // max(1, metadata.num_rows)) * len(names)
    row = max(8 * len(names), row // max(1, metadata.num_columns))
    together = max(1, 8 * spool.AT_ONCE // row)
    yield from placed(file.iter_batches(batch_size=together, columns=list(names)))


def _size(metadata: Any) -> int:  # noqa: ANN401
    """How many bytes the values have, as the file says."""
    return sum(metadata.row_group(one).total_byte_size for one in range(metadata.num_row_groups))
