"""`graphdsl train` on files of one's own: from a table to a run, and what its record says."""

from __future__ import annotations

import json
import random
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from graphdsl.cli.commands.specs import TRAINED_ON
from graphdsl.cli.sources import shipped
from tests.command_line import run
from tests.corpus import some
from tests.test_data.tables import Sheet, write_sheet

PAGE = Path(__file__).parents[2] / "docs" / "your-data.md"

SPEC = """model mixed
observed x[1..3] : real optional
observed sex : binary
observed site : categorical(3) optional
observed visits : count
latent z : real[2] ~ normal
q { x, sex, site, visits -> z  by poe  via mlp(8) }
p {
    z -> x[i]    for i in 1..3  via mlp(8)
    z -> sex     via mlp(8)
    z -> site    via mlp(8)
    z -> visits  via mlp(8)
}
minimize KL(q || p)
"""


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    Path("mixed.mib").write_text(SPEC)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def mixed(suffix: str, rows: int = 40) -> str:
    chance = random.Random(0)
    columns: list[tuple[str, tuple[float | int | str | None, ...]]] = [
        ("id", tuple(f"row {row}" for row in range(rows)))
    ]
    for gene in ("CDK1", "TP53", "EGFR"):
        cells = [chance.gauss(5, 2) if chance.random() < 0.8 else None for _ in range(rows)]
        columns.append((f"gene_{gene}", tuple(cells)))
    columns.append(("sex", tuple(chance.choice("fm") for _ in range(rows))))
    columns.append(("site", tuple(chance.choice(("A", "B", "C", None)) for _ in range(rows))))
    columns.append(("visits", tuple(chance.randrange(9) for _ in range(rows))))
    write_sheet(Sheet(tuple(columns)), Path(f"table{suffix}"))
    return f"table{suffix}"


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_mixed_table_trains_and_its_record_says_how_it_was_read(suffix: str) -> None:
    words = ("--data", mixed(suffix), "--map", "x=gene_*", "--split-seed", 3, "--epochs", 1)
    ended = run("train", "mixed.mib", *words)
    assert ended.code == 0, ended.err
    assert "32 rows to train on, 8 held out" in ended.err
    folder = Path("runs/mixed/0001")
    record = json.loads((folder / "data.json").read_text())
    assert record["columns"]["x"] == ["gene_CDK1", "gene_TP53", "gene_EGFR"]
    assert record["classes"] == {"sex": ["f", "m"], "site": ["A", "B", "C"]}
    assert record["split"] == {"by": "random", "fraction": 0.2, "seed": 3}
    said = tomllib.loads((folder / "run.toml").read_text())["run"]
    assert (said["map"], said["split_seed"]) == (["x=gene_*"], 3)


def test_a_run_goes_on_with_the_data_that_it_began_with_alone() -> None:
    data = ("--data", mixed(".csv"), "--map", "x=gene_*", "--quiet")
    assert run("train", "mixed.mib", *data, "--epochs", 1, "-o", "run").code == 0
    other = ("--data", "table.csv", "--map", "x=gene_TP53,gene_CDK1,gene_EGFR", "--quiet")
    for words in (other, (*data, "--split-seed", 1), (*data, "--held-out", 0.3)):
        ended = run("train", "mixed.mib", *words, "--epochs", 2, "--resume", "run")
        assert ended.code == 1
        assert "its data were read in another way" in ended.err
    assert run("train", "mixed.mib", *data, "--epochs", 2, "--resume", "run").code == 0
    assert len(Path("run/metrics.csv").read_text().splitlines()) == 3
    Path("run/data.json").write_text("[" * 10**5)
    ended = run("train", "mixed.mib", *data, "--epochs", 3, "--resume", "run")
    assert ended.code == 1
    assert "no record of data" in ended.err


def test_every_format_of_a_table_trains_to_the_same_numbers() -> None:
    losses = set()
    for suffix in (".csv", ".parquet", ".arrow", ".npz"):
        words = ("--data", mixed(suffix), "--map", "x=gene_*", "--epochs", 1, "--quiet")
        assert run("train", "mixed.mib", *words, "-o", suffix[1:]).code == 0
        losses.add((Path(suffix[1:]) / "metrics.csv").read_text())
    assert len(losses) == 1


def test_all_mistakes_are_shown_at_once_and_nothing_is_built() -> None:
    ended = run("train", "mixed.mib", "--data", mixed(".csv"), "--map", "x=gene_CDK1,gene_TP53")
    assert ended.code == 1
    assert "DATA06  x: has 3 values a row" in ended.err
    ended = run("train", "mixed.mib", "--data", mixed(".csv"))
    assert ended.code == 1
    assert ended.err.count("DATA03") == 3
    assert not Path("runs").exists()
    assert "Traceback" not in ended.err


def test_a_check_of_the_data_trains_nothing() -> None:
    ended = run("train", "mixed.mib", "--data", mixed(".csv"), "--map", "x=gene_*", "--check-data")
    assert ended.code == 0
    assert "0 = f, 1 = m" in ended.err
    assert not Path("runs").exists()


def test_the_page_shows_what_the_command_prints() -> None:
    words, *shown = PAGE.read_text().partition("```console\n$ ")[2].partition("```")[0].splitlines()
    Path(mixed(".csv")).rename("patients.csv")
    ended = run(*shlex.split(words)[1:])
    assert ended.err.splitlines() == shown


def test_two_views_of_an_npz_train() -> None:
    views = np.random.default_rng(0).integers(0, 2, size=(2, 30, 32))
    np.savez("two.npz", x_1=views[0], x_2=views[1], other=np.zeros(7))
    ended = run("train", "jmvae", "--data", "two.npz", "--epochs", 1)
    assert ended.code == 0, ended.err
    assert "not used: other" in ended.err


@pytest.mark.parametrize("spec", ["m2", "cvae"])
def test_digits_have_labels(spec: str) -> None:
    ended = run("train", spec, "--data", "digits", "--check-data")
    assert ended.code == 0, ended.err
    assert "1438 rows to train on, 359 held out" in ended.err


def test_incomplete_rows_are_left_out_on_demand_alone() -> None:
    Path("x.csv").write_text("x\n" + "".join(f"{row if row % 4 else ''}\n" for row in range(20)))
    Path("one.mib").write_text(
        "model one\nobserved x : real\nlatent z : real ~ normal\n"
        "q { x -> z }\np { z -> x }\nminimize KL(q || p)\n"
    )
    ended = run("train", "one.mib", "--data", "x.csv", "--check-data")
    assert ended.code == 1
    assert "DATA09  x: lacks values in 5 of 20 rows (25.0 %)" in ended.err
    ended = run("train", "one.mib", "--data", "x.csv", "--check-data", "--drop-incomplete")
    assert ended.code == 0
    assert "5 incomplete rows left out" in ended.err


@pytest.mark.parametrize("line", some("shipped data", run("specs", "--train").out.splitlines(), 8))
def test_every_spec_that_ships_has_data_that_ship(line: str) -> None:
    ended = run(*shlex.split(line)[1:], "--check-data")
    assert ended.code == 0, ended.err
    assert " rows to train on" in ended.err


def test_data_are_named_for_specs_that_ship_alone() -> None:
    assert TRAINED_ON.keys() <= {path.stem for path in shipped()}
    assert len(run("specs", "--train").out.splitlines()) == len(shipped())
