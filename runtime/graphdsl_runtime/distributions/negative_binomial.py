"""Independent counts that vary more than a Poisson's, and those with more zeros."""

from __future__ import annotations

__all__ = ["NegativeBinomial", "ZeroInflatedNegativeBinomial", "ZeroInflatedPoisson"]

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime.distributions.coordinates import parts
from graphdsl_runtime.distributions.counts import Counts
from graphdsl_runtime.distributions.parameters import log_of_scale
from graphdsl_runtime.distributions.poisson import Poisson
from graphdsl_runtime.distributions.series import log_rising
from graphdsl_runtime.distributions.units import Unit
from graphdsl_runtime.exponents import capped, positive


@dataclass(frozen=True, eq=False, init=False)
class NegativeBinomial(Counts):
    r"""Independent counts of mean exp(log_mean) and variance mean + mean^2 / dispersion.

    The inverse dispersion is exp(log_dispersion): the larger it is, the closer the law is to a
    Poisson of the same mean. It has no differentiable sample and no closed entropy.

    Shapes: ``log_mean`` is ``(B, *)``, and ``log_dispersion`` broadcasts to it; ``dispersion`` is a
    positive number, given instead of its logarithm.
    Reference: Lopez et al. 2018; Hilbe 2011, ch. 8.

    >>> NegativeBinomial(torch.zeros(2), dispersion=1.0).variance
    tensor([2., 2.])
    """

    log_mean: Tensor
    log_dispersion: Tensor

    units: ClassVar[tuple[Unit, ...]] = ("log_mean", "log_dispersion")

    def __init__(
        self,
        log_mean: Tensor,
        log_dispersion: Tensor | None = None,
        *,
        dispersion: float | None = None,
    ) -> None:
        known = log_of_scale(log_mean, log_dispersion, dispersion, power=1, word="dispersion")
        object.__setattr__(self, "log_mean", log_mean)
        object.__setattr__(self, "log_dispersion", known.expand(log_mean.shape))

    @staticmethod
    def split(parameters: Tensor, shape: Sequence[int] | None = None) -> NegativeBinomial:
        """Read both parameters from a network's output: log-means, then log-dispersions.

        Shapes: ``(*, 2 D) -> (*, D)``, or ``(*, *shape)`` where ``prod(shape) == D``.

        >>> NegativeBinomial.split(torch.arange(2.0)).log_dispersion
        tensor([1.])
        """
        return NegativeBinomial(*parts(parameters, 2, shape, of="a negative binomial"))

    @staticmethod
    def of_dispersion(log_mean: Tensor, log_dispersion: Tensor) -> NegativeBinomial:
        """Give the counts of a dispersion for all rows, such as a learned one.

        Shapes: ``log_mean`` is ``(B, *)``, and ``log_dispersion`` broadcasts to it.

        >>> NegativeBinomial.of_dispersion(torch.zeros(3, 2), torch.zeros(2)).log_dispersion.shape
        torch.Size([3, 2])
        """
        return NegativeBinomial(log_mean, log_dispersion)

    @property
    def mean(self) -> Tensor:
        """The mean, exp(log_mean)."""
        return torch.exp(capped(self.log_mean))

    @property
    def variance(self) -> Tensor:
        """The variance, mean + mean^2 / dispersion."""
        return self.mean + torch.exp(capped(2.0 * self.log_mean - self.log_dispersion))

    def sample_data(self) -> Tensor:
        """Draw counts in floating point, ``(B, *)``: a Poisson whose rate is drawn from a gamma."""
        shape = positive(self.log_dispersion)
        return torch.poisson(self.mean * torch._standard_gamma(shape) / shape)

    def nll(self, value: Tensor) -> Tensor:
        r"""Negative log-likelihood of every count, with mean m and inverse dispersion r.

        .. math:: -\log \frac{\Gamma(v + r)}{\Gamma(r)\, v!} - r \log \frac{r}{r + m}
                  - v \log \frac{m}{r + m}

        Shapes: counts, as floating point, ``(B, *) -> (B, *)``, broadcasting.  Unit: nats.
        Exact for whole numbers, up to the limit of a Poisson.

        >>> NegativeBinomial(torch.zeros(2), dispersion=1.0).nll(torch.tensor([0.0, 1.0]))
        tensor([0.6931, 1.3863])
        """
        r = positive(self.log_dispersion)
        # log(1 + m / r). Beside the Poisson's nll, only terms that vanish with 1 / r are left.
        share = F.softplus(self.log_mean - torch.log(r))
        return (
            (r + value) * share
            - value * self.log_mean
            - log_rising(value, r)
            + torch.lgamma(value + 1.0)
        )


@dataclass(frozen=True, eq=False, init=False)
class ZeroInflatedNegativeBinomial(Counts):
    r"""A negative binomial, or zero: the share of zeros is the sigmoid of ``zero_logits``.

    Shapes: as of `NegativeBinomial`; ``zero_logits`` is like ``log_mean``.
    Reference: Lopez et al. 2018.

    >>> ZeroInflatedNegativeBinomial(torch.zeros(1), torch.zeros(1), dispersion=1.0).mean
    tensor([0.5000])
    """

    log_mean: Tensor
    zero_logits: Tensor
    log_dispersion: Tensor

    units: ClassVar[tuple[Unit, ...]] = ("log_twice_mean", "none", "log_dispersion")

    def __init__(
        self,
        log_mean: Tensor,
        zero_logits: Tensor,
        log_dispersion: Tensor | None = None,
        *,
        dispersion: float | None = None,
    ) -> None:
        known = log_of_scale(log_mean, log_dispersion, dispersion, power=1, word="dispersion")
        object.__setattr__(self, "log_mean", log_mean)
        object.__setattr__(self, "zero_logits", zero_logits)
        object.__setattr__(self, "log_dispersion", known.expand(log_mean.shape))

    @staticmethod
    def split(
        parameters: Tensor, shape: Sequence[int] | None = None, *, dispersion: float | None = None
    ) -> ZeroInflatedNegativeBinomial:
        """Read the parameters: log-means, logits of zeros, and log-dispersions unless one is fixed.

        Shapes: ``(*, 3 D) -> (*, D)``, or ``(*, 2 D)`` where the dispersion is fixed, or
        ``(*, *shape)`` where ``prod(shape) == D``.

        >>> ZeroInflatedNegativeBinomial.split(torch.zeros(4), dispersion=2.0).mean
        tensor([0.5000, 0.5000])
        """
        count = 3 if dispersion is None else 2
        cut = parts(parameters, count, shape, of="a zero-inflated negative binomial")
        given = cut[2] if dispersion is None else None
        return ZeroInflatedNegativeBinomial(cut[0], cut[1], given, dispersion=dispersion)

    @staticmethod
    def of_dispersion(
        parameters: Tensor, log_dispersion: Tensor, shape: Sequence[int] | None = None
    ) -> ZeroInflatedNegativeBinomial:
        """Read log-means and logits of zeros, of counts whose dispersion is for all rows.

        Shapes: ``(*, 2 D) -> (*, D)``, or ``(*, *shape)``; ``log_dispersion`` broadcasts to it.

        >>> ZeroInflatedNegativeBinomial.of_dispersion(torch.zeros(3, 4), torch.zeros(2)).mean.shape
        torch.Size([3, 2])
        """
        cut = parts(parameters, 2, shape, of="a zero-inflated negative binomial")
        return ZeroInflatedNegativeBinomial(cut[0], cut[1], log_dispersion)

    @property
    def counts(self) -> NegativeBinomial:
        """The law of what is not a zero by inflation."""
        return NegativeBinomial(self.log_mean, self.log_dispersion)

    @property
    def mean(self) -> Tensor:
        """The mean, zeros by inflation included."""
        return self.counts.mean * torch.sigmoid(-self.zero_logits)

    def sample_data(self) -> Tensor:
        """Draw counts in floating point, ``(B, *)``."""
        return _inflated_sample(self.counts.sample_data(), self.zero_logits)

    def nll(self, value: Tensor) -> Tensor:
        r"""Negative log-likelihood of every count, with the share of zeros s.

        .. math:: -\log \bigl(s [v = 0] + (1 - s) p(v)\bigr)

        Shapes: counts, as floating point, ``(B, *) -> (B, *)``, broadcasting.  Unit: nats.  Exact.

        >>> one = ZeroInflatedNegativeBinomial(torch.zeros(2), torch.zeros(2), dispersion=1.0)
        >>> one.nll(torch.tensor([0.0, 1.0]))
        tensor([0.2877, 2.0794])
        """
        return _inflated(self.counts.nll(value), self.zero_logits, value)


@dataclass(frozen=True, eq=False)
class ZeroInflatedPoisson(Counts):
    r"""A Poisson count, or zero: the share of zeros is the sigmoid of ``zero_logits``.

    Shapes: ``log_rate`` and ``zero_logits`` are alike, ``(B, *)``.
    Reference: Lambert 1992.

    >>> ZeroInflatedPoisson(torch.zeros(1), torch.zeros(1)).mean
    tensor([0.5000])
    """

    log_rate: Tensor
    zero_logits: Tensor

    units: ClassVar[tuple[Unit, ...]] = ("log_twice_mean", "none")

    @staticmethod
    def split(parameters: Tensor, shape: Sequence[int] | None = None) -> ZeroInflatedPoisson:
        """Read both parameters from a network's output: log-rates, then logits of zeros.

        Shapes: ``(*, 2 D) -> (*, D)``, or ``(*, *shape)`` where ``prod(shape) == D``.

        >>> ZeroInflatedPoisson.split(torch.arange(2.0)).zero_logits
        tensor([1.])
        """
        return ZeroInflatedPoisson(*parts(parameters, 2, shape, of="a zero-inflated Poisson"))

    @property
    def mean(self) -> Tensor:
        """The mean, zeros by inflation included."""
        return Poisson(self.log_rate).mean * torch.sigmoid(-self.zero_logits)

    def sample_data(self) -> Tensor:
        """Draw counts in floating point, ``(B, *)``."""
        return _inflated_sample(Poisson(self.log_rate).sample_data(), self.zero_logits)

    def nll(self, value: Tensor) -> Tensor:
        r"""Negative log-likelihood of every count, with the share of zeros s.

        .. math:: -\log \bigl(s [v = 0] + (1 - s) p(v)\bigr)

        Shapes: counts, as floating point, ``(B, *) -> (B, *)``, broadcasting.  Unit: nats.  Exact.

        >>> ZeroInflatedPoisson(torch.zeros(2), torch.zeros(2)).nll(torch.tensor([0.0, 1.0]))
        tensor([0.3799, 1.6931])
        """
        return _inflated(Poisson(self.log_rate).nll(value), self.zero_logits, value)


def _inflated(nll: Tensor, zero_logits: Tensor, value: Tensor) -> Tensor:
    """The nll of a count that may be a zero by inflation, from its nll otherwise."""
    otherwise = nll + F.softplus(zero_logits)  # -log (1 - s) p(v)
    zero = F.softplus(-zero_logits)  # -log s
    return torch.where(value == 0, -torch.logaddexp(-zero, -otherwise), otherwise)


def _inflated_sample(counts: Tensor, zero_logits: Tensor) -> Tensor:
    return counts * torch.bernoulli(torch.sigmoid(-zero_logits))
