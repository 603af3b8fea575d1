"""A process that is killed with -9 at a random moment goes on to the numbers of an unbroken run.

`tests/laws/test_files.py` kills at each call that writes; here the clock kills the command line as
a whole, wherever that finds it.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from graphdsl_runtime.training import find_checkpoint
from graphdsl_runtime.training.errors import CannotResume
from tests.command_line import run
from tests.laws.checkpoints import content

SPEC = """model small
param beta = ramp(0, 1, steps = 40)
observed x : binary[4]
latent   z : real[2] ~ normal
q { x -> z  via mlp(4) }
p { z -> x  via mlp(4) }
minimize CE(x | z) + beta * KL(q(z | x) || p(z))
"""
EPOCHS = 6
WORDS = (
    *("train", "small.mib", "--data", "rows.npz", "--batch-size", 8, "--quiet"),
    *("--epochs", EPOCHS, "--optimizer", "adamw", "--weight-decay", 0.01, "--schedule", "cosine"),
)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="killed children are forked")


def prepare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import graphdsl_runtime.training.loop  # noqa: F401  # once, before children are forked

    monkeypatch.chdir(folder)
    Path("small.mib").write_text(SPEC)
    np.savez("rows.npz", x=np.random.RandomState(0).rand(80, 4).round())


def trained(out: str, *, kill_after: float | None = None) -> int | None:
    """Train in a process of its own, go on if there is something to go on with; its exit code."""

    def work() -> None:
        torch.set_num_threads(1)
        try:
            find_checkpoint(Path(out))
            words: tuple[object, ...] = (*WORDS, "--resume", out)
        except CannotResume:
            words = (*WORDS, "-o", out)
        os._exit(run(*words).code)

    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join(kill_after)
    if child.is_alive():
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
    child.join()
    return child.exitcode


def numbers(out: str) -> dict[str, bytes]:
    found = content(Path(out))
    return {name: one for name, one in found.items() if "/" in name or name == "metrics.csv"}


def kill_and_go_on(trials: int, seed: int) -> int:
    """Kill so many runs, each at a moment of its own; how many were killed before their end."""
    began = time.monotonic()
    assert trained("whole") == 0
    length = time.monotonic() - began
    whole, moments, killed = numbers("whole"), random.Random(seed), 0
    for trial in range(trials):
        out = f"run{trial}"
        killed += trained(out, kill_after=moments.uniform(0.0, length)) == -signal.SIGKILL
        assert trained(out) in (0, 1), "1 where the last epoch was done already"
        assert numbers(out) == whole, trial
    return killed


def test_a_killed_run_goes_on_to_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(tmp_path, monkeypatch)
    kill_and_go_on(2, seed=1)


@pytest.mark.slow
def test_twenty_killed_runs_go_on_to_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(tmp_path, monkeypatch)
    killed = kill_and_go_on(20, seed=int(os.environ.get("SEED", "0")))
    print(f"{killed} of 20 were killed before their end")
    assert killed >= 10


def test_a_run_killed_between_its_last_checkpoint_and_its_table_gets_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(tmp_path, monkeypatch)
    assert run(*WORDS, "-o", "run").code == 0
    table = Path("run/metrics.csv").read_bytes()
    Path("run/metrics.csv").write_bytes(b"".join(table.splitlines(keepends=True)[:-1]))
    assert run(*WORDS, "--resume", "run").code == 1
    assert Path("run/metrics.csv").read_bytes() == table
