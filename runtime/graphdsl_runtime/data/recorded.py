"""Rows for a model in use: a table, in its own order, read as the record of its training says.

The record says which columns a variable took and which class each name was. Without one, variables
take columns by their names, and names of classes are refused: another file may have them in another
order.
"""

from __future__ import annotations

__all__ = ["ReadRows", "Which", "read_batch"]

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np

from graphdsl_runtime import Batch, Variable
from graphdsl_runtime.data.errors import DataRefused, Finding, refused
from graphdsl_runtime.data.fields import Field, read_field
from graphdsl_runtime.data.maps import parse_maps
from graphdsl_runtime.data.options import column_of
from graphdsl_runtime.data.pieces import Owner, Piece, find
from graphdsl_runtime.data.prepare import batch_of, complete_rows, unequal
from graphdsl_runtime.data.resolve import resolve
from graphdsl_runtime.data.shown import shown
from graphdsl_runtime.data.split import Split, held_out_rows, validation_rows
from graphdsl_runtime.data.table import Array, Table

Which: TypeAlias = Literal["all", "train", "validation", "held-out"]
Record: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadRows:
    """Rows for a model, and where in their source they are."""

    batch: Batch
    places: tuple[int, ...]  #: of each row in the source, from 0 on
    total: int  #: rows that the source has
    names: tuple[str, ...] = ()  #: of each row, where the source names them
    findings: tuple[Finding, ...] = ()  #: of values that are there and go unused


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recorded:
    """What the record of a run says."""

    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    classes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    split: Split | None = None


def read_batch(
    table: Table,
    variables: Sequence[Variable],
    needed: Sequence[str] | None = None,
    *,
    record: Record | None = None,
    maps: Sequence[str] = (),
    which: Which = "all",
    drop_incomplete: bool = False,
) -> ReadRows:
    """Give the rows of a table, in its order, under the names of the variables.

    ``needed`` names the variables and members that are read, of which only optional ones may lack;
    by default, all that the table has. ``record`` is what `Prepared.record` was at training:
    columns go where they went then, and classes keep their numbers. ``maps`` take precedence.
    Raises `DataRefused` with all that is wrong.
    """
    known = _of_record(record)
    owners = _owners(table, variables, needed, known, maps)
    fields = [
        read_field(owner, known.classes.get(owner.name, ()), drop_incomplete=drop_incomplete)
        for owner in owners
    ]
    findings = [finding for each in fields for finding in each.findings if finding.fatal]
    findings += [*unequal(fields), *_without_record(fields, record)]
    if findings:
        raise DataRefused(findings, shown(table, fields, table.notes))
    if not fields:
        raise refused("DATA03", table.name, "has no column that the model was trained on")
    kept = complete_rows(fields)
    if which != "all":
        kept = _part(table, _split(table, known), kept, which)
    places = np.flatnonzero(kept)
    if not len(places):
        raise refused("DATA10", table.name, "has no row that the model could read")
    chosen: Array | slice = slice(None) if len(places) == len(kept) else places
    return ReadRows(
        batch=batch_of(fields, chosen),
        places=tuple(places.tolist()),
        total=len(kept),
        names=tuple(table.rows[row] for row in places) if table.rows else (),
        findings=tuple(
            finding for each in fields for finding in each.findings if finding.code == "DATA25"
        ),
    )


def _part(table: Table, split: Split, kept: Array, which: Which) -> Array:
    """Say which rows a part of the data has, of those that are kept."""
    held_out = held_out_rows(table, split, kept)
    if which == "held-out":
        return held_out
    validating = validation_rows(table, split, kept & ~held_out)
    return validating if which == "validation" else kept & ~held_out & ~validating


def _owners(
    table: Table,
    variables: Sequence[Variable],
    needed: Sequence[str] | None,
    known: _Recorded,
    maps: Sequence[str],
) -> list[Owner]:
    """Give what is needed its columns: as asked for, as recorded, or by name."""
    data = [variable for variable in variables if variable.role != "latent"]
    asked = parse_maps(maps, data)
    mapped = [one for one in data if not asked.keys().isdisjoint({one.name, *one.member_names})]
    rest = [one for one in data if one not in mapped]
    owners = [one for one in resolve(table, mapped, asked) if one.pieces] if mapped else []
    lacking: tuple[Finding, ...] = ()
    if known.columns:
        owners += _recorded(table, rest, known.columns)
    elif rest:
        named, lacking = _by_name(table, rest)
        owners += named
    if needed is None:
        return owners
    wanted = _members(data, needed)
    findings = [*_lacking(table, data, wanted, owners, lacking)]
    if findings:
        raise DataRefused(findings)
    return [owner for owner in owners if wanted.intersection(_covered(owner))]


def _recorded(
    table: Table, variables: Sequence[Variable], columns: Mapping[str, Sequence[str]]
) -> list[Owner]:
    """Find the recorded columns; what the table has none of is left out."""
    findings: list[Finding] = []
    owners = []
    known = {
        name: variable for variable in variables for name in (variable.name, *variable.member_names)
    }
    if table.nameless and len(columns) == 1:
        (name,) = columns
        return [Owner(name, known[name], (Piece(table.columns[0]),))] if name in known else []
    for name, names in columns.items():
        pieces = [piece for one in names for piece in find(table, one)[:1]]
        if name not in known or not pieces:
            continue
        if len(pieces) < len(names):
            lacking = next(one for one in names if not find(table, one))
            said = f"{table.name} has no column `{lacking}`, which the model was trained with"
            findings.append(Finding("DATA03", name, said, f"add it, or {column_of(name, lacking)}"))
        owners.append(Owner(name, known[name], tuple(pieces)))
    if findings:
        raise DataRefused(findings)
    return owners


def _by_name(
    table: Table, variables: Sequence[Variable]
) -> tuple[list[Owner], tuple[Finding, ...]]:
    """Find columns by name, and say what lacks.

    Data that ship go to variables in their order where they have something for each, as they do in
    training; a part of the variables takes columns by name alone.
    """
    lacking: dict[str, Finding] = {}
    own = {
        name: variable for variable in variables for name in (variable.name, *variable.member_names)
    }
    loose = [replace(variable, optional=True) for variable in variables]
    while True:
        try:
            owners = resolve(table, loose, dict.fromkeys(lacking, ""))
        except DataRefused as problem:
            new = {
                finding.where: finding for finding in problem.findings if finding.code == "DATA03"
            }
            if len(new) < len(problem.findings) or new.keys() <= lacking.keys():
                raise
            lacking |= new
            table = replace(table, by_order=False)
        else:
            return (
                [
                    Owner(owner.name, own[owner.name], owner.pieces)
                    for owner in owners
                    if owner.pieces
                ],
                tuple(lacking.values()),
            )


def _members(variables: Sequence[Variable], names: Sequence[str]) -> set[str]:
    return {
        member
        for variable in variables
        for member in variable.member_names
        if variable.name in names or member in names
    }


def _covered(owner: Owner) -> tuple[str, ...]:
    whole = owner.name == owner.variable.name
    return owner.variable.member_names if whole else (owner.name,)


def _lacking(
    table: Table,
    variables: Sequence[Variable],
    wanted: set[str],
    owners: Sequence[Owner],
    lacking: Sequence[Finding],
) -> Iterator[Finding]:
    """Find what is needed, may not be missing, and has no column."""
    there = {member for owner in owners for member in _covered(owner)}
    said = {one.where: one for one in lacking}
    for variable in variables:
        gone = [name for name in variable.member_names if name in wanted and name not in there]
        for name in gone if not variable.optional else ():
            yield (
                said.get(name)
                or said.get(variable.name)
                or Finding(
                    "DATA03",
                    name,
                    f"{table.name} has no column for it",
                    column_of(name),
                )
            )


def _without_record(fields: Sequence[Field], record: Record | None) -> Iterator[Finding]:
    """Refuse names of classes whose numbers nobody has written down; digits are their own."""
    for one in fields:
        if record is None and one.names and one.names != tuple(map(str, range(len(one.names)))):
            yield Finding(
                "DATA08",
                one.owner.name,
                f"holds the text {', '.join(one.names[:4])}, and this model has no record of which "
                "class each was",
                "write the numbers of the classes",
            )


def _split(table: Table, known: _Recorded) -> Split:
    if known.split is not None:
        return known.split
    if table.held_out is None:
        raise refused(
            "DATA12",
            table.name,
            "is not split, and this model has no record of a split",
            "leave out --rows",
        )
    return Split()


def _of_record(record: Record | None) -> _Recorded:
    """Read a record as something that anybody may have written."""
    if record is None:
        return _Recorded()
    return _Recorded(
        columns=_lists(record, "columns"), classes=_lists(record, "classes"), split=_way(record)
    )


def _lists(record: Record, key: str) -> dict[str, list[str]]:
    lists = record.get(key, {})
    if not isinstance(lists, Mapping) or not all(
        isinstance(name, str) and isinstance(each, list) and all(isinstance(x, str) for x in each)
        for name, each in lists.items()
    ):
        raise refused("DATA01", "data.json", f"`{key}` is no list of names for each variable")
    return dict(lists)


def _way(record: Record) -> Split | None:
    way = record.get("split")
    if way is None:
        return None
    known = way if isinstance(way, Mapping) else {}
    by, fraction, seed, share = (*map(known.get, _SPLIT), known.get("validation", 0.0))
    right = isinstance(by, str) and isinstance(fraction, float) and type(seed) is int
    if not (right and isinstance(share, float) and 0 <= seed < 2**32):  # type: ignore[operator]  # it is an int
        raise refused("DATA01", "data.json", "`split` does not say by what, how much and which")
    return Split(
        by="" if by == "its makers" else str(by),
        fraction=float(fraction),  # type: ignore[arg-type]  # looked at above
        seed=seed,  # type: ignore[arg-type]  # looked at above
        validation=share,
    )


_SPLIT = ("by", "fraction", "seed")
