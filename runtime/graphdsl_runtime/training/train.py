"""Train an objective: epochs, a metrics file, checkpoints to go on from."""

from __future__ import annotations

__all__ = ["Summary", "train"]

import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from graphdsl_files import TrainingSettings, visible
from graphdsl_runtime import Batch, Objective
from graphdsl_runtime.training.batches import number_of_batches
from graphdsl_runtime.training.checking import refuse_wrong_settings
from graphdsl_runtime.training.checkpoint import Checkpoint
from graphdsl_runtime.training.data import FittedData, TrainingData
from graphdsl_runtime.training.errors import Diverged
from graphdsl_runtime.training.extras import train_extra
from graphdsl_runtime.training.folder import RunFolder
from graphdsl_runtime.training.loggers import make_loggers
from graphdsl_runtime.training.metrics import Epoch
from graphdsl_runtime.training.processes import is_first_process
from graphdsl_runtime.training.reporting import Reporter
from graphdsl_runtime.training.starting import start_of, terms_of, warm_start
from graphdsl_runtime.training.watching import Watch

_AT_ONCE = 1 << 16  # rows whose mean and spread are found together, or fewer of many values
_VALUES = 1 << 24

if TYPE_CHECKING:
    from graphdsl_runtime.training.loop import Ending, Loop


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a run came to."""

    history: tuple[Epoch, ...]  #: of all epochs, those before a resumption included
    folder: Path  #: with ``last/``, mostly ``best/``, and ``metrics.csv``, once an epoch is done
    ending: Ending  #: after Ctrl-C, the checkpoint is that of the last whole epoch
    seconds: float  #: of this run alone

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return self.ending == "interrupted"

    @property
    def last(self) -> Epoch | None:
        """The last whole epoch; None if the first one was interrupted."""
        return self.history[-1] if self.history else None


def train(
    objective: Objective,
    data: TrainingData,
    settings: TrainingSettings = TrainingSettings(),  # noqa: B008  # it is frozen
    *,
    out: Path,
    resume: Path | None = None,
    force: bool = False,
    quiet: bool = False,
    command: Sequence[str] = (),
    spec: str = "",
    spec_hash: str = "",
    papers: Mapping[str, str] | None = None,
) -> Summary:
    """Train an objective on a data set, each player on its own loss.

    After every epoch ``out`` holds ``last/``, a checkpoint, and ``metrics.csv``, both whole, and
    ``best/``, the checkpoint of the lowest held-out loss, where the losses of epochs compare: not
    in a game, and not while weights move. A run that ``out`` holds is replaced by ``force`` alone.

    ``resume`` is a run's folder, a checkpoint in it, or a checkpoint file of an older version.
    Its epochs count from the very start: resuming at 2 of 4 does 2 more, and on a CPU comes to the
    bits that an unbroken run would. On Ctrl-C, and where the loss is no longer a number, the
    objective and the checkpoint are those of the last whole epoch. ``command`` is the words that
    began the run, for people to read how to go on; ``spec``, the text of the objective's spec, is
    kept in the checkpoints, and ``papers`` beside them, by name; ``spec_hash``, where given, must
    be that of the checkpoint; ``settings.seed`` does not reach the initial weights, which the
    objective came with. The objective is left where it was trained, in eval mode. Of several
    processes the first alone writes and prints.

    Unit: nats per row.
    Raises `Diverged`, `CannotResume`, `CannotWrite`, `RunExists`, `OutOfRange`, `WrongSettings`,
    `MissingExtra`, and what `fit_to` of the data does.
    Reference: Kingma and Ba 2015.
    """
    fitted = data.fit_to(objective.variables)
    rows = len(next(iter(fitted.train.values())))
    _fit_objective(objective, fitted.train, rows, settings)
    loop = _loop_of(objective, fitted, settings, out, resume, spec_hash)
    first = is_first_process()
    folder = RunFolder(out, resume=resume, force=force, papers=papers, spec=spec) if first else None
    batches = number_of_batches(rows, settings.batch_size, settings.devices * settings.nodes)
    began = time.monotonic()
    console = Console(stderr=True, quiet=quiet or not first)
    with Reporter(settings.epochs, len(loop.last.history), batches, console) as shown:
        watch = Watch(objective, min(settings.batch_size, rows))
        try:
            with _at_a_whole_epoch(objective, loop, folder, resume, command):
                ending = loop.run(_Keeper(folder, shown, watch))
        finally:
            watch.release()
    objective.eval()
    if ending == "interrupted":
        objective.load_state_dict(dict(loop.last.weights))
        _say_how_to_go_on(folder, resume, command)
    seconds = time.monotonic() - began
    return Summary(history=loop.last.history, folder=out, ending=ending, seconds=seconds)


def _fit_objective(
    objective: Objective, batch: Batch, rows: int, settings: TrainingSettings
) -> None:
    """Give an objective the number of training rows, its precision and the scales of the data."""
    objective.rows = rows
    if settings.precision == "64-true":
        objective.double()
    objective.standardise(_parts(batch, rows))


def _loop_of(
    objective: Objective,
    data: FittedData,
    settings: TrainingSettings,
    out: Path,
    resume: Path | None,
    spec_hash: str,
) -> Loop:
    """Check the settings, and load the weights and the state that the run begins with."""
    with train_extra():
        from graphdsl_runtime.training.loop import Loop

    terms = terms_of(objective, data)
    refuse_wrong_settings(objective, settings, terms)
    if settings.init is not None and resume is None:
        warm_start(objective, Path(settings.init))
    start = start_of(objective, terms, settings, resume, spec_hash)
    return Loop(objective, data, settings, start, spec_hash, make_loggers(settings, out))


@contextmanager
def _at_a_whole_epoch(
    objective: Objective,
    loop: Loop,
    folder: RunFolder | None,
    resume: Path | None,
    command: Sequence[str],
) -> Iterator[None]:
    """Leave the objective as the last whole epoch had it, whatever stops the run."""
    try:
        yield
    except BaseException as problem:
        objective.load_state_dict(dict(loop.last.weights))
        if isinstance(problem, Diverged):
            raise problem.going_on(_going_on(folder, resume, command)) from None
        if not isinstance(problem, Exception):  # SIGTERM, by whoever made an exception of it
            _say_how_to_go_on(folder, resume, command)
        raise


class _Keeper:
    """Puts every epoch on disk and on the screen."""

    def __init__(self, folder: RunFolder | None, reporter: Reporter, watch: Watch) -> None:
        self._folder, self._reporter, self._watch = folder, reporter, watch

    def batch_done(self) -> None:
        self._reporter.batch_done()

    def epoch_done(self, checkpoint: Checkpoint) -> None:
        if self._folder is not None:
            self._folder.save(checkpoint)
        self._reporter.epoch_done(checkpoint.history[-1])
        remarks = self._watch.remarks(checkpoint.history)
        if self._folder is not None:
            self._reporter.warn(remarks)


def _parts(batch: Batch, rows: int) -> Iterator[Batch]:
    """Give many rows some at a time, which may lie in a file that is larger than the memory."""
    width = sum(values[:1].numel() for values in batch.values())
    step = min(_AT_ONCE, max(1, _VALUES // max(1, width)))
    for start in range(0, rows, step):
        yield {name: values[start : start + step] for name, values in batch.items()}


def _going_on(folder: RunFolder | None, resume: Path | None, command: Sequence[str]) -> str:
    """The command that goes on with a run, or begins it again where nothing was saved."""
    place = folder.path if folder is not None and folder.epochs else resume
    return shlex.join([*command, *(["--resume", str(place)] if place else [])]) if command else ""


def _say_how_to_go_on(
    folder: RunFolder | None, resume: Path | None, command: Sequence[str]
) -> None:
    if folder is None:
        return
    name = visible(str(folder.path), keep="")
    kept = f"{name} holds epoch {folder.epochs}" if folder.epochs else "no epoch of it was complete"
    lines = [f"Stopped; {kept}."]
    if hint := _going_on(folder, resume, command):
        lines.append(f"To {'go on' if folder.epochs or resume else 'begin again'}: {visible(hint)}")
    console = Console(stderr=True)
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)
