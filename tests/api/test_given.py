"""Rows with missing cells, and cells with genes: from Python, and into an `.h5ad`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import graphdsl
from graphdsl import LatentModel
from graphdsl_runtime.in_use import encode
from graphdsl_runtime.training import TrainingError
from tests.command_line import run

ONE = """model one
observed x[1..3] : real optional
latent z : real[2] ~ normal
q { x[i] -> z by poe via mlp(4) for i in 1..3 }
p { z -> x[i] via mlp(4) for i in 1..3 }
minimize KL(q || p)
"""
TWO = """model two
const genes = 3
observed x : real[genes]
observed batch : categorical(2) optional
latent z : real[2] ~ normal
latent s : real ~ normal
q { x -> z via mlp(4)
    x -> s via mlp(4) }
p { z, s -> x via mlp(4)
    z -> batch via mlp(4) }
minimize KL(q || p)
"""
GENES = ["CDK1", "TP53", "EGFR"]


def with_holes(seed: int = 0) -> np.ndarray[Any, np.dtype[np.float64]]:
    random = np.random.RandomState(seed)
    values = random.normal(size=(30, 3))
    values[random.uniform(size=values.shape) < 0.2] = np.nan
    return values


def test_a_missing_cell_is_unseen_where_the_spec_says_optional() -> None:
    """In an array, and in a DataFrame of whichever type: the codes are those of the others."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    rows = with_holes()
    model = LatentModel(ONE, epochs=1, random_state=0).fit(rows)
    there = torch.from_numpy(~np.isnan(rows))
    seen = {"x": torch.from_numpy(np.nan_to_num(rows)), "seen(x)": there}
    expected = model.objective_.infer(seen)["z"].mean.numpy()
    np.testing.assert_allclose(model.transform(rows), expected)
    frame = pandas.DataFrame(rows, columns=["x_1", "x_2", "x_3"])
    model = LatentModel(ONE, epochs=1, random_state=0).fit(frame)
    np.testing.assert_allclose(model.transform(frame), expected)
    with pytest.raises(ValueError, match="contains NaN"):
        LatentModel(epochs=1).fit(rows)


@pytest.mark.parametrize("kind", ["float64", "Float64"])
def test_columns_with_missing_cells_are_those_of_the_command_line(kind: str) -> None:
    """An empty cell of an optional category is unseen; one of what every row needs is refused."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    rows = np.random.RandomState(0).normal(size=(20, 3))
    frame = pandas.DataFrame(rows, columns=GENES).astype(kind)
    frame["lab"] = ["a", "b", None, "b"] * 5
    maps = {"x": "CDK1..EGFR", "batch": "lab"}
    model = LatentModel(TWO, maps=maps, epochs=1, random_state=0).fit(frame)
    record = model.objective_.data_record
    assert record is not None
    assert record["columns"] == {"x": GENES, "batch": ["lab"]}
    expected = model.objective_.infer({"x": torch.from_numpy(rows)})["z"].mean
    np.testing.assert_allclose(model.transform(frame)[:, :2], expected.numpy(), rtol=1e-5)
    assert model.score_samples(frame).shape == (20,)
    frame.loc[3, "TP53"] = None
    with pytest.raises(TrainingError, match=r"DATA09 +x: lacks values in 1 of 20 rows"):
        LatentModel(TWO, maps=maps, epochs=1).fit(frame)


def cells(values: np.ndarray[Any, np.dtype[Any]], genes: list[str]) -> Any:  # noqa: ANN401
    anndata = pytest.importorskip("anndata", reason="anndata is not installed")
    pandas = pytest.importorskip("pandas")
    names = [f"cell{row}" for row in range(len(values))]
    lab = pandas.Categorical(["a", "b"] * (len(values) // 2))
    return anndata.AnnData(
        values,
        obs=pandas.DataFrame({"lab": lab}, index=names),
        var=pandas.DataFrame(index=genes),
    )


def test_the_matrix_of_cells_is_the_one_variable() -> None:
    """And another order of the genes is refused."""
    from scipy.sparse import csr_matrix

    values = np.random.RandomState(0).poisson(3.0, size=(20, 3)).astype(np.float32)
    model = LatentModel(epochs=1, random_state=0).fit(cells(values, GENES))
    expected = LatentModel(epochs=1, random_state=0).fit(values).transform(values)
    assert np.array_equal(model.transform(cells(values, GENES)), expected)
    sparse = cells(values, GENES)
    sparse.X = csr_matrix(values)
    assert np.array_equal(model.transform(sparse), expected)
    with pytest.raises(ValueError, match="in the same order as they were in fit"):
        model.transform(cells(values, GENES[::-1]))


def test_cells_go_from_a_file_to_codes_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command line, from what was fitted in Python; rows keep their names."""
    monkeypatch.chdir(tmp_path)
    values = np.random.RandomState(0).normal(size=(20, 3)).astype(np.float32)
    data = cells(values, GENES)
    maps = {"x": "X", "batch": "lab"}
    model = LatentModel(TWO, maps=maps, epochs=1, random_state=0).fit(data)
    model.save("mine")
    anndata = pytest.importorskip("anndata")
    with anndata.settings.override(allow_write_nullable_strings=True):
        data.write_h5ad("cells.h5ad")
    ended = run("encode", "mine", "--data", "cells.h5ad", "-o", "codes.h5ad")
    assert ended.code == 0, ended.err
    found = anndata.read_h5ad("codes.h5ad")
    code = encode(graphdsl.load("mine"), {"x": torch.from_numpy(values)})
    assert list(found.obs_names) == list(data.obs_names)
    np.testing.assert_allclose(found.obsm["z.mean"], code["z"].mean.numpy(), rtol=1e-6)
    np.testing.assert_allclose(found.obsm["z.sample"], code["z"].sample.numpy(), rtol=1e-6)
    np.testing.assert_allclose(found.obs["s.mean"], code["s"].mean.numpy(), rtol=1e-6)
    part = ("encode", "mine", "--data", "cells.h5ad", "--rows", "held-out", "-o", "part.h5ad")
    assert run(*part).code == 0
    few = anndata.read_h5ad("part.h5ad")
    assert list(few.obs_names) == [data.obs_names[row] for row in few.obs["row"]]
    assert run("sample", "mine", "-n", 30, "-o", "new.h5ad").code == 0
    assert set(anndata.read_h5ad("new.h5ad").obs["batch.sample"]) == {"a", "b"}


def test_a_device_that_is_none_is_refused_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And `auto` takes what there is."""
    monkeypatch.chdir(tmp_path)
    graphdsl.compile("vae", pixels=4).objective().save("mine")
    for name, code in (("tpu", 2), ("cuda:x", 2), ("cuda:99", 1)):
        ended = run("sample", "mine", "-n", 2, "-o", "new.npz", "--device", name)
        assert ended.code == code
        assert f"--device {name}" in ended.err
        assert len(ended.err.splitlines()) == 1
        assert not Path("new.npz").exists()
    assert run("sample", "mine", "-n", 2, "-o", "new.npz", "--device", "auto").code == 0


def test_a_command_says_which_values_go_unused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = TWO.replace("observed x : real[genes]", "observed x : real[genes] optional")
    graphdsl.compile(text).objective().save("mine")
    np.savez("rows.npz", x=with_holes())
    ended = run("encode", "mine", "--data", "rows.npz", "-o", "z.npz")
    assert ended.code == 0, ended.err
    assert "DATA25  x: " in ended.err


THREE = ("x_1", "x_2", "x_3")
MISTAKES: dict[str, tuple[dict[str, list[Any]], dict[str, str], str]] = {
    "a misspelt column": ({"geneA": [1, 2]}, {}, 'write maps={"x": "COLUMN,..."}'),
    "no column at all": ({"x_1": [1, 2]}, {}, 'maps={"batch": ""} where no row has it'),
    "too few columns": (
        {"a": [1, 2], "b": [1, 2]},
        {"x": "a,b", "batch": ""},
        '`constants={"NAME": 2}`',
    ),
    "no such variable": ({"a": [1, 2]}, {"w": "a"}, 'maps={"w": "a"}: the spec has no data named'),
    "a column twice": ({"a": [1, 2]}, {"x": "a", "batch": "a"}, 'columns: maps={"NAME": '),
    "empty cells": ({one: [1, None] for one in THREE}, {"batch": ""}, "a DataFrame's `dropna`"),
    "too many classes": (
        {one: [1, 2, 3] for one in THREE} | {"batch": ["p", "q", "r"]},
        {},
        '`constants={"NAME": 3}`',
    ),
}


@pytest.mark.parametrize("name", list(MISTAKES))
def test_a_message_to_python_proposes_arguments_and_no_options(name: str) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    columns, maps, proposed = MISTAKES[name]
    with pytest.raises(TrainingError) as caught:
        LatentModel(TWO, maps=maps, epochs=1).fit(pandas.DataFrame(columns))
    said = " ".join(str(caught.value).split())
    assert proposed in said
    assert "--" not in said


def test_a_message_of_a_trained_model_proposes_a_name_of_the_column() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    frame = pandas.DataFrame(np.random.default_rng(0).normal(size=(9, 3)), columns=["a", "b", "c"])
    model = LatentModel(TWO, maps={"x": "a,b,c", "batch": ""}, epochs=1).fit(frame)
    with pytest.raises(TrainingError, match="no column `b`") as caught:
        model.transform(frame.rename(columns={"b": "other"}))
    assert "add it, or name its column `b`" in " ".join(str(caught.value).split())
    assert "--" not in str(caught.value)
