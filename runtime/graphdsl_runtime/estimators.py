r"""Estimators of information from a minibatch, each with its relation to what it stands for.

The aggregate posterior of a data set of N rows is the mixture

.. math:: q(z) = \frac1N \sum_{n=1}^{N} q(z \mid x_n).

A batch holds only some of its components; minibatch stratified sampling weights those so that the
mixture comes out right on average. It takes the density of every row's sample under every row's
posterior, ``B x B x M`` numbers: they are made and forgotten a few rows at a time.
"""

from __future__ import annotations

__all__ = [
    "RELATIONS",
    "Relation",
    "log_aggregate_mss",
    "total_correlation_mss",
]

import math
from collections.abc import Mapping
from typing import Literal, TypeAlias

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from graphdsl_runtime.distributions import Gaussian
from graphdsl_runtime.errors import OutOfRange, ShapeMismatch
from graphdsl_runtime.exponents import capped

#: How an emitted term stands to what it stands for, in the words of the audit.
Relation: TypeAlias = Literal["equal", "upper", "lower", "estimate", "saddle", "surrogate"]

#: Estimator -> its relation to the true value.
RELATIONS: Mapping[str, Relation] = {
    "log_aggregate_mss": "estimate",
    "total_correlation_mss": "estimate",
}

_LOG_2PI = math.log(2.0 * math.pi)
_CHUNK_BYTES = 2**20  # what stays in a core's cache; larger chunks measured slower
_LOG_TINY = -75.0  # below it a weight is nothing, and denormal numbers are ten times slower


def total_correlation_mss(
    z: Tensor, q: Gaussian, rows: int | None = None, chunk: int | None = None
) -> Tensor:
    r"""Estimate the total correlation of z's factors under the aggregate posterior.

    .. math:: \widehat{TC}
              = \frac1B \sum_b \Bigl[\log \hat q(z_b) - \sum_j \log \hat q(z_{bj})\Bigr]

    with the densities of `log_aggregate_mss`, which says what ``rows`` and ``chunk`` are.

    Shapes: z, a sample of q, and q itself ``(B, M)``, or ``(B, M, D)`` for M factors of D
    coordinates ``-> ()``.  Unit: nats.
    Relation: estimate. It is no bound: each logarithm of an unbiased density is too small on
    average (Jensen), and the difference of them errs either way; the bias goes to 0 as the batch
    grows, and is 0 where the batch is the whole data set.
    Raises `ShapeMismatch`, and `OutOfRange` as `log_aggregate_mss` does.
    Reference: Chen et al. 2018, appendix C.2.

    >>> z = torch.tensor([[-9.0, -9.0], [9.0, 9.0]])  # two far clusters: one bit is shared
    >>> total_correlation_mss(z, Gaussian.unit(z))
    tensor(0.6931)
    """
    joint, factors = log_aggregate_mss(z, q, rows, chunk)
    return (joint - factors.sum(dim=1)).mean()


def log_aggregate_mss(
    z: Tensor, q: Gaussian, rows: int | None = None, chunk: int | None = None
) -> tuple[Tensor, Tensor]:
    r"""Estimate the log-density of the aggregate posterior, of z whole and of each factor.

    .. math:: \hat q(z_b) = \frac1N q(z_b \mid x_b)
              + \frac{N - 1}{N (B - 1)} \sum_{c \ne b} q(z_b \mid x_c)

    and the same with :math:`z_{bj}` for :math:`z_b`. The sample's own row is one stratum, of weight
    1/N; the other rows of the batch stand for the other N - 1. (The reference gives one of these
    rows a weight of its own, by its place in the batch; this is the mean over all such places.)

    Shapes: z, a sample of q, and q itself ``(B, M)``, or ``(B, M, D)`` for M factors of D
    coordinates ``-> (B,), (B, M)``.  Unit: nats.
    ``rows`` is N, the rows of the data set; by default B, which makes the mixture exact.
    ``chunk`` is how many rows are done at a time; by default, as many as fit into 1 MiB.
    Relation: estimate. For a batch drawn without replacement the density is unbiased, given the
    sample and its row, and so its logarithm is too small on average (Jensen).
    Raises `ShapeMismatch` if z and q differ, and `OutOfRange` if N < B, or if B = 1 < N: one row
    says nothing of the others.
    Reference: Chen et al. 2018, appendix C.2.

    >>> joint, factors = log_aggregate_mss(torch.zeros(2, 3), Gaussian.unit(torch.zeros(2, 3)))
    >>> joint, factors.shape
    (tensor([-2.7568, -2.7568]), torch.Size([2, 3]))
    """
    batch = z.shape[0]
    rows = batch if rows is None else rows
    if not z.shape == q.mean.shape == q.log_var.shape:
        raise ShapeMismatch("z", expected=q.mean.shape, got=z.shape)
    if rows < batch:
        raise OutOfRange("rows", rows, low=batch, high=math.inf)
    if batch == 1 < rows:
        raise OutOfRange("batch size", batch, low=2, high=rows)
    by_factor = (batch, z.shape[1], -1)
    joint, factors = _MixtureDensities.apply(  # type: ignore[no-untyped-call]  # torch's own gap
        z.reshape(by_factor),
        q.mean.reshape(by_factor),
        q.log_var.reshape(by_factor),
        -math.log(rows),
        math.log((rows - 1) / (rows * (batch - 1))) if batch > 1 else 0.0,
        chunk or max(1, _CHUNK_BYTES // (z.numel() * z.element_size())),
    )
    return joint, factors


class _Context(FunctionCtx):
    """What the forward pass leaves to the backward one."""

    log_ratio: float
    chunk: int
    saved_tensors: tuple[Tensor, ...]


class _MixtureDensities(torch.autograd.Function):
    """Log-densities of the weighted mixture of all rows' posteriors, at every row's sample.

    Shapes: z, mean, log_var ``(B, M, D) -> (B,), (B, M)``. ``own`` and ``others`` are log-weights:
    of a sample's own row, and of every other. Nothing larger than ``chunk x B x M x D`` is
    allocated: the backward pass makes the densities of a chunk again rather than keep them.
    """

    @staticmethod
    def forward(
        ctx: _Context,
        z: Tensor,
        mean: Tensor,
        log_var: Tensor,
        own: float,
        others: float,
        chunk: int,
    ) -> tuple[Tensor, Tensor]:
        log_ratio = own - others
        if chunk >= z.shape[0] and z.shape[2] == 1:
            return _forward_at_once(ctx, z, mean, log_var, log_ratio, others)
        joint, factors = z.new_empty(z.shape[0]), z.new_empty(z.shape[:2])
        posteriors = _by_column(mean, log_var)
        for start in range(0, z.shape[0], chunk):
            here = slice(start, start + chunk)
            log_q = _log_densities(z[here], *posteriors)[-1]
            joint[here] = torch.logsumexp(_weigh_own(log_q.sum(1), start, log_ratio), dim=-1)
            # In place: torch.logsumexp would allocate twice more.
            highest = _weigh_own(log_q, start, log_ratio).amax(-1, keepdim=True)
            sums = log_q.sub_(highest).exp_().sum(-1)
            factors[here] = sums.log_().add_(highest.squeeze(-1))
        ctx.save_for_backward(z, mean, log_var, joint, factors)
        ctx.log_ratio, ctx.chunk = log_ratio, chunk
        return joint + others, factors + others

    @staticmethod
    def backward(
        ctx: _Context, grad_joint: Tensor, grad_factors: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, None, None, None]:
        if torch.is_grad_enabled():
            raise NotImplementedError("minibatch stratified sampling has no second derivative")
        if ctx.chunk == 0:
            return _backward_at_once(ctx, grad_joint, grad_factors)
        z, mean, log_var, joint, factors = ctx.saved_tensors
        grad_z, posteriors = torch.empty_like(z), _by_column(mean, log_var)
        grad_mean, grad_log_var = (torch.zeros_like(posteriors[0]) for _ in range(2))
        for start in range(0, z.shape[0], ctx.chunk):
            here = slice(start, start + ctx.chunk)
            distance, scaled, log_q = _log_densities(z[here], *posteriors)
            # d joint / d log_q and d factors / d log_q are the mixture's responsibilities.
            whole = _weigh_own(log_q.sum(1), start, ctx.log_ratio).sub_(joint[here, None]).exp_()
            parts = _weigh_own(log_q, start, ctx.log_ratio).sub_(factors[here, :, None]).exp_()
            whole.mul_(grad_joint[here, None])
            parts.mul_(grad_factors[here, :, None]).add_(whole[:, None])
            grad_log_q = parts[:, :, None]
            grad_log_var.sub_(grad_log_q.sum(0), alpha=0.5)
            scaled.mul_(grad_log_q)
            grad_z[here] = scaled.sum(-1).mul_(2.0)
            grad_mean.sub_(scaled.sum(0), alpha=2.0)
            grad_log_var.sub_(distance.mul_(scaled).sum(0))
        return grad_z, _by_row(grad_mean), _by_row(grad_log_var), None, None, None


def _forward_at_once(
    ctx: _Context, z: Tensor, mean: Tensor, log_var: Tensor, log_ratio: float, others: float
) -> tuple[Tensor, Tensor]:
    """The same for scalar factors where one chunk holds all rows: its tables are then kept."""
    z, mean, log_var = (tensor.squeeze(2).t().contiguous() for tensor in (z, mean, log_var))
    scale = torch.exp(capped(-log_var)).mul_(0.5).sqrt_()
    # In place wherever it can be: a new table costs more than the arithmetic on it.
    distance = torch.sub(z[..., None], mean[:, None]).mul_(scale[:, None])  # (M, B, B)
    log_q = distance.square()
    torch.sub((log_var + _LOG_2PI).mul_(-0.5)[:, None], log_q, out=log_q)
    table = _weigh_own(log_q.sum(0), 0, log_ratio)
    joint = torch.logsumexp(table, dim=-1)
    whole = table.sub_(joint[:, None]).clamp_(min=_LOG_TINY).exp_()
    _weigh_own(log_q.transpose(0, 1), 0, log_ratio)
    highest = log_q.amax(-1, keepdim=True)
    parts = log_q.sub_(highest).exp_()
    sums = parts.sum(-1)
    ctx.save_for_backward(z, mean, scale, distance, parts, sums, whole)
    ctx.log_ratio, ctx.chunk = log_ratio, 0
    return joint + others, sums.log().add_(highest.squeeze(-1)).add_(others).t()


def _backward_at_once(
    ctx: _Context, grad_joint: Tensor, grad_factors: Tensor
) -> tuple[Tensor, Tensor, Tensor, None, None, None]:
    """The gradients, from the kept tables: the mixture's responsibilities."""
    z, mean, scale, distance, parts, sums, whole = ctx.saved_tensors
    whole = (whole * grad_joint[:, None]).expand_as(parts)
    grad_log_q = torch.addcmul(whole, parts, (grad_factors.t() / sums)[..., None])
    # log q = -distance^2 - log_var / 2 + const, with distance = scale (z - mean).
    ones = torch.ones_like(z)
    total = torch.bmm(ones[:, None], grad_log_q).squeeze(1)
    pull = grad_log_q.mul_(distance)
    grad_z = torch.bmm(pull, scale[..., None]).squeeze(2).mul_(-2.0)
    pulls, moments = torch.bmm(torch.stack((ones, z), dim=1), pull).unbind(1)
    grad_mean = (pulls * scale).mul_(2.0)
    grad_log_var = torch.addcmul(moments, mean, pulls, value=-1.0).mul_(scale)
    grad_log_var.sub_(total, alpha=0.5)
    by_row = (grad.t()[..., None] for grad in (grad_z, grad_mean, grad_log_var))
    return *by_row, None, None, None  # type: ignore[return-value]  # three gradients, as stacked


def _by_column(mean: Tensor, log_var: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Give mean, -precision/2 and log-normaliser of all rows, ``(M, D, B)``: rows last."""
    # The rows to sum over then lie side by side in memory.
    mean, log_var = (tensor.permute(1, 2, 0).contiguous() for tensor in (mean, log_var))
    return mean, -0.5 * torch.exp(capped(-log_var)), -0.5 * (log_var + _LOG_2PI)


def _by_row(gradient: Tensor) -> Tensor:
    return gradient.permute(2, 0, 1)


def _log_densities(
    z: Tensor, mean: Tensor, half_precision: Tensor, log_normaliser: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Give z - mean, the same times -precision/2, ``(b, M, D, B)``, and log q ``(b, M, B)``."""
    distance = z[..., None] - mean
    scaled = distance * half_precision
    log_q = torch.addcmul(log_normaliser, distance, scaled)
    return distance, scaled, log_q.squeeze(2) if log_q.shape[2] == 1 else log_q.sum(2)


def _weigh_own(log_q: Tensor, start: int, log_ratio: float) -> Tensor:
    """Add, in place, what the weight of a sample's own row has over that of the others."""
    if log_ratio:
        log_q.diagonal(start, 0, -1).add_(log_ratio)
    return log_q
