"""How each number that a network predicts is put in units of the data."""

from __future__ import annotations

__all__ = ["Unit", "beginning", "in_units"]

import math
from typing import Literal, TypeAlias

import torch
from torch import Tensor

_LOG_DF = math.log(10.0)  # tails that data can make heavier, or lighter

#: What a number is: a mean, a log-scale, the log of a squared scale, a log-mean, that of what half
#: of the rows have, the log of an inverse dispersion, the log-median of a log-normal and the
#: log-scale of its logarithm, the log-shape of a gamma, the log of degrees of freedom, or of no
#: unit.
Unit: TypeAlias = Literal[
    "mean",
    "log_scale",
    "log_square",
    "log_mean",
    "log_twice_mean",
    "log_dispersion",
    "log_median",
    "log_scale_of_log",
    "log_shape",
    "log_df",
    "none",
]


def in_units(answer: Tensor, unit: Unit, mean: Tensor, spread: Tensor) -> Tensor:
    r"""Put what a network predicts in standard units in units of the data.

    .. math:: \mu \mapsto m + s \mu, \quad \log \sigma \mapsto \log \sigma + \log s, \quad
              \log \lambda \mapsto \log \lambda + \log m

    Shapes: ``(B, *)``; ``mean`` and ``spread`` have as many numbers as a row, or as a member of it.

    >>> in_units(torch.zeros(1, 2), "mean", torch.tensor([3.0, 4.0]), torch.ones(2))
    tensor([[3., 4.]])
    """
    if unit == "mean":
        return _as_answered(mean, answer) + _as_answered(spread, answer) * answer
    return answer + _as_answered(_shift(unit, mean, spread), answer)


def _shift(unit: Unit, mean: Tensor, spread: Tensor) -> Tensor:
    """What is added to a logarithm that a network predicts in standard units."""
    match unit:
        case "log_mean":
            return torch.log(mean)
        case "log_twice_mean":
            return torch.log(2.0 * mean)
        case "log_median":
            return torch.log(mean) - 0.5 * torch.log1p((spread / mean).square())
        case "log_scale" | "log_square" | "log_scale_of_log":
            return beginning(unit, mean, spread)
        case _:
            return torch.zeros_like(mean)


def beginning(unit: Unit, mean: Tensor, spread: Tensor) -> Tensor:
    r"""Where a learned parameter begins that all rows share, by the moments of the data.

    .. math:: \log s, \quad 2 \log s, \quad \log \frac{m^2}{s^2 - m}, \quad
              \tfrac12 \log \log \bigl(1 + \frac{s^2}{m^2}\bigr), \quad \log \frac{m^2}{s^2}

    the third of an inverse dispersion r, for which the variance is m + m^2 / r, kept within 1/100
    and 100 where the data vary less than a Poisson, or hardly at all; the last two of the logarithm
    of a log-normal, and of the shape of a gamma.

    >>> beginning("log_dispersion", torch.tensor(12.0), torch.tensor(6.0))
    tensor(1.7918)
    """
    match unit:
        case "log_scale":
            return torch.log(spread)
        case "log_square":
            return 2.0 * torch.log(spread)
        case "log_dispersion":
            excess = (spread.square() - mean).clamp(min=0.0)
            return torch.log((mean.square() / excess).nan_to_num(nan=1.0).clamp(0.01, 100.0))
        case "log_scale_of_log":
            return 0.5 * torch.log(torch.log1p((spread / mean).square()))
        case "log_df":
            return torch.full_like(mean, _LOG_DF)
        case "log_shape":
            return 2.0 * torch.log(mean / spread)
        case _:
            return torch.zeros_like(mean)


def _as_answered(values: Tensor, answer: Tensor) -> Tensor:
    """Give the statistics of children the shape of a network's answer, a row of it.

    A network that is for all members answers with so many times the numbers that it has.
    """
    row = answer.shape[1:]
    if values.numel() == row.numel():
        return values.reshape(row)
    return values.flatten().repeat(row.numel() // values.numel()).reshape(row)
