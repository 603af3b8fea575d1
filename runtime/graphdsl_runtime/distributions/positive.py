"""Independent positive numbers: log-normal, and gamma; and the prior whose logarithm is N(0, 1)."""

from __future__ import annotations

__all__ = ["Gamma", "LogNormal", "StandardLogNormal", "standard_log_normal"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from graphdsl_runtime.distributions.coordinates import Coordinates, parts
from graphdsl_runtime.distributions.gaussian import Gaussian, StandardNormal, standard_normal
from graphdsl_runtime.distributions.parameters import log_of_scale, named, over
from graphdsl_runtime.distributions.series import log_gamma_beside_stirling
from graphdsl_runtime.distributions.units import Unit
from graphdsl_runtime.exponents import capped, positive


@dataclass(frozen=True, eq=False)
class StandardLogNormal:
    r"""The prior of positive numbers whose logarithm is N(0, 1), of whatever shape.

    >>> standard_log_normal.log_prob(torch.ones(2))
    tensor([-0.9189, -0.9189])
    """

    def log_prob(self, value: Tensor) -> Tensor:
        r"""Log-density of every component.

        .. math:: -\tfrac12 (\log^2 v + \log 2\pi) - \log v

        Shapes: ``(*) -> (*)``, of positive numbers.  Unit: nats.  Exact.
        """
        logarithm = torch.log(value)
        return standard_normal.log_prob(logarithm) - logarithm

    def sample(self, noise: Tensor) -> Tensor:
        """Turn standard normal noise into a sample.

        Shapes: ``(*) -> (*)``.  Exact.

        >>> standard_log_normal.sample(torch.zeros(1))
        tensor([1.])
        """
        return positive(noise)


#: The exponential of N(0, 1).
standard_log_normal = StandardLogNormal()


@dataclass(frozen=True, eq=False, init=False)
class LogNormal(Coordinates):
    r"""Independent positive numbers whose logarithm is normal: of median exp(log_median).

    Shapes: ``log_median`` is ``(B, *)``, and ``log_scale``, of the logarithm's standard deviation,
    broadcasts to it; ``scale`` is a positive number, given instead.
    Reference: Johnson, Kotz and Balakrishnan 1994, ch. 14.

    >>> LogNormal(torch.zeros(1), scale=1.0).mean
    tensor([1.6487])
    """

    log_median: Tensor
    log_scale: Tensor

    units: ClassVar[tuple[Unit, ...]] = ("log_median", "log_scale_of_log")

    def __init__(
        self, log_median: Tensor, log_scale: Tensor | None = None, *, scale: float | None = None
    ) -> None:
        known = log_of_scale(log_median, log_scale, scale, power=1)
        object.__setattr__(self, "log_median", log_median)
        object.__setattr__(self, "log_scale", known.expand(log_median.shape))

    @staticmethod
    def split(parameters: Tensor, shape: Sequence[int] | None = None) -> LogNormal:
        """Read both parameters from a network's output: log-medians, then log-scales.

        Shapes: ``(*, 2 D) -> (*, D)``, or ``(*, *shape)`` where ``prod(shape) == D``.

        >>> LogNormal.split(torch.arange(2.0)).log_scale
        tensor([1.])
        """
        return LogNormal(*parts(parameters, 2, shape, of="a log-normal"))

    @staticmethod
    def of_scale(log_median: Tensor, log_scale: Tensor) -> LogNormal:
        """Give the numbers of a scale for all rows, such as a learned one.

        >>> LogNormal.of_scale(torch.zeros(3, 2), torch.zeros(2)).log_scale.shape
        torch.Size([3, 2])
        """
        return LogNormal(log_median, log_scale)

    @property
    def logarithm(self) -> Gaussian:
        """The law of the logarithm."""
        return Gaussian(self.log_median, 2.0 * self.log_scale)

    @property
    def mean(self) -> Tensor:
        """The mean, exp(log_median + scale^2 / 2)."""
        return torch.exp(capped(self.log_median + 0.5 * torch.exp(capped(2.0 * self.log_scale))))

    @property
    def likeliest(self) -> Tensor:
        """What stands in for a value that is not given: the median."""
        return torch.exp(capped(self.log_median))

    def sample(self, noise: Tensor) -> Tensor:
        r"""Turn standard normal noise into a sample, differentiably.

        .. math:: \exp(m + e^{s} \epsilon)

        Shapes: ``(B, *) -> (B, *)``, broadcasting.  Exact.

        >>> LogNormal(torch.zeros(1), scale=1.0).sample(torch.tensor([1.0]))
        tensor([2.7183])
        """
        return positive(self.logarithm.sample(noise))

    def draw(self, noise: Mapping[str, Tensor] | None, name: str) -> Tensor:
        """Sample with the noise of that name, or take the mean where there is no noise at all.

        Shapes: ``(B, *) -> (B, *)``.  Raises `MissingInput` if there is noise but not that.

        >>> LogNormal(torch.zeros(1), scale=1.0).draw(None, "size")
        tensor([1.6487])
        """
        return self.mean if noise is None else self.sample(named(noise, name, self.log_median))

    def or_prior(self, seen: Tensor, prior: LogNormal | None = None) -> LogNormal:
        """Fall back on the prior, the standard or a conditional one, wherever it was not seen.

        Shapes: ``seen`` is a bool ``(B,)`` or ``(B, N)``, and broadcasts over the trailing axes.
        What was not seen leaves no trace, NaN included.

        >>> q = LogNormal(torch.tensor([1.0, torch.nan]), scale=2.0)
        >>> q.or_prior(torch.tensor([True, False])).log_median
        tensor([1., 0.])
        """
        seen = over(seen, self.log_median)
        median, scale = (0.0, 0.0) if prior is None else (prior.log_median, prior.log_scale)
        return LogNormal(
            torch.where(seen, self.log_median, median), torch.where(seen, self.log_scale, scale)
        )

    def sample_data(self) -> Tensor:
        """Draw positive numbers, ``(B, *)``."""
        return self.sample(torch.randn_like(self.log_median))

    def entropy(self) -> Tensor:
        r"""Differential entropy of every coordinate: that of the logarithm, and its mean.

        Shapes: ``(B, *)``.  Unit: nats.  Exact.

        >>> LogNormal(torch.zeros(1), scale=1.0).entropy()
        tensor([1.4189])
        """
        return self.logarithm.entropy() + self.log_median

    def cross_entropy(self, other: LogNormal | StandardLogNormal) -> Tensor:
        """Cross-entropy: what ``other`` needs to describe samples of this one.

        Shapes: ``(B, *)``, broadcasting.  Unit: nats.  Exact.  Equal to entropy plus KL.

        >>> LogNormal(torch.ones(1), scale=1.0).cross_entropy(standard_log_normal)
        tensor([2.9189])
        """
        return self.logarithm.cross_entropy(_logarithm(other)) + self.log_median

    def kl(self, other: LogNormal | StandardLogNormal) -> Tensor:
        r"""Kullback-Leibler divergence from ``other``, KL(self || other): that of the logarithms.

        The logarithm is a bijection, so the divergence is that of two normals.

        Shapes: ``(B, *)``, broadcasting.  Unit: nats.  Exact.  Zero iff the two are equal.

        >>> LogNormal(torch.ones(1), scale=1.0).kl(standard_log_normal)
        tensor([0.5000])
        """
        return self.logarithm.kl(_logarithm(other))

    def nll(self, value: Tensor) -> Tensor:
        r"""Negative log-density of every coordinate.

        .. math:: \log v + \tfrac12 \bigl((\log v - m)^2 e^{-2 s} + 2 s + \log 2\pi\bigr)

        Shapes: positive numbers, ``(B, *) -> (B, *)``, broadcasting.  Unit: nats.  Exact.

        >>> LogNormal(torch.zeros(1), scale=1.0).nll(torch.ones(1))
        tensor([0.9189])
        """
        logarithm = torch.log(value)
        return logarithm + self.logarithm.nll(logarithm)


@dataclass(frozen=True, eq=False, init=False)
class Gamma(Coordinates):
    r"""Independent positive numbers of mean exp(log_mean) and variance mean^2 / shape.

    Shapes: ``log_mean`` is ``(B, *)``, and ``log_shape`` broadcasts to it; ``shape`` is a positive
    number, given instead of its logarithm.
    Reference: McCullagh and Nelder 1989, ch. 8.

    >>> Gamma(torch.zeros(2), shape=1.0).mean
    tensor([1., 1.])
    """

    log_mean: Tensor
    log_shape: Tensor

    units: ClassVar[tuple[Unit, ...]] = ("log_mean", "log_shape")

    def __init__(
        self, log_mean: Tensor, log_shape: Tensor | None = None, *, shape: float | None = None
    ) -> None:
        known = log_of_scale(log_mean, log_shape, shape, power=1, word="shape")
        object.__setattr__(self, "log_mean", log_mean)
        object.__setattr__(self, "log_shape", known.expand(log_mean.shape))

    @staticmethod
    def split(parameters: Tensor, shape: Sequence[int] | None = None) -> Gamma:
        """Read both parameters from a network's output: log-means, then log-shapes.

        Shapes: ``(*, 2 D) -> (*, D)``, or ``(*, *shape)`` where ``prod(shape) == D``.

        >>> Gamma.split(torch.arange(2.0)).log_shape
        tensor([1.])
        """
        return Gamma(*parts(parameters, 2, shape, of="a gamma"))

    @staticmethod
    def of_shape(log_mean: Tensor, log_shape: Tensor) -> Gamma:
        """Give the numbers of a shape for all rows, such as a learned one.

        >>> Gamma.of_shape(torch.zeros(3, 2), torch.zeros(2)).log_shape.shape
        torch.Size([3, 2])
        """
        return Gamma(log_mean, log_shape)

    @property
    def mean(self) -> Tensor:
        """The mean, exp(log_mean)."""
        return torch.exp(capped(self.log_mean))

    def sample_data(self) -> Tensor:
        """Draw positive numbers, ``(B, *)``; what rounds to zero is the least positive one."""
        shape = torch.exp(capped(self.log_shape))
        drawn = self.mean * torch._standard_gamma(shape) / shape
        return drawn.clamp(min=torch.finfo(drawn.dtype).tiny)

    def nll(self, value: Tensor) -> Tensor:
        r"""Negative log-density of every coordinate, with mean m and shape a.

        .. math:: \log v + a (e^u - 1 - u) + \log \Gamma(a) - a \log a + a,
                  \quad u = \log \frac{v}{m}

        Shapes: positive numbers, ``(B, *) -> (B, *)``, broadcasting.  Unit: nats.  Exact.

        >>> Gamma(torch.zeros(1), shape=1.0).nll(torch.ones(1))
        tensor([1.])
        """
        logarithm = torch.log(value)
        log_a = -capped(-self.log_shape)
        a, u = torch.exp(capped(log_a)), logarithm - self.log_mean
        near = u.clamp(-1.0, 1.0)  # where the three summands would lose all their digits
        away = torch.exp(capped(log_a + u)) - a * (1.0 + u)
        apart = torch.where(u.abs() < 1.0, a * (torch.expm1(near) - near), away)
        return logarithm + apart + log_gamma_beside_stirling(a)


def _logarithm(of: LogNormal | StandardLogNormal) -> Gaussian | StandardNormal:
    return of.logarithm if isinstance(of, LogNormal) else standard_normal
