"""Layers of a family's networks: those of all members side by side, each with its own weights."""

from __future__ import annotations

__all__ = ["BatchNorms", "FamilyLayer", "LayerNorms", "Linears", "some_of"]

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812  # as everyone writes it
from torch import Tensor, nn

_EPSILON = 1e-5  # added to variances, as `nn.LayerNorm` and `nn.BatchNorm1d` do
_MOMENTUM = 0.1  # of running statistics, as in `nn.BatchNorm1d`


class FamilyLayer(nn.Module, ABC):
    """A layer with weights for every member: ``(count, B, inputs) -> (count, B, outputs)``."""

    @abstractmethod
    def forward(self, values: Tensor, members: Sequence[int] | None = None) -> Tensor:
        """Run all members, or some."""

    def apart(self, values: Sequence[Tensor], members: Sequence[int] | None) -> Sequence[Tensor]:
        """Run member after member: one ``(B, inputs)`` each."""
        answers: Tensor = self(torch.stack(list(values)), members)
        return answers.unbind(0)


class Linears(FamilyLayer):
    """``count`` linear maps of equal shape: ``(count, B, inputs) -> (count, B, outputs)``."""

    def __init__(self, count: int, inputs: int, outputs: int) -> None:
        super().__init__()
        # nn.Linear draws its weights and its biases from this range.
        bound = inputs**-0.5
        self.weight = nn.Parameter(torch.empty(count, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(count, 1, outputs).uniform_(-bound, bound))

    def forward(self, values: Tensor, members: Sequence[int] | None = None) -> Tensor:
        """Run all members, or some, as one batched matrix product."""
        return torch.baddbmm(some_of(self.bias, members), values, some_of(self.weight, members))

    def apart(self, values: Sequence[Tensor], members: Sequence[int] | None) -> Sequence[Tensor]:
        """Run a matrix product for each member."""
        weights, biases = (some_of(each, members) for each in (self.weight, self.bias))
        own = zip(biases.unbind(0), values, weights.unbind(0), strict=True)
        return [torch.addmm(bias, value, weight) for bias, value, weight in own]

    def extra_repr(self) -> str:
        """Print the sizes."""
        count, inputs, outputs = self.weight.shape
        return f"{count} x ({inputs} -> {outputs})"


class LayerNorms(FamilyLayer):
    """``count`` layers of `nn.LayerNorm`: ``(count, B, width) -> (count, B, width)``."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(count, 1, width))
        self.bias = nn.Parameter(torch.zeros(count, 1, width))

    def forward(self, values: Tensor, members: Sequence[int] | None = None) -> Tensor:
        """Normalise each row of each member by itself."""
        normed = F.layer_norm(values, values.shape[-1:], eps=_EPSILON)
        return torch.addcmul(some_of(self.bias, members), normed, some_of(self.weight, members))


class BatchNorms(FamilyLayer):
    """``count`` layers of `nn.BatchNorm1d`: ``(count, B, width) -> (count, B, width)``.

    The statistics of a member are over the rows of a batch, and those that run update theirs alone.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(count, 1, width))
        self.bias = nn.Parameter(torch.zeros(count, 1, width))
        self.register_buffer("running_mean", torch.zeros(count, 1, width))
        self.register_buffer("running_var", torch.ones(count, 1, width))

    def forward(self, values: Tensor, members: Sequence[int] | None = None) -> Tensor:
        """Normalise by statistics of the batch in training, and by running ones in evaluation."""
        if self.training:
            var, mean = torch.var_mean(values, dim=1, correction=0, keepdim=True)
            self._remember(mean.detach(), var.detach(), values.shape[1], members)
        else:
            mean = some_of(self.running_mean, members)
            var = some_of(self.running_var, members)
        normed = (values - mean) * torch.rsqrt(var + _EPSILON)
        return torch.addcmul(some_of(self.bias, members), normed, some_of(self.weight, members))

    @torch.no_grad()
    def _remember(
        self, mean: Tensor, var: Tensor, rows: int, members: Sequence[int] | None
    ) -> None:
        """Move the running statistics towards those of a batch."""
        if rows < 2:
            raise ValueError("batch normalisation needs more than 1 row in training, got 1")
        which = slice(None) if members is None else list(members)
        for running, new in (
            (self.running_mean, mean),
            (self.running_var, var * rows / (rows - 1)),
        ):
            running[which] = torch.lerp(running[which], new, _MOMENTUM)


def some_of(each: Tensor, members: Sequence[int] | None) -> Tensor:
    """Take some members' weights: without a copy where they stand side by side."""
    if members is None:
        return each
    first, last = members[0], members[-1] + 1
    return each[first:last] if list(members) == list(range(first, last)) else each[list(members)]
