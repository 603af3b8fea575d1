"""Whole batches sliced from tensors in memory: what a loader of single rows would do slowly."""

from __future__ import annotations

__all__ = ["Batches", "Share", "number_of_batches"]

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.utils.data import Dataset

from graphdsl_runtime import Batch


@dataclass(frozen=True, slots=True)
class Share:
    """The part of each batch that one of several processes takes: as many rows as every other."""

    rank: int = 0
    of: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Batches(Dataset[dict[str, Tensor]]):
    """All rows, once, in a given order, in batches of as near the same size as can be.

    No batch is left with the few rows of a remainder: an estimator over a batch of one would be
    worth nothing. Each of W processes takes a W-th of every batch; at most W - 1 rows of an epoch,
    the last of its order, are left out then.

    >>> rows = {"x": torch.arange(10.0)}
    >>> [batch["x"].tolist() for batch in Batches(rows, torch.arange(10), 4)]
    [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]
    >>> half = Batches(rows, torch.arange(10), 4, Share(rank=1, of=2))
    >>> [batch["x"].tolist() for batch in half]
    [[2.0, 3.0], [6.0, 7.0], [9.0]]
    """

    rows: Batch
    order: Tensor  #: a permutation of the rows
    batch_size: int  #: at most, of all processes together
    share: Share = Share()

    def on(self, device: torch.device) -> Batches:
        """Give the same batches of rows that lie on a device."""
        return replace(self, order=self.order.to(device))

    def __len__(self) -> int:
        return number_of_batches(len(self.order), self.batch_size, self.share.of)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for number in range(len(self)):
            yield self[number]

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        """Give this process's rows of a batch, by the batch's number."""
        units = len(self.order) // self.share.of
        each, more = divmod(units, len(self))
        start, size = number * each + min(number, more), each + (number < more)
        first = start * self.share.of + self.share.rank * size
        chosen = self.order[first : first + size]
        return {name: values[chosen] for name, values in self.rows.items()}


def number_of_batches(rows: int, batch_size: int, processes: int = 1) -> int:
    """Say how many batches an epoch has.

    >>> number_of_batches(10, 4), number_of_batches(10, 4, processes=2)
    (3, 3)
    """
    units, most = rows // processes, max(1, batch_size // processes)  # rows of each process
    return max(1, -(-units // most))
