"""Gaussians whose information and total correlation are known, and their best critics."""

__all__ = ["NOISE", "Case", "Channel", "LogRatio", "Posteriors", "total_correlation"]

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from graphdsl_runtime import Gaussian

NOISE = 0.5  #: variance of the posteriors whose means are correlated


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One place of the grid."""

    correlation: float
    dimension: int
    batch: int


class Channel:
    """x ~ N(0, I), and y with correlation r to x, column by column."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.noise = 1.0 - case.correlation**2
        self.x = torch.randn(case.batch, case.dimension, dtype=torch.float64)
        self.y = case.correlation * self.x + math.sqrt(self.noise) * torch.randn_like(self.x)
        log_var = torch.full_like(self.x, math.log(self.noise))
        self.q = Gaussian(case.correlation * self.x, log_var)
        table = self.q[:, None].log_prob(self.y) - Gaussian.unit(torch.zeros_like(self.x)).log_prob(
            self.y
        )
        self.scores = table.sum(dim=2)  # log p(y_c | x_b) / p(y_c)
        self.joint = self.scores.diagonal()
        self.others = self.scores.flatten()[1:].view(case.batch - 1, case.batch + 1)[:, :-1]

    def entropy(self) -> float:
        """H(y), in nats."""
        return 0.5 * self.case.dimension * math.log(2.0 * math.pi * math.e)

    def in_groups(self) -> tuple[nn.Module, Tensor, Tensor, Tensor, Tensor]:
        """Shift x and y by one of two groups; given which, they are what they were."""
        groups = torch.randint(2, (self.case.batch,))
        c = groups[:, None].to(self.x.dtype)
        return LogRatio(self.case.correlation), self.x + 4.0 * c, self.y + 4.0 * c, c, groups


class LogRatio(nn.Module):
    """The best critic of a channel's pairs, and of pairs shifted by a third column."""

    def __init__(self, correlation: float) -> None:
        super().__init__()
        self.correlation = correlation

    def forward(self, x: Tensor, y: Tensor, c: Tensor | None = None) -> Tensor:
        """Log p(x, y) / p(x) p(y), row by row."""
        if c is not None:
            x, y = x - 4.0 * c, y - 4.0 * c
        r = self.correlation
        square = (r * r * (x * x + y * y) - 2.0 * r * x * y) / (1.0 - r * r)
        return -0.5 * (square + math.log(1.0 - r * r)).sum(dim=1)


class Posteriors:
    """Posteriors whose means have one correlation, all with all, and a sample of each."""

    def __init__(self, case: Case) -> None:
        shared, own = torch.randn(case.batch, 1), torch.randn(case.batch, case.dimension)
        mean = math.sqrt(case.correlation) * shared + math.sqrt(1.0 - case.correlation) * own
        self.q = Gaussian(mean.double(), torch.full_like(mean, math.log(NOISE)).double())
        self.z = self.q.sample(torch.randn_like(self.q.mean))
        self.critic = LogTotal(case)


class LogTotal(nn.Module):
    """The best critic of total correlation: log q(z) / prod_j q(z_j)."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        covariance = _covariance(case)
        self.precision = torch.linalg.inv(covariance) - torch.eye(case.dimension) / (1.0 + NOISE)
        self.nats = total_correlation(case)

    def forward(self, z: Tensor) -> Tensor:
        """Give the log-ratio of every row."""
        square: Tensor = ((z @ self.precision) * z).sum(dim=1)
        return self.nats - 0.5 * square


def _covariance(case: Case) -> Tensor:
    one = torch.eye(case.dimension, dtype=torch.float64)
    return case.correlation + (1.0 - case.correlation + NOISE) * one


def total_correlation(case: Case) -> float:
    """Give the sum of the columns' entropies less that of all, in nats."""
    marginal = case.dimension * math.log(1.0 + NOISE)
    return 0.5 * (marginal - float(torch.logdet(_covariance(case))))
