"""Train an objective: epochs, a metrics file, a checkpoint to go on from."""

from __future__ import annotations

__all__ = [
    "DEFAULT_BATCH_SIZE",
    "DEFAULT_EPOCHS",
    "DEFAULT_LEARNING_RATE",
    "Summary",
    "train",
]

import math
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from graphdsl_runtime import Objective, OutOfRange
from graphdsl_runtime.training.checkpoint import Checkpoint
from graphdsl_runtime.training.data import DataSet
from graphdsl_runtime.training.errors import CannotResume, Diverged
from graphdsl_runtime.training.extras import train_extra
from graphdsl_runtime.training.metrics import Epoch, write_metrics
from graphdsl_runtime.training.reporting import Reporter

DEFAULT_EPOCHS = 150
DEFAULT_BATCH_SIZE = 32
DEFAULT_LEARNING_RATE = 5e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a run came to."""

    history: tuple[Epoch, ...]  #: of all epochs, those before a resumption included
    checkpoint: Path
    metrics: Path
    interrupted: bool  #: by Ctrl-C; then the checkpoint is that of the last whole epoch
    seconds: float  #: of this run alone

    @property
    def last(self) -> Epoch | None:
        """The last whole epoch; None if the first one was interrupted."""
        return self.history[-1] if self.history else None


def train(
    objective: Objective,
    data: DataSet,
    *,
    epochs: int = DEFAULT_EPOCHS,
    batch_size: int = DEFAULT_BATCH_SIZE,
    learning_rate: float = DEFAULT_LEARNING_RATE,
    seed: int = 0,
    out: Path,
    resume: Path | None = None,
    quiet: bool = False,
    resume_hint: str = "",
    spec_hash: str = "",
    accelerator: str = "auto",
) -> Summary:
    """Train an objective on a data set with Adam, each player on its own loss.

    After every epoch ``out`` holds ``last.ckpt`` and ``metrics.csv``, both whole. ``epochs`` counts
    from the very start: resuming at 2 of 4 does 2 more, and on a CPU comes to the bits that an
    unbroken run would. On Ctrl-C, and where the loss is no longer a number, the objective and the
    checkpoint are those of the last whole epoch. ``resume_hint`` is the command that goes on, for
    people to read; ``spec_hash``, where given, must be that of the checkpoint; ``seed`` does not
    reach the initial weights, which the objective came with. The objective is left where it was
    trained (``accelerator``, in Lightning's words), in eval mode.

    Unit: nats per row.
    Raises `Diverged`, `CannotResume`, `OutOfRange`, `MissingExtra`, and what `DataSet.fit_to` does.
    Reference: Kingma and Ba 2015.
    """
    _check_range("epochs", epochs, low=1)
    _check_range("batch size", batch_size, low=1)
    _check_range("learning rate", learning_rate, low=math.ulp(0.0))
    _check_range("seed", seed, low=0)
    fitted = data.fit_to(objective.variables)
    objective.standardise(fitted.train)
    start = _start(objective, resume, epochs, spec_hash)
    with train_extra():
        from graphdsl_runtime.training.loop import Loop, Plan

    objective.rows = len(data.train)
    plan = Plan(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        accelerator=accelerator,
        spec_hash=spec_hash,
        resume_hint=resume_hint,
    )
    console = Console(stderr=True, quiet=quiet)
    batches = math.ceil(len(data.train) / batch_size)
    began = time.monotonic()
    with Reporter(epochs, len(start.history), batches, console) as reporter:
        keeper = _Keeper(out, reporter)
        loop = Loop(objective, fitted, plan, start, keeper)
        try:
            finished = loop.run()
        except Diverged:
            keeper.go_back_to(loop.last, objective)
            raise
    objective.eval()
    if not finished:
        keeper.go_back_to(loop.last, objective)
        _say_how_to_go_on(len(loop.last.history), keeper.checkpoint, resume_hint)
    return Summary(
        history=loop.last.history,
        checkpoint=keeper.checkpoint,
        metrics=keeper.metrics,
        interrupted=not finished,
        seconds=time.monotonic() - began,
    )


class _Keeper:
    """Puts every epoch on disk and on the screen."""

    def __init__(self, out: Path, reporter: Reporter) -> None:
        self.checkpoint, self.metrics = out / "last.ckpt", out / "metrics.csv"
        self._reporter = reporter

    def batch_done(self) -> None:
        self._reporter.batch_done()

    def epoch_done(self, checkpoint: Checkpoint) -> None:
        checkpoint.save(self.checkpoint)
        write_metrics(self.metrics, checkpoint.history)
        self._reporter.epoch_done(checkpoint.history[-1])

    def go_back_to(self, checkpoint: Checkpoint, objective: Objective) -> None:
        """Undo the part of an epoch that was done since; the first epoch leaves no file before."""
        objective.load_state_dict(dict(checkpoint.weights))
        checkpoint.save(self.checkpoint)
        write_metrics(self.metrics, checkpoint.history)


def _start(objective: Objective, resume: Path | None, epochs: int, spec_hash: str) -> Checkpoint:
    if resume is None:
        return Checkpoint.take(objective, {}, (), spec_hash)
    checkpoint = Checkpoint.load(resume)
    checkpoint.check_module(objective, spec_hash, resume)
    done = len(checkpoint.history)
    if done >= epochs:
        raise CannotResume(
            resume, f"{done} epochs of {epochs} are done: ask for more, such as --epochs {2 * done}"
        )
    objective.load_state_dict(dict(checkpoint.weights))
    return checkpoint


def _check_range(name: str, value: float, low: float) -> None:
    if not low <= value < math.inf:
        raise OutOfRange(name, value, low=low, high=math.inf)


def _say_how_to_go_on(epochs: int, checkpoint: Path, resume_hint: str) -> None:
    console = Console(stderr=True)
    line = f"Stopped; {checkpoint} holds epoch {epochs}."
    console.print(line, soft_wrap=True, markup=False, highlight=False)
    if resume_hint:
        console.print(f"To go on: {resume_hint}", soft_wrap=True, markup=False, highlight=False)
