"""`.csv`, `.tsv`, `.parquet` and `.arrow`, all read by pyarrow."""

from __future__ import annotations

__all__ = [
    "INDEX",
    "CsvForm",
    "arrow_column",
    "from_arrow",
    "plain_names",
    "read_whole_arrow",
    "read_whole_csv",
    "read_whole_parquet",
    "refuse_no_header",
    "refusing",
]

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Self

import numpy as np

from graphdsl_runtime.data.errors import DataRefused, needs, refused
from graphdsl_runtime.data.table import EMPTY, Array, Column, Table, from_text

_BLOCK = 1 << 24  # bytes that are parsed together; no cell is longer
#: How the names begin under which pandas stores the index of a frame.
INDEX = "__index_level_"


@dataclass(frozen=True, slots=True)
class CsvForm:
    """How a file of text is cut into cells: at commas, in `.tsv` at tabs.

    A `.csv` whose header has semicolons and no comma is cut at these.
    """

    path: Path
    delimiter: str
    one_column: bool

    @classmethod
    def of(cls, path: Path) -> Self:
        """Look at the first line of a file.  Raises `DataRefused`."""
        with needs("data"):
            import pyarrow.csv  # noqa: F401  # whether it is there
        header = _header(path)
        delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(header)
        return cls(path, delimiter, delimiter not in header)

    def read(self, file: Any = None) -> Any:  # noqa: ANN401  # pyarrow has no types
        """Read all columns as a table of pyarrow's, which finds their types; of another file."""
        from pyarrow import csv

        return csv.read_csv(self.path if file is None else file, **self._options(_BLOCK, (), {}))

    def opened(self, block: int, names: Sequence[str], kinds: dict[str, Any]) -> Any:  # noqa: ANN401
        """Open it to be read in blocks of so many bytes, with these types."""
        from pyarrow import csv

        return csv.open_csv(self.path, **self._options(block, names, kinds))

    def _options(self, block: int, names: Sequence[str], kinds: dict[str, Any]) -> dict[str, Any]:
        from pyarrow import csv

        return {
            "read_options": csv.ReadOptions(block_size=block),
            "parse_options": csv.ParseOptions(
                delimiter=self.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=not self.one_column,  # there, they are its empty cells
            ),
            "convert_options": csv.ConvertOptions(
                null_values=list(EMPTY),
                strings_can_be_null=True,
                include_columns=list(names),
                column_types=kinds,
            ),
        }


def read_whole_csv(form: CsvForm) -> Table:
    """Read text with a header, all at once.  Raises `DataRefused`."""
    table = _read(form.path, form.read)
    refuse_no_header(form.path, table.column_names)
    return from_arrow(form.path.name, table)


def plain_names(names: Sequence[str]) -> bool:
    """Say whether columns have names, which differ."""
    bare = [name.strip() for name in names]
    return all(bare) and len(set(bare)) == len(bare)


def read_whole_parquet(path: Path) -> Table:
    """Read a table that says the types of its columns, all at once.  Raises `DataRefused`."""
    from pyarrow import parquet

    return from_arrow(path.name, _read(path, lambda: parquet.ParquetFile(path).read()))


def read_whole_arrow(path: Path) -> Table:
    """Read an Arrow file, memory-mapped, or a stream, all at once.  Raises `DataRefused`."""
    with needs("data"):
        import pyarrow as pa

    def read() -> Any:  # noqa: ANN401  # pyarrow has no types
        with pa.memory_map(str(path)) as file:
            try:
                return pa.ipc.open_file(file).read_all()
            except pa.ArrowInvalid:
                file.seek(0)
                return pa.ipc.open_stream(file).read_all()

    return from_arrow(path.name, _read(path, read))


def from_arrow(name: str, table: Any) -> Table:  # noqa: ANN401
    """Make a table of pyarrow's.  Raises `DataRefused`."""
    unnamed = count(1)
    columns = []
    for place, title in enumerate(table.column_names):
        if title.startswith(INDEX):
            continue
        said = title.strip() or f"(unnamed {next(unnamed)})"
        columns.append(arrow_column(said, table.column(place)))
    return Table(name, tuple(columns))


def _read(path: Path, read: Callable[[], Any]) -> Any:  # noqa: ANN401
    """Read a table, and hold all of it to its own types before any of it is looked at.

    A broken file may say that a text lies beyond its end, and to look there would end the process.
    """
    with refusing(path):
        table = read()
        table.validate(full=True)
        "".join(table.column_names)  # which may be no text
    return table


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Raise `DataRefused` for whatever pyarrow says of a file that is broken."""
    import pyarrow as pa

    try:
        yield
    except DataRefused:
        raise
    except UnicodeDecodeError:
        raise refused("DATA01", path.name, "names its columns in no UTF-8") from None
    except OSError as problem:
        if not isinstance(problem, pa.ArrowException) and problem.strerror:
            raise refused("DATA01", path.name, problem.strerror.lower()) from None
        raise _no_whole(path, problem) from None
    except Exception as problem:  # whatever the library says of a file that is broken
        raise _no_whole(path, problem) from None


def _no_whole(path: Path, problem: Exception) -> Exception:
    said = " ".join(str(problem).split())[:200]
    return refused("DATA01", path.name, f"is no whole {path.suffix} file: {said}")


def _header(path: Path) -> str:
    try:
        with path.open("rb") as file:
            line = file.readline(_BLOCK)
    except OSError as problem:
        raise refused("DATA01", path.name, (problem.strerror or str(problem)).lower()) from None
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise refused("DATA01", path.name, "is no text in UTF-8", "save it in UTF-8") from None


def _delimiter(header: str) -> str:
    return ";" if ";" in header and "," not in header else ","


def refuse_no_header(path: Path, names: Sequence[str]) -> None:
    """Refuse a first line of numbers.  Raises `DataRefused`."""
    if names and all(map(_is_number, names)):
        raise refused(
            "DATA02",
            path.name,
            f"its first line is {', '.join(names[:4])}: these are no names of columns",
            "write the names of the columns in the first line",
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def arrow_column(name: str, chunks: Any) -> Column:  # noqa: ANN401
    """Make a column of pyarrow's: numbers, text, or lists of one shape."""
    import pyarrow as pa

    types, kind = pa.types, chunks.type
    if isinstance(kind, pa.BaseExtensionType):
        chunks = pa.chunked_array([chunk.storage for chunk in chunks.chunks], kind.storage_type)
        kind = chunks.type
    if types.is_dictionary(kind):
        chunks = chunks.cast(kind.value_type)
        kind = chunks.type
    missing = np.asarray(chunks.is_null().to_numpy(zero_copy_only=False), dtype=bool)
    if types.is_string(kind) or types.is_large_string(kind):
        return _text(name, chunks, missing)
    if types.is_null(kind):
        return Column(name, np.full(len(chunks), np.nan))
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        return Column(name, _numbers(chunks), missing=missing if missing.any() else None)
    if types.is_decimal(kind):
        return arrow_column(name, chunks.cast(pa.float64()))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _vectors(name, chunks, missing)
    said = "text that is not in UTF-8" if types.is_binary(kind) else f"values of the type {kind}"
    return Column(name, np.zeros(len(chunks)), unusable=said)


def _text(name: str, chunks: Any, missing: Array) -> Column:  # noqa: ANN401
    """Look at each different text once, however many rows have it."""
    encoded = chunks.dictionary_encode().combine_chunks()
    different = encoded.dictionary.to_pylist()
    if not different:
        return from_text(name, [""] * len(chunks), missing)
    named = from_text(name, ["" if one is None else one for one in different])
    codes = encoded.indices.fill_null(0).to_numpy()
    gone = missing if named.missing is None else missing | named.missing[codes]
    return Column(
        name,
        np.where(gone, 0, named.values[codes]),
        categories=named.categories,
        missing=gone if gone.any() else None,
    )


def _numbers(chunks: Any) -> Array:  # noqa: ANN401
    """Give numbers with zeros, or NaN, for what is missing; integers stay integers."""
    import pyarrow as pa

    if chunks.null_count:
        empty = False if pa.types.is_boolean(chunks.type) else 0
        chunks = chunks.fill_null(pa.scalar(empty, chunks.type))
    array: Array = chunks.to_numpy()
    return array


def _vectors(name: str, chunks: Any, missing: Array) -> Column:  # noqa: ANN401
    """A column whose cells are lists, or lists of lists: of one shape, of numbers."""
    there = [cell for cell in chunks.to_pylist() if cell is not None]
    try:
        block = np.array(there, dtype=np.float64)  # None becomes NaN
    except (ValueError, TypeError):
        said = "lists that differ in length, or hold something else than numbers"
        return Column(name, np.zeros(len(chunks)), unusable=said)
    values = np.zeros((len(chunks), *block.shape[1:]))
    values[~missing] = block
    if not missing.any():
        return Column(name, values)
    gone = missing.reshape(len(missing), *(1,) * (block.ndim - 1))
    return Column(name, values, missing=np.broadcast_to(gone, values.shape).copy())
