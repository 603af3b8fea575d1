"""Whole batches sliced from tensors in memory: what a loader of single rows would do slowly."""

from __future__ import annotations

__all__ = ["Batches"]

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from graphdsl_runtime import Batch


@dataclass(frozen=True, slots=True, eq=False)
class Batches:
    """All rows, once, in a given order, in batches of as near the same size as can be.

    No batch is left with the few rows of a remainder: an estimator over a batch of one would be
    worth nothing.

    >>> import torch
    >>> rows = {"x": torch.arange(10.0)}
    >>> [batch["x"].tolist() for batch in Batches(rows, torch.arange(10), 4)]
    [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]
    """

    rows: Batch
    order: Tensor  #: a permutation of the rows
    batch_size: int  #: at most

    def __len__(self) -> int:
        return -(-len(self.order) // self.batch_size)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for chosen in self.order.tensor_split(len(self)):
            yield {name: values[chosen] for name, values in self.rows.items()}
