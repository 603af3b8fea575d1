"""Jobs in processes of this machine, as many at a time as are asked for."""

from __future__ import annotations

__all__ = ["LocalProcesses", "environment_of", "started", "stop"]

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from graphdsl.sweeps.jobs import Done, Job, encoded

_WORKER = "graphdsl.cli.worker"  #: the program of a job's process
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_PAUSE = 0.05  # seconds between two looks at what has ended
_PATIENCE = 60.0  # seconds for a run to end its step and to write its epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalProcesses:
    """So many processes at a time, with so many threads each, which take turns on the GPUs."""

    jobs: int  #: at a time; 0 for one on each GPU, or on each core where there is no GPU
    threads: int

    def carry_out(self, jobs: Sequence[Job]) -> Iterator[Done]:
        """Carry out all jobs, and give each when it has ended."""
        waiting, devices = list(reversed(jobs)), _gpus()
        places = self.jobs or len(devices) or max(1, (os.cpu_count() or 1) // self.threads)
        running: dict[int, tuple[Job, subprocess.Popen[bytes], float]] = {}
        try:
            while waiting or running:
                for place in range(places):
                    if waiting and place not in running:
                        job = waiting.pop()
                        process = started(job, self._environment(place, devices))
                        running[place] = (job, process, time.monotonic())
                ended = [place for place, (_, one, _) in running.items() if one.poll() is not None]
                for place in ended:
                    job, process, began = running.pop(place)
                    stop(process)
                    yield Done(job=job, code=process.returncode, seconds=time.monotonic() - began)
                if not ended:
                    time.sleep(_PAUSE)
        finally:
            _stop_all([process for _, process, _ in running.values()])

    def _environment(self, place: int, devices: Sequence[str]) -> dict[str, str]:
        known = environment_of(self.threads)
        if devices:
            known[_VISIBLE] = devices[place % len(devices)]
        return known


def _gpus() -> list[str]:
    """The names of the GPUs that this process may use, as CUDA has them."""
    if os.environ.get(_VISIBLE):
        return os.environ[_VISIBLE].split(",")
    from torch import cuda

    return [str(number) for number in range(cuda.device_count())]


def environment_of(threads: int) -> dict[str, str]:
    """Give the environment of a process of so many threads.

    It finds the package where this process found it.
    """
    return {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }


def started(job: Job, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the process of a job, which reads the job from its standard input."""
    log = Path(job.steps[0].log)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", _WORKER],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,  # Ctrl-C is for the sweep, which then stops its runs
        )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it is gone already: its exit code says why
        process.stdin.write(encoded(job))
        process.stdin.flush()
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    """Let go of a process: if it is still at work, it ends its step and stops."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()


def _stop_all(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        stop(process)
    until = time.monotonic() + _PATIENCE
    for process in processes:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
