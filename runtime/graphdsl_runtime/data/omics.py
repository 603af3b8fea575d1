"""AnnData and MuData: `.h5ad`, `.h5mu` and `.zarr`, cells as rows, genes as named entries."""

from __future__ import annotations

__all__ = ["from_anndata", "from_mudata", "read_omics"]

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from graphdsl_runtime.data.errors import DataRefused, needs, refused
from graphdsl_runtime.data.spool import copied, room, steps
from graphdsl_runtime.data.table import Array, Column, Table, from_text

_LARGE = 1 << 26  # bytes of a file whose matrices are read some rows at a time


def read_omics(path: Path) -> Table:
    """Read an AnnData or a MuData.  Raises `DataRefused`.

    Columns: ``X`` with the names of its variables as entries, ``layers/NAME``, ``obsm/NAME``, and
    each column of ``obs``. Of a MuData, each modality is a column of its name, and what belongs to
    it is ``MODALITY/...``; cells that a modality lacks are missing there.
    """
    suffix = path.suffix.lower()
    if suffix == ".h5mu":
        with needs("omics"):
            import mudata
        return from_mudata(
            path.name, _read(path, lambda: mudata.read_h5mu(path, backed=_mode(path)))
        )
    with needs("omics"):
        import anndata
    if suffix == ".h5ad":
        return from_anndata(
            path.name, _read(path, lambda: anndata.read_h5ad(path, backed=_mode(path)))
        )
    return _read_zarr(path)


def _mode(path: Path) -> Literal["r"] | None:
    """How a file is opened: with its matrices left in it, where it is large."""
    return "r" if path.stat().st_size >= _LARGE else None


def _read_zarr(path: Path) -> Table:
    import anndata

    _refuse_pickles(path)

    if (path / "mod").is_dir():
        with needs("omics"):
            import mudata
        return from_mudata(path.name, _read(path, lambda: mudata.read_zarr(path)))
    return from_anndata(path.name, _read(path, lambda: anndata.read_zarr(path)))


def from_anndata(name: str, data: Any) -> Table:  # noqa: ANN401  # the library has its own types
    """Make a table of an AnnData."""
    return Table(name, tuple(_columns(data, "", "X")), rows=tuple(map(str, data.obs_names)))


def from_mudata(name: str, data: Any) -> Table:  # noqa: ANN401
    """Make a table of a MuData: the union of all cells, in its order."""
    columns: list[Column] = []
    for title, modality in data.mod.items():
        places = data.obs_names.get_indexer(modality.obs_names)
        for column in _columns(modality, f"{title}/", title):
            columns.append(_spread(column, places, data.n_obs))
    columns += _frame(data.obs, "", {column.name for column in columns})
    return Table(name, tuple(columns), rows=tuple(map(str, data.obs_names)))


def _columns(data: Any, start: str, matrix: str) -> Iterator[Column]:  # noqa: ANN401
    """The matrix, layers, embeddings and annotations of an AnnData, under a prefix."""
    genes = tuple(map(str, data.var_names))
    entries = genes if len(set(genes)) == len(genes) else ()
    if data.X is not None:
        yield _matrix(matrix, data.X, entries)
    for key, layer in data.layers.items():
        named = tuple(f"{start}layers/{key}/{gene}" for gene in entries)
        yield _matrix(f"{start}layers/{key}", layer, named)
    taken: set[str] = {matrix}
    for key, values in data.obsm.items():
        if hasattr(values, "columns"):
            named = tuple(f"{start}obsm/{key}/{title}" for title in values.columns)
            yield _matrix(f"{start}obsm/{key}", values.to_numpy(), named)
        else:
            yield _matrix(f"{start}obsm/{key}", values, ())
    yield from _frame(data.obs, start, taken)


def _frame(frame: Any, start: str, taken: set[str]) -> Iterator[Column]:  # noqa: ANN401
    """The columns of annotations; one that has the name of a matrix is ``obs/NAME``."""
    for title in frame.columns:
        name = f"{start}{title}"
        name = f"obs/{name}" if name in taken else name
        series = frame[title]
        missing = np.asarray(series.isna(), dtype=bool)
        if series.dtype.kind in "biuf" and str(series.dtype) != "category":
            yield Column(
                name,
                np.asarray(series.fillna(0) if missing.any() else series),
                missing=missing if missing.any() else None,
            )
        elif series.dtype.kind in "mM":
            yield Column(name, np.zeros(len(series)), unusable="dates")
        else:
            cells = ["" if gone else str(one) for one, gone in zip(series, missing, strict=True)]
            yield from_text(name, cells, missing)


def _matrix(name: str, values: Any, entries: tuple[str, ...]) -> Column:  # noqa: ANN401
    """Give a matrix: one that is sparse, or still in its file, is written out row by row."""
    if hasattr(values, "to_memory") and getattr(values, "format", "csr") != "csr":
        values = values.to_memory()
    if getattr(values, "format", "csr") != "csr":
        values = values.tocsr()  # rows of another order are slow to take
    dense = isinstance(values, np.ndarray) or not hasattr(values, "shape")
    if dense or np.dtype(values.dtype).kind not in "biuf":
        array: Array = np.asarray(values)
    else:
        array = copied(values.shape, values.dtype, lambda here: _written_out(values[here]))
    if array.dtype.kind not in "biuf":
        return Column(name, np.zeros(array.shape), unusable="something else than numbers")
    return Column(name, array, entries=entries)


def _written_out(rows: Any) -> Array:  # noqa: ANN401
    dense: Array = rows.toarray() if hasattr(rows, "toarray") else np.asarray(rows)
    return dense


def _spread(column: Column, places: Array, rows: int) -> Column:
    """Give a modality's column a row for every cell: missing where it has none."""
    if len(places) == rows and (places == np.arange(rows)).all():
        return column
    values = room((rows, *column.shape), column.values.dtype)
    missing = room((rows, *column.shape), bool)
    missing[:] = True
    for here in steps(len(places), values.size // max(1, rows)):
        values[places[here]] = column.values[here]
    missing[places] = False if column.missing is None else column.missing
    return Column(
        column.name,
        values,
        categories=column.categories,
        missing=missing,
        entries=column.entries,
        unusable=column.unusable,
    )


def _refuse_pickles(path: Path) -> None:
    """Refuse a store that names pickle as a codec: to read it would run what it holds."""
    for name in (".zarray", ".zmetadata", "zarr.json"):
        for file in path.rglob(name):
            if "pickle" in file.read_text(encoding="utf-8", errors="replace"):
                raise refused(
                    "DATA01",
                    path.name,
                    "stores Python objects by pickle, and a pickle can run any code",
                    "store arrays of numbers",
                )


def _read(path: Path, read: Callable[[], Any]) -> Any:  # noqa: ANN401
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the libraries' own plans
            return read()
    except DataRefused:
        raise
    except Exception as problem:  # whatever HDF5 and its readers say of a file that is none
        said = " ".join(str(problem).split())[:150]
        raise refused("DATA01", path.name, f"is no whole {path.suffix} file: {said}") from None
