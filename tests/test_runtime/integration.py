"""Expectations by brute force: quadrature on a line with kinks, and sums over counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

_NODES, _WEIGHTS = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(40))


def integral(
    of: Callable[[Tensor], Tensor], kinks: Sequence[Tensor], reach: float = 60.0
) -> Tensor:
    """Integrate elementwise over the line: Gauss-Legendre on panels that end at the kinks.

    ``of`` takes values with points ahead of the shape of the kinks: ``(P, *) -> (P, *)``.
    """
    low, high = torch.stack(list(kinks)).amin(0) - reach, torch.stack(list(kinks)).amax(0) + reach
    ends = [low, *torch.sort(torch.stack(list(kinks)), dim=0).values, high]
    total = torch.zeros_like(low)
    for left, right in pairwise(ends):
        edges = (
            left
            + (right - left)
            * torch.linspace(0, 1, 201, dtype=torch.float64)[:, *(None,) * low.ndim]
        )
        half, middle = (edges[1:] - edges[:-1]) / 2, (edges[1:] + edges[:-1]) / 2
        at = middle + half * _NODES[:, *(None,) * middle.ndim]  # (nodes, panels, *)
        values = of(at.flatten(0, 1)).reshape(at.shape)
        weights = _WEIGHTS[:, *(None,) * middle.ndim]
        total = total + (weights * values * half).sum(dim=(0, 1))
    return total


def mean_of_counts(log_prob: Callable[[Tensor], Tensor], of: Callable[[Tensor], Tensor]) -> Tensor:
    """Sum over the counts 0 to 299, elementwise: ``(C, 1) -> (C, D)``."""
    counts = torch.arange(300, dtype=torch.float64)[:, None]
    return (log_prob(counts).exp() * of(counts)).sum(dim=0)
