"""Diagonal Gaussians, and the prior N(0, I)."""

from __future__ import annotations

__all__ = ["Gaussian", "StandardNormal", "standard_normal"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, overload

import torch
from torch import Tensor

from graphdsl_runtime.distributions.labelled import Labelled
from graphdsl_runtime.distributions.parameters import Index, halves, log_of_scale, named, over
from graphdsl_runtime.distributions.units import Unit
from graphdsl_runtime.exponents import bounded, capped

_LOG_2PI = math.log(2.0 * math.pi)


class _OfAnotherKind(Protocol):
    """No Gaussian, but with a closed form for what it needs to describe one's samples."""

    def cross_entropy_of_gaussian(self, q: Gaussian, /) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class StandardNormal:
    r"""The prior N(0, I), of whatever shape it is compared with.

    >>> standard_normal.log_prob(torch.zeros(2))
    tensor([-0.9189, -0.9189])
    """

    def log_prob(self, value: Tensor) -> Tensor:
        r"""Log-density of every component.

        .. math:: -\tfrac12 (v^2 + \log 2\pi)

        Shapes: ``(*) -> (*)``.  Unit: nats.  Exact.
        """
        return -0.5 * (bounded(value).square() + _LOG_2PI)

    def sample(self, noise: Tensor) -> Tensor:
        """Turn standard normal noise into a sample, which it is.

        Shapes: ``(*) -> (*)``.
        """
        return noise


#: N(0, I).
standard_normal = StandardNormal()


@dataclass(frozen=True, eq=False, init=False)
class Gaussian:
    r"""A diagonal Gaussian N(mean, exp(log_var)), or of one fixed standard deviation.

    Shapes: ``mean`` and ``log_var`` are alike, ``(B, *)``, and so are the nats of every method.
    ``scale`` is a positive number, given instead of ``log_var``.

    >>> q = Gaussian(torch.zeros(3, 2), torch.zeros(3, 2))
    >>> q[:, None].mean.shape
    torch.Size([3, 1, 2])
    >>> Gaussian(torch.zeros(2), scale=0.1).log_var
    tensor([-4.6052, -4.6052])
    """

    mean: Tensor
    log_var: Tensor

    units: ClassVar[tuple[Unit, ...]] = ("mean", "log_square")

    @overload
    def __init__(self, mean: Tensor, log_var: Tensor) -> None: ...

    @overload
    def __init__(self, mean: Tensor, *, scale: float) -> None: ...

    def __init__(
        self, mean: Tensor, log_var: Tensor | None = None, *, scale: float | None = None
    ) -> None:
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "log_var", log_of_scale(mean, log_var, scale, power=2))

    @staticmethod
    def split(parameters: Tensor, shape: Sequence[int] | None = None) -> Gaussian:
        """Read a Gaussian from a network's output.

        The last axis holds the means and then the log-variances; each half is reshaped to
        ``shape`` where one is given.

        Shapes: ``(*, 2 D) -> (*, D)``, or ``(*, *shape)`` where ``prod(shape) == D``.
        Raises `ShapeMismatch` if the last axis is not two halves of that size.

        >>> Gaussian.split(torch.arange(4.0).reshape(1, 4)).log_var
        tensor([[2., 3.]])
        >>> Gaussian.split(torch.zeros(5, 12), (3, 2)).mean.shape
        torch.Size([5, 3, 2])
        """
        return Gaussian(*halves(parameters, shape, of="a Gaussian"))

    @staticmethod
    def stack(gaussians: Sequence[Gaussian]) -> Gaussian:
        """Put the members of a family side by side.

        Shapes: N times ``(B, *) -> (B, N, *)``.

        >>> one = Gaussian.unit(torch.zeros(3, 2))
        >>> Gaussian.stack([one, one]).mean.shape
        torch.Size([3, 2, 2])
        """
        return Gaussian(
            torch.stack([each.mean for each in gaussians], dim=1),
            torch.stack([each.log_var for each in gaussians], dim=1),
        )

    @staticmethod
    def unit(mean: Tensor) -> Gaussian:
        """Give the unit-variance Gaussian around ``mean``: the likelihood of observed reals.

        >>> Gaussian.unit(torch.ones(1)).log_var
        tensor([0.])
        """
        return Gaussian(mean, torch.zeros_like(mean))

    @staticmethod
    def of_scale(mean: Tensor, log_var: Tensor | float) -> Gaussian:
        """Give the Gaussian around ``mean`` with a log-variance that all rows share: a learned one.

        Shapes: ``mean`` is ``(B, *)`` and ``log_var`` broadcasts to it: one number, or one for
        every component.  A learned variance needs no weight on the reconstruction.
        Reference: Rybkin, Daniilidis and Levine 2021.

        >>> Gaussian.of_scale(torch.ones(2, 3), torch.zeros(3)).log_var.shape
        torch.Size([2, 3])
        >>> Gaussian.of_scale(torch.ones(2), -1.0).log_var
        tensor([-1., -1.])
        """
        return Gaussian(mean, torch.zeros_like(mean) + log_var)

    @staticmethod
    def centred(log_var: Tensor) -> Gaussian:
        r"""Give the Gaussian of mean 0 with that variance: the conditional prior p(z | w) of iVAE.

        .. math:: p(z \mid w) \propto \exp\bigl(-\tfrac12 e^{-\ell(w)} z^2\bigr)

        The exponential family with the sufficient statistic :math:`z^2`; with :math:`(z, z^2)` it
        is any Gaussian whose mean depends on w too, and with :math:`|z|` a `Laplace`.
        Reference: Khemakhem et al. 2020, sec. 3; theory.md section 2.18.

        >>> Gaussian.centred(torch.ones(1)).mean
        tensor([0.])
        """
        return Gaussian(torch.zeros_like(log_var), log_var)

    def __getitem__(self, index: Index) -> Gaussian:
        return Gaussian(self.mean[index], self.log_var[index])

    def sample(self, noise: Tensor) -> Tensor:
        r"""Turn standard normal noise into a sample, differentiably.

        .. math:: \mu + e^{\ell / 2} \epsilon

        Shapes: ``(B, *) -> (B, *)``, broadcasting.  Reference: Kingma and Welling 2014, sec. 2.4.

        >>> Gaussian(torch.ones(1), torch.zeros(1)).sample(torch.tensor([2.0]))
        tensor([3.])
        """
        return torch.addcmul(self.mean, torch.exp(0.5 * capped(self.log_var)), noise)

    def draw(self, noise: Mapping[str, Tensor] | None, name: str) -> Tensor:
        """Sample with the noise of that name, or take the mean where there is no noise at all.

        Shapes: ``(B, *) -> (B, *)``.  Raises `MissingInput` if there is noise but not that.

        >>> Gaussian.unit(torch.ones(1)).draw(None, "z")
        tensor([1.])
        """
        if noise is None:
            return self.mean
        return self.sample(named(noise, name, self.mean))

    def or_prior(self, seen: Tensor, prior: Gaussian | None = None) -> Gaussian:
        """Fall back on the prior, N(0, I) or a conditional one, wherever the view was not seen.

        Shapes: ``seen`` is a bool ``(B,)`` or ``(B, N)``, and broadcasts over the trailing axes.
        What was not seen leaves no trace, NaN included.

        >>> q = Gaussian.unit(torch.tensor([[1.0], [torch.nan]]))
        >>> q.or_prior(torch.tensor([True, False])).mean
        tensor([[1.],
                [0.]])
        """
        seen = over(seen, self.mean)
        mean, log_var = (0.0, 0.0) if prior is None else (prior.mean, prior.log_var)
        return Gaussian(
            torch.where(seen, self.mean, mean),
            torch.where(seen, self.log_var, log_var),
        )

    def or_known(self, seen: Tensor, value: Tensor) -> Labelled[Gaussian]:
        """Take the numbers that are known for what is inferred: labels that some rows have.

        There every sample is the label, and the rate -log p of it: see `Labelled`.

        Shapes: ``(B, *)``, and ``seen`` a bool ``(B,)`` or ``(B, N)``.

        >>> q = Gaussian.unit(torch.zeros(2)).or_known(torch.tensor([True, False]), torch.ones(2))
        >>> q.mean
        tensor([1., 0.])
        """
        return Labelled.of(self, seen, value)

    def sample_data(self) -> Tensor:
        """Draw values as a batch holds them, ``(B, *)``."""
        return self.sample(torch.randn_like(self.mean))

    @property
    def likeliest(self) -> Tensor:
        """The likeliest value, as a batch holds it."""
        return self.mean

    def log_prob(self, value: Tensor) -> Tensor:
        r"""Log-density of every component.

        .. math:: -\tfrac12 \bigl((v - \mu)^2 e^{-\ell} + \ell + \log 2\pi\bigr)

        Shapes: ``(B, *) -> (B, *)``, broadcasting.  Unit: nats.  Exact.

        >>> Gaussian.unit(torch.zeros(1)).log_prob(torch.zeros(1))
        tensor([-0.9189])
        """
        return -0.5 * (_square(value - self.mean, self.log_var) + self.log_var + _LOG_2PI)

    def nll(self, value: Tensor) -> Tensor:
        r"""Negative log-likelihood of every component: what a reconstruction costs.

        .. math:: \tfrac12 \bigl((v - \mu)^2 e^{-\ell} + \ell + \log 2\pi\bigr)

        Shapes: ``(B, *) -> (B, *)``, broadcasting.  Unit: nats.  Exact.

        >>> Gaussian.unit(torch.zeros(1)).nll(torch.zeros(1))
        tensor([0.9189])
        """
        return -self.log_prob(value)

    def entropy(self) -> Tensor:
        r"""Differential entropy of every component.

        .. math:: \tfrac12 (\ell + \log 2\pi e)

        Shapes: ``(B, *)``.  Unit: nats (negative where the variance is small).  Exact.

        >>> Gaussian.unit(torch.zeros(1)).entropy()
        tensor([1.4189])
        """
        return 0.5 * (self.log_var + (_LOG_2PI + 1.0))

    def cross_entropy(self, other: Gaussian | StandardNormal | _OfAnotherKind) -> Tensor:
        r"""Cross-entropy: what ``other`` needs to describe samples of this Gaussian.

        .. math:: \tfrac12 \bigl(e^{d} + (\mu - \mu')^2 e^{-\ell'} + \ell' + \log 2\pi\bigr),
                  \quad d = \ell - \ell'

        and, of a `Laplace`, its `Laplace.cross_entropy_of_gaussian`.

        Shapes: ``(B, *)``, broadcasting.  Unit: nats.  Exact.  Equal to entropy plus KL.

        >>> Gaussian.unit(torch.zeros(1)).cross_entropy(standard_normal)
        tensor([1.4189])
        """
        if isinstance(other, StandardNormal):
            return 0.5 * (torch.exp(capped(self.log_var)) + bounded(self.mean).square() + _LOG_2PI)
        if not isinstance(other, Gaussian):
            return other.cross_entropy_of_gaussian(self)
        ratio = torch.exp(capped(self.log_var - other.log_var))
        square = _square(self.mean - other.mean, other.log_var)
        return 0.5 * (ratio + square + other.log_var + _LOG_2PI)

    def kl(self, other: Gaussian | StandardNormal | _OfAnotherKind) -> Tensor:
        r"""Kullback-Leibler divergence from ``other`` to this Gaussian, KL(self || other).

        .. math:: \tfrac12 \bigl(e^{d} - 1 - d + (\mu - \mu')^2 e^{-\ell'}\bigr),
                  \quad d = \ell - \ell'

        and, against a `Laplace`, cross-entropy less entropy.

        Shapes: ``(B, *)``, broadcasting.  Unit: nats.  Exact.  Zero iff the two are equal.
        Reference: Kingma and Welling 2014, appendix B.

        >>> Gaussian.unit(torch.ones(1)).kl(standard_normal)
        tensor([0.5000])
        """
        # Near d = 0, `exp(d) - 1 - d` would lose all its digits and a small KL could come out
        # negative; expm1 keeps them.
        if isinstance(other, StandardNormal):
            ratio = capped(self.log_var)
            return 0.5 * (torch.expm1(ratio) - ratio + bounded(self.mean).square())
        if not isinstance(other, Gaussian):
            return self.cross_entropy(other) - self.entropy()
        ratio = capped(self.log_var - other.log_var)
        square = _square(self.mean - other.mean, other.log_var)
        return 0.5 * (torch.expm1(ratio) - ratio + square)


def _square(distance: Tensor, log_var: Tensor) -> Tensor:
    """Square a distance in units of a standard deviation."""
    return bounded(distance * torch.exp(0.5 * capped(-log_var))).square()
