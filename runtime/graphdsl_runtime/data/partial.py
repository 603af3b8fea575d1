"""Rows that have some values of a vector and lack others: what they cost, and what to declare."""

from __future__ import annotations

__all__ = ["partial_rows"]

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from graphdsl_runtime.data.errors import Finding
from graphdsl_runtime.data.pieces import Owner
from graphdsl_runtime.data.table import Array
from graphdsl_runtime.data.values import Values

_FEW = 4  # groups of columns that a hint lists


def partial_rows(owner: Owner, values: Values) -> Iterator[Finding]:
    """Warn of rows that count as missing whole although part of their values are there."""
    members = len(owner.variable.member_names) if owner.name == owner.variable.name else 1
    size = values.numbers.shape[1] // members

    def unread(there: Array) -> Array:
        """How many values are there of members that are not whole, in each row."""
        count = there.reshape(len(there), members, -1).sum(axis=2)
        partial: Array = np.where(count < size, count, 0).sum(axis=1)
        return partial

    lost = values.by_row(unread)
    if lost.any():
        rows, count = int((lost > 0).sum()), int(lost.sum())
        part, whole = f"its {size} values", "these rows count as missing whole"
        if members > 1:
            part = f"the {size} values of a member"
            whole = "a member with an empty cell counts as missing whole"
        yield Finding(
            "DATA25",
            owner.name,
            f"{rows} of {len(lost)} rows have only some of {part}: {whole}, and {count} values "
            "that are there go unused",
            _instead(owner, values),
        )


def _instead(owner: Owner, values: Values) -> str:
    """A family of scalars; and where columns are empty together, a variable for each group."""
    variable = owner.variable
    scalars = replace(variable, members=(*variable.grid, *variable.shape), shape=(), optional=True)
    family = f"to lose the empty cells alone, declare a family, `{scalars}`"
    groups = _empty_together(values)
    if not 1 < len(groups) <= min(_FEW, values.numbers.shape[1] - 1):
        return family
    listed = "; ".join(_columns(group) for group in groups)
    return (
        f"{family}, or a variable for each of the {len(groups)} groups of columns that are empty "
        f"in the same rows: {listed}"
    )


def _empty_together(values: Values) -> list[list[str]]:
    """Group the columns that lack their values in the same rows, in the order of the columns.

    Each row has a random number of 63 bits. A column has the sum of those of the rows that lack it,
    modulo 2^64: columns with equal sums are empty in the same rows, but for a chance of 2^-63.
    """
    chance, width = np.random.default_rng(0), values.numbers.shape[1]
    sums = np.zeros(width, dtype=np.uint64)
    for _, _, there in values.blocks():
        number = chance.integers(0, 2**63, size=(len(there), 1), dtype=np.uint64)
        sums += np.where(there, np.uint64(0), number).sum(axis=0, dtype=np.uint64)
    groups: dict[int, list[str]] = {}
    for name, count in zip(values.names, sums.tolist(), strict=True):
        groups.setdefault(count, []).append(name)
    return list(groups.values())


def _columns(names: list[str]) -> str:
    if len(names) == 1:
        return f"`{names[0]}`"
    return f"the {len(names)} from `{names[0]}` to `{names[-1]}`"
