"""Estimators of other numbers than information, on the same Gaussians, and what is true of them.

Of two columns of correlation r, D times, from two that are independent. The kernels have a
bandwidth of their own, so that expectations are determinants; distances are integrals over
Laplace transforms; a Jensen-Shannon divergence is a mean over draws of its own.
"""

__all__ = ["DISCREPANCIES", "Discrepancy"]

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from scipy.integrate import quad
from torch import Tensor
from torch.nn import functional

from bench.gaussians import Case, Channel, LogRatio
from graphdsl_runtime import (
    Gaussian,
    adversarial_js,
    adversarial_kl,
    energy_distance,
    hsic,
    importance_weighted,
    jensen_shannon_information,
    log_aggregate_mss,
    mmd,
    monte_carlo_kl,
    sliced_wasserstein,
)

POPULATION = 10**12  #: rows: the aggregate of them all is the marginal
PROPOSALS = 8  #: importance weights of a row
DRAWS = 100_000  #: pairs behind a true Jensen-Shannon divergence


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """An estimator on a channel, and the truth with its standard error, where it has one."""

    value: Callable[[Channel], Tensor]
    true: Callable[[Case], tuple[float, float]]


def _pairs(channel: Channel) -> tuple[Tensor, Tensor]:
    """Rows of the joint, and as many of the product."""
    x, y = torch.randn_like(channel.x), torch.randn_like(channel.y)
    return torch.cat([channel.x, channel.y], dim=1), torch.cat([x, y], dim=1)


class _OnPairs(LogRatio):
    """The best critic, of rows that hold x and y side by side."""

    def forward(self, x: Tensor, y: Tensor | None = None, c: Tensor | None = None) -> Tensor:
        """Split the columns in two."""
        return super().forward(*x.chunk(2, dim=1)) if y is None else super().forward(x, y, c)


def _information(case: Case) -> tuple[float, float]:
    return -0.5 * case.dimension * math.log(1.0 - case.correlation**2), 0.0


def _entropy(case: Case) -> tuple[float, float]:
    return 0.5 * case.dimension * math.log(2.0 * math.pi * math.e), 0.0


def _bandwidth(case: Case) -> float:
    return 4.0 * case.dimension  # E |a - b|^2 of two rows of 2 D columns


def _height(case: Case, one: float, other: float) -> float:
    """E k(a, b) for a - b of these two variances, D times: det(I + 2 S / h)^(-1/2)."""
    width = _bandwidth(case)
    determinant = (1.0 + 2.0 * one / width) * (1.0 + 2.0 * other / width)
    return math.pow(determinant, -0.5 * case.dimension)


def _mmd(case: Case) -> tuple[float, float]:
    r = case.correlation
    joint, between = _height(case, 2.0 + 2.0 * r, 2.0 - 2.0 * r), _height(case, 2.0 + r, 2.0 - r)
    return joint + _height(case, 2.0, 2.0) - 2.0 * between, 0.0


def _length(case: Case, variances: Sequence[float]) -> float:
    """E |v| of a normal v with these variances, D times each.

    From sqrt(s) = 1 / (2 sqrt(pi)) times the integral of (1 - e^(-t s)) t^(-3/2), with t = u^2.
    """

    def integrand(u: float) -> float:
        exponent = sum(math.log1p(2.0 * u * u * one) for one in variances)
        return -math.expm1(-0.5 * case.dimension * exponent) / (u * u)

    near, far = (float(quad(integrand, *ends)[0]) for ends in ((0.0, 1.0), (1.0, math.inf)))
    return (near + far) / math.sqrt(math.pi)


def _energy(case: Case) -> tuple[float, float]:
    r = case.correlation
    within = _length(case, (2.0 + 2.0 * r, 2.0 - 2.0 * r)) + _length(case, (2.0, 2.0))
    return 2.0 * _length(case, (2.0 + r, 2.0 - r)) - within, 0.0


def _sliced(case: Case) -> tuple[float, float]:
    """E (s - 1)^2 for s^2 the joint's variance in a direction, whose mean is 1."""
    r = case.correlation
    return 2.0 - 2.0 * _length(case, (1.0 + r, 1.0 - r)) / _length(case, (1.0, 1.0)), 0.0


@cache
def _jensen_shannon(case: Case) -> tuple[float, float]:
    dice = torch.Generator().manual_seed(1)
    shape = DRAWS, case.dimension
    x, e = (torch.randn(shape, generator=dice, dtype=torch.float64) for _ in range(2))
    y = case.correlation * x + math.sqrt(1.0 - case.correlation**2) * e
    critic = LogRatio(case.correlation)
    losses = functional.softplus(-critic(x, y)), functional.softplus(critic(x, e))
    nats = math.log(2.0) - 0.5 * sum(one.mean().item() for one in losses)
    return nats, 0.5 * math.hypot(*(one.std().item() / math.sqrt(DRAWS) for one in losses))


def _likelihood(channel: Channel) -> Tensor:
    """-log p(y) from the prior's samples of x: each weight is p(y | x)."""
    x = torch.randn(len(channel.y) * PROPOSALS, channel.case.dimension, dtype=channel.y.dtype)
    log_var = torch.full_like(x, math.log(channel.noise))
    weight = Gaussian(channel.case.correlation * x, log_var)
    y = channel.y.repeat_interleave(PROPOSALS, dim=0)
    return importance_weighted([weight.log_prob(y)], [torch.zeros_like(x)], PROPOSALS).mean()


#: Estimator -> its value on a batch of a channel, and what it is of.
DISCREPANCIES: Mapping[str, Discrepancy] = {
    "adversarial_kl": Discrepancy(
        lambda c: adversarial_kl(_OnPairs(c.case.correlation), *_pairs(c)).model, _information
    ),
    "adversarial_js": Discrepancy(
        lambda c: adversarial_js(_OnPairs(c.case.correlation), *_pairs(c)).model, _jensen_shannon
    ),
    "jensen_shannon_information": Discrepancy(
        lambda c: jensen_shannon_information(c.joint, c.others), _jensen_shannon
    ),
    "mmd": Discrepancy(lambda c: mmd(*_pairs(c), bandwidth=_bandwidth(c.case)), _mmd),
    "hsic": Discrepancy(
        lambda c: hsic(c.x, c.y, bandwidths=(_bandwidth(c.case), _bandwidth(c.case))), _mmd
    ),
    "energy_distance": Discrepancy(lambda c: energy_distance(*_pairs(c)), _energy),
    "sliced_wasserstein": Discrepancy(lambda c: sliced_wasserstein(*_pairs(c)), _sliced),
    "monte_carlo_kl": Discrepancy(
        lambda c: monte_carlo_kl(c.q, Gaussian.unit(torch.zeros_like(c.y)), c.y).sum(1).mean(),
        _information,
    ),
    "importance_weighted": Discrepancy(_likelihood, _entropy),
    "log_aggregate_mss": Discrepancy(
        lambda c: log_aggregate_mss(c.y, c.q, POPULATION)[0].mean(),
        lambda case: (-_entropy(case)[0], 0.0),
    ),
}
