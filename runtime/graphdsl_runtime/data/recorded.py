"""Rows for a model in use: all of a table, read as the record of its training says."""

from __future__ import annotations

__all__ = ["read_batch"]

from collections.abc import Mapping, Sequence

from graphdsl_runtime import Batch, Variable
from graphdsl_runtime.data.errors import DataRefused, Finding, refused
from graphdsl_runtime.data.fields import read_field
from graphdsl_runtime.data.pieces import Owner, Piece, find, parse_maps, resolve
from graphdsl_runtime.data.prepare import batch_of, unequal
from graphdsl_runtime.data.shown import shown
from graphdsl_runtime.data.table import Table


def read_batch(
    table: Table,
    variables: Sequence[Variable],
    *,
    maps: Sequence[str] = (),
    record: Mapping[str, object] | None = None,
) -> Batch:
    """Give every row of a table, in its order, under the names of the variables.

    ``record`` is what `Prepared.record` was at training, read back from ``data.json``: columns go
    where they went then, and classes keep their numbers. ``maps`` take precedence. A variable whose
    recorded columns the table has none of is left out: a model may infer from the others.
    Raises `DataRefused`.
    """
    columns, classes = _lists(record, "columns"), _lists(record, "classes")
    mapped = parse_maps(maps, variables)
    if columns and not mapped:
        owners = _recorded(table, variables, columns)
    else:
        owners = [owner for owner in resolve(table, variables, mapped) if owner.pieces]
    fields = [read_field(owner, classes.get(owner.name, ())) for owner in owners]
    findings = [one for field in fields for one in field.findings if one.fatal]
    findings += unequal(fields)
    if findings:
        raise DataRefused(findings, shown(table, fields, table.notes))
    if not fields:
        raise refused("DATA03", table.name, "has no column that the model was trained on")
    return batch_of(fields, slice(None))


def _recorded(
    table: Table, variables: Sequence[Variable], columns: Mapping[str, Sequence[str]]
) -> list[Owner]:
    findings: list[Finding] = []
    owners = []
    known = {name: one for one in variables for name in (one.name, *one.member_names)}
    if table.nameless and len(columns) == 1:
        (name,) = columns
        if name in known:
            return [Owner(name, known[name], (Piece(table.columns[0]),))]
    for name, names in columns.items():
        pieces = [piece for one in names for piece in find(table, one)[:1]]
        if name not in known or not pieces:
            continue
        if len(pieces) < len(names):
            lacking = next(one for one in names if not find(table, one))
            said = f"{table.name} has no column `{lacking}`, which the model was trained with"
            findings.append(Finding("DATA03", name, said, "add the column, or write --map"))
        owners.append(Owner(name, known[name], tuple(pieces)))
    if findings:
        raise DataRefused(findings)
    return owners


def _lists(record: Mapping[str, object] | None, key: str) -> dict[str, list[str]]:
    """Take lists of texts from a record that anybody may have written."""
    found = (record or {}).get(key, {})
    if not isinstance(found, Mapping) or not all(
        isinstance(name, str) and isinstance(each, list) and all(isinstance(x, str) for x in each)
        for name, each in found.items()
    ):
        raise refused("DATA01", "data.json", f"`{key}` is no list of names for each variable")
    return dict(found)
