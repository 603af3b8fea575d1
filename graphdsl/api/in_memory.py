"""Training on rows that are in memory: Adam for each player, and no files."""

from __future__ import annotations

__all__ = ["losses_of_epochs"]

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from graphdsl_runtime import Batch, Objective


def losses_of_epochs(
    objective: Objective, batch: Batch, *, epochs: int, batch_size: int, learning_rate: float
) -> Iterator[float]:
    """Train on the rows of a batch, and give the mean loss of each epoch, in nats per row.

    The generator of torch is the caller's to seed.
    """
    import torch

    from graphdsl_runtime import learn_edges
    from graphdsl_runtime.in_use.blocks import rows_in
    from graphdsl_runtime.structures import EDGE_RATE

    rows = rows_in(batch)
    objective.rows = rows
    objective.standardise(batch)
    objective.train()
    optimizers = {
        player: torch.optim.Adam(
            [one for one in own if one.requires_grad],
            lr=learning_rate * (EDGE_RATE if player == "structure" else 1.0),
        )
        for player, own in objective.parameter_groups().items()
    }
    each = max(1, rows // batch_size)  # the last one takes the rows that are left
    places = _orders(rows, batch_size, each, epochs)
    steps = learn_edges(
        objective,
        optimizers,
        ({name: one[here] for name, one in batch.items()} for here in places),
        each * epochs,
    )
    total = 0.0
    for step, losses in enumerate(steps, 1):
        total += losses.loss.item()
        if step % each == 0:
            yield total / each
            total = 0.0


def _orders(rows: int, size: int, each: int, epochs: int) -> Iterator[Tensor]:
    """Give the places of the rows of each step, in a new order for each epoch."""
    import torch

    for _ in range(epochs):
        order = torch.randperm(rows)
        for number in range(each):
            last = number == each - 1
            yield order[number * size : None if last else (number + 1) * size]
