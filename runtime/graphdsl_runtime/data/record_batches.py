"""`.arrow` and `.feather`: mapped into memory; of large files some rows at a time."""

from __future__ import annotations

__all__ = ["read_arrow"]

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from graphdsl_runtime.data import streamed
from graphdsl_runtime.data.arrow_files import plain_names, read_whole_arrow, refusing
from graphdsl_runtime.data.errors import needs
from graphdsl_runtime.data.spool import steps
from graphdsl_runtime.data.streamed import Rows, Streamed, placed, read_streamed
from graphdsl_runtime.data.table import Table


def read_arrow(path: Path) -> Table:
    """Read an Arrow file or a stream of record batches; a large one some rows at a time.

    Raises `DataRefused`.
    """
    with needs("data"):
        import pyarrow as pa
    with refusing(path):
        if path.stat().st_size >= streamed.LEAST:
            with pa.memory_map(str(path)) as file:
                schema = _opened(file).schema
                if plain_names(schema.names):
                    return read_streamed(_large(path, file, schema))
    return read_whole_arrow(path)


def _large(path: Path, file: Any, schema: Any) -> Streamed:  # noqa: ANN401  # pyarrow has no types
    import pyarrow as pa

    def whole(names: Sequence[str]) -> Any:  # noqa: ANN401
        return pa.Table.from_batches([batch.select(list(names)) for batch in _batches(file)])

    return Streamed(
        name=path.name,
        rows=sum(batch.num_rows for batch in _batches(file)),
        types={field.name: field.type for field in schema},
        some_rows=lambda names: _some_rows(file, names),
        whole=whole,
    )


def _some_rows(file: Any, names: Sequence[str]) -> Rows:  # noqa: ANN401
    """Cut record batches, which may be as large as the file, into some rows each."""
    yield from placed(
        batch.select(list(names)).slice(here.start, here.stop - here.start)
        for batch in _batches(file)
        for here in steps(batch.num_rows, len(names))
    )


def _batches(file: Any) -> Iterator[Any]:  # noqa: ANN401
    """Read the record batches from the beginning: of a compressed file one is in memory."""
    reader = _opened(file)
    if hasattr(reader, "num_record_batches"):
        yield from map(reader.get_batch, range(reader.num_record_batches))
    else:
        yield from reader


def _opened(file: Any) -> Any:  # noqa: ANN401
    """Open a file of record batches, or a stream of them."""
    import pyarrow as pa

    file.seek(0)
    try:
        return pa.ipc.open_file(file)
    except pa.ArrowInvalid:
        file.seek(0)
        return pa.ipc.open_stream(file)
