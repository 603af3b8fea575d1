"""Independent real numbers with heavier tails than a normal's."""

from __future__ import annotations

__all__ = ["StudentT"]

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from graphdsl_runtime.distributions.coordinates import Coordinates, parts
from graphdsl_runtime.distributions.parameters import log_of_scale
from graphdsl_runtime.distributions.series import log_rising
from graphdsl_runtime.distributions.units import Unit
from graphdsl_runtime.exponents import bounded, capped, positive

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
_FROM = 32.0  # from here on the series of digamma is exact in double precision


@dataclass(frozen=True, eq=False, init=False)
class StudentT(Coordinates):
    r"""Independent real numbers: ``loc`` plus exp(log_scale) times Student's t.

    The degrees of freedom are exp(log_df): 1 is a Cauchy, and the law goes to a normal as they
    grow.

    Shapes: ``loc`` and ``log_scale`` are ``(B, *)``, and ``log_df`` broadcasts to them; ``df`` is a
    positive number, given instead of its logarithm.
    Reference: Lange, Little and Taylor 1989.

    >>> StudentT(torch.zeros(1), torch.zeros(1), df=1.0).nll(torch.zeros(1))  # log pi
    tensor([1.1447])
    """

    loc: Tensor
    log_scale: Tensor
    log_df: Tensor

    units: ClassVar[tuple[Unit, ...]] = ("mean", "log_scale", "log_df")

    def __init__(
        self,
        loc: Tensor,
        log_scale: Tensor,
        log_df: Tensor | None = None,
        *,
        df: float | None = None,
    ) -> None:
        known = log_of_scale(loc, log_df, df, power=1, word="df")
        object.__setattr__(self, "loc", loc)
        object.__setattr__(self, "log_scale", log_scale)
        object.__setattr__(self, "log_df", known.expand(loc.shape))

    @staticmethod
    def split(
        parameters: Tensor, shape: Sequence[int] | None = None, *, df: float | None = None
    ) -> StudentT:
        """Read the parameters: locations, log-scales, and the logarithms of df unless it is fixed.

        Shapes: ``(*, 3 D) -> (*, D)``, or ``(*, 2 D)`` where df is fixed, or ``(*, *shape)`` where
        ``prod(shape) == D``.

        >>> StudentT.split(torch.zeros(4), df=2.0).mean
        tensor([0., 0.])
        """
        cut = parts(parameters, 3 if df is None else 2, shape, of="a Student's t")
        return StudentT(cut[0], cut[1], cut[2] if df is None else None, df=df)

    @staticmethod
    def of_df(parameters: Tensor, log_df: Tensor, shape: Sequence[int] | None = None) -> StudentT:
        """Read locations and log-scales, of numbers whose df is for all rows.

        Shapes: ``(*, 2 D) -> (*, D)``, or ``(*, *shape)``; ``log_df`` broadcasts to it.

        >>> StudentT.of_df(torch.zeros(3, 4), torch.zeros(2)).log_df.shape
        torch.Size([3, 2])
        """
        cut = parts(parameters, 2, shape, of="a Student's t")
        return StudentT(cut[0], cut[1], log_df)

    @property
    def mean(self) -> Tensor:
        """The location: the median, and the mean where there is one, which takes a df above 1."""
        return self.loc

    def sample_data(self) -> Tensor:
        """Draw real numbers, ``(B, *)``: a normal over the root of a gamma."""
        half = 0.5 * self._df()
        spread = torch._standard_gamma(half) / half
        tiny = torch.finfo(spread.dtype).tiny
        drawn = torch.randn_like(self.loc) / spread.clamp(min=tiny).sqrt()
        return self.loc + torch.exp(capped(self.log_scale)) * drawn

    def entropy(self) -> Tensor:
        """Differential entropy of every coordinate.

        Shapes: ``(B, *)``.  Unit: nats.  Exact.

        >>> StudentT(torch.zeros(1), torch.zeros(1), df=1.0).entropy()  # log 4 pi
        tensor([2.5310])
        """
        df = self._df()
        low, inverse = (0.5 * df).clamp(max=_FROM), 1.0 / (0.5 * df).clamp(min=_FROM)
        # The digamma of x is that of x + 1, less 1 / x: its slope would overflow near 0.
        near = (low + 0.5) * (torch.digamma(low + 0.5) - torch.digamma(low + 1.0))
        small = near + 1.0 + torch.exp(capped(-self.log_df))
        square = inverse.square()
        # x times the difference of the digammas at x + 1/2 and x, and half of it.
        series = 0.5 + inverse * (1 / 8 - square * (1 / 64 - square / 128))
        large = series * (1.0 + 0.5 * inverse)
        slope = torch.where(0.5 * df < _FROM, small, large)
        return slope + self._log_normaliser(df)

    def nll(self, value: Tensor) -> Tensor:
        r"""Negative log-density of every coordinate, with d degrees of freedom.

        .. math:: \frac{d + 1}{2} \log \Bigl(1 + \frac{(v - m)^2}{d s^2}\Bigr) + \log s
                  - \log \frac{\Gamma((d + 1) / 2)}{\Gamma(d / 2) \sqrt{d \pi}}

        Shapes: ``(B, *) -> (B, *)``, broadcasting.  Unit: nats.  Exact.

        >>> StudentT(torch.zeros(1), torch.zeros(1), df=1.0).nll(torch.ones(1))  # log 2 pi
        tensor([1.8379])
        """
        df = self._df()
        away = bounded((value - self.loc) * torch.exp(capped(-self.log_scale - 0.5 * df.log())))
        apart = 0.5 * (df + 1.0) * torch.log1p(away.square())
        return apart + self._log_normaliser(df)

    def _log_normaliser(self, df: Tensor) -> Tensor:
        """That of a normal of the same scale, less what vanishes as df grows."""
        return self.log_scale + _HALF_LOG_2PI - log_rising(torch.full_like(df, 0.5), 0.5 * df)

    def _df(self) -> Tensor:
        return positive(self.log_df)
