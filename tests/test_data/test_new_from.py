"""`graphdsl new --from`: the spec that is written compiles, fits its file, and trains on it."""

from __future__ import annotations

import random
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from graphdsl.suggesting.from_data import spec_from
from graphdsl_runtime.data import DataRefused, guess, open_table, prepare
from tests.command_line import run
from tests.corpus import fuzz
from tests.emitted import emitted_class
from tests.test_data.tables import Cell, Sheet, write_sheet
from tests.test_data.test_odd_files import odd_sheet


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def mixed() -> Sheet:
    chance = random.Random(0)

    def column(draw: Callable[[], Cell], missing: float = 0) -> tuple[Cell, ...]:
        return tuple(None if chance.random() < missing else draw() for _ in range(40))

    return Sheet(
        (
            ("id", tuple(f"row {row}" for row in range(40))),
            ("latent", column(lambda: chance.gauss(0, 1))),
            ("Größe in cm", column(lambda: chance.gauss(170, 9), missing=0.2)),
            ("gene_TP53", column(lambda: chance.gauss(5, 1))),
            ("gene_CDK1", column(lambda: chance.gauss(5, 1))),
            ("gene_EGFR", column(lambda: chance.gauss(5, 1))),
            ("q_0", column(lambda: chance.gauss(0, 1), missing=0.2)),
            ("q_1", column(lambda: chance.gauss(0, 1), missing=0.2)),
            ("sex", column(lambda: chance.choice("fm"))),
            ("site, ward", column(lambda: chance.choice("ABC"), missing=0.1)),
            ("visits", column(lambda: chance.randrange(9))),
            ("empty", column(lambda: None)),
        )
    )


def two_views() -> dict[str, np.ndarray]:
    draws = np.random.default_rng(0)
    return {
        "x_1": draws.integers(0, 2, size=(30, 8)),
        "x_2": draws.integers(0, 2, size=(30, 8)),
        "image": draws.normal(size=(30, 2, 3)),
        "y": np.arange(30) % 3,
        "names": np.array(["a"]),
    }


def write(suffix: str) -> str:
    name = f"data{suffix}"
    if suffix == ".npz":
        np.savez(name, **two_views())  # type: ignore[arg-type]
    else:
        write_sheet(mixed(), Path(name))
    return name


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npz"])
@pytest.mark.parametrize("template", ["single-view", "multi-view"])
def test_the_command_that_it_prints_trains(suffix: str, template: str) -> None:
    data = write(suffix)
    ended = run("new", "mine", "--from", data, "--template", template)
    assert ended.code == 0, ended.err
    assert run("fmt", "--check", "mine.mib").code == 0
    words = shlex.split(ended.err.partition("next: ")[2])
    assert words[:3] == ["graphdsl", "train", "mine.mib"]
    ended = run(*words[1:], "--check-data")
    assert ended.code == 0, ended.err
    if template == "single-view":
        ended = run(*words[1:], "--epochs", 1, "--quiet")
        assert ended.code == 0, ended.err


def test_every_guess_has_its_reason() -> None:
    text = run("new", "mine", "--from", write(".csv"), "-o", "-").out
    lines = [line for line in text.splitlines() if line.startswith("observed")]
    assert len(lines) == 7
    assert all("# " in line for line in lines)
    said = " ".join(text.split())
    for expected in (
        "observed Groe_in_cm : real ~ normal(scale = learned) optional # ",
        "observed gene : real[3] ~ normal(scale = learned) # gene_TP53 to gene_EGFR",
        "observed q_2[1..2] : real ~ normal(scale = learned) optional",
        "observed sex : binary # 0 is f, 1 is m",
        "observed site_ward : categorical(3) optional # A, B, C; ",
        "observed visits : count # whole numbers 0 to 8",
        "# left out: id: it has 40 different texts in 40 rows",
        "# left out: empty: it is empty",
        "--map 'gene=gene_*'",
    ):
        assert expected in said, text


def test_what_a_spec_is_written_from_fits_it(tmp_path: Path) -> None:
    """Of any table there is a refusal, or a spec that compiles and whose fields are all right."""
    written = 0
    for number in range(fuzz(25)):
        chance = random.Random(f"new {number}")
        path = tmp_path / f"odd{number}.parquet"
        try:
            write_sheet(odd_sheet(chance), path)
        except (TypeError, ValueError, OverflowError):
            continue
        try:
            table = open_table(str(path))
            guesses = guess(table)
        except DataRefused:
            continue
        text, command = spec_from("odd", str(path), guesses, private=False, target="odd.mib")
        variables = emitted_class(text).variables
        words = shlex.split(command)
        maps = [words[at + 1] for at, word in enumerate(words) if word == "--map"]
        if guesses.rows < 5:
            continue  # too few to be split, whatever they are
        prepare(table, variables, maps=maps)
        written += 1
    assert written >= 3


def test_many_columns_that_share_no_name_are_one_vector() -> None:
    draws = np.random.default_rng(0).normal(size=(20, 15))
    names = [f"gene{chr(65 + place)}" for place in range(15)]
    columns = [(name, tuple(map(float, draws[:, at]))) for at, name in enumerate(names)]
    write_sheet(Sheet((("a", (0, 1) * 10), *columns)), Path("wide.csv"))
    ended = run("new", "mine", "--from", "wide.csv")
    assert "--map x=geneA..geneO" in ended.err
    assert "observed x : real[15]" in " ".join(Path("mine.mib").read_text().split())
    assert run(*shlex.split(ended.err.partition("next: ")[2])[1:], "--check-data").code == 0


def continuous(number: int) -> dict[str, tuple[float, ...]]:
    draws = np.random.default_rng(number)
    return {
        "share": tuple(draws.beta(2, 3, size=60)),
        "income": tuple(np.exp(draws.normal(8, 1, size=60))),
        "height": tuple(draws.normal(170, 9, size=60)),
        "gain": tuple(np.exp(draws.normal(8, 1, size=60)) - 500),
    }


def declared(text: str) -> dict[str, str]:
    lines = (line.split() for line in text.splitlines() if line.startswith("observed"))
    return {words[1]: words[3].partition("[")[0] for words in lines}


def test_shares_and_skewed_numbers_above_zero_are_kinds_of_their_own() -> None:
    columns = continuous(0)
    write_sheet(Sheet(tuple(columns.items())), Path("four.csv"))
    assert run("new", "mine", "--from", "four.csv").code == 0
    text = Path("mine.mib").read_text()
    assert declared(text) == {
        "share": "unit",
        "income": "positive",
        "height": "real",
        "gain": "real",
    }
    assert "above 0 and skewed" in text
    assert "all from 0 to 1" in text
    assert run("train", "mine.mib", "--data", "four.csv", "--check-data").code == 0


@pytest.mark.parametrize("copies", [3, 8])
def test_columns_of_several_kinds_are_one_real_vector(copies: int) -> None:
    """Those that share a word, and those that are too many to name each."""
    word = "m_" if copies == 3 else ""
    columns = [
        (f"{word}{name}{chr(65 + number)}", values)
        for number in range(copies)
        for name, values in continuous(number).items()
        if name in ("income", "height")
    ]
    write_sheet(Sheet(tuple(columns)), Path("wide.csv"))
    assert run("new", "mine", "--from", "wide.csv").code == 0
    assert declared(Path("mine.mib").read_text()) == {"m" if word else "x": "real"}


@pytest.mark.parametrize("template", ["fair", "environments"])
def test_data_do_not_say_what_an_attribute_is(template: str) -> None:
    ended = run("new", "mine", "--from", write(".csv"), "--template", template)
    assert ended.code == 2
    assert not Path("mine.mib").exists()
