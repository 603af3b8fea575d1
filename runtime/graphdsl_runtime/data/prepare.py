"""From a table to the rows that a model is trained on, after a check of every field."""

from __future__ import annotations

__all__ = ["Prepared", "batch_of", "complete_rows", "prepare", "unequal"]

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from graphdsl_runtime import Batch, Variable
from graphdsl_runtime.batch import seen_name
from graphdsl_runtime.data.errors import DataRefused, Finding, refused
from graphdsl_runtime.data.fields import Field, read_field
from graphdsl_runtime.data.maps import parse_maps
from graphdsl_runtime.data.resolve import resolve
from graphdsl_runtime.data.shown import shown
from graphdsl_runtime.data.split import Split, held_out_rows, validation_rows
from graphdsl_runtime.data.spool import copied
from graphdsl_runtime.data.table import Array, Table
from graphdsl_runtime.data.values import Values
from graphdsl_runtime.training.data import FittedData

_FORMAT = "graphdsl.data/1"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """Rows that fit a spec, split, with the table of their fields and the record of how."""

    name: str
    fitted: FittedData
    shown: str  #: the table of all fields, and what one should know of them
    findings: tuple[Finding, ...]  #: none of them fatal
    record: Mapping[str, object]  #: for JSON: columns, names of classes, split

    def fit_to(self, variables: Sequence[Variable]) -> FittedData:
        """Give the rows under the names of the variables that they were checked against."""
        return self.fitted


def prepare(
    table: Table,
    variables: Sequence[Variable],
    *,
    maps: Sequence[str] = (),
    split: Split | None = None,
    drop_incomplete: bool = False,
) -> Prepared:
    """Map columns to variables, check every field, and split the rows.

    Where the split has a validation fraction, ``fitted.test`` holds the rows that validate, and the
    rows that are held out are in neither part: nothing that sees the result can look at them.
    Raises `DataRefused` with all that is wrong, and the table of fields.
    """
    split = split or Split()
    if not table.columns:
        raise refused("DATA02", table.name, "holds no columns", "")
    mapped = parse_maps(maps, variables)
    fields = [
        read_field(owner, drop_incomplete=drop_incomplete)
        for owner in resolve(table, variables, mapped)
        if owner.pieces
    ]
    findings = [finding for field in fields for finding in field.findings]
    findings += unequal(fields)
    kept = _kept(fields, drop_incomplete)
    text = shown(table, fields, [*table.notes], kept)
    if kept is None or any(finding.fatal for finding in findings):
        raise DataRefused(findings or [_nothing(table)], text)
    try:
        parts = _parts(table, split, kept)
        _refuse_never_seen(fields, parts.trained)
    except DataRefused as problem:
        raise DataRefused([*findings, *problem.findings], text) from None
    dropped = int((~kept).sum())
    counts, shares = parts.counted(split)
    lines = [text, shares]
    if dropped:
        lines.append(f"{dropped} incomplete rows left out")
    lines += [line for finding in findings for line in finding.lines()]
    tested = parts.validating if split.validation else parts.held_out
    return Prepared(
        name=table.name,
        fitted=FittedData(
            train=batch_of(fields, _chosen(parts.trained)),
            test=batch_of(fields, _chosen(tested)),
        ),
        shown="\n".join(lines),
        findings=tuple(findings),
        record={
            "format": _FORMAT,
            "source": table.name,
            "map": dict(mapped),
            "columns": {one.owner.name: [p.name for p in one.owner.pieces] for one in fields},
            "classes": {one.owner.name: list(one.names) for one in fields if one.names},
            "rows": {**counts, "left_out": dropped},
            "split": _way(table, split),
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Parts:
    """Which rows are in which part."""

    trained: Array
    held_out: Array
    validating: Array

    def counted(self, split: Split) -> tuple[dict[str, int], str]:
        """How many rows each part has, and a line that says so."""
        counts = {"trained": int(self.trained.sum()), "held_out": int(self.held_out.sum())}
        shares = f"{counts['trained']} rows to train on, {counts['held_out']} held out"
        if split.validation:
            counts["validation"] = int(self.validating.sum())
            shares = f"{shares}, {counts['validation']} to validate on"
        return counts, shares


def _parts(table: Table, split: Split, kept: Array) -> _Parts:
    held_out = held_out_rows(table, split, kept)
    validating = validation_rows(table, split, kept & ~held_out)
    return _Parts(trained=kept & ~held_out & ~validating, held_out=held_out, validating=validating)


def _way(table: Table, split: Split) -> dict[str, object]:
    """How the rows were split, for the record of the data."""
    by = split.by or ("its makers" if table.held_out is not None else "random")
    way: dict[str, object] = {"by": by, "fraction": split.fraction, "seed": split.seed}
    return {**way, "validation": split.validation} if split.validation else way


def _nothing(table: Table) -> Finding:
    return Finding("DATA03", table.name, "no variable of the spec has data", "declare one observed")


def unequal(fields: Sequence[Field]) -> Iterator[Finding]:
    """Find fields whose numbers of rows differ from the first one's."""
    read = [field for field in fields if field.values is not None]
    for field in read[1:]:
        if field.rows != read[0].rows:
            yield Finding(
                "DATA10",
                field.owner.name,
                f"has {field.rows} rows, and {read[0].owner.name} has {read[0].rows}",
                "row i of every column is of one thing: bring them to the same rows",
            )


def _kept(fields: Sequence[Field], drop_incomplete: bool) -> Array | None:
    """Say which rows are read; None where nothing can be, as the findings say."""
    if not fields or any(field.values is None for field in fields) or any(unequal(fields)):
        return None
    kept = complete_rows(fields)
    return kept if drop_incomplete else np.ones_like(kept)


def complete_rows(fields: Sequence[Field]) -> Array:
    """Say which rows have all that every row needs."""
    kept = np.ones(fields[0].rows, dtype=bool)
    for field in fields:
        if not field.owner.variable.optional:
            kept &= ~field.absent().any(axis=1)
    return kept


def _refuse_never_seen(fields: Sequence[Field], trained: Array) -> None:
    for field in fields:
        if field.owner.variable.optional and field.absent()[trained].all():
            raise refused(
                "DATA09",
                field.owner.name,
                "no training row has it",
                "split the rows in another way, or train without it",
            )


def _chosen(rows: Array) -> Array | slice:
    places = np.flatnonzero(rows)
    if len(places) and places[-1] - places[0] + 1 == len(places):
        return slice(int(places[0]), int(places[-1]) + 1)  # of a memory map, no copy
    return places


def batch_of(fields: Sequence[Field], rows: Array | slice) -> Batch:
    """Give some rows as a module takes them: NaN, or ``seen(x)``, for what is missing.

    Shapes: ``(n, *shape)``, float32, of categories int64; ``seen(x)`` bool ``(n, *grid)``.
    """
    batch: dict[str, Tensor] = {}
    for field in fields:
        batch |= _entries(field, rows)
    return batch


def _entries(field: Field, rows: Array | slice) -> dict[str, Tensor]:
    owner, values = field.owner, field.values
    assert values is not None
    if owner.variable.kind == "categorical":
        numbers = values.numbers[rows]
        entries = {owner.name: _tensor(numbers.astype(np.int64), owner.shape)}
        absent = field.absent()
        if absent.any():
            grid = owner.variable.grid if owner.name == owner.variable.name else ()
            seen = torch.from_numpy(~absent[rows]).reshape(len(numbers), *grid)
            entries[seen_name(owner.name)] = seen
        return entries
    return {owner.name: _tensor(_singles(values, rows), owner.shape)}


def _singles(values: Values, rows: Array | slice) -> Array:
    """Give some rows in single precision, with NaN for what is missing: of a memory map, no copy.

    Shapes: ``-> (n, k)``.
    """
    numbers, gone = values.numbers, values.missing
    if isinstance(rows, slice) and gone is None and numbers.dtype == np.float32:
        return numbers[rows]
    places = np.arange(len(numbers))[rows]

    def part(here: slice) -> Array:
        chosen = places[here]
        block = numbers[chosen].astype(np.float32, copy=False)
        return block if gone is None else np.where(gone[chosen], np.float32("nan"), block)

    return copied((len(places), numbers.shape[1]), np.float32, part)


def _tensor(numbers: Array, shape: tuple[int, ...]) -> Tensor:
    native = np.ascontiguousarray(numbers)
    if not native.flags.writeable:
        native = native.copy()
    return torch.from_numpy(native).reshape(len(native), *shape)
