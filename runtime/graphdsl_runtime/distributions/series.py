"""The logarithm of the gamma function beside Stirling's formula, without large differences."""

from __future__ import annotations

__all__ = ["log_gamma_beside_stirling", "log_rising"]

import math

import torch
from torch import Tensor

_FROM = 32.0  # from here on the series of log Gamma is exact in double precision


def log_rising(value: Tensor, r: Tensor) -> Tensor:
    r"""Give log Gamma(v + r) - log Gamma(r) - v log r, which goes to 0 as r grows.

    Shapes: ``(*)``, broadcasting; r is positive, and v at least 0.

    >>> log_rising(torch.tensor(2.0), torch.tensor([1.0, 100.0]))  # log (1 + 1 / r)
    tensor([0.6931, 0.0100])
    """
    low, high = r.clamp(max=_FROM), r.clamp(min=_FROM)
    small = torch.lgamma(value + low) - torch.lgamma(low) - value * torch.log(low)
    total = value + high
    large = (total - 0.5) * torch.log1p(value / high) - value + _series(total) - _series(high)
    return torch.where(r < _FROM, small, large)


def log_gamma_beside_stirling(x: Tensor) -> Tensor:
    r"""Give log Gamma(x) - x log x + x, which grows as a logarithm alone.

    Shapes: ``(*)``; x is positive.

    >>> log_gamma_beside_stirling(torch.tensor([1.0, 1e9]))
    tensor([ 1.0000, -9.4427])
    """
    low, high = x.clamp(max=_FROM), x.clamp(min=_FROM)
    small = torch.lgamma(low) - low * torch.log(low) + low
    large = 0.5 * (math.log(2.0 * math.pi) - torch.log(high)) + _series(high)
    return torch.where(x < _FROM, small, large)


def _series(x: Tensor) -> Tensor:
    """The terms of Stirling's series of log Gamma(x) that vanish with 1 / x."""
    inverse = 1.0 / x
    square = inverse.square()
    return inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)))
