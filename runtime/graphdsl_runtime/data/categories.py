"""Names of classes, and the numbers that stand for them: made once, recorded, used again."""

from __future__ import annotations

__all__ = ["encode", "names_of"]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from graphdsl_runtime.data.errors import DataRefused, refused
from graphdsl_runtime.data.options import constant_of
from graphdsl_runtime.data.pieces import Owner
from graphdsl_runtime.data.table import Array
from graphdsl_runtime.data.values import Values

_SHOWN = 6  # names that a message repeats
_MOST = 2**53  # beyond it, floats do not tell whole numbers apart


@dataclass(frozen=True, slots=True, eq=False)
class _Coded:
    """A column as places in a list of names.  Shapes: ``(n,)`` each."""

    names: tuple[str, ...]
    codes: Array
    there: Array


def names_of(owner: Owner, known: Sequence[str]) -> tuple[str, ...]:
    """Give no names to numbers; raise `DataRefused` where the model was trained on names."""
    if known:
        raise refused(
            "DATA05",
            owner.name,
            f"holds numbers, and the model was trained on the text {_listed(known)}",
            "write the same text",
        )
    return ()


def encode(
    owner: Owner, values: Values, known: Sequence[str] = ()
) -> tuple[Values, tuple[str, ...]]:
    """Give class indices, and the names of the classes.  Raises `DataRefused`.

    Whole numbers from 0 on are indices by themselves, where all are below the number of classes.
    Other whole numbers, and text, are put in order; ``known`` names keep the places they had. A
    binary variable has two names, of which the first in order is 0.
    """
    if owner.variable.kind not in ("categorical", "binary"):
        raise _no_number(owner, values)
    coded = list(_columns(owner, values))
    used = sorted({name for one in coded for name in _used(one)}, key=_order)
    names = tuple(known) or _declared(owner, used) or _classes(owner, used)
    if new := [name for name in used if name not in names]:
        raise refused(
            "DATA08",
            owner.name,
            f"has {_listed(new)}, which the model was not trained on",
            f"it knows {_listed(names)}",
        )
    place = {name: number for number, name in enumerate(names)}
    numbers = np.zeros(values.numbers.shape, dtype=np.int64)
    for at, one in enumerate(coded):
        table = np.array([place.get(name, 0) for name in one.names] or [0], dtype=np.int64)
        numbers[:, at] = np.where(one.there, table[one.codes], 0)
    gone = ~np.stack([one.there for one in coded], axis=1)
    return Values(numbers, gone if gone.any() else None, values.names), names


def _columns(owner: Owner, values: Values) -> Iterator[_Coded]:
    at = 0
    for piece in owner.pieces:
        for _ in range(piece.size):
            names, numbers = piece.column.categories, values.numbers[:, at]
            gone = None if values.missing is None else values.missing[:, at]
            if names is not None:
                there = np.ones(len(numbers), dtype=bool) if gone is None else ~gone
                yield _Coded(names, numbers.astype(np.int64), there)
            else:
                yield _of_numbers(owner, values.names[at], numbers, gone)
            at += 1


def _of_numbers(owner: Owner, name: str, numbers: Array, gone: Array | None) -> _Coded:
    there = ~np.isnan(numbers) if numbers.dtype.kind == "f" else np.ones(len(numbers), dtype=bool)
    if gone is not None:
        there &= ~gone
    kept = numbers[there]
    if numbers.dtype.kind == "f":
        wrong = ~(np.isfinite(kept) & (kept == np.floor(kept)) & (np.abs(kept) < _MOST))
        if wrong.any():
            row = int(np.flatnonzero(there)[int(np.argmax(wrong))])
            raise refused(
                "DATA07",
                owner.name,
                f"is {numbers[row]:.6g} in row {row + 1}, column `{name}`",
                "a class is a whole number or a text; declare it `real`",
            )
    levels, places = np.unique(kept, return_inverse=True)
    codes = np.zeros(len(numbers), dtype=np.int64)
    codes[there] = places
    return _Coded(tuple(str(int(level)) for level in levels), codes, there)


def _used(one: _Coded) -> list[str]:
    return [one.names[code] for code in np.unique(one.codes[one.there])]


def _declared(owner: Owner, levels: Sequence[str]) -> tuple[str, ...]:
    """Give the names in the order that their makers gave them numbers in, if there is one."""
    columns = [piece.column for piece in owner.pieces]
    names = columns[0].categories or ()
    classes = 2 if owner.variable.kind == "binary" else owner.variable.classes
    same = all(column.ordered and column.categories == names for column in columns)
    return names if same and len(names) == classes and set(levels) <= set(names) else ()


def _classes(owner: Owner, names: Sequence[str]) -> tuple[str, ...]:
    """Name every class, in order."""
    binary = owner.variable.kind == "binary"
    classes = 2 if binary else owner.variable.classes or 0
    indices = [str(number) for number in range(classes)]
    if set(names) <= set(indices):
        return tuple(indices)
    if len(names) > classes:
        what = "0 or 1" if binary else f"one of {classes} classes"
        instead = (
            f"declare it `categorical({len(names)})`"
            if binary
            else f"declare it `categorical({len(names)})`: {constant_of(len(names))}, if a "
            "constant sets it"
        )
        raise refused(
            "DATA08", owner.name, f"is {what}, and the data have {_listed(names)}", instead
        )
    if binary and len(names) == 1:
        raise refused(
            "DATA08",
            owner.name,
            f"is {names[0]} in every row that has it: nothing says whether that is 0 or 1",
            "write 0 and 1",
        )
    return tuple(names)


def _no_number(owner: Owner, values: Values) -> DataRefused:
    """Say which cell of a column of text is no number."""
    at = 0
    for piece in owner.pieces:
        names = piece.column.categories
        for _ in range(piece.size):
            text = [] if names is None else [name for name in names if not _is_number(name)]
            if names is not None and text:
                codes = {names.index(one) for one in text}
                row = int(np.argmax(np.isin(values.numbers[:, at], list(codes))))
                cell = names[int(values.numbers[row, at])]
                return refused(
                    "DATA05",
                    owner.name,
                    f"is `{cell[:40]}` in row {row + 1}, column `{values.names[at]}`, and a "
                    f"{owner.variable.kind} variable has numbers",
                    "write a number there, or nothing where it is unknown; or declare it "
                    f"`categorical({len(names)})`",
                )
            at += 1
    return refused(
        "DATA05", owner.name, "holds numbers that are stored as text", "store them as numbers"
    )


def _order(name: str) -> tuple[int, int, str]:
    """Whole numbers first, by size; then text."""
    if name.removeprefix("-").isdecimal() and name.isascii() and len(name) < 20:
        return (0, int(name), name)
    return (1, 0, name)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # which Python alone reads


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(f"`{name[:40]}`" for name in names[:_SHOWN]) + (
        f" and {more} more" if more > 0 else ""
    )
