"""Differences of samples by their distances: energy distance and sliced Wasserstein."""

from __future__ import annotations

__all__ = ["energy_distance", "sliced_wasserstein"]

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime.errors import ShapeMismatch
from graphdsl_runtime.estimators.distances import off_diagonal, pooled, root, squared_distances


def energy_distance(x: Tensor, y: Tensor, unbiased: bool = True) -> Tensor:
    r"""Estimate the energy distance of two distributions from samples.

    .. math:: 2 E |x - y| - E |x - x'| - E |y - y'|

    with means over pairs of different rows, or, biased, over all pairs.

    Shapes: ``(B, *), (C, *) -> ()``.  Unit: that of x.  Memory: (B + C)^2 numbers.
    Relation: estimate. Of a squared distance, 0 only where the distributions are equal; unbiased,
    it may be negative.
    Bias: none; with ``unbiased=False`` upwards, by O(1/B).
    Raises `ShapeMismatch`, and `OutOfRange` for a sample of one row.
    Reference: Szekely and Rizzo 2013.

    >>> energy_distance(torch.tensor([[0.0], [1.0]]), torch.tensor([[4.0], [5.0]]))
    tensor(6.)
    """
    x, y = pooled(x, y, least=2 if unbiased else 1)
    within = _within(x, unbiased) + _within(y, unbiased)
    return 2.0 * root(squared_distances(x, y)).mean() - within


def sliced_wasserstein(
    x: Tensor, y: Tensor, directions: Tensor | None = None, count: int = 50
) -> Tensor:
    r"""Estimate the squared sliced Wasserstein-2 distance of two distributions from samples.

    .. math:: E_\theta\, W_2^2(\theta \cdot x, \theta \cdot y), \qquad
              W_2^2 = \frac1B \sum_b \bigl((\theta \cdot x)_{(b)} - (\theta \cdot y)_{(b)}\bigr)^2

    with :math:`\theta` uniform on the sphere and (b) the b-th smallest.

    Shapes: ``(B, *), (B, *) -> ()``.  Unit: that of x, squared.  Memory: B x K numbers.
    ``directions``, ``(D, K)``, are standard normal noise, drawn here where left out (then K is
    ``count``), and scaled to length 1.
    Relation: estimate. Unbiased in the directions, exact for the samples themselves.
    Bias: upwards; to 0 as the batch grows.
    Raises `ShapeMismatch` if the samples differ in shape or ``directions`` does not fit.
    Reference: Bonneel et al. 2015; Kolouri et al. 2019.

    >>> x = torch.tensor([[0.0], [1.0]])
    >>> sliced_wasserstein(x, x.flip(0) + 2.0)
    tensor(4.)
    """
    if x.shape != y.shape:
        raise ShapeMismatch("y", expected=x.shape, got=y.shape)
    x, y = pooled(x, y, least=1)
    if directions is None:
        directions = torch.randn(x.shape[1], count, dtype=x.dtype, device=x.device)
    if directions.ndim != 2 or directions.shape[0] != x.shape[1]:
        raise ShapeMismatch("directions", expected=(x.shape[1], "K"), got=directions.shape)
    with torch.autocast(x.device.type, enabled=False):
        directions = F.normalize(directions.to(x.dtype), dim=0)
        x, y = x @ directions, y @ directions
    return (x.sort(dim=0).values - y.sort(dim=0).values).square().mean()


def _within(x: Tensor, unbiased: bool) -> Tensor:
    """Average the distances within a sample; no row is away from itself, by no rounding error."""
    rows = x.shape[0]
    if rows < 2:
        return x.new_zeros(())
    total = root(off_diagonal(squared_distances(x, x))).sum()
    return total / (rows * (rows - 1) if unbiased else rows**2)
