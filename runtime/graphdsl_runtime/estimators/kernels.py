r"""Differences and dependences of samples by kernels: MMD and HSIC.

A kernel is a function of the squared distance, of height 1, averaged over several widths:

.. math:: k_{rbf}(d^2) = \frac1S \sum_s e^{-d^2 / s h}, \qquad
          k_{imq}(d^2) = \frac1S \sum_s \frac{s h}{s h + d^2}.

The bandwidth h is a squared length; by default the median of the squared distances of all pairs, in
both samples together (Gretton et al. 2012, sec. 8), through which no gradient goes. Both kernels
are characteristic: the quantities are 0 only where the distributions are equal, the variables
independent. In nats they mean nothing; for a divergence or an information each is a surrogate.
"""

from __future__ import annotations

__all__ = ["Kernel", "hsic", "kernel_of", "median_of", "mmd", "mmd_between"]

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from graphdsl_runtime.errors import ShapeMismatch, UnknownName
from graphdsl_runtime.estimators.distances import off_diagonal, pooled, squared_distances
from graphdsl_runtime.holding import held
from graphdsl_runtime.ranks import gathered

Kernel: TypeAlias = Literal["rbf", "imq"]


def mmd(
    x: Tensor,
    y: Tensor,
    kernel: Kernel = "rbf",
    scales: Sequence[float] = (1.0,),
    bandwidth: Tensor | float | None = None,
    unbiased: bool = True,
) -> Tensor:
    r"""Estimate the squared maximum mean discrepancy of two distributions from samples.

    .. math:: \mathrm{MMD}^2 = E\, k(x, x') + E\, k(y, y') - 2 E\, k(x, y)

    with means over pairs of different rows, or, biased, over all pairs.

    Shapes: ``(B, *), (C, *) -> ()``.  Unit: 1 (a squared norm, at most 2).
    ``kernel``, ``scales`` s and ``bandwidth`` h as above. Means are over rows; nothing is divided
    by the dimension.  Memory: (B + C)^2 numbers.
    Relation: estimate. Of the squared discrepancy of the kernel; unbiased, it may be negative.
    Bias: none for a given bandwidth; with ``unbiased=False`` upwards, by at most 1/B + 1/C.
    Raises `ShapeMismatch`, `OutOfRange` for a sample of one row, and `UnknownName` for a kernel.
    Reference: Gretton et al. 2012.

    >>> x = torch.tensor([[0.0], [1.0]])
    >>> mmd(x, x + 9.0, bandwidth=1.0)
    tensor(0.7358)
    """
    x, y = pooled(x, y, least=2 if unbiased else 1)
    tables = squared_distances(x, x), squared_distances(y, y), squared_distances(x, y)
    own = [off_diagonal(table) if unbiased else table for table in tables[:2]]
    if bandwidth is None:
        # The tables of a sample with itself hold every pair twice.
        bandwidth = _median(*map(_others, tables[:2]), tables[2], tables[2])
    within_x, within_y, across = (
        kernel_of(kernel, squared, scales, bandwidth).mean() for squared in (*own, tables[2])
    )
    return within_x + within_y - 2.0 * across


def mmd_between(
    z: Tensor,
    member: Tensor,
    kernel: Kernel = "rbf",
    scales: Sequence[float] = (1.0,),
    bandwidth: Tensor | float | None = None,
) -> Tensor:
    r"""Estimate the squared maximum mean discrepancy between some rows of a batch and the others.

    .. math:: \mathrm{MMD}^2\bigl(q(z \mid s = 1),\, q(z \mid s = 0)\bigr)

    It is `mmd`, unbiased, of the two parts, whose sizes may change from batch to batch.

    Shapes: z ``(B, *)``, member of bools ``(B,)`` ``-> ()``.  Unit: 1.
    ``kernel``, ``scales`` and ``bandwidth`` as for `mmd`.  Memory: B^2 numbers.
    Relation: estimate. Of the squared discrepancy of the kernel; it may be negative. 0, with no
    gradient, where a part has fewer than two rows: such a batch says nothing.
    Bias: none for a given bandwidth.
    Raises `ShapeMismatch`, and `UnknownName` for a kernel.
    Reference: Gretton et al. 2012; Louizos et al. 2016 (VFAE); theory.md 2.22.

    >>> z = torch.tensor([[0.0], [9.0], [1.0], [10.0]])
    >>> mmd_between(z, torch.tensor([True, False, True, False]), bandwidth=1.0)
    tensor(0.7358)
    """
    if tuple(member.shape) != (z.shape[0],):
        raise ShapeMismatch("member", expected=(z.shape[0],), got=member.shape)
    z, _ = pooled(z, z, least=1)
    member, rows = gathered(member), z.shape[0]
    squared = squared_distances(z, z)
    if bandwidth is None:
        bandwidth = median_of(squared)
    own = torch.eye(rows, dtype=torch.bool, device=z.device)
    k = kernel_of(kernel, squared, scales, bandwidth).masked_fill(own, 0.0)
    first = member.to(k.dtype)
    parts = torch.stack([first, 1.0 - first])
    counts = parts.sum(dim=1)
    # Sums of the kernel from part to part: [[11, 10], [01, 00]].
    with torch.autocast(z.device.type, enabled=False):
        sums = parts @ k @ parts.T
    within = (sums.diagonal() / (counts * (counts - 1.0)).clamp(min=1.0)).sum()
    across = sums[0, 1] / counts.prod().clamp(min=1.0)
    return torch.where(counts.min() > 1.0, within - 2.0 * across, 0.0)


def hsic(
    x: Tensor,
    y: Tensor,
    kernel: Kernel = "rbf",
    scales: Sequence[float] = (1.0,),
    bandwidths: tuple[Tensor | float, Tensor | float] | None = None,
    unbiased: bool = True,
) -> Tensor:
    r"""Estimate the Hilbert-Schmidt independence criterion of two variables from pairs of them.

    .. math:: \mathrm{HSIC} = E\, k l + E\, k\, E\, l
              - 2 E_{x, y}\bigl[E_{x'} k(x, x')\, E_{y'} l(y, y')\bigr]

    the squared MMD of the joint from the product of the marginals, with the kernel k l.

    Shapes: ``(B, *), (B, *) -> ()``, row by row.  Unit: 1.
    ``kernel``, ``scales`` and the two ``bandwidths`` as above.  Memory: B^2 numbers.
    Relation: estimate. Of the criterion of the two kernels; unbiased, it may be negative.
    Bias: none for given bandwidths; with ``unbiased=False`` upwards, by O(1/B).
    Raises `ShapeMismatch`, `OutOfRange` below four rows (two where biased), and `UnknownName`.
    Reference: Gretton et al. 2005; Song et al. 2012 (unbiased).

    >>> x = torch.arange(5.0)[:, None]
    >>> hsic(x, x, bandwidths=(1.0, 1.0)) > hsic(x, x[[2, 0, 4, 1, 3]], bandwidths=(1.0, 1.0))
    tensor(True)
    """
    if x.shape[0] != y.shape[0]:
        raise ShapeMismatch("y", expected=(x.shape[0], *y.shape[1:]), got=y.shape)
    least = 4 if unbiased else 2
    tables = [squared_distances(*pooled(sample, sample, least)) for sample in (x, y)]
    widths = bandwidths or tuple(_median(_others(table)) for table in tables)
    k, l = (  # noqa: E741  (the reference's own letters)
        kernel_of(kernel, table, scales, width) for table, width in zip(tables, widths, strict=True)
    )
    return _hsic_unbiased(k, l) if unbiased else _hsic_biased(k, l)


def _hsic_biased(k: Tensor, l: Tensor) -> Tensor:  # noqa: E741
    """tr(K H L H) / (m - 1)^2: centring one of the two is enough."""
    centred = k - k.mean(dim=0) - k.mean(dim=1, keepdim=True) + k.mean()
    return (centred * l).sum() / (k.shape[0] - 1) ** 2


def _hsic_unbiased(k: Tensor, l: Tensor) -> Tensor:  # noqa: E741
    """Sum over rows that all differ; the kernels' diagonals count as 0."""
    m = k.shape[0]
    own = torch.eye(m, dtype=torch.bool, device=k.device)
    k, l = k.masked_fill(own, 0.0), l.masked_fill(own, 0.0)  # noqa: E741
    pairs = (k * l).sum()
    apart = k.sum() * l.sum() / ((m - 1) * (m - 2))
    shared = 2.0 / (m - 2) * (k.sum(dim=0) * l.sum(dim=0)).sum()
    return (pairs + apart - shared) / (m * (m - 3))


def _rbf(squared: Tensor, width: Tensor | float) -> Tensor:
    return torch.exp(-squared / width)


def _imq(squared: Tensor, width: Tensor | float) -> Tensor:
    return width / (width + squared)


_KERNELS: Mapping[str, Callable[[Tensor, Tensor | float], Tensor]] = {"imq": _imq, "rbf": _rbf}


def kernel_of(
    name: str, squared: Tensor, scales: Sequence[float], bandwidth: Tensor | float
) -> Tensor:
    """Give the kernel of squared distances, averaged over its widths."""
    if name not in _KERNELS:
        raise UnknownName("kernel", name, known=list(_KERNELS))
    total = torch.zeros_like(squared)
    for scale in scales:
        total = total + _KERNELS[name](squared, scale * bandwidth)
    return total / len(scales)


def median_of(squared: Tensor) -> Tensor:
    """Give the median of the squared distances of different rows, the default bandwidth."""
    return _median(_others(squared) if len(squared) > 1 else squared)


def _others(table: Tensor) -> Tensor:
    return off_diagonal(table) if table.shape[0] > 1 else table[:0]


def _median(*squared: Tensor) -> Tensor:
    """Give the median of all distances, and the smallest positive number for samples all alike."""
    middle = held(torch.cat([table.flatten() for table in squared]).detach().median())
    return middle.clamp(min=torch.finfo(middle.dtype).tiny)
