"""The values of a variable, gathered from its columns: numbers, and which of them are missing."""

from __future__ import annotations

__all__ = ["Facts", "Values", "gather", "measure"]

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from graphdsl_runtime.data.errors import refused
from graphdsl_runtime.data.options import constant_of
from graphdsl_runtime.data.pieces import Owner, Piece
from graphdsl_runtime.data.spool import copied, steps
from graphdsl_runtime.data.table import Array


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Numbers as they were read, flat, and which of them are missing besides NaN.

    Shapes: ``numbers`` is ``(n, k)``, ``missing`` the same, or None.
    """

    numbers: Array
    missing: Array | None
    names: tuple[str, ...]  #: of the k columns

    def blocks(self) -> Iterator[tuple[int, Array, Array]]:
        """Give some rows at a time: the first row's number, float64 values, what is there."""
        rows, width = self.numbers.shape
        for here in steps(rows, width):
            block = np.asarray(self.numbers[here], dtype=np.float64)
            there = ~np.isnan(block)
            if self.missing is not None:
                there &= ~self.missing[here]
            yield here.start, block, there

    def there(self) -> Array:
        """Say which values are there, all at once.  Shapes: ``-> (n, k)``, bool."""
        return np.concatenate([there for _, _, there in self.blocks()])

    def in_row(self, row: int) -> Array:
        """Say which values of a row are there.  Shapes: ``-> (k,)``, bool."""
        there: Array = ~np.isnan(np.asarray(self.numbers[row], dtype=np.float64))
        return there if self.missing is None else there & ~self.missing[row]

    def by_row(self, of: Callable[[Array], Array]) -> Array:
        """Say something of each row, by which of its values are there: some rows at a time.

        Shapes: ``of`` takes bool ``(m, k)`` and gives ``(m, *)``; ``-> (n, *)``.
        """
        return np.concatenate([of(there) for _, _, there in self.blocks()])


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What the values of each of k columns are, among those that are there.

    Shapes: ``(k,)`` each.
    """

    count: Array
    low: Array
    high: Array
    mean: Array
    spread: Array
    lost: Array  #: the largest change of a value by single precision
    whole: bool  #: whether all values are whole numbers
    complete: bool  #: whether no value is missing
    infinite: tuple[int, int] | None  #: row and column of the first infinite value


def gather(owner: Owner) -> Values:
    """Put the columns of a variable side by side.  Raises `DataRefused`.

    A column whose values have several axes lends them flat, if their shape is the variable's, or
    has so many axes of length 1 more or fewer, or one of the two is flat.
    """
    _refuse_rows(owner)
    _refuse_shape(owner)
    parts, missing, names = [], [], []
    for piece in owner.pieces:
        values, gone = _of(piece)
        parts.append(values.reshape(len(values), -1))
        missing.append(None if gone is None else gone.reshape(len(values), -1))
        names += _names(piece)
    numbers = _beside(parts)
    if all(one is None for one in missing):
        return Values(numbers, None, tuple(names))
    masks = [
        np.broadcast_to(np.False_, part.shape) if one is None else one
        for part, one in zip(parts, missing, strict=True)
    ]
    return Values(numbers, _beside(masks), tuple(names))


def _beside(parts: Sequence[Array]) -> Array:
    """Put arrays side by side.  Shapes: ``(n, k_i) -> (n, k)``."""
    if len(parts) == 1:
        return parts[0]
    shape = (len(parts[0]), sum(part.shape[1] for part in parts))
    kind = np.result_type(*(part.dtype for part in parts))
    return copied(shape, kind, lambda here: np.concatenate([one[here] for one in parts], axis=1))


def measure(values: Values) -> Facts:
    """Find the range, the mean and the spread of each column, in double precision."""
    width = values.numbers.shape[1]
    count, mean, squares = np.zeros(width), np.zeros(width), np.zeros(width)
    low, high, lost = np.full(width, np.inf), np.full(width, -np.inf), np.zeros(width)
    whole, complete, infinite = True, True, None
    for start, block, there in values.blocks():
        finite = there & np.isfinite(block)
        if infinite is None and (there & ~finite).any():
            row, column = np.argwhere(there & ~finite)[0].tolist()
            infinite = (start + row, column)
        complete = complete and bool(there.all())
        kept = np.where(finite, block, 0.0)
        here = finite.sum(axis=0)
        low = np.minimum(low, np.where(finite, block, np.inf).min(axis=0))
        high = np.maximum(high, np.where(finite, block, -np.inf).max(axis=0))
        lost = np.maximum(lost, _lost(kept))
        whole = whole and bool((kept == np.floor(kept)).all())
        with np.errstate(over="ignore", invalid="ignore"):
            middle = kept.sum(axis=0) / np.maximum(here, 1)
            around = np.where(finite, np.square(block - middle), 0.0).sum(axis=0)
            total = count + here
            shift = middle - mean
            mean = mean + shift * here / np.maximum(total, 1)
            squares = squares + around + np.square(shift) * count * here / np.maximum(total, 1)
        count = total
    with np.errstate(invalid="ignore"):
        spread = np.sqrt(squares / np.maximum(count, 1))
    return Facts(count, low, high, mean, spread, lost, whole, complete, infinite)


def _lost(kept: Array) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        change = np.abs(kept.astype(np.float32).astype(np.float64) - kept)
    result: Array = change.max(axis=0) if len(kept) else np.zeros(kept.shape[1])
    return result


def _of(piece: Piece) -> tuple[Array, Array | None]:
    column = piece.column
    if piece.entry is None:
        return column.values, column.missing
    gone = None if column.missing is None else column.missing[..., piece.entry]
    return column.values[..., piece.entry], gone


def _names(piece: Piece) -> list[str]:
    if piece.entry is not None or not piece.column.shape:
        return [piece.name]
    if len(piece.column.entries) == piece.size:
        return list(piece.column.entries)
    return [f"{piece.name}[{','.join(map(str, at))}]" for at in np.ndindex(piece.column.shape)]


def _refuse_rows(owner: Owner) -> None:
    for piece in owner.pieces:
        if piece.column.values.ndim == 0:
            raise refused(
                "DATA10",
                owner.name,
                f"`{piece.name}` is a single number, and has no rows",
                "store an array whose first axis is rows",
            )
    if not owner.pieces[0].column.rows:
        raise refused("DATA10", owner.name, f"`{owner.pieces[0].name}` has no rows")
    rows = {piece.column.rows for piece in owner.pieces}
    if len(rows) > 1:
        each = ", ".join(f"`{piece.name}` {piece.column.rows}" for piece in owner.pieces[:4])
        raise refused("DATA10", owner.name, f"its columns differ in rows: {each}")


def _refuse_shape(owner: Owner) -> None:
    wanted, sizes = math.prod(owner.shape), [piece.size for piece in owner.pieces]
    if sum(sizes) != wanted:
        has = _said(owner.pieces, sum(sizes))
        raise refused(
            "DATA06",
            owner.name,
            f"has {_count(wanted)} a row{_shape(owner.shape)}, and {has}",
            "name as many columns as it has values, or change its size in the spec: "
            f"{constant_of(sum(sizes))}, if a constant sets it",
        )
    if len(owner.pieces) > 1:
        return
    shape = owner.pieces[0].column.shape if owner.pieces[0].entry is None else ()
    there, here = ([size for size in one if size != 1] for one in (shape, owner.shape))
    if len(there) > 1 and len(here) > 1 and there != here:
        raise refused(
            "DATA06",
            owner.name,
            f"has the shape {_dims(owner.shape)}, and `{owner.pieces[0].name}` {_dims(shape)}",
            "move its axes: images have their channels first, as 3 x 28 x 28",
        )


def _said(pieces: Sequence[Piece], size: int) -> str:
    if len(pieces) == 1:
        one = pieces[0]
        return f"the column `{one.name}` {size}{_shape(one.column.shape)}"
    first, last = pieces[0].name, pieces[-1].name
    return f"its {len(pieces)} columns, `{first}` to `{last}`, {size}"


def _count(size: int) -> str:
    return "1 value" if size == 1 else f"{size} values"


def _shape(shape: tuple[int, ...]) -> str:
    return f" ({_dims(shape)})" if len(shape) > 1 else ""


def _dims(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "1"
