"""Adult, German credit and multiple features, as the UCI repository lays out their files."""

from __future__ import annotations

__all__ = ["read_adult", "read_german", "read_mfeat"]

import gzip
import io
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from graphdsl_files import TooLarge, read_at_most
from graphdsl_runtime.data.errors import refused
from graphdsl_runtime.data.numpy_files import read_npz
from graphdsl_runtime.data.table import Array, Column, Table, from_text

_ADULT = (
    "age workclass fnlwgt education education_num marital_status occupation relationship race sex "
    "capital_gain capital_loss hours_per_week native_country income"
).split()
_ADULT_NUMBERS = frozenset(
    ("age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week")
)
_GERMAN = (
    "status duration history purpose amount savings employment rate personal debtors residence "
    "property age plans housing credits job liable telephone foreign credit"
).split()
_GERMAN_NUMBERS = frozenset(("duration", "amount", "rate", "residence", "age", "credits", "liable"))
_WOMEN = "A92", "A95"  # of `personal`, which joins sex and family
_BINS = 5  # of a number, in the binary features
_MOST = 2**26  # bytes of a file


def read_adult(folder: Path) -> Table:
    """Read the census of 1994; `adult.test` is held out.  Raises `DataRefused`.

    Columns: ``x``, binary features of all but sex and income; ``sex``, ``income``, and every
    attribute by its name. `?` is missing.
    """
    train, test = (_rows(folder, name, ",", len(_ADULT)) for name in ("adult.data", "adult.test"))
    cells = {
        name: [row[at].strip().rstrip(".") for row in (*train, *test)]
        for at, name in enumerate(_ADULT)
    }
    columns = [_column(folder, name, cells[name], name in _ADULT_NUMBERS) for name in _ADULT]
    held_out = np.arange(len(train) + len(test)) >= len(train)
    return _table(f"adult:{folder.name}", columns, ("sex", "income"), ~held_out, held_out)


def read_german(folder: Path) -> Table:
    """Read German credit.  Raises `DataRefused`.

    Columns: ``x``, binary features of all but sex and credit; ``sex``; ``credit``, good or bad; and
    every attribute by a short name.
    """
    rows = _rows(folder, "german.data", None, len(_GERMAN))
    cells = {name: [row[at] for row in rows] for at, name in enumerate(_GERMAN)}
    cells["credit"] = ["good" if one == "1" else "bad" for one in cells["credit"]]
    sex = ["female" if one in _WOMEN else "male" for one in cells["personal"]]
    columns = [_column(folder, name, cells[name], name in _GERMAN_NUMBERS) for name in _GERMAN]
    every = np.ones(len(rows), dtype=bool)
    return _table(
        f"german:{folder.name}", [from_text("sex", sex), *columns], ("sex", "credit"), every, None
    )


def read_mfeat(folder: Path) -> Table:
    """Read `mfeat.npz`: six views of 2,000 handwritten digits, and labels ``y``.

    Raises `DataRefused`.
    """
    table = read_npz(folder / "mfeat.npz")
    columns = tuple(
        Column("y", column.values.astype(np.int64), categories=tuple("0123456789"))
        if column.name == "y"
        else column
        for column in table.columns
    )
    return Table(f"mfeat:{folder.name}", columns)


def _table(
    name: str,
    columns: Sequence[Column],
    apart: Sequence[str],
    trained: Array,
    held_out: Array | None,
) -> Table:
    """Put binary features of all columns but some before them."""
    parts, entries = [], []
    for column in columns:
        if column.name not in apart and column.name != "personal":
            bits, names = _bits(column, trained)
            parts.append(bits)
            entries += names
    features = Column("x", np.concatenate(parts, axis=1), entries=tuple(entries))
    first = [column for key in apart for column in columns if column.name == key]
    rest = [column for column in columns if column.name not in apart]
    return Table(name, (features, *first, *rest), held_out=held_out, by_order=True)


def _bits(column: Column, trained: Array) -> tuple[Array, list[str]]:
    """One binary feature for each class, or for each fifth of the training rows' numbers."""
    names = column.categories
    if names is not None:
        there = np.ones(column.rows, dtype=bool) if column.missing is None else ~column.missing
        bits = (column.values[:, None] == np.arange(len(names))) & there[:, None]
        return bits, [f"{column.name}={name}" for name in names]
    shares = np.linspace(0, 1, _BINS + 1)[1:-1]
    edges = np.unique(np.quantile(column.values[trained], shares))
    places = np.searchsorted(edges, column.values, side="right")
    bits = places[:, None] == np.arange(len(edges) + 1)
    return bits, [f"{column.name}, part {part + 1}" for part in range(len(edges) + 1)]


def _column(folder: Path, name: str, cells: Sequence[str], is_number: bool) -> Column:
    if not is_number:
        return from_text(name, ["" if cell == "?" else cell for cell in cells])
    try:
        return Column(name, np.array([float(cell) for cell in cells]))
    except ValueError:
        raise refused("DATA01", folder.name, f"`{name}` is not a number in every row") from None


def _rows(folder: Path, name: str, delimiter: str | None, width: int) -> list[list[str]]:
    lines = _text(folder, name).splitlines()
    rows = [line.split(delimiter) for line in lines if line.strip() and not line.startswith("|")]
    if not rows or any(len(row) != width for row in rows):
        raise refused("DATA01", name, f"has not {width} values in every line")
    return rows


def _text(folder: Path, name: str) -> str:
    """Read a file, or the same compressed by gzip."""
    try:
        if (folder / f"{name}.gz").is_file():
            with gzip.open(folder / f"{name}.gz") as file:
                return read_at_most(io.BufferedReader(file), _MOST).decode("utf-8")
        return read_at_most(folder / name, _MOST).decode("utf-8")
    except (OSError, EOFError, ValueError, TooLarge, zlib.error) as problem:
        said = (getattr(problem, "strerror", None) or str(problem)).lower()
        raise refused("DATA01", f"{folder.name}/{name}", said) from None
