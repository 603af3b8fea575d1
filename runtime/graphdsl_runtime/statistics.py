"""The mean and the spread of data, which the default networks read and answer in units of."""

from __future__ import annotations

__all__ = ["Moments", "Statistics", "is_scaled"]

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from graphdsl_runtime.variables import Variable

_IMAGE = 3  # axes of a shape whose first one is channels: of each, all pixels are one sample


def is_scaled(variable: Variable) -> bool:
    """Say whether a variable has a scale: real, positive or count data."""
    return variable.role != "latent" and variable.kind in ("real", "positive", "count")


class Moments:
    """The mean and the variance of rows that come batch by batch, in double precision.

    >>> moments = Moments()
    >>> for rows in (torch.tensor([[1.0], [3.0]]), torch.tensor([[8.0]])):
    ...     moments.add(rows, torch.ones(len(rows), dtype=torch.bool))
    >>> moments.mean, moments.variance
    (tensor([4.], dtype=torch.float64), tensor([8.6667], dtype=torch.float64))
    """

    def __init__(self) -> None:
        self.count = torch.zeros((), dtype=torch.float64)
        self.mean = torch.zeros((), dtype=torch.float64)
        self._squares = torch.zeros((), dtype=torch.float64)

    def add(self, rows: Tensor, seen: Tensor) -> None:
        """Add a batch: of each row, or each row of each member, whether it is there.

        Shapes: rows ``(B, *)``, seen ``(B,)`` or ``(B, N)``.
        Reference: Chan, Golub and LeVeque 1979.
        """
        there = seen.reshape(*seen.shape, *(1,) * (rows.ndim - seen.ndim)).double()
        values = rows.double()
        count = there.sum(dim=0)
        mean = (there * values).sum(dim=0) / count.clamp(min=1.0)
        squares = (there * (values - mean).square()).sum(dim=0)
        total = self.count + count
        shift = mean - self.mean
        self.mean = self.mean + shift * count / total.clamp(min=1.0)
        share = self.count * count / total.clamp(min=1.0)
        self._squares = self._squares + squares + shift.square() * share
        self.count = total

    @property
    def variance(self) -> Tensor:
        """The mean square distance from the mean."""
        return self._squares / self.count.clamp(min=1.0)

    def over_pixels(self, shape: Sequence[int]) -> Moments:
        """Give an image's channels one mean and one spread each; anything else as it is."""
        if len(shape) != _IMAGE:
            return self
        pooled = Moments()
        pooled.count = self.count
        pooled.mean = self.mean.mean(dim=(-2, -1), keepdim=True).expand_as(self.mean)
        within = self._squares.mean(dim=(-2, -1), keepdim=True)
        between = (self.mean - pooled.mean).square().mean(dim=(-2, -1), keepdim=True)
        pooled._squares = (within + between * self.count).expand_as(self.mean)
        return pooled


class Statistics(nn.Module):
    """The mean and the spread of every variable that has a scale, before any is known 0 and 1.

    The mean of what is positive or a count is 1 then.

    They are buffers, and so a part of the module's state.  Of a count it is the mean that is used:
    networks read log(1 + count), which needs none.

    Shapes: ``(*shape)``, of a family ``(N, *shape)``, whatever its indices.

    >>> Statistics([Variable("x", role="observed", kind="real", shape=(2,))])
    Statistics(x: mean 0, spread 1)
    """

    def __init__(self, variables: Sequence[Variable]) -> None:
        super().__init__()
        self.variables = {variable.name: variable for variable in variables if is_scaled(variable)}
        for name, variable in self.variables.items():
            shape = (
                variable.shape
                if variable.members is None
                else (len(variable.member_names), *variable.shape)
            )
            self.register_buffer(f"mean_{name}", torch.full(shape, float(variable.kind != "real")))
            self.register_buffer(f"spread_{name}", torch.ones(shape))

    def mean(self, name: str) -> Tensor:
        """Give the mean of a variable."""
        return self.get_buffer(f"mean_{name}")

    def spread(self, name: str) -> Tensor:
        """Give the standard deviation of a variable; 1 where it is constant."""
        return self.get_buffer(f"spread_{name}")

    def set(self, name: str, moments: Moments) -> None:
        """Take what was found in data; what no row has is left as it is."""
        known = self.variables[name]
        moments = moments.over_pixels(known.shape)
        mean, spread = moments.mean, moments.variance.sqrt()
        if known.kind == "count":
            mean = mean.clamp(min=0.5 / float(moments.count.max().clamp(min=1.0)))
        # Rounding of a large mean is no spread.
        digits = torch.finfo(self.mean(name).dtype).eps
        spread = torch.where(spread > digits * mean.abs(), spread, torch.ones_like(spread))
        there = (moments.count > 0).expand_as(mean)
        self.mean(name).copy_(torch.where(there, mean, self.mean(name)))
        self.spread(name).copy_(torch.where(there, spread, self.spread(name)))

    def distance(self, name: str, value: Tensor) -> float:
        """Say how many spreads values of a variable are from its mean, at most; of counts, e-folds.

        Networks read numbers of a few spreads well.
        """
        mean, spread = self.mean(name), self.spread(name)
        if self.variables[name].kind == "count":
            return (torch.log1p(value) - torch.log(mean)).abs().max().item()
        return ((value - mean) / spread).abs().max().item()

    def extra_repr(self) -> str:
        """Print the range of means and of spreads of each variable."""
        return "; ".join(
            f"{name}: mean {_range(self.mean(name))}, spread {_range(self.spread(name))}"
            for name in self.variables
        )

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load; a state of an older version has no statistics, and leaves them as they are."""
        missing: list[str] = []
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing, unexpected_keys, error_msgs
        )
        if any(key.startswith(prefix) for key in state_dict):
            missing_keys += missing


def _range(values: Tensor) -> str:
    """Print the least and the largest of some numbers, or the one that they all are."""
    low, high = (f"{one.item():.4g}" for one in torch.aminmax(values))
    return low if low == high else f"{low}..{high}"
