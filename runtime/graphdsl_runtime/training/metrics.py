"""What every epoch cost, term by term."""

from __future__ import annotations

__all__ = ["Epoch", "Mean", "metrics_table"]

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from graphdsl_runtime import Losses, mean_over_ranks


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """The loss and its terms after an epoch; means over rows, in nats; ``loss`` comes first."""

    number: int  #: from 1
    train: Mapping[str, float]  #: over the epoch, while the weights changed
    held_out: Mapping[str, float]  #: at its end


class Mean:
    """The mean over rows of the losses of several batches.

    >>> mean = Mean()
    >>> for rows, loss in ((30, 1.0), (10, 5.0)):
    ...     mean.add(Losses(torch.tensor(loss), terms={"rate_z": torch.tensor(loss)}), rows)
    >>> mean.values()
    {'loss': 2.0, 'rate_z': 2.0}
    """

    def __init__(self) -> None:
        self._rows = 0
        self._sums: dict[str, Tensor] = {}

    def add(self, losses: Losses, rows: int) -> None:
        """Add a batch; nothing is copied from an accelerator yet."""
        self._rows += rows
        for name, value in (("loss", losses.loss), *losses.terms.items()):
            so_far = self._sums.get(name, torch.zeros((), dtype=torch.float64))
            # The sum goes where the terms are; in float64, for MNIST has 60,000 rows.
            self._sums[name] = so_far.to(value.device) + rows * value.detach().double()

    def over_ranks(self) -> Mean:
        """Give the mean over the rows of all processes, of which each has as many."""
        whole = Mean()
        whole._rows = self._rows
        whole._sums = {name: mean_over_ranks(total) for name, total in self._sums.items()}
        return whole

    def values(self) -> dict[str, float]:
        """Give the means so far."""
        return {name: float(total) / self._rows for name, total in self._sums.items()}


def metrics_table(history: Sequence[Epoch]) -> str:
    r"""Give a table as CSV: a row per epoch, a column per mean, those of training first.

    Unit: nats, in full precision.

    >>> metrics_table([Epoch(number=1, train={"loss": 2.5}, held_out={"loss": 2.0})])
    'epoch,train/loss,held_out/loss\n1,2.5,2.0\n'
    """
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    for epoch in history[:1]:
        columns = [f"train/{name}" for name in epoch.train]
        rows.writerow(["epoch", *columns, *(f"held_out/{name}" for name in epoch.held_out)])
    for epoch in history:
        rows.writerow([epoch.number, *epoch.train.values(), *epoch.held_out.values()])
    return table.getvalue()
