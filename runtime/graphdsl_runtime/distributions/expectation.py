"""Expectations: the mean over the rows of a batch, and divergences that only samples can tell."""

from __future__ import annotations

__all__ = ["HALF", "expect", "monte_carlo_kl", "sum_beyond"]

from typing import Protocol

import torch
from torch import Tensor

#: As autocast leaves numbers: too coarse to add up in.
HALF = (torch.bfloat16, torch.float16)


class _Density(Protocol):
    """What has a log-density, of every component or of every row."""

    def log_prob(self, value: Tensor, /) -> Tensor: ...


def expect(nats: Tensor, seen: Tensor | None = None) -> Tensor:
    r"""Average over the rows of a batch what adds up over everything else.

    .. math:: \frac1B \sum_{b=1}^{B} \sum_{j} \text{nats}_{bj}

    Of a view that rows may lack, the sum is over the rows that have it, and the mean over all: it
    is a share of the mean of every row's own bound (theory.md P21). What was not seen leaves no
    trace.

    Shapes: ``(B, *) -> ()``; ``seen`` is a bool ``(B,)`` or ``(B, N)``, and broadcasts over the
    trailing axes.  Unit: that of its argument (nats).
    Accumulated in float32 at least.
    Exact mean of the rows at hand; an unbiased estimate of the expectation over their distribution.

    >>> import torch
    >>> expect(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    >>> expect(torch.tensor([[1.0, 2.0], [torch.nan, 4.0]]), torch.tensor([True, False]))
    tensor(1.5000)
    """
    if nats.dtype in HALF:  # as autocast leaves them: a sum over pixels and rows would be coarse
        nats = nats.float()
    if seen is not None:
        if nats.ndim > seen.ndim:  # one number per view: what masks it is small, forward and back
            nats = nats.flatten(seen.ndim).sum(dim=-1)
        nats = torch.where(seen, nats, 0.0)
    return nats.sum() / nats.shape[0]


def monte_carlo_kl(q: _Density, p: _Density, z: Tensor) -> Tensor:
    r"""Estimate KL(q || p) from one sample of q: for pairs with no closed form.

    .. math:: \log q(z) - \log p(z), \qquad z \sim q

    Shapes: z ``(B, *) -> (B, *)``, broadcasting, or ``-> (B,)`` where q or p is a `Mixture`.
    Unit: nats.
    Relation: estimate. One sample may be negative; its variance is that of the log-ratio.
    Bias: none.
    Where z is a differentiable sample, so is the gradient unbiased; where it is none (a discrete
    q), only the gradient in p is.
    Reference: Hershey and Olsen 2007.

    >>> import torch
    >>> from graphdsl_runtime import Gaussian, standard_laplace
    >>> monte_carlo_kl(Gaussian.unit(torch.zeros(1)), standard_laplace, torch.ones(1))
    tensor([0.2742])
    """
    log_q, log_p = q.log_prob(z), p.log_prob(z)
    axes = min(log_q.ndim, log_p.ndim)
    return sum_beyond(log_q, axes) - sum_beyond(log_p, axes)


def sum_beyond(nats: Tensor, axes: int) -> Tensor:
    """Sum over all axes but the first few."""
    return nats.flatten(axes).sum(dim=axes) if nats.ndim > axes else nats
