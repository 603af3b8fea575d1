"""Which rows are held out, and which validate: by chance, the last ones, or as a column says."""

from __future__ import annotations

__all__ = ["Split", "held_out_rows", "validation_rows"]

from dataclasses import dataclass, replace

import numpy as np

from graphdsl_runtime.data.errors import refused
from graphdsl_runtime.data.table import Array, Column, Table

_HELD_OUT = frozenset({"test", "held-out", "held_out", "heldout", "validation", "valid", "val"})
_TRAINED = frozenset({"train", "training"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """How rows are divided."""

    by: str = ""  #: "" or random, last, group:COLUMN, column:COLUMN
    fraction: float = 0.2  #: of the rows, or of the groups, that are held out
    seed: int = 0
    validation: float = 0.0  #: of what is not held out, so much validates and is not trained on


def held_out_rows(table: Table, split: Split, kept: Array) -> Array:
    """Say which rows are held out, of those that are kept.  Shapes: bool ``(n,) -> (n,)``.

    The same split for ever: NumPy has frozen the streams of ``RandomState`` (NEP 19).
    Raises `DataRefused`.
    """
    if not 0 < split.fraction < 1:
        raise refused("DATA12", "--held-out", f"{split.fraction:g} is no fraction", "such as 0.2")
    way, _, name = split.by.partition(":")
    if way == "" and table.held_out is not None:
        held_out = table.held_out & kept
    elif way in ("", "random") and not name:
        held_out = _random(kept, split)
    elif way == "last" and not name:
        held_out = _last(kept, split)
    elif way in ("group", "column") and name:
        column = _column(table, name, len(kept))
        held_out = _by_group(column, kept, split) if way == "group" else _by_column(column, kept)
    else:
        raise refused(
            "DATA12",
            f"--split {split.by}",
            "is no way to split",
            "write random, last, group:COLUMN or column:COLUMN",
        )
    trained, tested = int((kept & ~held_out).sum()), int(held_out.sum())
    if trained < 2 or tested < 1:
        raise refused(
            "DATA10",
            table.name,
            f"leaves {_rows(trained)} to train on and {_rows(tested)} held out",
            "training needs 2 rows or more, and 1 held out",
        )
    return held_out


def validation_rows(table: Table, split: Split, trainable: Array) -> Array:
    """Say which of the rows that are not held out validate.  Shapes: bool ``(n,) -> (n,)``.

    They are chosen in the way of the split: by chance, the last of them, or whole groups; by chance
    where a column, or the makers of the data, say what is held out. None are where the split has no
    validation. Raises `DataRefused`.
    """
    if not split.validation:
        return np.zeros_like(trainable)
    if not 0 < split.validation < 1:
        said = f"{split.validation:g} is no fraction"
        raise refused("DATA12", "--validation", said, "such as 0.2")
    way = split.by if split.by == "last" or split.by.startswith("group:") else "random"
    again = replace(split, by=way, fraction=split.validation, validation=0.0)
    return held_out_rows(table, again, trainable)


def _random(kept: Array, split: Split) -> Array:
    rows = np.flatnonzero(kept)
    count = max(1, round(split.fraction * len(rows)))
    held_out = np.zeros(len(kept), dtype=bool)
    held_out[np.random.RandomState(split.seed).permutation(rows)[:count]] = True
    return held_out


def _last(kept: Array, split: Split) -> Array:
    rows = np.flatnonzero(kept)
    held_out = np.zeros(len(kept), dtype=bool)
    held_out[rows[len(rows) - max(1, round(split.fraction * len(rows))) :]] = True
    return held_out


def _column(table: Table, name: str, rows: int) -> Column:
    column = table.column(name)
    if column is None or column.shape or column.rows != rows or column.unusable:
        what = "there is no such column" if column is None else "it is no column of one value a row"
        raise refused("DATA12", f"--split by `{name}`", what, "name a column with one value a row")
    if column.missing is not None or (
        column.values.dtype.kind == "f" and np.isnan(column.values).any()
    ):
        raise refused("DATA12", f"--split by `{name}`", "it has empty cells", "fill them in")
    return column


def _by_group(column: Column, kept: Array, split: Split) -> Array:
    """Hold out whole groups, so that no group is on both sides."""
    groups = np.unique(column.values[kept])
    if len(groups) < 2:
        raise refused("DATA12", f"--split group:{column.name}", "has one group alone", "")
    count = min(len(groups) - 1, max(1, round(split.fraction * len(groups))))
    chosen = np.random.RandomState(split.seed).permutation(groups)[:count]
    return kept & np.isin(column.values, chosen)


def _by_column(column: Column, kept: Array) -> Array:
    names = column.categories
    if names is None:
        levels = set(np.unique(column.values[kept]).tolist())
        if not levels <= {0, 1}:
            raise _no_parts(column, ", ".join(f"{level:g}" for level in sorted(levels)[:4]))
        chosen = [1]
        return kept & np.isin(column.values, chosen)
    used = [names[code] for code in np.unique(column.values[kept])]
    if other := [one for one in used if one.lower() not in _HELD_OUT | _TRAINED]:
        raise _no_parts(column, ", ".join(other[:4]))
    chosen = [code for code, name in enumerate(names) if name.lower() in _HELD_OUT]
    return kept & np.isin(column.values, chosen)


def _no_parts(column: Column, reason: str) -> Exception:
    return refused(
        "DATA12",
        f"--split column:{column.name}",
        f"has the values {reason}",
        "write train and test, or 0 and 1 for held out; or split with group:COLUMN",
    )


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
