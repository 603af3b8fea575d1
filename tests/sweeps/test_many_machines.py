"""Runs in several processes: ranks that train one model, and sweeps that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from graphdsl.sweeps.jobs import Job, Step
from graphdsl.sweeps.processes import environment_of, started, stop
from tests.laws.checkpoints import content
from tests.sweeps.test_sweep import SPEC

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ROWS, HELD_OUT = 160, 32
#: Weights that are sampled in the batch: a rank has to gather the rows of the others.
GATHERS = """model gathers
observed x       : real[3]
latent   z[1..2] : real ~ normal
q { x -> z  via mlp(4) }
p { z -> x  via mlp(4) }
minimize KL(q || p) + TC(z)
estimate TC(z) with mss
"""


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    numbers = np.random.RandomState(0).normal(size=(ROWS, 3))
    x = numbers @ np.array([[1, 2, 0], [0, 1, 1], [0, 0, 1]])
    part = np.where(np.arange(ROWS) >= ROWS - HELD_OUT, "test", "train")
    pd.DataFrame(x, columns=["x_0", "x_1", "x_2"]).assign(part=part).to_csv("rows.csv", index=False)


def command(*words: object) -> list[str]:
    return [str(word) for word in words]


def graphdsl(*words: object, starter: tuple[str, ...] = (sys.executable,)) -> None:
    done = subprocess.run(
        command(*starter, "-m", "graphdsl", *words),
        env=environment_of(1),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


TRAIN = (
    *("--data", "rows.csv", "--map", "x=x_*", "--split", "column:part", "--batch-size", 32),
    *("--learning-rate", 0.01, "--quiet", "--device", "cpu"),
)
TWO = ("--devices", 2, "--strategy", "ddp")


@pytest.mark.parametrize("spec", [SPEC, GATHERS], ids=["tiny", "gathers"])
def test_two_ranks_come_to_the_figures_of_one_process(spec: str) -> None:
    """Batches of 32 of 128 rows: the same ones; figures of training differ by rounding alone."""
    Path("spec.mib").write_text(spec)
    graphdsl("train", "spec.mib", *TRAIN, "--epochs", 3, "-o", "one")
    graphdsl("train", "spec.mib", *TRAIN, "--epochs", 3, *TWO, "-o", "two")
    one, two = (pd.read_csv(f"{name}/metrics.csv") for name in ("one", "two"))
    assert list(one.columns) == list(two.columns)
    np.testing.assert_allclose(one.to_numpy(), two.to_numpy(), rtol=1e-5, atol=1e-5)
    # torchrun starts the same processes, and half a run goes on as the whole one does
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    graphdsl("train", "spec.mib", *TRAIN, "--epochs", 1, *TWO, "-o", "half", starter=torchrun)
    graphdsl(
        *("train", "spec.mib", *TRAIN, "--epochs", 3, *TWO, "--resume", "half"), starter=torchrun
    )
    assert Path("half/metrics.csv").read_bytes() == Path("two/metrics.csv").read_bytes()
    assert content(Path("half/last")) == content(Path("two/last"))


def test_a_job_stops_when_whoever_started_it_is_gone() -> None:
    """Its run keeps the epochs that are done, and no result says that it is finished."""
    Path("tiny.mib").write_text(SPEC)
    words = command("train", "tiny.mib", *TRAIN, "--epochs", 1_000_000, "-o", "run")
    step = Step(words=tuple(words), log="run.log", result="run.json", folder="run")
    process = started(Job(name="endless", steps=(step,)), environment_of(1))
    until = time.monotonic() + 120
    while not Path("run/last").exists() and time.monotonic() < until:
        time.sleep(0.1)
    stop(process)
    assert process.wait(60) == 128 + signal.SIGTERM
    assert Path("run/last").is_dir()
    assert not Path("run.json").exists()


@pytest.mark.parametrize("place", ["", "ray"])
def test_a_sweep_that_is_killed_ends_with_the_same_table(place: str) -> None:
    if place == "ray" and find_spec("ray") is None:
        pytest.skip("Ray is not installed: pip install 'graphdsl[scale]'")
    Path("tiny.mib").write_text(SPEC)
    data = ("--data", "rows.csv", "--map", "x=x_*", "--split", "column:part")
    grid = ("--param", "beta=0.5,2", "--seeds", 2, "--epochs", 3, "--jobs", 2)
    words = ("sweep", "tiny.mib", *data, *grid, "--batch-size", 32)
    graphdsl(*words, "-o", "whole")
    on = ("--on", place) if place else ()
    process = subprocess.Popen(
        command(sys.executable, "-m", "graphdsl", *words, *on, "-o", "part"),
        env=environment_of(1),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 300
    while not list(Path("part").glob("runs/*/*.json")) and time.monotonic() < until:
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    finished = {path: path.stat().st_mtime_ns for path in Path("part").glob("runs/*/*.json")}
    assert 1 <= len(finished) < 4
    graphdsl(*words, *on, "-o", "part")
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    for name in ("report.md", "sweep.svg", "sweep.parquet", "choice.json"):
        assert (Path("part") / name).read_bytes() == (Path("whole") / name).read_bytes()
