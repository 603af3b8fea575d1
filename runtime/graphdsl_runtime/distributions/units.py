"""How each number that a network predicts is put in units of the data."""

from __future__ import annotations

__all__ = ["Unit", "in_units"]

from typing import Literal, TypeAlias

import torch
from torch import Tensor

#: What a number is: a mean, a log-scale, the log of a squared scale, a log-mean, or of no unit.
Unit: TypeAlias = Literal["mean", "log_scale", "log_square", "log_mean", "none"]


def in_units(answer: Tensor, unit: Unit, mean: Tensor, spread: Tensor) -> Tensor:
    r"""Put what a network predicts in standard units in units of the data.

    .. math:: \mu \mapsto m + s \mu, \quad \log \sigma \mapsto \log \sigma + \log s, \quad
              \log \lambda \mapsto \log \lambda + \log m

    Shapes: ``(B, *)``; ``mean`` and ``spread`` have as many numbers as a row, or as a member of it.

    >>> in_units(torch.zeros(1, 2), "mean", torch.tensor([3.0, 4.0]), torch.ones(2))
    tensor([[3., 4.]])
    """
    match unit:
        case "mean":
            return _as_answered(mean, answer) + _as_answered(spread, answer) * answer
        case "log_scale":
            return answer + _as_answered(torch.log(spread), answer)
        case "log_square":
            return answer + _as_answered(2.0 * torch.log(spread), answer)
        case "log_mean":
            return answer + _as_answered(torch.log(mean), answer)
        case "none":
            return answer


def _as_answered(values: Tensor, answer: Tensor) -> Tensor:
    """Give the statistics of children the shape of a network's answer, a row of it.

    A network that is for all members answers with so many times the numbers that it has.
    """
    row = answer.shape[1:]
    if values.numel() == row.numel():
        return values.reshape(row)
    return values.flatten().repeat(row.numel() // values.numel()).reshape(row)
