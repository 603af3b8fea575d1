r"""Distributions over whole tensors: their methods return elementwise nats, and `expect` sums them.

The log-variance is the parameter of every Gaussian. Independent components add, so a method returns
one number per component and nothing is summed before `expect`.

Extreme log-variances. Every ratio of variances enters as one exponential of a difference of
log-variances, so that no infinity is ever subtracted from another, and every exponent goes through
`capped`: in float32, values are exact up to variances and ratios of variances of 1e28, and finite
beyond.
"""

from __future__ import annotations

__all__ = [
    "Bernoulli",
    "Gaussian",
    "StandardNormal",
    "expect",
    "standard_normal",
]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime.errors import MissingInput, ShapeMismatch
from graphdsl_runtime.exponents import capped

_Place: TypeAlias = int | slice | EllipsisType | Tensor | None
_Index: TypeAlias = _Place | tuple[_Place, ...]

_LOG_2PI = math.log(2.0 * math.pi)


def expect(nats: Tensor) -> Tensor:
    r"""Average over the rows of a batch what adds up over everything else.

    .. math:: \frac1B \sum_{b=1}^{B} \sum_{j} \text{nats}_{bj}

    Shapes: ``(B, *) -> ()``.  Unit: that of its argument (nats).
    Exact mean of the rows at hand; an unbiased estimate of the expectation over their distribution.

    >>> expect(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    return nats.sum() / nats.shape[0]


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
        return -0.5 * (value.square() + _LOG_2PI)


#: N(0, I).
standard_normal = StandardNormal()


@dataclass(frozen=True, eq=False)
class Gaussian:
    r"""A diagonal Gaussian N(mean, exp(log_var)).

    Shapes: ``mean`` and ``log_var`` are alike, ``(B, *)``, and so are the nats of every method.

    >>> q = Gaussian(torch.zeros(3, 2), torch.zeros(3, 2))
    >>> q[:, None].mean.shape
    torch.Size([3, 1, 2])
    """

    mean: Tensor
    log_var: Tensor

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
        *rows, last = parameters.shape
        wanted = last if shape is None else 2 * math.prod(shape)
        if last != wanted or last % 2:
            expected = (*rows, "2 D" if shape is None else wanted)
            raise ShapeMismatch("a Gaussian's parameters", expected=expected, got=parameters.shape)
        mean, log_var = parameters.chunk(2, dim=-1)
        if shape is None:
            return Gaussian(mean, log_var)
        return Gaussian(mean.reshape(*rows, *shape), log_var.reshape(*rows, *shape))

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

    def __getitem__(self, index: _Index) -> Gaussian:
        return Gaussian(self.mean[index], self.log_var[index])

    def sample(self, noise: Tensor) -> Tensor:
        r"""Turn standard normal noise into a sample, differentiably.

        .. math:: \mu + e^{\ell / 2} \epsilon

        Shapes: ``(B, *) -> (B, *)``, broadcasting.  Reference: Kingma and Welling 2014, sec. 2.4.

        >>> Gaussian(torch.ones(1), torch.zeros(1)).sample(torch.tensor([2.0]))
        tensor([3.])
        """
        return self.mean + torch.exp(0.5 * self.log_var) * noise

    def draw(self, noise: Mapping[str, Tensor] | None, name: str) -> Tensor:
        """Sample with the noise of that name, or take the mean where there is no noise at all.

        Shapes: ``(B, *) -> (B, *)``.  Raises `MissingInput` if there is noise but not that.

        >>> Gaussian.unit(torch.ones(1)).draw(None, "z")
        tensor([1.])
        """
        if noise is None:
            return self.mean
        if name not in noise:
            shape = ("B", *self.mean.shape[1:])
            raise MissingInput(name, expected=shape, given=noise, known=noise)
        return self.sample(noise[name])

    def or_prior(self, seen: Tensor) -> Gaussian:
        """Fall back on the prior N(0, I) wherever the view was not seen.

        Shapes: ``seen`` is a bool ``(B,)`` or ``(B, N)``, and broadcasts over the trailing axes.
        What was not seen leaves no trace, NaN included.

        >>> q = Gaussian.unit(torch.tensor([[1.0], [torch.nan]]))
        >>> q.or_prior(torch.tensor([True, False])).mean
        tensor([[1.],
                [0.]])
        """
        seen = seen.reshape(*seen.shape, *(1,) * (self.mean.ndim - seen.ndim))
        return Gaussian(
            torch.where(seen, self.mean, 0.0),
            torch.where(seen, self.log_var, 0.0),
        )

    def log_prob(self, value: Tensor) -> Tensor:
        r"""Log-density of every component.

        .. math:: -\tfrac12 \bigl((v - \mu)^2 e^{-\ell} + \ell + \log 2\pi\bigr)

        Shapes: ``(B, *) -> (B, *)``, broadcasting.  Unit: nats.  Exact.

        >>> Gaussian.unit(torch.zeros(1)).log_prob(torch.zeros(1))
        tensor([-0.9189])
        """
        square = (value - self.mean).square() * torch.exp(capped(-self.log_var))
        return -0.5 * (square + self.log_var + _LOG_2PI)

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

    def cross_entropy(self, other: Gaussian | StandardNormal) -> Tensor:
        r"""Cross-entropy: what ``other`` needs to describe samples of this Gaussian.

        .. math:: \tfrac12 \bigl(e^{d} + (\mu - \mu')^2 e^{-\ell'} + \ell' + \log 2\pi\bigr),
                  \quad d = \ell - \ell'

        Shapes: ``(B, *)``, broadcasting.  Unit: nats.  Exact.  Equal to entropy plus KL.

        >>> Gaussian.unit(torch.zeros(1)).cross_entropy(standard_normal)
        tensor([1.4189])
        """
        if isinstance(other, StandardNormal):
            return 0.5 * (torch.exp(capped(self.log_var)) + self.mean.square() + _LOG_2PI)
        ratio = torch.exp(capped(self.log_var - other.log_var))
        square = (self.mean - other.mean).square() * torch.exp(capped(-other.log_var))
        return 0.5 * (ratio + square + other.log_var + _LOG_2PI)

    def kl(self, other: Gaussian | StandardNormal) -> Tensor:
        r"""Kullback-Leibler divergence from ``other`` to this Gaussian, KL(self || other).

        .. math:: \tfrac12 \bigl(e^{d} - 1 - d + (\mu - \mu')^2 e^{-\ell'}\bigr),
                  \quad d = \ell - \ell'

        Shapes: ``(B, *)``, broadcasting.  Unit: nats.  Exact.  Zero iff the two are equal.
        Reference: Kingma and Welling 2014, appendix B.

        >>> Gaussian.unit(torch.ones(1)).kl(standard_normal)
        tensor([0.5000])
        """
        # Near d = 0, `exp(d) - 1 - d` would lose all its digits and a small KL could come out
        # negative; expm1 keeps them.
        if isinstance(other, StandardNormal):
            ratio = capped(self.log_var)
            return 0.5 * (torch.expm1(ratio) - ratio + self.mean.square())
        ratio = capped(self.log_var - other.log_var)
        square = (self.mean - other.mean).square() * torch.exp(capped(-other.log_var))
        return 0.5 * (torch.expm1(ratio) - ratio + square)


@dataclass(frozen=True, eq=False)
class Bernoulli:
    r"""Independent binary variables with P(1) = sigmoid(logits).

    Shapes: ``logits`` is ``(B, *)``, and so are the nats.

    >>> Bernoulli(torch.zeros(2)).mean
    tensor([0.5000, 0.5000])
    """

    logits: Tensor

    @staticmethod
    def stack(bernoullis: Sequence[Bernoulli]) -> Bernoulli:
        """Put the members of a family side by side.

        Shapes: N times ``(B, *) -> (B, N, *)``.

        >>> one = Bernoulli(torch.zeros(3, 2))
        >>> Bernoulli.stack([one, one]).logits.shape
        torch.Size([3, 2, 2])
        """
        return Bernoulli(torch.stack([each.logits for each in bernoullis], dim=1))

    def __getitem__(self, index: _Index) -> Bernoulli:
        return Bernoulli(self.logits[index])

    @property
    def mean(self) -> Tensor:
        """The probability of a one."""
        return torch.sigmoid(self.logits)

    def sample(self, noise: Tensor) -> Tensor:
        """Turn uniform noise on [0, 1) into zeros and ones; no gradient goes through.

        Shapes: ``(B, *) -> (B, *)``.

        >>> Bernoulli(torch.zeros(2)).sample(torch.tensor([0.2, 0.7]))
        tensor([1., 0.])
        """
        return (noise < self.mean).to(self.logits.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        r"""Log-probability of every component; between 0 and 1, that of a coin weighted so.

        .. math:: v\,l - \log(1 + e^{l})

        Shapes: ``(B, *) -> (B, *)``.  Unit: nats.
        Exact for values in [0, 1]; a grey value v in between is the mean over coins of P(1) = v,
        not a normalised density.

        >>> Bernoulli(torch.zeros(2)).log_prob(torch.tensor([0.0, 1.0]))
        tensor([-0.6931, -0.6931])
        """
        return -self.nll(value)

    def nll(self, value: Tensor) -> Tensor:
        r"""Negative log-likelihood of every component: what a reconstruction costs.

        .. math:: \log(1 + e^{l}) - v\,l

        Shapes: ``(B, *) -> (B, *)``.  Unit: nats.  Exact, as `log_prob` is.

        >>> Bernoulli(torch.zeros(2)).nll(torch.tensor([0.0, 1.0]))
        tensor([0.6931, 0.6931])
        """
        return F.binary_cross_entropy_with_logits(self.logits, value, reduction="none")
