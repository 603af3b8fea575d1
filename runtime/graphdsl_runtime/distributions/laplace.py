"""Independent Laplace variables, and the prior Laplace(0, 1)."""

from __future__ import annotations

__all__ = ["Laplace", "StandardLaplace", "standard_laplace"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, overload

import torch
from torch import Tensor

from graphdsl_runtime.distributions.gaussian import Gaussian, StandardNormal
from graphdsl_runtime.distributions.labelled import Labelled
from graphdsl_runtime.distributions.noise import laplace_noise
from graphdsl_runtime.distributions.parameters import Index, halves, log_of_scale, named, over
from graphdsl_runtime.distributions.units import Unit
from graphdsl_runtime.exponents import bounded, capped

_LOG_2 = math.log(2.0)
_LOG_2PI = math.log(2.0 * math.pi)
_FAR = 30.0  # where erf is 1, and exp(-t^2) nothing, in every precision


@dataclass(frozen=True, eq=False)
class StandardLaplace:
    r"""The prior Laplace(0, 1), of whatever shape it is compared with; its variance is 2.

    >>> standard_laplace.log_prob(torch.zeros(2))
    tensor([-0.6931, -0.6931])
    """

    def log_prob(self, value: Tensor) -> Tensor:
        r"""Log-density of every component.

        .. math:: -|v| - \log 2

        Shapes: ``(*) -> (*)``.  Unit: nats.  Exact.
        """
        return -bounded(value, power=1).abs() - _LOG_2

    def sample(self, noise: Tensor) -> Tensor:
        """Turn standard normal noise into a sample.

        Shapes: ``(*) -> (*)``.  Exact: see `laplace_noise`.

        >>> standard_laplace.sample(torch.tensor([-1.0]))
        tensor([-1.1479])
        """
        return laplace_noise(noise)

    def cross_entropy_of_gaussian(self, q: Gaussian) -> Tensor:
        """Cross-entropy: what this prior needs to describe samples of a Gaussian.

        Shapes: ``(B, *)``.  Unit: nats.  Exact, as `Laplace.cross_entropy_of_gaussian` is.

        >>> standard_laplace.cross_entropy_of_gaussian(Gaussian.unit(torch.zeros(1)))
        tensor([1.4910])
        """
        return Laplace.unit(q.mean.new_zeros(())).cross_entropy_of_gaussian(q)


#: Laplace(0, 1).
standard_laplace = StandardLaplace()


@dataclass(frozen=True, eq=False, init=False)
class Laplace:
    r"""Independent Laplace variables around ``loc``, of scale exp(log_scale) or one fixed scale.

    Shapes: ``loc`` and ``log_scale`` are alike, ``(B, *)``, and so are the nats of every method.
    ``scale`` is a positive number, given instead of ``log_scale``.

    >>> q = Laplace(torch.zeros(3, 2), torch.zeros(3, 2))
    >>> q[:, None].mean.shape
    torch.Size([3, 1, 2])
    """

    loc: Tensor
    log_scale: Tensor

    units: ClassVar[tuple[Unit, ...]] = ("mean", "log_scale")

    @overload
    def __init__(self, loc: Tensor, log_scale: Tensor) -> None: ...

    @overload
    def __init__(self, loc: Tensor, *, scale: float) -> None: ...

    def __init__(
        self, loc: Tensor, log_scale: Tensor | None = None, *, scale: float | None = None
    ) -> None:
        object.__setattr__(self, "loc", loc)
        object.__setattr__(self, "log_scale", log_of_scale(loc, log_scale, scale, power=1))

    @staticmethod
    def split(parameters: Tensor, shape: Sequence[int] | None = None) -> Laplace:
        """Read a Laplace from a network's output.

        The last axis holds the locations and then the log-scales; each half is reshaped to
        ``shape`` where one is given.

        Shapes: ``(*, 2 D) -> (*, D)``, or ``(*, *shape)`` where ``prod(shape) == D``.
        Raises `ShapeMismatch` if the last axis is not two halves of that size.

        >>> Laplace.split(torch.arange(4.0).reshape(1, 4)).log_scale
        tensor([[2., 3.]])
        """
        return Laplace(*halves(parameters, shape, of="a Laplace"))

    @staticmethod
    def stack(laplaces: Sequence[Laplace]) -> Laplace:
        """Put the members of a family side by side.

        Shapes: N times ``(B, *) -> (B, N, *)``.

        >>> one = Laplace.unit(torch.zeros(3, 2))
        >>> Laplace.stack([one, one]).loc.shape
        torch.Size([3, 2, 2])
        """
        return Laplace(
            torch.stack([each.loc for each in laplaces], dim=1),
            torch.stack([each.log_scale for each in laplaces], dim=1),
        )

    @staticmethod
    def unit(loc: Tensor) -> Laplace:
        """Give the Laplace of scale 1 around ``loc``: its nll is the absolute error, and log 2.

        >>> Laplace.unit(torch.ones(1)).log_scale
        tensor([0.])
        """
        return Laplace(loc, torch.zeros_like(loc))

    @staticmethod
    def of_scale(loc: Tensor, log_scale: Tensor | float) -> Laplace:
        """Give the Laplace around ``loc`` with one log-scale for all rows, such as a learned one.

        Shapes: ``loc`` is ``(B, *)`` and ``log_scale`` broadcasts to it: one number, or one for
        every component.

        >>> Laplace.of_scale(torch.ones(2), -1.0).log_scale
        tensor([-1., -1.])
        """
        return Laplace(loc, torch.zeros_like(loc) + log_scale)

    def __getitem__(self, index: Index) -> Laplace:
        return Laplace(self.loc[index], self.log_scale[index])

    @property
    def mean(self) -> Tensor:
        """The location, which is the median and the mode too."""
        return self.loc

    def sample(self, noise: Tensor) -> Tensor:
        r"""Turn standard normal noise into a sample, differentiably.

        .. math:: m - e^{s} \operatorname{sgn}(\epsilon) \log 2 \Phi(-|\epsilon|)

        Shapes: ``(B, *) -> (B, *)``, broadcasting.  Exact: see `laplace_noise`.

        >>> Laplace.unit(torch.ones(1)).sample(torch.tensor([-1.0]))
        tensor([-0.1479])
        """
        return self.loc + torch.exp(capped(self.log_scale)) * laplace_noise(noise)

    def draw(self, noise: Mapping[str, Tensor] | None, name: str) -> Tensor:
        """Sample with the noise of that name, or take the mean where there is no noise at all.

        Shapes: ``(B, *) -> (B, *)``.  Raises `MissingInput` if there is noise but not that.

        >>> Laplace.unit(torch.ones(1)).draw(None, "z")
        tensor([1.])
        """
        return self.loc if noise is None else self.sample(named(noise, name, self.loc))

    def or_prior(self, seen: Tensor, prior: Laplace | None = None) -> Laplace:
        """Fall back on the prior, Laplace(0, 1) or a conditional one, wherever it was not seen.

        Shapes: ``seen`` is a bool ``(B,)`` or ``(B, N)``, and broadcasts over the trailing axes.
        What was not seen leaves no trace, NaN included.

        >>> q = Laplace.unit(torch.tensor([[1.0], [torch.nan]]))
        >>> q.or_prior(torch.tensor([True, False])).mean
        tensor([[1.],
                [0.]])
        """
        seen = over(seen, self.loc)
        loc, log_scale = (0.0, 0.0) if prior is None else (prior.loc, prior.log_scale)
        return Laplace(
            torch.where(seen, self.loc, loc), torch.where(seen, self.log_scale, log_scale)
        )

    def or_known(self, seen: Tensor, value: Tensor) -> Labelled[Laplace]:
        """Take the numbers that are known for what is inferred: labels that some rows have.

        There every sample is the label, and the rate -log p of it: see `Labelled`.

        Shapes: ``(B, *)``, and ``seen`` a bool ``(B,)`` or ``(B, N)``.

        >>> q = Laplace.unit(torch.zeros(2)).or_known(torch.tensor([True, False]), torch.ones(2))
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

        .. math:: -|v - m| e^{-s} - s - \log 2

        Shapes: ``(B, *) -> (B, *)``, broadcasting.  Unit: nats.  Exact.

        >>> Laplace.unit(torch.zeros(1)).log_prob(torch.zeros(1))
        tensor([-0.6931])
        """
        return -self.nll(value)

    def nll(self, value: Tensor) -> Tensor:
        r"""Negative log-likelihood of every component: what a reconstruction costs.

        .. math:: |v - m| e^{-s} + s + \log 2

        Shapes: ``(B, *) -> (B, *)``, broadcasting.  Unit: nats.  Exact.

        >>> Laplace.unit(torch.zeros(1)).nll(torch.zeros(1))
        tensor([0.6931])
        """
        return _in_scales((value - self.loc).abs(), self.log_scale) + (self.log_scale + _LOG_2)

    def entropy(self) -> Tensor:
        r"""Differential entropy of every component.

        .. math:: 1 + \log 2 + s

        Shapes: ``(B, *)``.  Unit: nats (negative where the scale is small).  Exact.

        >>> Laplace.unit(torch.zeros(1)).entropy()
        tensor([1.6931])
        """
        return self.log_scale + (1.0 + _LOG_2)

    def cross_entropy(self, other: Laplace | StandardLaplace | Gaussian | StandardNormal) -> Tensor:
        r"""Cross-entropy: what ``other`` needs to describe samples of this Laplace.

        .. math:: e^{s - s'} e^{-a} + |m - m'| e^{-s'} + s' + \log 2, \quad a = |m - m'| e^{-s}

        of a Laplace, and of a Gaussian

        .. math:: \tfrac12 \bigl(2 e^{2 s - \ell'} + (m - \mu')^2 e^{-\ell'}
                  + \ell' + \log 2\pi\bigr)

        Shapes: ``(B, *)``, broadcasting.  Unit: nats.  Exact.  Equal to entropy plus KL.

        >>> Laplace.unit(torch.zeros(1)).cross_entropy(standard_laplace)
        tensor([1.6931])
        """
        other = _like(other, self.loc)
        if isinstance(other, Gaussian):
            ratio = torch.exp(capped(2.0 * self.log_scale - other.log_var))
            scale = torch.exp(0.5 * capped(-other.log_var))
            square = bounded((self.loc - other.mean) * scale).square()
            return ratio + 0.5 * (square + other.log_var + _LOG_2PI)
        apart = (self.loc - other.loc).abs()
        a = _in_scales(apart, self.log_scale)
        ratio = torch.exp(capped(self.log_scale - other.log_scale))
        distance = _in_scales(apart, other.log_scale)
        return ratio * torch.exp(-a) + distance + other.log_scale + _LOG_2

    def kl(self, other: Laplace | StandardLaplace | Gaussian | StandardNormal) -> Tensor:
        r"""Kullback-Leibler divergence from ``other`` to this Laplace, KL(self || other).

        .. math:: e^{d} - 1 - d + e^{d} (e^{-a} - 1) + |m - m'| e^{-s'},
                  \quad d = s - s', \quad a = |m - m'| e^{-s}

        of a Laplace; against a Gaussian, cross-entropy less entropy.

        Shapes: ``(B, *)``, broadcasting.  Unit: nats.  Exact.  Zero iff the two are equal.
        Reference: Gil, Alajaji and Linder 2013.

        >>> Laplace.unit(torch.ones(1)).kl(standard_laplace)
        tensor([0.3679])
        """
        other = _like(other, self.loc)
        if isinstance(other, Gaussian):
            return self.cross_entropy(other) - self.entropy()
        # Two summands that are nowhere negative: of the scales alone, and of the distance.
        d = capped(self.log_scale - other.log_scale)
        apart = (self.loc - other.loc).abs()
        a = _in_scales(apart, self.log_scale)
        distance = torch.exp(d) * torch.expm1(-a) + _in_scales(apart, other.log_scale)
        return (torch.expm1(d) - d) + distance

    def cross_entropy_of_gaussian(self, q: Gaussian) -> Tensor:
        r"""Cross-entropy: what this Laplace needs to describe samples of a Gaussian.

        .. math:: e^{-s} \bigl(\sigma \sqrt{2 / \pi}\, e^{-t^2} + (\mu - m) \operatorname{erf} t
                  \bigr) + s + \log 2, \quad t = \frac{\mu - m}{\sigma \sqrt 2}

        the mean of :math:`|z - m|` being that of a folded normal.

        Shapes: ``(B, *)``, broadcasting.  Unit: nats.  Exact.
        Reference: Leone, Nelson and Nottingham 1961.

        >>> Laplace.unit(torch.zeros(1)).cross_entropy_of_gaussian(Gaussian.unit(torch.ones(1)))
        tensor([1.8598])
        """
        apart = q.mean - self.loc
        t = apart * torch.exp(capped(-0.5 * q.log_var)) * math.sqrt(0.5)
        t = t.clamp(-_FAR, _FAR)
        ratio = torch.exp(capped(0.5 * q.log_var - self.log_scale))
        spread = ratio * torch.exp(-t.square()) * math.sqrt(2.0 / math.pi)
        distance = _in_scales(apart, self.log_scale) * torch.erf(t)
        return spread + distance + self.log_scale + _LOG_2


def _in_scales(distance: Tensor, log_scale: Tensor) -> Tensor:
    return bounded(distance * torch.exp(capped(-log_scale)), power=1)


def _like(
    other: Laplace | StandardLaplace | Gaussian | StandardNormal, values: Tensor
) -> Laplace | Gaussian:
    """Give a prior its parameters, as two zeros that broadcast."""
    if isinstance(other, StandardLaplace):
        return Laplace.unit(values.new_zeros(()))
    if isinstance(other, StandardNormal):
        return Gaussian.unit(values.new_zeros(()))
    return other
