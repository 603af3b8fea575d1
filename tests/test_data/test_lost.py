"""The check says how many values go unused: exactly those that no model sees."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from graphdsl_runtime import Objective, Variable
from graphdsl_runtime.data import Column, Split, Table, prepare
from graphdsl_runtime.data.errors import Finding
from graphdsl_runtime.data.fields import read_field
from graphdsl_runtime.data.lost import lost_values
from graphdsl_runtime.data.prepare import complete_rows
from graphdsl_runtime.data.resolve import resolve

ROWS = 60
VARIABLES = (
    Variable("x", role="observed", kind="real", shape=(3,), optional=True),
    Variable("v", role="observed", kind="real", members=2, shape=(2,), optional=True),
    Variable("s", role="observed", kind="count", members=3, optional=True),
    Variable("c", role="observed", kind="categorical", classes=4, shape=(2,), optional=True),
    Variable("w", role="observed", kind="real", shape=(2,)),
)


def table(seed: int) -> Table:
    """Cells of every variable, a tenth of them empty."""
    chance = np.random.default_rng(seed)
    columns = []
    for one in VARIABLES:
        shape = (ROWS, *one.tensor_shape)
        values = chance.integers(0, 4, size=shape).astype(float)
        values[chance.random(shape) < 0.1] = np.nan
        columns.append(Column(one.name, values))
    return Table("cells", tuple(columns))


def seen(given: Table, name: str, batch: dict[str, torch.Tensor]) -> int:
    """How many values of a variable a model sees."""

    class Looking(Objective):
        variables = VARIABLES

    variable = next(one for one in VARIABLES if one.name == name)
    _, there = Looking().observe_some(batch, name)
    return int(there.sum()) * int(np.prod(variable.shape))


@pytest.mark.parametrize(("seed", "drop"), list(product(range(3), (False, True))))
def test_what_is_lost_is_what_is_there_and_no_model_sees(seed: int, drop: bool) -> None:
    given = table(seed)
    some = VARIABLES if drop else VARIABLES[:-1]
    split = Split(by="last")
    found = prepare(given, some, split=split, drop_incomplete=drop)
    fields = [read_field(one, drop_incomplete=drop) for one in resolve(given, some, {})]
    kept = complete_rows(fields)
    assert kept.all() != drop
    parts = (found.fitted.train, found.fitted.test)
    lines = {line.split()[0]: line for line in found.shown.splitlines() if line.strip()}
    for field in fields:
        name = field.owner.name
        column = given.column(name)
        assert column is not None
        there = int((~np.isnan(column.values)).sum())
        lost = lost_values(field, kept)
        assert lost.values == there - sum(seen(given, name, dict(part)) for part in parts), name
        assert f"  {lost}  " in lines[name]


def test_a_family_of_scalars_loses_the_empty_cells_alone() -> None:
    (owner,) = resolve(table(0), VARIABLES[2:3], {})
    field = read_field(owner)
    assert field.facts is not None
    assert not field.facts.complete
    assert str(lost_values(field, np.ones(ROWS, dtype=bool))) == "0"


def test_where_no_cell_is_empty_there_is_nothing_to_lose() -> None:
    whole = Table("cells", (Column("w", np.arange(20.0).reshape(10, 2)),))
    assert "lost" not in prepare(whole, VARIABLES[-1:]).shown


def warnings(variable: Variable, column: Column) -> list[Finding]:
    (owner,) = resolve(Table("cells", (column,)), (variable,), {})
    found = read_field(owner).findings
    assert not any(one.fatal for one in found), found
    return [one for one in found if one.code == "DATA25"]


def declared(written: str) -> Variable:
    """The family of scalars that a hint writes."""
    found = re.search(r"`observed (\w+)\[([^]]*)\] : (\w+)(?:\((\d+)\))? optional`", written)
    assert found is not None, written
    name, indices, kind, classes = found.groups()
    return Variable(
        name,
        role="observed",
        kind=kind,
        classes=int(classes) if classes else None,
        members=tuple(int(one.partition("..")[2]) for one in indices.split(", ")),
        optional=True,
    )


@pytest.mark.parametrize("name", ["x", "v", "c"])
def test_what_the_warning_writes_instead_loses_nothing(name: str) -> None:
    """Of a vector, of a family of vectors, of categories; and it gives the number of rows."""
    column = table(0).column(name)
    assert column is not None
    (found,) = warnings(next(one for one in VARIABLES if one.name == name), column)
    empty = np.isnan(column.values).reshape(ROWS, -1, column.shape[-1])
    part = np.any(empty.any(axis=2) & ~empty.all(axis=2), axis=1).sum()
    assert found.said.startswith(f"{part} of {ROWS} rows have only some of ")
    assert warnings(declared(found.instead), column) == []


def test_columns_that_are_empty_in_the_same_rows_are_listed_by_group() -> None:
    cells = np.ones((ROWS, 5))
    cells[10:20, :3] = np.nan
    cells[15:30, 3] = np.nan
    names = ("a", "b", "c", "d", "e")
    x = Variable("x", role="observed", kind="real", shape=(5,), optional=True)
    (found,) = warnings(x, Column("x", cells, entries=names))
    assert found.said.startswith(f"20 of {ROWS} rows")
    assert found.instead.endswith("in the same rows: the 3 from `a` to `c`; `d`; `e`")
    for group in (slice(0, 3), slice(3, 4), slice(4, 5)):
        part = Variable("x", role="observed", kind="real", shape=(group.stop - group.start,))
        part = replace(part, optional=True)
        assert warnings(part, Column("x", cells[:, group])) == []
