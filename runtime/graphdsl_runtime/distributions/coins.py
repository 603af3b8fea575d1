"""What binary values cost under their log-odds: the pass that every pixel of a batch takes."""

from __future__ import annotations

__all__ = ["coin_nll"]

from typing import cast

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

#: Entries from which on the time goes into memory: some 2 MB of them leave a core's cache.
_LARGE = 2**19
_WIDE = {torch.float32, torch.float64}


def coin_nll(logits: Tensor, value: Tensor) -> Tensor:
    r"""Negative log-likelihood of every coin.

    .. math:: \log(1 + e^{l}) - v\,l

    As `torch.nn.functional.binary_cross_entropy_with_logits`, which fills four tensors of the size
    of the logits: outside compiled code, large ones take one forward and one backward.

    Shapes: ``(*) -> (*)``, broadcasting.  Unit: nats.  Exact to a rounding of l (of few coins the
    tail at ones is exact as well); differentiable twice.

    >>> coin_nll(torch.zeros(2), torch.tensor([0.0, 1.0]))
    tensor([0.6931, 0.6931])
    """
    if logits.shape != value.shape:  # broadcasting costs, forward and back, even to no end
        logits, value = torch.broadcast_tensors(logits, value)  # type: ignore[no-untyped-call]  # torch's own gap
    small = logits.numel() < _LARGE or not logits.dtype == value.dtype in _WIDE
    if small or torch.compiler.is_compiling():
        return F.binary_cross_entropy_with_logits(logits, value, reduction="none")
    return cast(Tensor, _CoinNll.apply(logits, value))  # type: ignore[no-untyped-call]  # torch's


class _Context(FunctionCtx):
    """What the forward pass leaves to the others."""

    saved_tensors: tuple[Tensor, Tensor]
    needs_input_grad: tuple[bool, bool]


class _CoinNll(torch.autograd.Function):
    """As `coin_nll`, in place."""

    @staticmethod
    def forward(logits: Tensor, value: Tensor) -> Tensor:
        # From 40 on log(1 + e^l) is l to the last digit of a float64.
        return F.softplus(logits, threshold=40.0).addcmul_(value, logits, value=-1.0)

    @staticmethod
    def setup_context(ctx: _Context, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: _Context, grad: Tensor) -> tuple[Tensor, Tensor | None]:
        logits, value = ctx.saved_tensors
        slope = torch.sigmoid(logits)
        if torch.is_grad_enabled():  # the second derivative needs the sigmoid as it is
            slope = (slope - value) * grad
        else:
            slope = slope.sub_(value).mul_(grad)
        return slope, -logits * grad if ctx.needs_input_grad[1] else None

    @staticmethod
    def jvp(ctx: _Context, of_logits: Tensor, of_value: Tensor) -> Tensor:
        logits, value = ctx.saved_tensors
        return (torch.sigmoid(logits) - value) * of_logits - logits * of_value

    @staticmethod
    def vmap(
        info: object, places: tuple[int | None, int | None], logits: Tensor, value: Tensor
    ) -> tuple[Tensor, int]:
        both = (
            one[None] if place is None else one.movedim(place, 0)
            for one, place in zip((logits, value), places, strict=True)
        )
        return coin_nll(*both), 0
