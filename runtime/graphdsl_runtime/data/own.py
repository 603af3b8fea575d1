"""`module:function`: what a function of the user's own returns."""

from __future__ import annotations

__all__ = ["read_own", "table_of"]

from collections.abc import Mapping, Sized
from typing import Any

import numpy as np

from graphdsl_runtime.calling import CannotCall, call_named
from graphdsl_runtime.data.arrow_files import from_arrow
from graphdsl_runtime.data.errors import needs, refused
from graphdsl_runtime.data.numpy_files import column_of
from graphdsl_runtime.data.omics import from_anndata, from_mudata
from graphdsl_runtime.data.table import Array, Column, Table, from_text

_WHAT = "return a dict of arrays, a DataFrame, an AnnData, or a torch Dataset"


def read_own(source: str) -> Table:
    """Import a module, from the working folder too, and call its function.  Raises `DataRefused`.

    This runs code: a source of this kind is to be trusted like a program.
    """
    try:
        value = call_named(source)
    except CannotCall as problem:
        raise refused("DATA01", source, problem.said) from None
    return table_of(source, value)


def table_of(name: str, value: Any) -> Table:  # noqa: ANN401  # it is anything
    """Make a table of what a function returned.  Raises `DataRefused`."""
    if isinstance(value, Table):
        return value
    kind = f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"
    if kind == "pyarrow.Table":
        return from_arrow(name, value)
    if kind == "pandas.DataFrame":
        return _of_frame(name, value)
    if kind == "anndata.AnnData":
        return from_anndata(name, value)
    if kind == "mudata.MuData":
        return from_mudata(name, value)
    if isinstance(value, Mapping):
        return Table(
            name, tuple(column_of(str(key), _array(key, one)) for key, one in value.items())
        )
    if (
        hasattr(value, "__getitem__")
        and isinstance(value, Sized)
        and not isinstance(value, str | bytes)
    ):
        return _of_dataset(name, value)
    raise refused("DATA01", name, f"returned {type(value).__name__}", _WHAT)


def _of_frame(name: str, frame: Any) -> Table:  # noqa: ANN401
    with needs("data"):
        import pyarrow as pa
    columns: list[Column] = []
    for place, title in enumerate(frame.columns):
        series = frame.iloc[:, place]
        try:
            column = pa.table({str(title): pa.Array.from_pandas(series)})
            columns += from_arrow(name, column).columns
        except (pa.ArrowException, TypeError, ValueError):
            cells = ["" if gone else one for one, gone in zip(series, series.isna(), strict=True)]
            columns.append(from_text(str(title), cells))
    return Table(name, tuple(columns))


def _of_dataset(name: str, dataset: Any) -> Table:  # noqa: ANN401
    """A Dataset of torch: items that are dicts, tuples (``x``, ``y``, then numbers) or arrays."""
    try:
        items = [dataset[row] for row in range(len(dataset))]
    except Exception as problem:  # of code that is not ours
        said = " ".join(f"{type(problem).__name__}: {problem}".split())[:200]
        raise refused("DATA01", name, f"an item raised {said}") from None
    if not items:
        raise refused("DATA10", name, "has no items")
    rows = [_named(item) for item in items]
    if any(row.keys() != rows[0].keys() for row in rows):
        raise refused("DATA02", name, "its items do not all have the same parts", _WHAT)
    columns = []
    for key in rows[0]:
        cells = [_array(key, row[key]) for row in rows]
        if any(cell.shape != cells[0].shape for cell in cells):
            raise refused("DATA06", name, f"`{key}` differs in shape between items")
        columns.append(column_of(key, np.stack(cells)))
    return Table(name, tuple(columns), by_order=not isinstance(items[0], Mapping))


def _named(item: object) -> dict[str, object]:
    if isinstance(item, Mapping):
        return {str(key): one for key, one in item.items()}
    if isinstance(item, tuple | list):
        names = ["x", "y", *(str(place) for place in range(2, len(item)))]
        return dict(zip(names, item, strict=False))
    return {"x": item}


def _array(key: object, value: Any) -> Array:  # noqa: ANN401
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if str(value.dtype) == "torch.bfloat16" else value
    mask = getattr(value, "mask", None)
    if mask is not None and hasattr(value, "filled"):
        value = value.astype(np.float64).filled(np.nan)
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        raise refused("DATA05", str(key), "is no array", _WHAT) from None
    if array.dtype.kind == "O":
        texts = [isinstance(cell, str) or cell is None for cell in array.ravel()]
        if not all(texts):
            raise refused("DATA05", str(key), "mixes text with other things", _WHAT)
        return np.asarray(["" if cell is None else cell for cell in array.ravel()]).reshape(
            array.shape
        )
    return array
