"""The one guard against overflow: an exponent above which a float is not trusted.

Wherever the runtime takes the exponential of a log-variance, or of a difference of two, the
exponent goes through `capped` first. The cap is three quarters of the largest exponent of the
precision: 66.5 in float32 (a ratio of variances of 1e28), 532 in float64. Up to it nothing changes,
bit for bit; above it an exponent counts as the cap, so that values and gradients stay finite.
"""

from __future__ import annotations

__all__ = ["capped"]

import math

import torch
from torch import Tensor


def capped(exponent: Tensor) -> Tensor:
    r"""Limit an exponent to what its precision can raise e to, with room for a sum of many.

    .. math:: \min(x, \tfrac34 \log x_{\max})

    Shapes: ``(*) -> (*)``.  The identity up to the cap; without gradient above it.

    >>> capped(torch.tensor([-90.0, 60.0, 90.0]))
    tensor([-90.0000,  60.0000,  66.5421])
    """
    return exponent.clamp(max=0.75 * math.log(torch.finfo(exponent.dtype).max))
