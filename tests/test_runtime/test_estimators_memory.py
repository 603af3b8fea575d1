"""What estimators keep at once: the peak memory of a process that does nothing else.

The kernel's high-water mark of the process itself: `getrusage` would count the one it was forked
from as well, and never rise above that.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="no high-water mark to read"
)

#: Of the task: stratified sampling, forward and backward.
ROWS, DIMENSIONS, MEGABYTES = 4096, 16, 64

CHILD = """
import torch
from pathlib import Path
torch.set_num_threads(1)
from graphdsl_runtime import *

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

def run(call, rows):
    z, mean, log_var = (torch.randn(rows, {dimensions}, requires_grad=True) for _ in range(3))
    before = peak()
    call(z, Gaussian(mean, log_var)).backward()
    assert all(torch.isfinite(tensor.grad).all() for tensor in (z, mean))
    return peak() - before

for call in {calls}:
    run(eval("lambda z, q: " + call), 128)  # what is made once
print(sum(run(eval("lambda z, q: " + call), {rows}) for call in {calls}))
"""


def megabytes(*calls: str, rows: int = ROWS, dimensions: int = DIMENSIONS) -> float:
    """Say how far the peak of a fresh process rises over what it had, call after call."""
    child = CHILD.format(calls=calls, rows=rows, dimensions=dimensions)
    done = subprocess.run(
        [sys.executable, "-c", child],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return float(done.stdout)


def test_stratified_sampling_stays_small() -> None:
    assert megabytes("total_correlation_mss(z, q, 100_000)") <= MEGABYTES


def test_other_streams_stay_small_one_after_another() -> None:
    streams = (
        "total_correlation_mws(z, q, 100_000)",
        "total_correlation_loo(z, q)",
        "information_leave_in(z, q)",
        "club(z, q)",
        "sliced_wasserstein(z, q.mean)",
    )
    assert megabytes(*streams, rows=ROWS // 2) <= MEGABYTES
    contrasts = (
        "info_nce(*contrast(z, q.mean)[:2])",
        "nwj(*contrast(0.1 * z, 0.1 * q.mean)[::2])",
    )
    assert megabytes(*contrasts) <= MEGABYTES


def test_a_table_of_scores_would_be_noticed() -> None:
    assert megabytes("(z @ q.mean.T).logsumexp(1).mean()") > MEGABYTES


def test_distances_are_tables_of_pairs_and_nothing_larger() -> None:
    rows, dimensions = 1024, 64
    wide = rows**2 * dimensions * 4 / 2**20  # megabytes of one B x B x D tensor
    calls = [f"{word}(z, q.mean)" for word in ("mmd", "hsic", "energy_distance")]
    assert megabytes(*calls, rows=rows, dimensions=dimensions) < wide
