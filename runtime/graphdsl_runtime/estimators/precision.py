"""What estimators compute in: no less than float32, and no number too large to be squared."""

from __future__ import annotations

__all__ = ["bounded", "limit", "widened"]

import math

import torch
from torch import Tensor


def bounded(distance: Tensor) -> Tensor:
    r"""Limit a standardised distance to what can be squared, with room for a sum of many.

    Shapes: ``(*) -> (*)``.  The identity within `limit`, and without gradient beyond.

    >>> bounded(torch.tensor([2.0, 1e30]))
    tensor([2.0000e+00, 2.8147e+14])
    """
    most = limit(distance.dtype)
    return distance.clamp(-most, most)


def limit(dtype: torch.dtype) -> float:
    r"""Give the largest distance that `bounded` lets through; its square is the cap of `capped`.

    .. math:: x_{\max}^{3/8}

    >>> f"{limit(torch.float32):.4e}"
    '2.8147e+14'
    """
    return math.exp(0.375 * math.log(torch.finfo(dtype).max))


def widened(tensor: Tensor) -> Tensor:
    """Give half-precision floats as float32, and anything else as it is.

    Shapes: ``(*) -> (*)``.  Differentiable.

    >>> widened(torch.zeros(1, dtype=torch.bfloat16)).dtype, widened(torch.zeros(1)).dtype
    (torch.float32, torch.float32)
    """
    return tensor.float() if tensor.dtype in {torch.bfloat16, torch.float16} else tensor
