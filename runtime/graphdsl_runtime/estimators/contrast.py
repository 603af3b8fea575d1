"""Scores of all pairs of a batch, added up without ever being held."""

from __future__ import annotations

__all__ = ["Contrast", "contrast", "log_mean_exp"]

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from graphdsl_runtime.errors import OutOfRange, ShapeMismatch
from graphdsl_runtime.estimators.precision import widened
from graphdsl_runtime.ranks import first_row, gathered

_CHUNK_BYTES = 2**20  # scores done at a time


class Contrast(NamedTuple):
    """What the contrastive bounds need of the scores f(x_b, y_c) of a batch.

    Shapes: each ``(B,)``; on several ranks, of this rank's rows.  ``info_nce(joint, everyone)``,
    ``nwj(joint, others)`` and ``donsker_varadhan(joint, others)`` are what they are with the scores
    themselves.
    """

    joint: Tensor  #: f(x_b, y_b)
    everyone: Tensor  #: log-mean-exp of f(x_b, y_c) over all c
    others: Tensor  #: the same over c != b; empty where there is no other


def contrast(left: Tensor, right: Tensor, chunk: int | None = None) -> Contrast:
    r"""Score all pairs of a batch by inner products of features, and keep three numbers a row.

    .. math:: f(x_b, y_b), \quad \log \frac1B \sum_c e^{f(x_b, y_c)}, \quad
              \log \frac1{B - 1} \sum_{c \ne b} e^{f(x_b, y_c)}, \qquad
              f(x_b, y_c) = g(x_b) \cdot h(y_c)

    Shapes: the features g and h ``(B, D), (B, D) -> (B,)`` three times.  Unit: nats.
    Exact, and its gradients too.  Memory: ``B x D``, and ``chunk x B`` scores, which the backward
    pass makes again; by default as many rows as have 1 MiB of scores.
    On several ranks a row is compared with the rows of all of them.
    A critic of another form has to score a table of pairs itself.
    Raises `ShapeMismatch` if left and right differ.

    >>> contrast(torch.zeros(4, 2), torch.zeros(4, 2)).others
    tensor([0., 0., 0., 0.])
    """
    if left.ndim != 2 or left.shape != right.shape:
        raise ShapeMismatch("right", expected=left.shape, got=right.shape)
    left, right = widened(left), widened(right)
    joint = (left * right).sum(dim=1)
    right = gathered(right)
    rows = right.shape[0]
    if rows == 1:
        return Contrast(joint, joint, joint[:0])
    chunk = chunk or max(1, _CHUNK_BYTES // (rows * left.element_size()))
    others: Tensor = _LogSumOfOthers.apply(left, right, chunk, first_row(len(joint)))  # type: ignore[no-untyped-call]  # torch's own gap
    everyone = torch.logaddexp(others, joint)
    return Contrast(joint, everyone - math.log(rows), others - math.log(rows - 1))


def log_mean_exp(scores: Tensor) -> Tensor:
    r"""Average in the exponent over all entries.

    .. math:: \log \frac1n \sum_i e^{f_i}

    Shapes: ``(*) -> ()``.  Raises `OutOfRange` where there are no scores.

    >>> log_mean_exp(torch.zeros(3, 2))
    tensor(0.)
    """
    scores = widened(scores)
    if scores.numel() == 0:
        raise OutOfRange("number of scores", 0, low=1, high=math.inf)
    of_ranks = gathered(torch.logsumexp(scores.flatten(), dim=0)[None])
    return torch.logsumexp(of_ranks, dim=0) - math.log(scores.numel() * len(of_ranks))


class _Context(FunctionCtx):
    """What the forward pass leaves to the backward one."""

    chunk: int
    first: int
    saved_tensors: tuple[Tensor, ...]


class _LogSumOfOthers(torch.autograd.Function):
    """Log-sum-exp over c != b of left_b . right_c, for every row b of left.

    Shapes: ``(b, D), (B, D) -> (b,)``; left's partners are the b rows of right from ``first`` on.
    """

    @staticmethod
    def forward(ctx: _Context, left: Tensor, right: Tensor, chunk: int, first: int) -> Tensor:
        sums = left.new_empty(left.shape[0])
        for start in range(0, left.shape[0], chunk):
            here = slice(start, start + chunk)
            scores = _scores_of_others(left[here], right, first + start)
            highest = scores.amax(dim=1, keepdim=True)
            # In place: torch.logsumexp would allocate the table again.
            sums[here] = scores.sub_(highest).exp_().sum(dim=1).log_().add_(highest.squeeze(1))
        ctx.save_for_backward(left, right, sums)
        ctx.chunk, ctx.first = chunk, first
        return sums

    @staticmethod
    def backward(ctx: _Context, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        if torch.is_grad_enabled():
            raise NotImplementedError("streamed contrasts have no second derivative")
        left, right, sums = ctx.saved_tensors
        grad_left, grad_right = torch.empty_like(left), torch.zeros_like(right)
        with torch.autocast(left.device.type, enabled=False):
            for start in range(0, left.shape[0], ctx.chunk):
                here = slice(start, start + ctx.chunk)
                scores = _scores_of_others(left[here], right, ctx.first + start)
                # d sum / d score is the share that the score has of the sum.
                shares = scores.sub_(sums[here, None]).exp_().mul_(grad[here, None])
                grad_left[here] = shares @ right
                grad_right.addmm_(shares.T, left[here])
        return grad_left, grad_right, None, None


def _scores_of_others(left: Tensor, right: Tensor, start: int) -> Tensor:
    """Give the scores of some rows with all, ``(b, B)``, and minus infinity with their own."""
    with torch.autocast(left.device.type, enabled=False):
        scores = left @ right.T
    scores.diagonal(start).fill_(-torch.inf)
    return scores
