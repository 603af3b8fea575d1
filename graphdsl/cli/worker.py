"""The process that carries out a job, on a leash: when whoever started it is gone, it stops.

    python -m graphdsl.cli.worker

The job comes as a line of JSON on standard input, which then stays open. At its end the process
sends itself SIGTERM: a run stops after its step, and goes on later as `graphdsl train --resume`
does. The log of a run is held for as long as somebody works on it, so that a sweep that is begun
again waits for what the killed one left running.
"""

from __future__ import annotations

__all__ = ["carry_out"]

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path

from graphdsl.cli.app import program
from graphdsl.sweeps.jobs import Job, Step, decoded
from graphdsl.sweeps.results import is_complete, result_of
from graphdsl_files import held, present, write_whole

_INPUT = 0  # the descriptor of standard input


def carry_out(job: Job) -> int:
    """Carry out the steps that are not done yet; stop at the first that fails with its code."""
    for step in job.steps:
        with held(Path(step.log), wait=True):
            code = 0 if Path(step.result).exists() else _step(step)
        if code:
            return code
    return 0


def _step(step: Step) -> int:
    folder = Path(step.folder)
    if not step.folder:
        return program(list(step.words))
    if not is_complete(folder):  # a process that was killed may have been at the very end of it
        resume = ["--resume", str(folder)] if present(folder / "last").is_dir() else []
        code = program([*step.words, *resume])
        if code:
            return code
    write_whole(Path(step.result), result_of(folder))
    return 0


def _line() -> bytes:
    """Read a line of standard input, and nothing behind it."""
    line = b""
    while not line.endswith(b"\n"):
        sign = os.read(_INPUT, 1)
        if not sign:
            break
        line += sign
    return line


def _stop_when_input_ends() -> None:
    with contextlib.suppress(OSError):
        while os.read(_INPUT, 1):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


def _main() -> int:
    job = decoded(_line())
    threading.Thread(target=_stop_when_input_ends, daemon=True).start()
    return carry_out(job)


if __name__ == "__main__":
    sys.exit(_main())
