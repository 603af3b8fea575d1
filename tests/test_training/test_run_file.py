"""`run.toml` makes a run again, bit for bit, and is refused where it cannot."""

from __future__ import annotations

import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from graphdsl.sweeps.results import is_complete
from tests.command_line import Ended, run
from tests.laws.checkpoints import content

SPEC = """model small
const size = 2
param beta = 1
observed x : binary[size]
latent   z : real[2] ~ normal
q { x -> z  via mlp(4) }
p { z -> x  via mlp(4) }
minimize CE(x | z) + beta * KL(q(z | x) || p(z))
"""
WORDS = (
    *("small.mib", "--data", "rows.npz", "--const", "size=4", "--param", "beta=0.5"),
    *("--epochs", 2, "--batch-size", 16, "--seed", 3, "--validation", 0.1, "--clip", 1),
    *(
        "--optimizer",
        "sgd",
        "--momentum",
        0.9,
        "--schedule",
        "cosine",
        "--player-rate",
        "model=0.1",
    ),
)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    Path("small.mib").write_text(SPEC)
    np.savez("rows.npz", x=np.random.RandomState(0).rand(60, 4).round())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def train(*words: object) -> Ended:
    return run("train", *words, "--quiet")


def numbers(folder: str) -> dict[str, bytes]:
    """What a run came to: its metrics and checkpoints."""
    found = content(Path(folder))
    return {name: one for name, one in found.items() if "/" in name or name == "metrics.csv"}


def test_a_run_is_made_again_bit_for_bit_even_where_its_spec_has_changed_since() -> None:
    assert train(*WORDS, "-o", "first").code == 0
    Path("small.mib").write_text(SPEC.replace("mlp(4)", "mlp(5)"))
    ended = train("--config", "first/run.toml", "-o", "again")
    assert ended.code == 0, ended.err
    assert numbers("again") == numbers("first")
    records = [tomllib.loads(Path(one, "run.toml").read_text()) for one in ("first", "again")]
    written = records[1]["run"].pop("command")
    del records[0]["run"]["command"]
    assert records[0] == records[1]
    # The words that stand for the file make the run as well, once the spec is what it was.
    Path("small.mib").write_text(SPEC)
    shutil.rmtree("again")
    assert run(*written[1:], "--quiet").code == 0
    assert numbers("again") == numbers("first")


def test_the_command_line_says_what_is_to_differ() -> None:
    assert train(*WORDS, "-o", "first").code == 0
    words = ("--epochs", 1, "--param", "beta=2", "--optimizer", "adam", "--batch-size", 32)
    assert train("--config", "first/run.toml", *words, "-o", "other").code == 0
    record = tomllib.loads(Path("other/run.toml").read_text())["run"]
    assert (record["epochs"], record["optimizer"], record["batch_size"]) == (1, "adam", 32)
    assert (record["const"], record["param"]) == (["size=4"], ["beta=2"])
    assert (record["seed"], record["validation"], record["schedule"]) == (3, 0.1, "cosine")


def test_a_run_goes_on_by_its_name_alone() -> None:
    assert train(*WORDS, "-o", "whole").code == 0
    assert train(*WORDS, "-o", "part", "--schedule", "constant", "--epochs", 1).code == 0
    assert train(*WORDS, "-o", "long", "--schedule", "constant").code == 0
    ended = train("--resume", "part", "--epochs", 2)
    assert ended.code == 0, ended.err
    assert numbers("part") == numbers("long")
    assert train("--resume", "part").code == 1, "2 of 2 epochs are done"


def test_all_that_is_wrong_with_a_file_is_said_at_once() -> None:
    Path("wrong.toml").write_text(
        '[run]\nspec = "small.mib"\nepoks = 3\nepochs = "3"\nlog = "csv"\n'
        'optimizer = "adm"\nbatch_size = 0\nheld_out = true\n'
    )
    ended = train("--config", "wrong.toml")
    assert ended.code == 1
    lines = ended.err.splitlines()[1:]
    assert [line.split()[1] for line in lines] == [
        *("`epoks`", "`epochs`", "`log`", "`optimizer`", "`batch_size`", "`held_out`")
    ]
    assert all(line.startswith("RUN05  ") for line in lines)
    assert "did you mean `epochs`?" in lines[0]


def test_a_run_that_early_stop_has_ended_is_complete_for_a_sweep() -> None:
    for words, complete in (((), False), (("--early-stop", "rate_z", "--patience", 1), True)):
        rate = ("--player-rate", "model=1e-30", "--force", *words)
        assert train(*WORDS[:-2], *rate, "-o", "run").code == 0
        text = Path("run/run.toml").read_text()
        Path("run/run.toml").write_text(text.replace("epochs = 2\n", "epochs = 9\n"))
        assert is_complete(Path("run")) == complete


def test_code_that_a_file_names_runs_only_where_the_command_line_names_it_too() -> None:
    Path("mine.py").write_text(
        "from pathlib import Path\nimport numpy as np\nPath('ran').touch()\n"
        "def rows():\n    return {'x': np.load('rows.npz')['x']}\n"
    )
    assert train(*WORDS, "--data", "mine:rows", "-o", "first").code == 0
    record = Path("first/run.toml").read_text()
    Path("first/run.toml").write_text(record.replace("[run]\n", '[run]\nnetworks = "mine:nets"\n'))
    Path("ran").unlink()
    sys.modules.pop("mine")
    for words in (("--config", "first/run.toml", "-o", "again"), ("--resume", "first")):
        ended = train(*words, "--epochs", 3)
        assert ended.code == 1
        assert [line.split()[:2] for line in ended.err.splitlines()[1:]] == [
            ["RUN07", "`networks"],
            ["RUN07", "`data"],
        ]
        assert not Path("ran").exists()
    Path("first/run.toml").write_text(record)
    trusted = ("--config", "first/run.toml", "--data", "mine:rows", "-o", "again")
    assert train(*trusted).code == 0
    assert numbers("again") == numbers("first")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[run", "it is no TOML"),
        ("epochs = 3\n", "it has no table [run]"),
        ("run = 3\n", "it has no table [run]"),
    ],
)
def test_what_is_no_such_file_is_refused_with_a_line(text: str, said: str) -> None:
    Path("wrong.toml").write_text(text)
    ended = train("--config", "wrong.toml")
    assert (ended.code, said in ended.err) == (1, True)
    assert train("--config", "missing.toml").code == 2
    assert train().code == 2


def test_another_spec_or_other_weights_are_refused_with_both_hashes() -> None:
    assert train(*WORDS, "-o", "old").code == 0
    assert train(*WORDS, "--init", "old", "-o", "warm").code == 0
    assert train("--config", "warm/run.toml", "-o", "again").code == 0
    assert numbers("again") == numbers("warm")
    assert numbers("warm") != numbers("old")
    assert train(*WORDS, "--seed", 4, "-o", "old", "--force").code == 0
    ended = train("--config", "warm/run.toml", "-o", "other")
    assert ended.code == 1
    assert "RUN06  the weights of `--init old` have changed since" in ended.err
    assert train("--config", "warm/run.toml", "--init", "old", "-o", "other").code == 0
    Path("moved.toml").write_bytes(Path("old/run.toml").read_bytes())
    Path("small.mib").write_text(SPEC.replace("mlp(4)", "mlp(5)"))
    ended = train("--config", "moved.toml", "-o", "new")
    assert ended.code == 1
    assert "RUN06  `small.mib` has changed since" in ended.err
    assert not Path("new").exists()
    assert train("small.mib", "--config", "moved.toml", "-o", "new").code == 0
