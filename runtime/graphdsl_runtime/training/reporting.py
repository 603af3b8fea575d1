"""What a run shows while it runs: a bar, and a line per epoch."""

from __future__ import annotations

__all__ = ["Reporter", "describe_epoch"]

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from graphdsl_runtime.training.metrics import Epoch
from graphdsl_runtime.training.watching import Remark


class Reporter:
    """A progress bar over the epochs to come, with a line above it for each that is done."""

    def __init__(self, epochs: int, done: int, batches: int, console: Console) -> None:
        self._batches = batches
        self._epochs = epochs
        self._bar = Progress(
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=console.quiet,
            transient=True,
        )
        self._task = self._bar.add_task("train", total=epochs, completed=done)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def batch_done(self) -> None:
        """Move the bar on by a batch."""
        self._bar.advance(self._task, 1 / self._batches)

    def epoch_done(self, epoch: Epoch) -> None:
        """Print the epoch's line, and put the bar where it belongs."""
        self._bar.update(self._task, completed=epoch.number)
        self._bar.console.print(describe_epoch(epoch, self._epochs), soft_wrap=True, markup=False)

    def warn(self, remarks: Sequence[Remark]) -> None:
        """Print warnings, above the bar where there is one."""
        quiet = self._bar.console.quiet
        console = Console(stderr=True) if quiet else self._bar.console
        for remark in remarks:
            console.print(f"warning: {remark}", soft_wrap=True, markup=False, highlight=False)


def describe_epoch(epoch: Epoch, epochs: int) -> str:
    """Put an epoch on a line: the loss, that of the held-out rows, and the terms while training.

    >>> means = {"loss": 35.1234, "rate_z": 6.5}
    >>> print(describe_epoch(Epoch(number=7, train=means, held_out=means), 150))
    epoch   7  loss 35.12, held out 35.12 nats  |  rate_z 6.50
    """
    terms = [f"{name} {value:.2f}" for name, value in epoch.train.items() if name != "loss"]
    loss = f"loss {epoch.train['loss']:.2f}, held out {epoch.held_out['loss']:.2f} nats"
    return f"epoch {epoch.number:>{len(str(epochs))}}  {loss}  |  {'  '.join(terms)}"
