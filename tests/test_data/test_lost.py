"""The check says how many values go unused: exactly those that no model sees."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from graphdsl_runtime import Objective, Variable
from graphdsl_runtime.data import Column, Split, Table, prepare
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
