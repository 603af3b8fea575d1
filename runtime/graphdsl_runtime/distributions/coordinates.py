"""What likelihoods of independent coordinates share: one tensor for each parameter, all alike."""

from __future__ import annotations

__all__ = ["Coordinates", "parts"]

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Self

import torch
from torch import Tensor

from graphdsl_runtime.distributions.parameters import Index
from graphdsl_runtime.errors import ShapeMismatch


class Coordinates:
    """A frozen dataclass whose fields are the parameters: each a tensor of the shape of the data.

    A law states its mean, its nll and how it draws; the rest is the same for all.
    """

    @classmethod
    def stack(cls, distributions: Sequence[Self]) -> Self:
        """Put the members of a family side by side.

        Shapes: N times ``(B, *) -> (B, N, *)``.
        """
        parameters = zip(*(one.parameters for one in distributions), strict=True)
        return cls(*(torch.stack(parameter, dim=1) for parameter in parameters))

    def __getitem__(self, index: Index) -> Self:
        return type(self)(*(parameter[index] for parameter in self.parameters))

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """The parameters, in their order."""
        return tuple(getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]  # every subclass is a dataclass

    @property
    def mean(self) -> Tensor:
        """The mean of every coordinate."""
        raise NotImplementedError

    @property
    def likeliest(self) -> Tensor:
        """What stands in for a value that is not given: the mean."""
        return self.mean

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density, or log-probability, of every coordinate.

        Shapes: ``(B, *) -> (B, *)``, broadcasting.  Unit: nats.  Exact: minus the `nll`.
        """
        return -self.nll(value)

    def nll(self, value: Tensor) -> Tensor:
        """Negative log-likelihood of every coordinate: what a reconstruction costs."""
        raise NotImplementedError


def parts(
    parameters: Tensor, count: int, shape: Sequence[int] | None, of: str
) -> tuple[Tensor, ...]:
    """Cut a network's output into parameters of equal shapes.

    Shapes: ``(*, count D) -> (*, D)`` so many times, or ``(*, *shape)`` where ``prod(shape) == D``.
    Raises `ShapeMismatch`, which says what these are the parameters ``of``.

    >>> parts(torch.arange(3.0), 3, None, "a law")
    (tensor([0.]), tensor([1.]), tensor([2.]))
    """
    *rows, last = parameters.shape
    wanted = last if shape is None else count * math.prod(shape)
    if last != wanted or last % count:
        expected = (*rows, f"{count} D" if shape is None else wanted)
        raise ShapeMismatch(f"{of}'s parameters", expected=expected, got=parameters.shape)
    cut = parameters.chunk(count, dim=-1)
    return cut if shape is None else tuple(one.reshape(*rows, *shape) for one in cut)
