"""A run's folder: what it holds, when it may be written, and where a run goes on from.

``last/`` is the checkpoint of the last epoch, ``best/`` the one of the lowest held-out loss,
``metrics.csv`` has a row per epoch; beside them are the papers that the caller gave. Nothing is
written before an epoch came to its end, and all of it is replaced whole.
"""

from __future__ import annotations

__all__ = ["RunFolder", "complete_table", "find_checkpoint", "numbered", "run_of"]

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from graphdsl_files import present, visible, write_folder, write_whole
from graphdsl_runtime.training.checkpoint import Checkpoint
from graphdsl_runtime.training.errors import CannotResume, CannotWrite, RunExists
from graphdsl_runtime.training.metrics import metrics_table

_LAST, _BEST, _METRICS, _OLDER = "last", "best", "metrics.csv", "last.ckpt"
#: What a run leaves beside its checkpoints, and what is no longer true of the next one.
_REMAINS = (_OLDER, "data.json", "pictures.png", "structure.mib")


class RunFolder:
    """The folder that a run writes, from the first epoch that comes to its end.

    Raises `RunExists` if it holds a run and neither ``force`` nor ``resume``, a checkpoint in it,
    says that it may go; and `CannotWrite`.
    """

    def __init__(
        self,
        path: Path,
        *,
        resume: Path | None = None,
        force: bool = False,
        papers: Mapping[str, str] | None = None,
        spec: str = "",
    ) -> None:
        self.path = path
        self.last, self.metrics = path / _LAST, path / _METRICS
        self.epochs = 0  #: that were saved here
        self._papers, self._spec = dict(papers or {}), spec
        self._goes_on = resume is not None and _is_in(resume, path)
        self._replaces = force and not self._goes_on
        if _holds_run(path) and not (force or self._goes_on):
            raise RunExists(path)
        with _refused(path):
            path.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=path):  # an hour of training later is late to hear of it
                pass

    def save(self, checkpoint: Checkpoint) -> None:
        """Write an epoch: after it, the folder is of that epoch, and never of half of one.

        Raises `CannotWrite`; then the epoch before is there still.
        """
        with _refused(self.path):
            if not self.epochs:
                self._begin(checkpoint)
            files = checkpoint.files(self._spec)
            number = len(checkpoint.history)
            if checkpoint.best == number:
                write_folder(self.path / _BEST, files)  # first: one that is ahead can be recognised
            write_folder(self.last, files)
            write_whole(self.metrics, metrics_table(checkpoint.history).encode("utf-8"))
            self.epochs = number

    def leave(self) -> None:
        """Remove the folder again if nothing was saved in it."""
        try:
            self.path.rmdir()
        except OSError:  # it is not empty, or not there
            pass

    def _begin(self, checkpoint: Checkpoint) -> None:
        """Put away what is of another run, and write what is of all epochs of this one."""
        if self._replaces:
            for name in _REMAINS:
                (self.path / name).unlink(missing_ok=True)
        best = present(self.path / _BEST)
        if best.is_dir() and not (self._goes_on and _is_earlier(best, checkpoint)):
            shutil.rmtree(best)
        for name, text in self._papers.items():
            write_whole(self.path / name, text.encode("utf-8"))


def complete_table(place: Path, checkpoint: Checkpoint) -> None:
    """Write the table of a run that was killed between its last checkpoint and its table.

    Raises `CannotWrite`.
    """
    last = Path(os.path.realpath(place))
    if last.name != _LAST:
        return
    table = metrics_table(checkpoint.history).encode("utf-8")
    metrics = last.parent / _METRICS
    with _refused(last.parent):
        if not metrics.is_file() or metrics.read_bytes() != table:
            write_whole(metrics, table)


def numbered(folder: Path) -> Path:
    """Make a folder for a run, named by the first number that is free.  Raises `CannotWrite`.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     [numbered(Path(place) / "vae").name for _ in range(3)]
    ['0001', '0002', '0003']
    """
    with _refused(folder):
        folder.mkdir(parents=True, exist_ok=True)
        taken = [int(one.name) for one in folder.iterdir() if one.name.isdecimal()]
        number = max(taken, default=0)
        while True:
            number += 1
            try:
                (folder / f"{number:04d}").mkdir()
            except FileExistsError:  # another run was faster
                continue
            return folder / f"{number:04d}"


def find_checkpoint(place: Path) -> Path:
    """Find where to go on from: in a run's folder, a checkpoint, or a file of an older version.

    Raises `CannotResume`.
    """
    try:
        for run in _checkpoints_of(place):
            return run
        why = _what_it_is(place)
    except (OSError, ValueError) as problem:
        why = (getattr(problem, "strerror", None) or str(problem)).lower()
    if why:
        raise CannotResume(place, why)
    return place


def run_of(place: Path) -> Path | None:
    """Find the folder of the run that `find_checkpoint` finds a checkpoint of, if it is in one."""
    checkpoint = find_checkpoint(place)
    if checkpoint != place:
        return place
    inside = Path(os.path.realpath(place))
    return inside.parent if inside.name in {_LAST, _BEST, _OLDER} else None


def _checkpoints_of(run: Path) -> Iterator[Path]:
    """The checkpoints in a run's folder that a run can go on from, the best to do so first."""
    if present(run / _LAST).is_dir():
        yield run / _LAST
    if (run / _OLDER).is_file():
        yield run / _OLDER


def _what_it_is(place: Path) -> str:
    """Say what a place is that is neither a checkpoint nor a file that may be one."""
    folder = present(place)
    if folder.is_dir():
        holds = (folder / "state.json").is_file()
        return "" if holds else f"it is a folder that holds no run: there is no `{_LAST}` in it"
    if not os.path.lexists(place):
        return "there is no such file or folder"
    if not place.is_file():
        return "it is neither a file nor a folder"
    if (place.parent / "state.json").is_file():
        return f"it is a part of a checkpoint: the folder {visible(str(place.parent), keep='')}"
    return ""


def _holds_run(path: Path) -> bool:
    """Whether a run has come to the end of an epoch: `best/` alone is of one that was killed."""
    names = (present(path / _LAST).name, _METRICS, _OLDER)
    return any(os.path.lexists(path / name) for name in names)


def _is_in(place: Path, folder: Path) -> bool:
    own = Path(os.path.realpath(folder))
    return own in (Path(os.path.realpath(place)), Path(os.path.realpath(place)).parent)


def _is_earlier(best: Path, checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint is of an epoch of the same run, and the best of it so far."""
    try:
        history = Checkpoint.load(best).history
    except CannotResume:
        return False
    return history == checkpoint.history[: len(history)] and checkpoint.best == len(history)


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise CannotWrite(path, (problem.strerror or str(problem)).lower()) from None
