"""A model in use reads a file as it was read at training: columns by name, classes by number."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from graphdsl_runtime import Variable
from graphdsl_runtime.data import Column, DataRefused, Table, prepare, read_batch
from graphdsl_runtime.data.table import from_text

SITE = Variable("site", role="observed", kind="categorical", classes=4, optional=True)
X = Variable("x", role="observed", kind="real", shape=(2,))
SEX = Variable("sex", role="observed", kind="binary")
VARIABLES = (X, SITE, SEX)


def table(sites: list[str], sexes: list[str], *, turned: bool = False) -> Table:
    rows = np.arange(len(sites), dtype=float)
    columns = (
        Column("a", rows),
        Column("b", rows + 100),
        from_text("site", sites),
        from_text("sex", sexes),
    )
    return Table("t.csv", columns[::-1] if turned else columns)


def record() -> dict[str, object]:
    trained = table(["b", "c", "d", "e"] * 5, ["m", "f"] * 10)
    found: dict[str, object] = json.loads(
        json.dumps(prepare(trained, VARIABLES, maps=["x=b,a"]).record)
    )
    return found


def test_columns_and_classes_keep_their_places() -> None:
    batch = read_batch(
        table(["e", "", "c"], ["m"] * 3, turned=True), VARIABLES, record=record()
    ).batch
    assert batch["x"].tolist() == [[100.0, 0.0], [101.0, 1.0], [102.0, 2.0]]
    assert batch["seen(site)"].tolist() == [True, False, True]
    assert batch["site"][batch["seen(site)"]].tolist() == [3, 1]
    assert batch["sex"].tolist() == [1.0, 1.0, 1.0]


def test_a_class_that_training_never_saw_is_refused() -> None:
    with pytest.raises(DataRefused, match="DATA08  site: has `a`, which the model was not trained"):
        read_batch(table(["a", "b"], ["m", "f"]), VARIABLES, record=record())


def test_a_variable_without_columns_is_left_out_and_half_of_one_is_not() -> None:
    whole = table(["b", "c"], ["m", "f"])
    batch = read_batch(Table("t", whole.columns[2:]), VARIABLES, record=record()).batch
    assert batch.keys() == {"site", "sex"}
    with pytest.raises(DataRefused, match="DATA03  x: t has no column `b`"):
        read_batch(Table("t", (whole.columns[0],)), VARIABLES, record=record())
    with pytest.raises(DataRefused, match="DATA03"):
        read_batch(Table("t", (Column("other", np.ones(2)),)), VARIABLES, record=record())


def test_all_rows_of_training_come_back_in_order() -> None:
    trained = table(["b", "c", "d", "e"] * 5, ["m", "f"] * 10)
    prepared = prepare(trained, VARIABLES, maps=["x=b,a"])
    batch = read_batch(trained, VARIABLES, record=prepared.record).batch
    for name, values in batch.items():
        both = torch.cat([prepared.fitted.train[name], prepared.fitted.test[name]])
        order = torch.cat([prepared.fitted.train["x"], prepared.fitted.test["x"]])[:, 1].argsort()
        assert torch.equal(both[order], values)


@pytest.mark.parametrize(
    "wrong", [{"columns": []}, {"columns": {"x": "a"}}, {"classes": {"x": 3}}, {"split": 3}]
)
def test_a_record_of_something_else_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(DataRefused, match="DATA01"):
        read_batch(table(["b"], ["m"]), VARIABLES, record=wrong)


def test_numbers_for_text_are_refused(tmp_path: Path) -> None:
    columns = (*table(["b", "c"], ["m", "f"]).columns[:3], Column("sex", np.array([0, 1])))
    with pytest.raises(DataRefused, match="DATA05  sex: holds numbers"):
        read_batch(Table("t", columns), VARIABLES, record=record())
