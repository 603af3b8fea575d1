"""Independent counts."""

from __future__ import annotations

__all__ = ["Poisson"]

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from graphdsl_runtime.distributions.counts import Counts
from graphdsl_runtime.distributions.units import Unit
from graphdsl_runtime.exponents import capped


@dataclass(frozen=True, eq=False)
class Poisson(Counts):
    r"""Independent counts of mean exp(log_rate): the likelihood of observed counts.

    It has no differentiable sample and no closed entropy, and is no posterior here.

    Shapes: ``log_rate`` is ``(B, *)``, and so are the nats.

    >>> Poisson(torch.zeros(2)).mean
    tensor([1., 1.])
    """

    log_rate: Tensor

    units: ClassVar[tuple[Unit, ...]] = ("log_mean",)

    @property
    def mean(self) -> Tensor:
        """The rate, which is the variance too."""
        return torch.exp(capped(self.log_rate))

    def sample_data(self) -> Tensor:
        """Draw values as a batch holds them, ``(B, *)`` of counts in floating point."""
        return torch.poisson(self.mean)

    def nll(self, value: Tensor) -> Tensor:
        r"""Negative log-likelihood of every component: what a reconstruction costs.

        .. math:: e^{r} - v\,r + \log \Gamma(v + 1)

        Shapes: counts, as floating point, ``(B, *) -> (B, *)``, broadcasting.  Unit: nats.
        Exact for whole numbers; in between it is the continuous extension, no density.

        >>> Poisson(torch.zeros(3)).nll(torch.tensor([0.0, 1.0, 2.0]))
        tensor([1.0000, 1.0000, 1.6931])
        """
        return self.mean - value * self.log_rate + torch.lgamma(value + 1.0)

    def kl(self, other: Poisson) -> Tensor:
        r"""Kullback-Leibler divergence from ``other`` to this one, KL(self || other).

        .. math:: e^{r} d + e^{r'} - e^{r}, \quad d = r - r'

        Shapes: ``(B, *)``, broadcasting.  Unit: nats.  Exact.  Zero iff the two are equal.

        >>> Poisson(torch.ones(1)).kl(Poisson(torch.zeros(1)))
        tensor([1.])
        """
        d = self.log_rate - other.log_rate
        # Near d = 0 the three summands would lose all their digits; expm1 keeps them.
        near = d.clamp(-1.0, 1.0)
        small = self.mean * (torch.expm1(-near) + near)
        return torch.where(d.abs() < 1.0, small, self.mean * d + (other.mean - self.mean))
