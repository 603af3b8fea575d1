"""What variables a table may be of: kinds, groups of columns, and why; a person decides."""

from __future__ import annotations

__all__ = ["Guess", "Guesses", "guess"]

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from graphdsl_runtime.data.errors import refused
from graphdsl_runtime.data.table import Array, Column, Table

_MOST_CLASSES = 50
_LARGEST = float(np.finfo(np.float32).max)
_FEW = 20  # whole numbers 0 to k - 1 of so many kinds may be classes
_LABELS = frozenset({"y", "label", "labels", "class", "classes", "target", "cluster", "group"})
_NUMBERED = re.compile(r"(.*?)(?:_(\d+)|\.(\d+)|\[(\d+)\])")
_WORD = re.compile(r"([^_]+)_.+")
#: Names of vectors of what has no common name.
_MANY = {"real": "x", "positive": "s", "unit": "u", "count": "n", "binary": "b"}
_CONTINUOUS = frozenset({"real", "positive", "unit"})
_SKEWED = 1.0  # skewness of an exponential is 2, of a normal 0
_ENOUGH = 20  # values whose skewness means something
_MOST_APART = 12  # columns of one kind that are variables of their own
_LEAST_GROUP = 3  # columns that share a word before `_` and are so many are one vector


@dataclass(frozen=True, slots=True)
class Guess:
    """A variable that some columns may be, and why."""

    name: str  #: of the column, or what its columns share
    kind: str
    columns: tuple[str, ...]
    classes: int | None = None
    shape: tuple[int, ...] = ()
    missing: float = 0.0  #: share of the rows that lack some value
    numbered: bool = False  #: whether its columns are numbered from 0 or from 1
    why: str = ""

    @property
    def optional(self) -> bool:
        """Whether some row lacks it."""
        return self.missing > 0


@dataclass(frozen=True, slots=True)
class Guesses:
    """The variables that a table may be of, and the columns that are none, with why."""

    variables: tuple[Guess, ...]
    left_out: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]  #: of the table, in its order
    rows: int


def guess(table: Table) -> Guesses:
    """Guess what each column is, and which ones belong together.  Raises `DataRefused`."""
    rows = _rows(table)
    guesses: list[Guess] = []
    left_out: list[tuple[str, str]] = []
    for column in table.columns:
        one = _guess(column, rows)
        if isinstance(one, str):
            left_out.append((column.name, one))
        else:
            guesses.append(one)
    if not guesses:
        raise refused("DATA02", table.name, "has no column that a variable could be", "")
    return Guesses(tuple(_grouped(guesses)), tuple(left_out), table.names, rows)


def _rows(table: Table) -> int:
    """The number of rows that most values have."""
    sizes: dict[int, int] = {}
    for column in table.columns:
        if column.rows:
            sizes[column.rows] = sizes.get(column.rows, 0) + column.values.size
    if not sizes:
        raise refused("DATA10", table.name, "has no rows", "")
    return max(sizes, key=lambda rows: sizes[rows])


def _guess(column: Column, rows: int) -> Guess | str:
    """Guess one column, or say why it is none."""
    if column.rows != rows:
        return f"it has {column.rows} rows, and the others have {rows}"
    if column.unusable:
        return f"it holds {column.unusable}"
    gone = _gone(column)
    if gone.all():
        return "it is empty"
    kept = column.values[~gone]
    lacking = float(np.any(gone.reshape(rows, -1), axis=1).mean())
    plain = Guess(column.name, "real", (column.name,), shape=column.shape, missing=lacking)
    if column.categories is not None:
        return _of_text(plain, column, kept, rows)
    return _of_numbers(plain, kept, rows)


def _gone(column: Column) -> Array:
    gone = np.zeros(column.values.shape, dtype=bool)
    if column.missing is not None:
        gone |= column.missing
    if column.values.dtype.kind == "f":
        gone |= np.isnan(column.values)
    return gone


def _of_text(plain: Guess, column: Column, kept: Array, rows: int) -> Guess | str:
    names = [(column.categories or ())[code] for code in np.unique(kept)]
    if len(names) < 2:
        return "it is constant"
    if len(names) > _MOST_CLASSES or 2 * len(names) > rows:
        return f"it has {len(names)} different texts in {rows} rows: it may name the rows"
    if len(names) == 2:
        return replace(plain, kind="binary", why=f"0 is {names[0]}, 1 is {names[1]}")
    listed = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
    return replace(plain, kind="categorical", classes=len(names), why=listed)


def _of_numbers(plain: Guess, kept: Array, rows: int) -> Guess | str:
    numbers = kept.astype(np.float64)
    if not (np.abs(numbers) <= _LARGEST).all():
        return "it has infinite values, or values beyond single precision"
    low, high = float(numbers.min()), float(numbers.max())
    if low == high:
        return "it is constant"
    span = f"{low:.4g} to {high:.4g}"
    if not (numbers == np.floor(numbers)).all():
        return _of_continuous(plain, numbers, span)
    if low == 0 and high == 1:
        return replace(plain, kind="binary", why="0 and 1")
    if len(plain.shape) > 1 and kept.dtype == np.uint8:
        return replace(plain, why=f"{span}: pixels? divided by their largest, they may be `binary`")
    return _of_whole(plain, numbers, rows, span)


def _of_continuous(plain: Guess, numbers: Array, span: str) -> Guess:
    """A share if all values are from 0 to 1; positive if they are skewed, and above 0."""
    low, high = numbers.min(), numbers.max()
    if low >= 0 and high <= 1:
        return replace(plain, kind="unit", why=f"{span}, all from 0 to 1; or `real`")
    if low > 0 and numbers.size >= _ENOUGH:
        skewness = _skewness(numbers)
        if skewness > _SKEWED and abs(_skewness(np.log(numbers))) < skewness:
            why = f"{span}, above 0 and skewed ({skewness:.2g}); or `real`"
            return replace(plain, kind="positive", why=why)
    return replace(plain, why=span)


def _skewness(numbers: Array) -> float:
    """The third moment of what varies, in units of its standard deviation."""
    away = numbers - numbers.mean()
    spread = np.sqrt((away**2).mean())
    return float(((away / spread) ** 3).mean()) if spread > 0 else 0.0


def _of_whole(plain: Guess, numbers: Array, rows: int, span: str) -> Guess | str:
    low, high, levels = numbers.min(), numbers.max(), len(np.unique(numbers))
    if plain.shape:
        kind = "count" if low >= 0 else "real"
        return replace(plain, kind=kind, why=f"whole numbers {span}")
    if levels == rows and high - low == rows - 1:
        return "it numbers the rows"
    indices = low == 0 and high == levels - 1
    if indices and levels <= _FEW and plain.name.lower() in _LABELS:
        why = f"whole numbers {span}; or `count`"
        return replace(plain, kind="categorical", classes=levels, why=why)
    if low == 0:
        return replace(plain, kind="count", why=f"whole numbers {span}; or `real`")
    return replace(plain, why=f"whole numbers {span}; or `count`" if low > 0 else span)


def _grouped(guesses: Sequence[Guess]) -> Iterator[Guess]:
    """Put columns together that are numbered, or that share a word, and are of one kind."""
    groups = _numbered(guesses)
    taken = {name for group in groups for one in group for name in one.columns}
    groups += _sharing(one for one in guesses if one.columns[0] not in taken)
    taken |= {name for group in groups for one in group for name in one.columns}
    groups += _many(one for one in guesses if one.columns[0] not in taken)
    first = {group[0].columns[0]: group for group in groups}
    members = {one.columns[0] for group in groups for one in group}
    for one in guesses:
        if group := first.get(one.columns[0]):
            yield _together(group)
        elif one.columns[0] not in members:
            yield one


def _numbered(guesses: Sequence[Guess]) -> list[list[Guess]]:
    stems: dict[str, dict[int, Guess]] = {}
    for one in guesses:
        if (hit := _NUMBERED.fullmatch(one.name)) and hit[1]:
            number = int(next(part for part in hit.groups()[1:] if part is not None))
            stems.setdefault(hit[1], {})[number] = replace(one, name=hit[1], numbered=True)
    groups = []
    for numbers in stems.values():
        order = sorted(numbers)
        complete = order[0] in (0, 1) and order == list(range(order[0], order[0] + len(order)))
        group = _of_one_kind([numbers[number] for number in order])
        if complete and len(order) > 1 and _alike(group):
            groups.append(group)
    return groups


def _sharing(guesses: Iterator[Guess]) -> list[list[Guess]]:
    words: dict[str, list[Guess]] = {}
    for one in guesses:
        if not one.shape and (hit := _WORD.fullmatch(one.name)):
            words.setdefault(hit[1], []).append(replace(one, name=hit[1]))
    groups = map(_of_one_kind, words.values())
    return [group for group in groups if len(group) >= _LEAST_GROUP and _alike(group)]


def _many(guesses: Iterator[Guess]) -> list[list[Guess]]:
    """Columns of one kind that have nothing in common, where there are too many to name each."""
    kinds: dict[tuple[str, bool], list[Guess]] = {}
    columns = [one for one in guesses if not one.shape and _alike([one])]
    continuous = [column for column in columns if column.kind in _CONTINUOUS]
    if len(continuous) > _MOST_APART:  # one vector, as far as it can be
        others = [column for column in columns if column.kind not in _CONTINUOUS]
        columns = [*_of_one_kind(continuous), *others]
    for column in columns:
        name = f"{_MANY[column.kind]}{'_some' if column.optional else ''}"
        kinds.setdefault((column.kind, column.optional), []).append(replace(column, name=name))
    return [group for group in kinds.values() if len(group) > _MOST_APART]


def _of_one_kind(group: list[Guess]) -> list[Guess]:
    """Columns of a vector: real, unless all of them are positive, or all shares."""
    kinds = {one.kind for one in group}
    if len(kinds) < 2 or not kinds <= _CONTINUOUS:
        return group
    return [replace(one, kind="real") for one in group]


def _alike(group: Sequence[Guess]) -> bool:
    """Whether columns may be one variable; text has names of its own, so two columns may not."""
    kinds = {(one.kind, one.classes, one.shape) for one in group}
    texts = any(one.why.startswith("0 is ") or one.kind == "categorical" for one in group)
    return len(kinds) == 1 and not texts


def _together(group: Sequence[Guess]) -> Guess:
    return replace(
        group[0],
        columns=tuple(one.columns[0] for one in group),
        missing=max(one.missing for one in group),
        why=f"{group[0].columns[0]} to {group[-1].columns[0]}",
    )
