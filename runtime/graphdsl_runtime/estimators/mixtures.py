r"""Log-densities of a batch's mixture of posteriors at its own samples, streamed.

Estimators of the aggregate posterior

.. math:: q(z) = \frac1N \sum_{n=1}^{N} q(z \mid x_n)

take the density of every row's sample under every row's posterior, ``B x B x M`` numbers: they are
made and forgotten a few rows at a time, forward and backward.
"""

from __future__ import annotations

__all__ = ["log_sums", "require_posterior"]

import math

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime.distributions import Gaussian
from graphdsl_runtime.errors import ShapeMismatch
from graphdsl_runtime.estimators.fused import fused_for
from graphdsl_runtime.estimators.precision import widened
from graphdsl_runtime.exponents import bounded, capped, limit
from graphdsl_runtime.ranks import first_row, gathered

_LOG_2PI = math.log(2.0 * math.pi)
_CHUNK_BYTES = 2**20  # what stays in a core's cache; larger chunks measured slower
_TINY = 3e-33  # just above exp(_LOG_TINY)
_LOG_TINY = -75.0  # below it a weight is nothing, and denormal numbers are ten times slower


def log_sums(
    z: Tensor,
    q: Gaussian,
    own_joint: float = 0.0,
    own_factors: float = 0.0,
    chunk: int | None = None,
) -> tuple[Tensor, Tensor]:
    r"""Add up the densities of all rows' posteriors at every row's sample.

    .. math:: \log \Bigl[ e^{w} q(z_b \mid x_b) + \sum_{c \ne b} q(z_b \mid x_c) \Bigr]

    and the same with :math:`z_{bj}` for :math:`z_b`. The log-weight w of a sample's own row is
    ``own_joint`` for z whole and ``own_factors`` for its factors: 0 leaves the row in as it is, and
    minus infinity leaves it out.

    Shapes: z, a sample of q, and q itself ``(B, M)``, or ``(B, M, D)`` for M factors of D
    coordinates ``-> (B,), (B, M)``.  Unit: nats.  Exact, and its gradient too.
    ``chunk`` is how many rows are done at a time; by default, as many as fit into 1 MiB.
    On several ranks the sums are over the rows of all of them.
    Raises `ShapeMismatch` if z and q differ.

    >>> log_sums(torch.zeros(2, 3), Gaussian.unit(torch.zeros(2, 3)))[0]
    tensor([-2.0637, -2.0637])
    """
    require_posterior(z, q)
    by_factor = (*z.shape[:2], -1)
    z, mean, log_var = (widened(tensor).reshape(by_factor) for tensor in (z, q.mean, q.log_var))
    mean, log_var, first = gathered(mean), gathered(log_var), first_row(z.shape[0])
    if fused := fused_for(z):
        return fused(z, mean, log_var, own_joint, own_factors, first)
    joint, factors = _MixtureDensities.apply(  # type: ignore[no-untyped-call]  # torch's own gap
        z,
        mean,
        log_var,
        own_joint,
        own_factors,
        chunk or max(1, _CHUNK_BYTES // (mean.numel() * mean.element_size())),
        first,
    )
    return joint, factors


def require_posterior(z: Tensor, q: Gaussian) -> None:
    """Refuse a z that is no sample of q, one for one; raises `ShapeMismatch`."""
    if not z.shape == q.mean.shape == q.log_var.shape:
        raise ShapeMismatch("z", expected=q.mean.shape, got=z.shape)


class _Context(FunctionCtx):
    """What the forward pass leaves to the backward one."""

    own: tuple[float, float]
    chunk: int
    first: int
    saved_tensors: tuple[Tensor, ...]


class _MixtureDensities(torch.autograd.Function):
    """Log-densities of the weighted mixture of all rows' posteriors, at every row's sample.

    Shapes: z ``(b, M, D)``, mean and log_var ``(B, M, D) -> (b,), (b, M)``; the posteriors of z's
    own rows are the b from ``first`` on. The log-weights of a sample's own row are those of
    `log_sums`. Nothing larger than ``chunk x B x M x D`` is allocated: the backward pass makes the
    densities of a chunk again rather than keep them.
    """

    @staticmethod
    def forward(
        ctx: _Context,
        z: Tensor,
        mean: Tensor,
        log_var: Tensor,
        own_joint: float,
        own_factors: float,
        chunk: int,
        first: int,
    ) -> tuple[Tensor, Tensor]:
        ctx.own, ctx.first = (own_joint, own_factors), first
        if chunk >= z.shape[0] and z.shape[2] == 1:
            return _forward_at_once(ctx, z, mean, log_var)
        joint, factors = z.new_empty(z.shape[0]), z.new_empty(z.shape[:2])
        posteriors = _by_column(mean, log_var)
        for start in range(0, z.shape[0], chunk):
            here = slice(start, start + chunk)
            log_q = _log_densities(z[here], *posteriors, own_factors)[1]
            own = first + start
            joint[here] = torch.logsumexp(_weigh_own(log_q.sum(1), own, own_joint), dim=-1)
            # In place: torch.logsumexp would allocate twice more.
            highest = _weigh_own(log_q, own, own_factors).amax(-1, keepdim=True)
            sums = log_q.sub_(highest).exp_().sum(-1)
            factors[here] = sums.log_().add_(highest.squeeze(-1))
        ctx.save_for_backward(z, mean, log_var, joint, factors)
        ctx.chunk = chunk
        return joint, factors

    @staticmethod
    def backward(
        ctx: _Context, grad_joint: Tensor, grad_factors: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, None, None, None, None]:
        if torch.is_grad_enabled():
            raise NotImplementedError(
                "densities of the aggregate posterior have no second derivative"
            )
        if ctx.chunk == 0:
            return _backward_at_once(ctx, grad_joint, grad_factors)
        z, mean, log_var, joint, factors = ctx.saved_tensors
        own_joint, own_factors = ctx.own
        grad_z, posteriors = torch.empty_like(z), _by_column(mean, log_var)
        scale = posteriors[1]
        grad_mean, grad_log_var = (torch.zeros_like(posteriors[0]) for _ in range(2))
        for start in range(0, z.shape[0], ctx.chunk):
            here = slice(start, start + ctx.chunk)
            own = ctx.first + start
            distance, log_q = _log_densities(z[here], *posteriors, own_factors)
            # d joint / d log_q and d factors / d log_q are the mixture's responsibilities.
            whole = _weigh_own(log_q.sum(1), own, own_joint).sub_(joint[here, None]).exp_()
            parts = _weigh_own(log_q, own, own_factors).sub_(factors[here, :, None]).exp_()
            whole.mul_(grad_joint[here, None])
            parts.mul_(grad_factors[here, :, None]).add_(whole[:, None])
            grad_log_q = parts[:, :, None]
            grad_log_var.sub_(grad_log_q.sum(0), alpha=0.5)
            # A density of 0 pulls nothing: its distance is multiplied by 0 before it is squared.
            pull = _within(distance * grad_log_q, distance, own_factors)
            grad_z[here] = _times_each(pull, scale).mul_(-2.0)
            grad_mean.add_(pull.sum(0))
            grad_log_var.add_(pull.mul_(distance).sum(0))
        grad_mean.mul_(scale).mul_(2.0)
        return grad_z, _by_row(grad_mean), _by_row(grad_log_var), None, None, None, None


def _forward_at_once(
    ctx: _Context, z: Tensor, mean: Tensor, log_var: Tensor
) -> tuple[Tensor, Tensor]:
    """The same for scalar factors where one chunk holds all rows: its tables are then kept."""
    own_joint, own_factors = ctx.own
    z, mean, log_var = (tensor.squeeze(2).t().contiguous() for tensor in (z, mean, log_var))
    scale = _scale(log_var)
    # In place wherever it can be: a new table costs more than the arithmetic on it.
    distance = torch.sub(z[..., None], mean[:, None]).mul_(scale[:, None])  # (M, B, B)
    distance = _in_sight(distance, own_factors)
    log_q = distance.square()
    torch.sub((log_var + _LOG_2PI).mul_(-0.5)[:, None], log_q, out=log_q)
    table = _weigh_own(log_q.sum(0), ctx.first, own_joint)
    top = table.amax(-1, keepdim=True)
    # Clamped before exp, which takes long over what is far below; then it is 0, not tiny.
    whole = table.sub_(top).clamp_(min=_LOG_TINY).exp_()
    whole = F.threshold(whole, _TINY, 0.0, inplace=True)
    total = whole.sum(-1)
    joint = total.log().add_(top.squeeze(-1))
    _weigh_own(log_q.transpose(0, 1), ctx.first, own_factors)
    highest = log_q.amax(-1, keepdim=True)
    parts = log_q.sub_(highest).exp_()
    sums = parts.sum(-1)
    ctx.save_for_backward(z, mean, scale, distance, parts, sums, whole, total)
    ctx.chunk = 0
    return joint, sums.log().add_(highest.squeeze(-1)).t()


def _backward_at_once(
    ctx: _Context, grad_joint: Tensor, grad_factors: Tensor
) -> tuple[Tensor, Tensor, Tensor, None, None, None, None]:
    """The gradients, from the kept tables: the mixture's responsibilities."""
    z, mean, scale, distance, parts, sums, whole, total = ctx.saved_tensors
    whole = (whole * (grad_joint / total)[:, None]).expand_as(parts)
    grad_log_q = torch.addcmul(whole, parts, (grad_factors.t() / sums)[..., None])
    # log q = -distance^2 - log_var / 2 + const, with distance = scale (z - mean).
    ones = torch.ones_like(z)
    total = torch.bmm(ones[:, None], grad_log_q).squeeze(1)
    pull = _within(grad_log_q.mul_(distance), distance, ctx.own[1])
    grad_z = torch.bmm(pull, scale[..., None]).squeeze(2).mul_(-2.0)
    pulls, moments = torch.bmm(torch.stack((ones, z), dim=1), pull).unbind(1)
    grad_mean = (pulls * scale).mul_(2.0)
    grad_log_var = torch.addcmul(moments, mean, pulls, value=-1.0).mul_(scale)
    grad_log_var.sub_(total, alpha=0.5)
    by_row = (grad.t()[..., None] for grad in (grad_z, grad_mean, grad_log_var))
    return *by_row, None, None, None, None  # type: ignore[return-value]  # three gradients, as stacked


def _by_column(mean: Tensor, log_var: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Give mean, root of half the precision, and log-normaliser, ``(M, D, B)``: rows last."""
    # The rows to sum over then lie side by side in memory.
    mean, log_var = (tensor.permute(1, 2, 0).contiguous() for tensor in (mean, log_var))
    return mean, _scale(log_var), -0.5 * (log_var + _LOG_2PI)


def _scale(log_var: Tensor) -> Tensor:
    return torch.exp(capped(-log_var)).mul_(0.5).sqrt_()


def _by_row(gradient: Tensor) -> Tensor:
    return gradient.permute(2, 0, 1)


def _log_densities(
    z: Tensor, mean: Tensor, scale: Tensor, log_normaliser: Tensor, own: float
) -> tuple[Tensor, Tensor]:
    """Give the distances (z - mean) scale, ``(b, M, D, B)``, and log q, ``(b, M, B)``."""
    distance = _in_sight((z[..., None] - mean).mul_(scale), own)
    log_q = torch.addcmul(log_normaliser, distance, distance, value=-1.0)
    return distance, log_q.squeeze(2) if log_q.shape[2] == 1 else log_q.sum(2)


def _times_each(tables: Tensor, rows: Tensor) -> Tensor:
    """Multiply matrices by vectors, ``(b, M, D, B), (M, D, B) -> (b, M, D)``, in one pass."""
    products = torch.bmm(tables.flatten(1, 2).transpose(0, 1), rows.flatten(0, 1)[..., None])
    return products.squeeze(2).t().reshape(tables.shape[:3])


def _in_sight(distance: Tensor, own: float) -> Tensor:
    """Limit the distances where a sample's own row is left out: all others may be too far away."""
    return bounded(distance) if own == -math.inf else distance


def _within(pull: Tensor, distance: Tensor, own: float) -> Tensor:
    """Take away, in place, the gradient of what `_in_sight` has limited."""
    return pull.mul_(distance.abs() < limit(distance.dtype)) if own == -math.inf else pull


def _weigh_own(log_q: Tensor, start: int, own: float) -> Tensor:
    """Add, in place, what the weight of a sample's own row has over that of the others."""
    if own:
        log_q.diagonal(start, 0, -1).add_(own)
    return log_q
