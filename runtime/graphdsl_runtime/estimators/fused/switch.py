"""Whether fused kernels are asked for. Triton, which they are written in, is imported only then."""

from __future__ import annotations

__all__ = ["FusedLogSums", "fused_for", "fused_kernels"]

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TypeAlias

from torch import Tensor

from graphdsl_runtime.errors import MissingTriton

#: z, mean, log-variance, log-weights of a sample's own row, and the first of its own rows.
FusedLogSums: TypeAlias = Callable[
    [Tensor, Tensor, Tensor, float, float, int], tuple[Tensor, Tensor]
]

_asked = False


@contextmanager
def fused_kernels(on: bool = True) -> Iterator[None]:
    """Take fused Triton kernels where there are any: for densities under the aggregate posterior.

    These are what `total_correlation_mss`, `total_correlation_mws`, `total_correlation_loo`,
    `log_aggregate_mss`, `information_loo` and `information_leave_in` are made of. On a GPU they
    then take the kernels, whatever their ``chunk``; on a CPU the plain path in torch, which says
    the same, and which is taken everywhere without this. A gradient is of what its value was made
    by.  Off inside of ``fused_kernels(False)``.

    Held to the plain path under Triton's interpreter, on a CPU. The kernels compile for GPUs, but
    none has run them yet, and what they gain is not known: ``python -m bench.fused`` tells.
    Raises `MissingTriton` if triton is not installed.

    >>> import torch
    >>> from graphdsl_runtime import Gaussian, total_correlation_mss
    >>> z = torch.tensor([[-9.0, -9.0], [9.0, 9.0]])
    >>> with fused_kernels(torch.cuda.is_available()):
    ...     total_correlation_mss(z, Gaussian.unit(z))
    tensor(0.6931)
    """
    global _asked
    if on:
        _mixtures()
    before, _asked = _asked, on
    try:
        yield
    finally:
        _asked = before


def fused_for(z: Tensor) -> FusedLogSums | None:
    """Give the kernels, if they are asked for and run where z is."""
    if not _asked:
        return None
    mixtures = _mixtures()
    return mixtures.fused_log_sums if z.is_cuda or mixtures.INTERPRETED else None


def _mixtures() -> ModuleType:
    try:
        from graphdsl_runtime.estimators.fused import mixtures
    except ModuleNotFoundError as missing:
        if missing.name != "triton":
            raise
        raise MissingTriton from None
    return mixtures
