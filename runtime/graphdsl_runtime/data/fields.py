"""Each variable's values, held to its kind."""

from __future__ import annotations

__all__ = ["Field", "read_field"]

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from graphdsl_runtime.data.categories import encode, names_of
from graphdsl_runtime.data.errors import DataRefused, Finding
from graphdsl_runtime.data.options import without_incomplete
from graphdsl_runtime.data.partial import partial_rows
from graphdsl_runtime.data.pieces import Owner
from graphdsl_runtime.data.table import Array
from graphdsl_runtime.data.values import Facts, Values, gather, measure
from graphdsl_runtime.data.worth_knowing import worth_knowing

_KEPT = float(np.finfo(np.float32).max)
_EXACT = 2**24  # up to here single precision keeps whole numbers
_BINARY = "a binary value is 0 or 1; divide pixels by their largest value, or declare it `real`"


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A variable with its values, and what was found of them."""

    owner: Owner
    values: Values | None  #: numbers, or class indices; None where they cannot be read
    facts: Facts | None
    names: tuple[str, ...] = ()  #: of classes, or of 0 and 1, where they have names
    findings: tuple[Finding, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return 0 if self.values is None else len(self.values.numbers)

    def absent(self) -> Array:
        """Say which rows lack each member.  Shapes: ``-> (n, members)``, bool."""
        assert self.values is not None
        members = self.owner.variable.member_names
        whole = self.owner.name == self.owner.variable.name
        count = len(members) if whole else 1
        if self.facts is not None and self.facts.complete:
            return np.zeros((self.rows, count), dtype=bool)

        def lacking(there: Array) -> Array:
            missing: Array = np.any(~there.reshape(len(there), count, -1), axis=2)
            return missing

        return self.values.by_row(lacking)


def read_field(owner: Owner, known: Sequence[str] = (), *, drop_incomplete: bool = False) -> Field:
    """Gather a variable's values and hold them to its kind; ``known`` are recorded names."""
    try:
        _refuse_unusable(owner)
        if owner.variable.kind == "categorical" or _is_text(owner):
            values, names = encode(owner, gather(owner), known)
        else:
            values, names = gather(owner), names_of(owner, known)
    except DataRefused as problem:
        return Field(owner, None, None, (), problem.findings)
    facts = measure(values)
    findings = [
        *_infinite(owner, values, facts),
        *_support(owner, values, facts),
        *(() if facts.complete else _missing(owner, values, drop_incomplete)),
        *_precision(owner, values, facts),
        *worth_knowing(owner, values, facts, names),
    ]
    return Field(owner, values, facts, names, tuple(findings))


def _is_text(owner: Owner) -> bool:
    return any(piece.column.categories is not None for piece in owner.pieces)


def _refuse_unusable(owner: Owner) -> None:
    for piece in owner.pieces:
        if piece.column.unusable:
            said = f"the column `{piece.name}` holds {piece.column.unusable}"
            hint = "store numbers, or leave it out"
            raise DataRefused([Finding("DATA05", owner.name, said, hint)])


def _infinite(owner: Owner, values: Values, facts: Facts) -> Iterator[Finding]:
    if facts.infinite is not None:
        row, column = facts.infinite
        yield Finding(
            "DATA11",
            owner.name,
            f"is infinite in row {row + 1}, column `{values.names[column]}`",
            "write a finite number, or an empty cell where it is unknown",
        )
    most = np.maximum(np.abs(facts.low), np.abs(facts.high))
    large = (facts.count > 0) & np.isfinite(most) & (most > _KEPT)
    if large.any():
        at = int(np.argmax(large))
        yield Finding(
            "DATA11",
            owner.name,
            f"`{values.names[at]}` goes to {most[at]:.4g}, beyond single precision (3.4e38)",
            "divide the column, or take its logarithm",
        )


def _support(owner: Owner, values: Values, facts: Facts) -> Iterator[Finding]:
    kind = owner.variable.kind
    if kind == "binary":
        wrong, instead = _first(values, lambda one: (one < 0) | (one > 1)), _BINARY
    elif kind == "count":
        wrong = _first(values, lambda one: (one < 0) | (one != np.floor(one)))
        instead = "a count is a whole number, 0 or more; declare what is measured `real`"
    elif kind == "unit":
        wrong = _first(values, lambda one: (one < 0) | (one > 1))
        instead = "a unit value is from 0 to 1; divide pixels of 0..255 by 255"
    elif kind == "positive":
        wrong = _first(values, lambda one: one <= 0)
        instead = "a positive number is above 0; declare `real` what may be 0 or below"
    else:
        return
    if wrong is not None:
        row, column, value, more = wrong
        others = f" (and {more} more cells)" if more else ""
        yield Finding(
            "DATA07",
            owner.name,
            f"is {value:.6g} in row {row + 1}, column `{values.names[column]}`{others}",
            instead,
        )


def _first(values: Values, outside: Callable[[Array], Array]) -> tuple[int, int, float, int] | None:
    """The first value outside the support, with how many more there are."""
    first, count = None, 0
    for start, block, there in values.blocks():
        wrong = there & np.isfinite(block) & outside(block)
        if wrong.any():
            count += int(wrong.sum())
            if first is None:
                row, column = np.argwhere(wrong)[0].tolist()
                first = (start + row, column, float(block[row, column]))
    return None if first is None else (*first, count - 1)


def _missing(owner: Owner, values: Values, dropped: bool) -> Iterator[Finding]:
    rows, variable = values.by_row(lambda there: np.any(~there, axis=1)), owner.variable
    count, share = int(rows.sum()), _percent(rows)
    if not values.by_row(lambda there: np.any(there, axis=1)).any():
        yield Finding("DATA09", owner.name, "has no value in any row", "map it to other columns")
    elif variable.optional:
        yield from partial_rows(owner, values)
    elif not dropped:
        first = int(np.argmax(rows))
        column = values.names[int(np.argmax(~values.in_row(first)))]
        yield Finding(
            "DATA09",
            owner.name,
            f"lacks values in {count} of {len(rows)} rows ({share}), the first of them row "
            f"{first + 1}, column `{column}`",
            f"declare it `{variable} optional`, or leave these rows out: {without_incomplete()}",
        )


def _precision(owner: Owner, values: Values, facts: Facts) -> Iterator[Finding]:
    kind = owner.variable.kind
    if kind == "real":
        spread = np.where(facts.spread > 0, facts.spread, np.inf)
        bad = (facts.lost > 0.01 * spread) & (np.abs(facts.high) <= _KEPT)
        bad |= _merged(values, facts)
        if bad.any():
            at = int(np.argmax(bad))
            yield Finding(
                "DATA11",
                owner.name,
                f"`{values.names[at]}` is about {facts.mean[at]:.10g} with a spread of "
                f"{facts.spread[at]:.3g}, and single precision keeps seven digits",
                "subtract a constant from the column before",
            )
    elif kind == "count" and facts.lost.any():
        yield Finding(
            "DATA26",
            owner.name,
            f"has counts above {_EXACT:,}, of which single precision keeps seven digits",
            "that changes no likelihood that matters; count in larger units to avoid it",
        )


def _merged(values: Values, facts: Facts) -> Array:
    """Which columns hold integers that differ, and no longer do as floats."""
    same: Array = (facts.count > 1) & (facts.low == facts.high)
    if values.numbers.dtype.kind not in "iu":
        return np.zeros_like(same)
    if same.any():
        same[same] = np.ptp(values.numbers[:, same], axis=0) > 0
    return same


def _percent(rows: Array) -> str:
    return f"{100 * rows.mean():.1f} %"
