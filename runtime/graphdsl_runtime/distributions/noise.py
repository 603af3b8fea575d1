r"""Exact maps from standard normal noise to that of other distributions.

All noise in the runtime is drawn standard normal, for real-valued latents and for relaxed discrete
ones. The map through the normal's distribution function :math:`\Phi` and another's quantiles is
exact; written out in the logarithm of :math:`\Phi` it is safe in both tails, where the function
itself is 0 or 1 to the last digit. Half precisions are computed in float32.
"""

from __future__ import annotations

__all__ = ["gumbel_noise", "laplace_noise", "logistic_noise"]

import math

import torch
from torch import Tensor
from torch.special import erfcx, log_ndtr, ndtr

_HALF_PRECISIONS = (torch.bfloat16, torch.float16)


def laplace_noise(noise: Tensor) -> Tensor:
    r"""Turn standard normal noise into standard Laplace noise.

    .. math:: -\operatorname{sgn}(\epsilon) \log 2 \Phi(-|\epsilon|)

    Shapes: ``(*) -> (*)``.  Exact, tails included.

    >>> laplace_noise(torch.tensor([-1.0, 0.0, 9.0]))
    tensor([-1.1479,  0.0000, 42.9350])
    """
    # 2 Phi(-|e|) = 1 - erf(a) = exp(-a^2) erfcx(a): the first keeps the digits of a small a, the
    # second those of a large one.
    a = _single(noise).abs() * math.sqrt(0.5)
    near = -torch.log1p(-torch.erf(a.clamp(max=0.5)))
    far = a.square() - torch.log(erfcx(a))
    magnitude = torch.where(a < 0.5, near, far)
    return torch.copysign(magnitude, noise).to(noise.dtype)


def logistic_noise(noise: Tensor) -> Tensor:
    r"""Turn standard normal noise into standard logistic noise, the difference of two Gumbels.

    .. math:: \log \Phi(\epsilon) - \log \Phi(-\epsilon)

    Shapes: ``(*) -> (*)``.  Exact, tails included.

    >>> logistic_noise(torch.tensor([-1.0, 0.0, 9.0]))
    tensor([-1.6683,  0.0000, 43.6281])
    """
    normal = _single(noise)
    logistic: Tensor = log_ndtr(normal) - log_ndtr(-normal)
    return logistic.to(noise.dtype)


def gumbel_noise(noise: Tensor) -> Tensor:
    r"""Turn standard normal noise into standard Gumbel noise.

    .. math:: -\log\bigl(-\log \Phi(\epsilon)\bigr)

    Shapes: ``(*) -> (*)``.  Exact, tails included.

    >>> gumbel_noise(torch.tensor([-1.0, 0.0, 9.0]))
    tensor([-0.6103,  0.3665, 43.6281])
    """
    normal = _single(noise)
    left = -torch.log(-log_ndtr(normal.clamp(max=5.0)))
    # Far right, -log(1 - p) with p = Phi(-e) is p (1 + p/2), and p may be too small for a float.
    right = -log_ndtr(-normal) - 0.5 * ndtr(-normal)
    return torch.where(normal > 5.0, right, left).to(noise.dtype)


def _single(noise: Tensor) -> Tensor:
    return noise.float() if noise.dtype in _HALF_PRECISIONS else noise
