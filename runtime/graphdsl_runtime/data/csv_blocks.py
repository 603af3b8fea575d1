"""`.csv` and `.tsv`: of large files some lines at a time."""

from __future__ import annotations

__all__ = ["read_csv"]

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from graphdsl_runtime.data import streamed
from graphdsl_runtime.data.arrow_files import (
    CsvForm,
    plain_names,
    read_whole_csv,
    refuse_no_header,
)
from graphdsl_runtime.data.streamed import Rows, Streamed, placed, read_streamed
from graphdsl_runtime.data.table import Table

_BLOCK = 1 << 22  # bytes that are parsed together: pyarrow reads 32 such blocks ahead


def read_csv(path: Path) -> Table:
    """Read text with a header; a large file some lines at a time.  Raises `DataRefused`.

    A file is read whole where that fails: where a line is longer than a block, where text is not in
    UTF-8, and where the file is broken, which the message then says.
    """
    form = CsvForm.of(path)
    if path.stat().st_size >= streamed.LEAST:
        import pyarrow as pa

        try:
            with form.opened(_BLOCK, (), {}) as reader:
                names = reader.schema.names
            refuse_no_header(path, names)
            if plain_names(names):
                return read_streamed(_large(form, names))
        except (pa.ArrowException, UnicodeDecodeError):
            pass  # of a line longer than a block, or of what a whole reading says better
    return read_whole_csv(form)


def _large(form: CsvForm, names: Sequence[str]) -> Streamed:
    """Read the file once as text, for its number of rows and the type of each column."""
    import pyarrow as pa

    text = dict.fromkeys(names, pa.string())
    kinds: dict[str, Any] = dict.fromkeys(names, pa.null())
    rows = 0
    for here, lines in _some_rows(form, names, text):
        rows = here.stop
        kinds = {name: _with(kind, lines.column(name)) for name, kind in kinds.items()}
    return Streamed(
        name=form.path.name,
        rows=rows,
        types=kinds,
        some_rows=lambda some: _some_rows(form, some, {name: kinds[name] for name in some}),
        whole=lambda some: _inferred(form, some),
    )


def _with(kind: Any, cells: Any) -> Any:  # noqa: ANN401  # pyarrow has no types
    """The type of the cells so far, and of these: null, int64, float64, or else string.

    A column of another type is read whole, and pyarrow then decides.
    """
    import pyarrow as pa
    from pyarrow import compute

    if kind == pa.string() or cells.null_count == len(cells):
        return kind
    bare = compute.utf8_trim(cells, " \t")  # as pyarrow does in front of numbers
    for wider in (pa.int64(), pa.float64()):
        if kind == pa.float64() != wider:
            continue
        try:
            compute.cast(bare, wider)
        except pa.ArrowInvalid:
            continue
        return wider
    return pa.string()


def _inferred(form: CsvForm, names: Sequence[str]) -> Any:  # noqa: ANN401
    """Read columns whole, and let pyarrow find their types: it does so for a file, written anew."""
    import pyarrow as pa
    from pyarrow import csv

    text = dict.fromkeys(names, pa.string())
    cells = pa.concat_tables(lines for _, lines in _some_rows(form, names, text))
    file = pa.BufferOutputStream()
    csv.write_csv(cells, file, csv.WriteOptions(delimiter=form.delimiter))
    again = replace(form, one_column=len(names) == 1)
    return again.read(pa.BufferReader(file.getvalue()))


def _some_rows(form: CsvForm, names: Sequence[str], kinds: dict[str, Any]) -> Rows:
    with form.opened(_BLOCK, names, kinds) as reader:
        yield from placed(reader)
