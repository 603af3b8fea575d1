"""Log-densities of a batch's mixture of posteriors by fused kernels: what `mixtures` says plainly.

Of z whole they are those of one factor that has all coordinates, so that the kernels know factors
alone. Forward and backward are two operations that torch knows by name: `torch.compile` takes them
as they are, and does not look into them.
"""

from __future__ import annotations

__all__ = ["INTERPRETED", "fused_log_sums"]

import math
from collections.abc import Callable
from typing import Any

import torch
import triton
from torch import Tensor
from torch.autograd.function import FunctionCtx

from graphdsl_runtime.estimators.fused import kernels
from graphdsl_runtime.exponents import capped, limit

#: Whether kernels are run in Python, on any device: triton was imported under TRITON_INTERPRET=1.
INTERPRETED = not isinstance(kernels.log_sums, triton.JITFunction)

_LOG_2PI = math.log(2.0 * math.pi)
_KEPT = 128  # samples, or posteriors, of a program: one a thread
_OTHERS = 16  # of those they meet, how many at a time
_WIDTH = 8  # coordinates that a program has gradients of, at most
_PROGRAMS = 1024  # what they meet is split among programs until there are about so many


def fused_log_sums(
    z: Tensor, mean: Tensor, log_var: Tensor, own_joint: float, own_factors: float, first: int
) -> tuple[Tensor, Tensor]:
    """Give the log-densities of the mixture at z whole and at its factors, as `log_sums` has them.

    Shapes: z ``(b, M, D)``, mean and log_var ``(B, M, D) -> (b,), (b, M)``; the posteriors of z's
    own rows are the b from ``first`` on.  Deterministic.
    """
    bounded = own_factors == -math.inf
    whole = (tensor.flatten(1)[:, None] for tensor in (z, mean, log_var))
    joint: Tensor = _log_sums(*whole, own_joint, first, bounded)
    if z.shape[1] == 1 and own_joint == own_factors:
        return joint[:, 0], joint
    return joint[:, 0], _log_sums(z, mean, log_var, own_factors, first, bounded)


@torch.library.custom_op("graphdsl_runtime::mixture_log_sums", mutates_args=())
def _log_sums(
    z: Tensor, mean: Tensor, log_var: Tensor, own: float, first: int, bounded: bool
) -> Tensor:
    tables = _tables(z, mean, log_var, own)
    (samples, factors, size), posteriors = z.shape, len(mean)
    grid, span = _split(samples, posteriors, factors)
    sums = z.new_empty(grid[2], factors, samples)
    sizes, constants = (first, samples, posteriors, span), _constants(z, size, bounded)
    _launch(kernels.log_sums[grid], *tables, sums, *sizes, **constants)
    return torch.logsumexp(sums, dim=0).t().contiguous()


@torch.library.custom_op("graphdsl_runtime::mixture_log_sums_backward", mutates_args=())
def _gradients(
    upstream: Tensor,
    sums: Tensor,
    z: Tensor,
    mean: Tensor,
    log_var: Tensor,
    own: float,
    first: int,
    bounded: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    tables = _tables(z, mean, log_var, own)
    (samples, factors, size), posteriors = z.shape, len(mean)
    width = min(_WIDTH, triton.next_power_of_2(size))
    programs = factors * triton.cdiv(size, width)
    given = (*tables, *(tensor.t().contiguous() for tensor in (sums, upstream)))
    constants = {**_constants(z, size, bounded), "width": width}
    sizes = (first, samples, posteriors)

    grid, span = _split(samples, posteriors, programs)
    grad_z = z.new_empty(grid[2], factors, size, samples)
    _launch(kernels.sample_gradients[grid], *given, grad_z, *sizes, span, **constants)

    grid, span = _split(posteriors, samples, programs)
    slopes = z.new_empty(2, grid[2], factors, size, posteriors)
    _launch(kernels.posterior_gradients[grid], *given, *slopes, *sizes, span, **constants)

    # log q = -distance^2 - log_var / 2 + const, with distance = scale (z - mean).
    scale, (grad_mean, grad_log_var) = tables[2], slopes
    return (
        _by_row(grad_z.sum(0).mul_(-2.0)),
        _by_row(grad_mean.sum(0).mul_(scale).mul_(2.0)),
        _by_row(grad_log_var.sum(0)),
    )


@_log_sums.register_fake
def _(z: Tensor, *others: Tensor | float) -> Tensor:
    return z.new_empty(z.shape[:2])


@_gradients.register_fake
def _(
    upstream: Tensor, sums: Tensor, z: Tensor, mean: Tensor, *others: Tensor | float
) -> tuple[Tensor, Tensor, Tensor]:
    return z.new_empty(z.shape), mean.new_empty(mean.shape), mean.new_empty(mean.shape)


class _Context(FunctionCtx):
    """What the forward pass leaves to the backward one."""

    given: tuple[float, int, bool]
    saved_tensors: tuple[Tensor, ...]


def _keep(ctx: _Context, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(output, *inputs[:3])
    ctx.given = inputs[3:]


def _backward(ctx: _Context, upstream: Tensor) -> tuple[Tensor | None, ...]:
    if torch.is_grad_enabled():
        raise NotImplementedError("densities of the aggregate posterior have no second derivative")
    return *_gradients(upstream, *ctx.saved_tensors, *ctx.given), None, None, None


_log_sums.register_autograd(_backward, setup_context=_keep)


def _tables(z: Tensor, mean: Tensor, log_var: Tensor, own: float) -> tuple[Tensor, ...]:
    """Give z, mean and root of half the precision, ``(M, D, rows)``, log-normaliser and own."""
    z, mean, log_var = (tensor.permute(1, 2, 0).contiguous() for tensor in (z, mean, log_var))
    scale = torch.exp(capped(-log_var)).mul_(0.5).sqrt_()
    normaliser = (log_var + _LOG_2PI).mul_(-0.5).sum(1)
    return z, mean, scale, normaliser, z.new_full((1,), own)


def _by_row(gradient: Tensor) -> Tensor:
    return gradient.permute(2, 0, 1).contiguous()


def _split(kept: int, others: int, programs: int) -> tuple[tuple[int, int, int], int]:
    """Give the grid, and how many of the others a program of it meets; its third axis splits them.

    ``programs`` is the second axis. The split depends on sizes alone, and so do the bits of a sum.
    """
    blocks, tiles = triton.cdiv(kept, _KEPT), triton.cdiv(others, _OTHERS)
    each = triton.cdiv(tiles, max(1, min(tiles, _PROGRAMS // (blocks * programs))))
    return (blocks, programs, triton.cdiv(tiles, each)), each * _OTHERS


def _constants(z: Tensor, size: int, bounded: bool) -> dict[str, int | float | None]:
    return {
        "size": size,
        "limit": limit(z.dtype) if bounded else None,
        "kept": _KEPT,
        "others": _OTHERS,
        "num_warps": _KEPT // 32,
    }


def _launch(
    kernel: Callable[..., object], *given: Tensor | int, **constants: int | float | None
) -> None:
    """Run a kernel on the device of the tensors, which need not be the current one."""
    with torch.cuda.device_of(given[0]):  # type: ignore[no-untyped-call]  # torch's own gap
        kernel(*given, **constants)
