"""Rows that validate: chosen from those for training, and never any of those that are held out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from graphdsl_runtime import Variable
from graphdsl_runtime.data import DataRefused, Prepared, Split, open_table, prepare, read_batch
from graphdsl_runtime.training import load_data
from tests.command_line import run

ROWS = 40
VARIABLE = Variable("x", role="observed", kind="real")


def table(folder: Path) -> str:
    """A file whose value is the number of the row, in groups of four rows."""
    lines = ["x,group,part"]
    lines += [f"{row},g{row // 4},{'test' if row % 5 == 0 else 'train'}" for row in range(ROWS)]
    (folder / "rows.csv").write_text("\n".join(lines))
    return str(folder / "rows.csv")


def prepared(folder: Path, by: str, validation: float) -> Prepared:
    split = Split(by=by, fraction=0.2, seed=3, validation=validation)
    return prepare(open_table(table(folder)), [VARIABLE], maps=["x=x"], split=split)


def values(rows: object) -> list[float]:
    return sorted(np.asarray(rows).tolist())


@pytest.mark.parametrize("by", ["random", "last", "group:group", "column:part"])
def test_held_out_rows_stay_the_same_and_are_in_no_part(by: str, tmp_path: Path) -> None:
    without, with_ = prepared(tmp_path, by, 0.0), prepared(tmp_path, by, 0.25)
    held_out = values(without.fitted.test["x"])
    trained, validating = values(with_.fitted.train["x"]), values(with_.fitted.test["x"])
    assert sorted([*trained, *validating, *held_out]) == list(range(ROWS))
    assert sorted([*trained, *validating]) == values(without.fitted.train["x"])
    assert len(validating) == 8  # a quarter of 32
    if by == "last":
        assert validating == list(range(24, 32))
    if by == "group:group":
        assert {row // 4 for row in validating}.isdisjoint(row // 4 for row in trained)


def test_the_record_gives_each_part_again(tmp_path: Path) -> None:
    made = prepared(tmp_path, "random", 0.25)
    parts: Sequence[tuple[object, list[float]]] = (
        ("train", values(made.fitted.train["x"])),
        ("validation", values(made.fitted.test["x"])),
        ("held-out", values(prepared(tmp_path, "random", 0.0).fitted.test["x"])),
    )
    for which, expected in parts:
        rows = read_batch(
            open_table(table(tmp_path)),
            [VARIABLE],
            record=made.record,
            which=which,  # type: ignore[arg-type]
        )
        assert values(rows.batch["x"]) == expected


def test_no_validation_leaves_the_record_as_it_was(tmp_path: Path) -> None:
    record = prepared(tmp_path, "random", 0.0).record
    assert record["split"] == {"by": "random", "fraction": 0.2, "seed": 3}
    assert record["rows"] == {"trained": 32, "held_out": 8, "left_out": 0}


@pytest.mark.parametrize("fraction", [-0.1, 1.0])
def test_a_fraction_is_between_zero_and_one(fraction: float, tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="DATA12  --validation"):
        prepared(tmp_path, "random", fraction)


def test_images_validate_on_rows_of_their_training_part() -> None:
    whole = load_data("digits")
    cut = whole.validating(0.25)
    assert len(cut.train) + len(cut.test) == len(whole.train)
    rows = {row.numpy().tobytes() for row in whole.train}
    assert {row.numpy().tobytes() for row in (*cut.train, *cut.test)} == rows
    counts = np.bincount(cut.test_labels.numpy()) / np.bincount(whole.train_labels.numpy())
    assert np.allclose(counts, 0.25, atol=0.01)


def test_images_say_that_no_record_names_the_rows_that_validated(tmp_path: Path) -> None:
    words = ("--data", "digits", "--epochs", 1, "--batch-size", 1024, "--quiet")
    out = tmp_path / "run"
    assert run("train", "vae", "--validation", 0.2, *words, "-o", out).code == 0
    assert "validation = 0.2" in (out / "run.toml").read_text()
    ended = run("evaluate", out, "--data", "digits", "--rows", "validation", "--samples", 0)
    assert ended.code == 1
    assert "DATA12" in ended.err
    ended = run("evaluate", out, "--data", "digits", "--rows", "held-out", "--samples", 0)
    assert "nats per row, of 359 held-out rows" in ended.out
    ended = run("train", "vae", "--validation", 0.0001, *words, "-o", tmp_path / "other")
    assert ended.code == 1
    assert "DATA12  --validation" in ended.err
