"""Independent numbers from 0 to 1: the continuous Bernoulli, and the beta."""

from __future__ import annotations

__all__ = ["Beta", "ContinuousBernoulli"]

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime.distributions.coordinates import Coordinates, parts
from graphdsl_runtime.distributions.parameters import log_of_scale
from graphdsl_runtime.distributions.series import log_gamma_beside_stirling
from graphdsl_runtime.distributions.units import Unit
from graphdsl_runtime.exponents import capped, positive

_NEAR = 0.25  # of a logit, where the normaliser is 0 / 0: below, its series is exact
#: log ((e^t - 1) / t) = t / 2 + a t^2 + b t^4 + ...
_SERIES = (1 / 24, -1 / 2880, 1 / 181440, -1 / 9676800)


@dataclass(frozen=True, eq=False)
class ContinuousBernoulli(Coordinates):
    r"""Independent numbers in [0, 1] whose density is proportional to that of a Bernoulli.

    .. math:: p(v) = \frac{t}{e^t - 1} e^{t v}

    with the logit t: the normalised likelihood of grey levels.

    Shapes: ``logits`` is ``(B, *)``, and so are the nats.
    Reference: Loaiza-Ganem and Cunningham 2019.

    >>> ContinuousBernoulli(torch.zeros(2)).mean
    tensor([0.5000, 0.5000])
    """

    logits: Tensor

    units: ClassVar[tuple[Unit, ...]] = ("none",)

    @property
    def mean(self) -> Tensor:
        """The mean, 1 / (1 - e^-t) - 1 / t: closer to a half than the sigmoid is."""
        t, near, far = self._branches()
        series = 0.5 + sum(2 * k * a * near ** (2 * k - 1) for k, a in enumerate(_SERIES, 1))
        upper = -1.0 / torch.expm1(-far) - 1.0 / far  # of a positive logit
        return torch.where(t.abs() < _NEAR, series, torch.where(t > 0, upper, 1.0 - upper))

    def sample_data(self) -> Tensor:
        """Draw numbers from 0 to 1, ``(B, *)``, by the inverse of the distribution function."""
        size = self.logits.abs().clamp(min=1e-4)
        uniform = torch.rand_like(size)
        lower = (-torch.log1p(uniform * torch.expm1(-size)) / size).clamp(0.0, 1.0)
        return torch.where(self.logits > 0, 1.0 - lower, lower)

    def entropy(self) -> Tensor:
        """Differential entropy of every coordinate: at most 0, that of even chances.

        Shapes: ``(B, *)``.  Unit: nats.  Exact.

        >>> ContinuousBernoulli(torch.zeros(1)).entropy()
        tensor([0.])
        """
        t, near, far = self._branches()
        series = sum((1 - 2 * k) * a * near ** (2 * k) for k, a in enumerate(_SERIES, 1))
        away = torch.log(-torch.expm1(-far) / far) + 1.0 - far / torch.expm1(capped(far))
        return torch.where(t.abs() < _NEAR, series, away)

    def nll(self, value: Tensor) -> Tensor:
        r"""Negative log-density of every coordinate.

        .. math:: \log \frac{e^t - 1}{t} - t v

        Shapes: numbers in [0, 1], ``(B, *) -> (B, *)``, broadcasting.  Unit: nats.  Exact.

        >>> ContinuousBernoulli(torch.ones(2)).nll(torch.tensor([0.0, 1.0]))
        tensor([ 0.5413, -0.4587])
        """
        t, near, far = self._branches()
        series = 0.5 * near + sum(a * near ** (2 * k) for k, a in enumerate(_SERIES, 1))
        away = torch.relu(t) + torch.log(-torch.expm1(-far) / far)
        return torch.where(t.abs() < _NEAR, series, away) - t * value

    def _branches(self) -> tuple[Tensor, Tensor, Tensor]:
        """The logit; what a series may take of it; and its size, where the closed form is safe."""
        t = self.logits
        return t, t.clamp(-_NEAR, _NEAR), t.abs().clamp(min=_NEAR)


@dataclass(frozen=True, eq=False, init=False)
class Beta(Coordinates):
    r"""Independent numbers between 0 and 1, of mean m and variance m (1 - m) / (1 + precision).

    ``logits`` are those of the mean; the parameters of the usual form are m times the precision,
    and (1 - m) times it.  The ends, 0 and 1, have no density.

    Shapes: ``logits`` is ``(B, *)``, and ``log_precision`` broadcasts to it; ``precision`` is a
    positive number, given instead of its logarithm.
    Reference: Ferrari and Cribari-Neto 2004.

    >>> Beta(torch.zeros(1), precision=4.0).log_precision
    tensor([1.3863])
    """

    logits: Tensor
    log_precision: Tensor

    units: ClassVar[tuple[Unit, ...]] = ("none", "none")

    def __init__(
        self,
        logits: Tensor,
        log_precision: Tensor | None = None,
        *,
        precision: float | None = None,
    ) -> None:
        known = log_of_scale(logits, log_precision, precision, power=1, word="precision")
        object.__setattr__(self, "logits", logits)
        object.__setattr__(self, "log_precision", known.expand(logits.shape))

    @staticmethod
    def split(parameters: Tensor, shape: Sequence[int] | None = None) -> Beta:
        """Read both parameters from a network's output: logits of means, then log-precisions.

        Shapes: ``(*, 2 D) -> (*, D)``, or ``(*, *shape)`` where ``prod(shape) == D``.

        >>> Beta.split(torch.arange(2.0)).log_precision
        tensor([1.])
        """
        return Beta(*parts(parameters, 2, shape, of="a beta"))

    @staticmethod
    def of_precision(logits: Tensor, log_precision: Tensor) -> Beta:
        """Give the numbers of a precision for all rows, such as a learned one.

        >>> Beta.of_precision(torch.zeros(3, 2), torch.zeros(2)).log_precision.shape
        torch.Size([3, 2])
        """
        return Beta(logits, log_precision)

    @property
    def mean(self) -> Tensor:
        """The mean, the sigmoid of the logits."""
        return torch.sigmoid(self.logits)

    def sample_data(self) -> Tensor:
        """Draw numbers between 0 and 1, ``(B, *)``; what rounds to an end is the next to it."""
        first, second, _ = self._counts()
        one, other = torch._standard_gamma(first), torch._standard_gamma(second)
        tiny = torch.finfo(one.dtype).tiny
        share = one.clamp(min=tiny) / (one.clamp(min=tiny) + other.clamp(min=tiny))
        return share.clamp(tiny, 1.0 - torch.finfo(one.dtype).eps)

    def nll(self, value: Tensor) -> Tensor:
        r"""Negative log-density of every coordinate, with a = n m, b = n (1 - m).

        .. math:: \log \frac{\Gamma(a) \Gamma(b)}{\Gamma(n)} - (a - 1) \log v
                  - (b - 1) \log (1 - v)

        Shapes: numbers in (0, 1), ``(B, *) -> (B, *)``, broadcasting.  Unit: nats.  Exact.

        >>> Beta(torch.zeros(1), precision=4.0).nll(torch.tensor([0.5]))  # 6 v (1 - v)
        tensor([-0.4055])
        """
        a, b, n = self._counts()
        logs = log_gamma_beside_stirling(a) + log_gamma_beside_stirling(b)
        low, high = torch.log(value), torch.log1p(-value)
        # What Stirling's formula leaves: n times the divergence between two Bernoullis.
        apart = a * (F.logsigmoid(self.logits) - low) + b * (F.logsigmoid(-self.logits) - high)
        return logs - log_gamma_beside_stirling(n) + apart + low + high

    def _counts(self) -> tuple[Tensor, Tensor, Tensor]:
        """Both parameters of the usual form, and their sum."""
        log_n = -capped(-self.log_precision)
        first, second = log_n + F.logsigmoid(self.logits), log_n + F.logsigmoid(-self.logits)
        a, b = positive(first), positive(second)
        return a, b, a + b
