"""`hf:FOLDER`: data sets that the library `datasets` saved on disk."""

from __future__ import annotations

__all__ = ["read_saved"]

from pathlib import Path
from typing import Any

import numpy as np

from graphdsl_runtime.data.arrow_files import from_arrow
from graphdsl_runtime.data.errors import needs, refused
from graphdsl_runtime.data.images import decoded, stacked
from graphdsl_runtime.data.table import Column, Table

_HELD_OUT = ("test", "validation")


def read_saved(folder: Path) -> Table:
    """Read a saved data set; of several parts, `test` (or `validation`) is held out.

    Raises `DataRefused`.
    """
    with needs("hf"):
        import datasets
    try:
        saved = datasets.load_from_disk(str(folder))
        parts = dict(saved) if isinstance(saved, datasets.DatasetDict) else {"train": saved}
        chosen = _chosen(parts)
        features = next(iter(chosen.values())).features
        joined = datasets.concatenate_datasets(list(chosen.values()))
        table = joined.with_format("arrow")[:]
    except Exception as problem:  # whatever the library says of a folder that is none of its own
        said = " ".join(str(problem).split())[:150]
        raise refused("DATA01", str(folder), f"is no saved data set: {said}") from None
    columns = tuple(
        _column(column, features.get(column.name), table)
        for column in from_arrow(folder.name, table).columns
    )
    sizes = [len(part) for part in chosen.values()]
    held_out = np.arange(sum(sizes)) >= sizes[0] if len(sizes) > 1 else None
    return Table(folder.name, columns, held_out=held_out, by_order=True)


def _chosen(parts: dict[str, Any]) -> dict[str, Any]:
    first = parts.get("train", next(iter(parts.values())))
    other = next((parts[name] for name in _HELD_OUT if name in parts), None)
    return {"train": first} if other is None or other is first else {"train": first, "test": other}


def _column(column: Column, feature: Any, table: Any) -> Column:  # noqa: ANN401  # of the library
    """Give labels their names, and decode images."""
    kind = type(feature).__name__
    if kind == "ClassLabel":
        return Column(
            column.name,
            column.values.astype(np.int64),
            categories=tuple(feature.names),
            ordered=True,
            missing=column.missing,
        )
    if kind == "Image":
        cells = table.column(column.name).to_pylist()
        names = [f"{column.name}, row {row + 1}" for row in range(len(cells))]
        images = [
            decoded(name, (cell or {}).get("bytes") or b"")
            for name, cell in zip(names, cells, strict=True)
        ]
        return Column(column.name, stacked(column.name, names, images))
    return column
