"""Jobs: what one process of a sweep does, and who starts such processes.

A job is a list of command lines of `graphdsl` that one process carries out. Today each run is a job
of its own; seeds of one setting that can be trained together would be the runs of one job.
"""

from __future__ import annotations

__all__ = ["Done", "Job", "Step", "Workers", "decoded", "encoded", "evaluation", "training"]

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Protocol

from graphdsl.sweeps.folder import Run, SweepFolder
from graphdsl.sweeps.plan import Plan

#: Options that training and evaluation share, and whether each has a value.
_SHARED = {"--networks": True, "--drop-incomplete": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command line of `graphdsl`, and the files that it is about."""

    words: tuple[str, ...]
    log: str  #: what it prints goes here
    result: str  #: it is there when the step is done
    folder: str = ""  #: of a run that goes on where it stopped; empty for other commands


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Steps that one process carries out, one after the other."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a job ended."""

    job: Job
    code: int  #: 0, or the exit code of the step that failed
    seconds: float


def _of_evaluation(training: Iterable[str]) -> Iterator[str]:
    """Give those options of `graphdsl train` that `graphdsl evaluate` needs as well.

    >>> list(_of_evaluation(["--epochs", "3", "--networks", "m:f", "--drop-incomplete"]))
    ['--networks', 'm:f', '--drop-incomplete']
    """
    words = iter(training)
    for word in words:
        name, equals, _ = word.partition("=")
        if name in _SHARED:
            yield word
            if _SHARED[name] and not equals:
                yield from islice(words, 1)


def encoded(job: Job) -> bytes:
    """Write a job as a line."""
    return json.dumps(asdict(job)).encode("utf-8") + b"\n"


def decoded(line: bytes) -> Job:
    """Read a job.

    >>> job = Job(name="one", steps=(Step(words=("train",), log="a.log", result="a.json"),))
    >>> decoded(encoded(job)) == job
    True
    """
    known = json.loads(line)
    steps = tuple(Step(**{**one, "words": tuple(one["words"])}) for one in known["steps"])
    return Job(name=known["name"], steps=steps)


class Workers(Protocol):
    """Whoever carries out jobs, several at a time."""

    def carry_out(self, jobs: Sequence[Job]) -> Iterator[Done]:
        """Carry out all jobs, and give each when it has ended, in whichever order.

        If the caller stops early, the jobs in progress are ended so that they can go on later.
        """
        ...


def training(runs: Iterable[Run], plan: Plan, folder: SweepFolder) -> list[Job]:
    """Give the jobs that train runs: what `graphdsl train` would be asked for by hand."""
    return [
        Job(
            name=str(run),
            steps=(
                Step(
                    words=(
                        *(
                            "train",
                            str(folder.path / plan.spec),
                            "--data",
                            plan.data,
                            *plan.training,
                        ),
                        *("--validation", str(plan.validation), "--seed", str(run.seed)),
                        *(*run.setting.words, "-o", str(run.folder), "--quiet"),
                    ),
                    log=str(run.log),
                    result=str(run.result),
                    folder=str(run.folder),
                ),
            ),
        )
        for run in runs
    ]


def evaluation(runs: Iterable[Run], plan: Plan) -> list[Job]:
    """Give the jobs that measure runs on the held-out rows."""
    return [
        Job(
            name=f"{run}, held-out rows",
            steps=(
                Step(
                    words=(
                        *("evaluate", str(run.folder), "--data", plan.data, "--rows", "held-out"),
                        *("--samples", str(plan.samples), "-o", str(run.test)),
                        *_of_evaluation(plan.training),
                    ),
                    log=str(run.log),
                    result=str(run.test),
                ),
            ),
        )
        for run in runs
    ]
