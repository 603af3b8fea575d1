"""Which columns each variable takes: by name, or as ``--map`` says."""

from __future__ import annotations

__all__ = ["resolve"]

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from graphdsl_runtime import Variable
from graphdsl_runtime.data.errors import DataRefused, Finding, refused
from graphdsl_runtime.data.maps import mapped
from graphdsl_runtime.data.options import columns_of
from graphdsl_runtime.data.pieces import Owner, Piece, close_to, listed
from graphdsl_runtime.data.table import Column, Table


def resolve(table: Table, variables: Sequence[Variable], maps: Mapping[str, str]) -> list[Owner]:
    """Give every variable of the data its columns; none twice.

    Raises `DataRefused` with all that is wrong.
    """
    findings: list[Finding] = []
    owners: list[Owner] = []
    left: list[Owner] = []
    for name, variable in _wanted(table, variables, maps):
        try:
            pieces = mapped(table, maps[name], name) if name in maps else _named(table, name)
            owner = Owner(name, variable, tuple(pieces))
            (owners if pieces or name in maps else left).append(owner)
        except DataRefused as problem:
            findings += problem.findings
    owners += _by_order(table, left, owners)
    names = {owner.name for owner in owners}
    findings += [_absent(table, one) for one in left if one.name not in names]
    findings += _lacking(owners)
    findings += _twice(owners)
    if findings:
        raise DataRefused(findings)
    order = {name: place for place, (name, _) in enumerate(_wanted(table, variables, maps))}
    return sorted(owners, key=lambda one: order[one.name])


def _wanted(
    table: Table, variables: Sequence[Variable], maps: Mapping[str, str]
) -> Iterator[tuple[str, Variable]]:
    """Name what needs columns: a family whole where it is named whole, else its members."""
    for variable in variables:
        if variable.role == "latent":
            continue
        members = variable.member_names
        named = table.column(variable.name) is not None and not any(map(maps.__contains__, members))
        if variable.name in maps or named or variable.members is None:
            yield variable.name, variable
            both = [member for member in members if member in maps and member != variable.name]
            if both:
                raise refused(
                    "DATA04", both[0], f"is mapped, and so is all of {variable.name}", "map one"
                )
        else:
            yield from ((member, variable) for member in members)


def _named(table: Table, name: str) -> list[Piece]:
    """The column of a name, ``x[1]`` or ``x_1``, or its entries ``x_0, x_1, ...``."""
    names = dict.fromkeys((name, _flat(name)))
    columns = [column for one in names if (column := table.column(one))]
    if len(columns) > 1:
        both = " and ".join(f"`{one.name}`" for one in columns)
        raise refused("DATA03", name, f"could be {both}", f"write {columns_of(name, 'COLUMN')}")
    if columns:
        return [Piece(columns[0])]
    return _entries(table, name, names)


def _entries(table: Table, name: str, names: Iterable[str]) -> list[Piece]:
    stems = "|".join(map(re.escape, names))
    pattern = re.compile(rf"(?:{stems})(?:_(\d+)|\.(\d+)|\[(\d+)\])")
    numbered: dict[int, Column] = {}
    for column in table.columns:
        if hit := pattern.fullmatch(column.name):
            number = int(next(group for group in hit.groups() if group is not None))
            if number in numbered:
                both = f"`{numbered[number].name}` and `{column.name}`"
                raise refused("DATA03", name, f"its entry {number} could be {both}", "rename one")
            numbered[number] = column
    if not numbered:
        return []
    first = min(numbered)
    gap = next((one for one in range(first, first + len(numbered)) if one not in numbered), None)
    if first > 1 or gap is not None:
        lacking = gap if gap is not None else first - 1
        raise refused(
            "DATA03",
            name,
            f"has the column `{numbered[first].name}` and others, and none numbered {lacking}",
            f"its entries are numbered from 0 or from 1 on; or write {columns_of(name)}",
        )
    return [Piece(numbered[one]) for one in sorted(numbered)]


def _by_order(table: Table, left: Sequence[Owner], owners: Sequence[Owner]) -> list[Owner]:
    """Of data that ship: columns in order to variables that they fit; of one array, to the one."""
    if table.nameless and len(left) == 1 and not owners:
        return [Owner(left[0].name, left[0].variable, (Piece(table.columns[0]),))]
    if not table.by_order:
        return []
    taken = {piece.column.name for owner in owners for piece in owner.pieces}
    free = [column for column in table.columns if column.name not in taken]
    columns = []
    for owner in left:
        column = next((one for one in free if _fits(one, owner)), None)
        if column is not None:
            free.remove(column)
            columns.append(Owner(owner.name, owner.variable, (Piece(column),)))
    return columns


def _fits(column: Column, owner: Owner) -> bool:
    if column.categories is not None:
        classes = 2 if owner.variable.kind == "binary" else owner.variable.classes
        return classes == len(column.categories) and not owner.shape
    numbers = owner.variable.kind != "categorical"
    return numbers and math.prod(column.shape) == math.prod(owner.shape)


def _absent(table: Table, owner: Owner) -> Finding:
    hint = close_to(owner.name, table.names) or listed(table)
    none = (
        f", or {columns_of(owner.name, '')} where no row has it" if owner.variable.optional else ""
    )
    return Finding(
        "DATA03",
        owner.name,
        f"{table.name} has no column of this name",
        f"{hint}; write {columns_of(owner.name)}{none}",
    )


def _lacking(owners: Sequence[Owner]) -> Iterator[Finding]:
    for owner in owners:
        if not owner.pieces and not owner.variable.optional:
            yield Finding(
                "DATA04",
                owner.name,
                "is mapped to no column, and every row needs it",
                "name its columns, or declare it `optional`",
            )


def _twice(owners: Sequence[Owner]) -> Iterator[Finding]:
    users: dict[str, list[tuple[int | None, str]]] = {}
    for owner in owners:
        for piece in owner.pieces:
            used = users.setdefault(piece.column.name, [])
            for entry, other in used:
                if other != owner.name and (None in (entry, piece.entry) or entry == piece.entry):
                    yield Finding(
                        "DATA04",
                        owner.name,
                        f"takes the column `{piece.name}`, which `{other}` takes too",
                        f"give every variable other columns: {columns_of()}",
                    )
                    return
            used.append((piece.entry, owner.name))


def _flat(name: str) -> str:
    """A member's other spelling: x_1 for x[1], z_1_2 for z[1,2]."""
    return name.replace("[", "_").replace(",", "_").removesuffix("]")
