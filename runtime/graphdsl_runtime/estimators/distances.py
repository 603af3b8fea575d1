"""Distances between the rows of samples: tables of B x B numbers, and nothing of B x B x D."""

from __future__ import annotations

__all__ = ["off_diagonal", "pooled", "root", "squared_distances"]

import torch
from torch import Tensor

from graphdsl_runtime.errors import OutOfRange, ShapeMismatch
from graphdsl_runtime.estimators.precision import widened
from graphdsl_runtime.ranks import gathered


def pooled(x: Tensor, y: Tensor, least: int = 2) -> tuple[Tensor, Tensor]:
    """Flatten two samples, of all ranks, to rows, and move both so that their mean is the origin.

    Shapes: ``(B, *), (C, *) -> (B, D), (C, D)``.
    Raises `ShapeMismatch` if their rows differ in shape, `OutOfRange` if one has too few.

    >>> pooled(torch.tensor([[1.0], [3.0]]), torch.tensor([[5.0], [7.0]]))[0].flatten()
    tensor([-3., -1.])
    """
    if x.shape[1:] != y.shape[1:]:
        raise ShapeMismatch("y", expected=("B", *x.shape[1:]), got=y.shape)
    x, y = gathered(x), gathered(y)
    if (fewest := min(x.shape[0], y.shape[0])) < least:
        raise OutOfRange("batch size", fewest, low=least, high=float("inf"))
    x, y = (widened(sample).reshape(sample.shape[0], -1) for sample in (x, y))
    # A distance does not feel a shift, and so neither does its gradient.
    shift = torch.cat([x, y]).mean(dim=0).detach()
    return x - shift, y - shift


def squared_distances(x: Tensor, y: Tensor) -> Tensor:
    r"""Measure every row from every other by one matrix product.

    .. math:: |x_b - y_c|^2 = |x_b|^2 + |y_c|^2 - 2 x_b \cdot y_c

    Shapes: ``(B, D), (C, D) -> (B, C)``.  The digits lost are those that `pooled` saves.

    >>> squared_distances(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]]))
    tensor([[25.]])
    """
    with torch.autocast(x.device.type, enabled=False):
        squares = x.square().sum(dim=1)[:, None] + y.square().sum(dim=1)
        # Where a rounding error or no distance is left, the gradient is 0.
        return torch.addmm(squares, x, y.T, alpha=-2.0).relu()


def root(squared: Tensor) -> Tensor:
    """Take square roots, with gradient 0 where there is no distance.

    >>> root(torch.tensor([0.0, 4.0]))
    tensor([0., 2.])
    """
    apart = squared > 0.0
    return torch.where(apart, torch.where(apart, squared, 1.0).sqrt(), 0.0)


def off_diagonal(table: Tensor) -> Tensor:
    """Leave out what a row has with itself: ``(B, B) -> (B - 1, B)``, in the order of storage.

    >>> off_diagonal(torch.arange(4.0).reshape(2, 2))
    tensor([[1., 2.]])
    """
    rows = table.shape[0]
    return table.flatten()[1:].reshape(rows - 1, rows + 1)[:, :-1]
