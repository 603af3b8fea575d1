"""The guards against overflow: what a float is not trusted with is limited before it is computed.

Wherever the runtime takes the exponential of a log-variance, or of a difference of two, the
exponent goes through `capped` first. The cap is three quarters of the largest exponent of the
precision: 66.5 in float32 (a ratio of variances of 1e28), 532 in float64. What is squared, or
measured in units of a scale, goes through `bounded`, so that no square is above the same limit.
Up to it nothing changes, bit for bit; beyond, values stay finite and have no gradient.
"""

from __future__ import annotations

__all__ = ["bounded", "capped", "limit", "positive"]

import math

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)


def capped(exponent: Tensor) -> Tensor:
    r"""Limit an exponent to what its precision can raise e to, with room for a sum of many.

    .. math:: \min(x, \tfrac34 \log x_{\max})

    Shapes: ``(*) -> (*)``.  The identity up to the cap; without gradient above it.

    >>> capped(torch.tensor([-90.0, 60.0, 90.0]))
    tensor([-90.0000,  60.0000,  66.5421])
    """
    cap = 0.75 * math.log(torch.finfo(exponent.dtype).max)
    return F.hardtanh(exponent, torch.finfo(exponent.dtype).min, cap)  # clamp, in one pass back


def positive(logarithm: Tensor) -> Tensor:
    r"""Give the exponential, limited on both sides, so that its inverse is finite as well.

    Shapes: ``(*) -> (*)``.  Without gradient beyond the caps of `capped`.

    >>> positive(torch.tensor([0.0, -1000.0])).reciprocal().isfinite()
    tensor([True, True])
    """
    return torch.exp(capped(-capped(-logarithm)))


def bounded(distance: Tensor, power: int = 2) -> Tensor:
    r"""Limit a standardised distance to what can be raised to a power, with room for a sum of many.

    Shapes: ``(*) -> (*)``.  The identity within `limit`, and without gradient beyond.

    >>> bounded(torch.tensor([2.0, 1e30])), bounded(torch.tensor(1e30), power=1)
    (tensor([2.0000e+00, 2.8147e+14]), tensor(7.9228e+28))
    """
    most = limit(distance.dtype, power)
    return F.hardtanh(distance, -most, most)


def limit(dtype: torch.dtype, power: int = 2) -> float:
    r"""Give the largest distance that `bounded` lets through: to its power, the cap of `capped`.

    .. math:: x_{\max}^{3 / 4 k}

    >>> f"{limit(torch.float32):.4e}"
    '2.8147e+14'
    """
    return math.exp(0.75 / power * math.log(torch.finfo(dtype).max))
