"""What estimators compute in: no less than float32, and no number too large to be squared."""

from __future__ import annotations

__all__ = ["bounded", "widened"]

import math

import torch
from torch import Tensor


def bounded(distance: Tensor) -> Tensor:
    r"""Limit a standardised distance to what can be squared, with room for a sum of many.

    .. math:: \pm x_{\max}^{3/8}

    Shapes: ``(*) -> (*)``.  The identity within; the square is the cap of `capped`.

    >>> bounded(torch.tensor([2.0, 1e30]))
    tensor([2.0000e+00, 2.8147e+14])
    """
    limit = math.exp(0.375 * math.log(torch.finfo(distance.dtype).max))
    return distance.clamp(-limit, limit)


def widened(tensor: Tensor) -> Tensor:
    """Give half-precision floats as float32, and anything else as it is.

    Shapes: ``(*) -> (*)``.  Differentiable.

    >>> widened(torch.zeros(1, dtype=torch.bfloat16)).dtype, widened(torch.zeros(1)).dtype
    (torch.float32, torch.float32)
    """
    return tensor.float() if tensor.dtype in {torch.bfloat16, torch.float16} else tensor
