"""Signals to one model in several processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from graphdsl_runtime.training.checkpoint import Checkpoint

SPEC = """model small
observed x : binary[4]
latent   z : real[2] ~ normal
q { x -> z  via mlp(4) }
p { z -> x  via mlp(4) }
minimize CE(x | z) + KL(q(z | x) || p(z))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "to_all", "code"),
    [(signal.SIGINT, True, 130), (signal.SIGTERM, True, 143), (signal.SIGTERM, False, 143)],
    ids=["ctrl-c", "sigterm to all", "sigterm to the first"],
)
def test_a_signal_ends_all_processes_and_the_run_can_go_on(
    number: signal.Signals, to_all: bool, code: int, tmp_path: Path
) -> None:
    (tmp_path / "small.mib").write_text(SPEC)
    np.savez(tmp_path / "rows.npz", x=np.random.RandomState(0).rand(80, 4).round())
    words = ("-m", "graphdsl", "train", "small.mib", "--data", "rows.npz", "--epochs", "1000000")
    devices = ("--batch-size", "8", "--devices", "2", "--device", "cpu", "--quiet", "-o", "run")
    process = subprocess.Popen(
        [sys.executable, *words, *devices],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 240
    while not (tmp_path / "run" / "metrics.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.5)
    time.sleep(1)
    (os.killpg if to_all else os.kill)(process.pid, number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    assert "To go on: graphdsl train" in err
    assert "Traceback" not in err
    assert Checkpoint.load(tmp_path / "run" / "last").history
    states = subprocess.run(
        ["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True
    )
    left = [line.split() for line in states.stdout.splitlines()]
    assert [state for group, state in left if group == str(process.pid) and state[0] != "Z"] == []
