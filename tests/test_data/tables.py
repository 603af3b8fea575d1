"""Tables of cells, right and wrong, written in every format."""

from __future__ import annotations

__all__ = ["FORMATS", "SUFFIXES", "Cell", "Sheet", "write_sheet"]

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

Cell: TypeAlias = float | int | bool | str | None


@dataclass(frozen=True)
class Sheet:
    """Named columns of cells; a name may come twice."""

    columns: tuple[tuple[str, tuple[Cell, ...]], ...]

    def named(self) -> dict[str, tuple[Cell, ...]]:
        """The columns by name, without the spaces around it."""
        return {name.strip(): cells for name, cells in self.columns}


def write_sheet(sheet: Sheet, path: Path) -> None:
    """Write a sheet in the format of the path's suffix, as a careless user would."""
    FORMATS[path.suffix](sheet, path)


def is_empty(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _text(sheet: Sheet, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writerow([name for name, _ in sheet.columns])
        for row in zip(*(cells for _, cells in sheet.columns), strict=True):
            writer.writerow(["" if is_empty(cell) else cell for cell in row])


def _arrow_table(sheet: Sheet) -> Any:  # noqa: ANN401  # pyarrow has no types, and cells have many
    arrays = [_arrow(cells) for _, cells in sheet.columns]
    return pa.Table.from_arrays(arrays, names=[name for name, _ in sheet.columns])


def _arrow(cells: Sequence[Cell]) -> Any:  # noqa: ANN401  # pyarrow has no types, and cells have many
    there = [cell for cell in cells if cell is not None]
    if any(isinstance(cell, str) for cell in there):
        return pa.array([None if cell is None else str(cell) for cell in cells], pa.string())
    if any(isinstance(cell, float) for cell in there):
        return pa.array([None if cell is None else float(cell) for cell in cells], pa.float64())
    return pa.array(cells)


def _parquet(sheet: Sheet, path: Path) -> None:
    pyarrow.parquet.write_table(_arrow_table(sheet), path)


def _ipc(sheet: Sheet, path: Path) -> None:
    table = _arrow_table(sheet)
    with pa.OSFile(str(path), "wb") as file, pyarrow.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def _numpy(cells: Sequence[Cell]) -> Any:  # noqa: ANN401  # pyarrow has no types, and cells have many
    if any(isinstance(cell, str) for cell in cells):
        return np.array(["" if cell is None else str(cell) for cell in cells])
    if any(cell is None for cell in cells):
        return np.array([math.nan if cell is None else float(cell) for cell in cells])
    return np.array(cells)


def _npz(sheet: Sheet, path: Path) -> None:
    arrays: Mapping[str, Any] = {name: _numpy(cells) for name, cells in sheet.columns}
    np.savez(path, **arrays)


FORMATS: Mapping[str, Callable[[Sheet, Path], None]] = {
    ".csv": _text,
    ".tsv": _text,
    ".parquet": _parquet,
    ".arrow": _ipc,
    ".npz": _npz,
}
SUFFIXES = tuple(FORMATS)
