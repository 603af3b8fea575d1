"""What a caller's own networks answer: looked at as a batch is."""

from __future__ import annotations

__all__ = ["expected_of", "looked_at"]

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from graphdsl_runtime.errors import ShapeMismatch
from graphdsl_runtime.network_errors import BadAnswer
from graphdsl_runtime.networks import answer_shape
from graphdsl_runtime.scaling import Scaled
from graphdsl_runtime.support import is_cheap


@dataclass(frozen=True)
class _Look:
    """A hook: an answer has the shape of the default network's, and holds numbers."""

    name: str
    expected: tuple[int, ...] | None

    def __call__(self, network: nn.Module, parents: tuple[object, ...], answer: object) -> None:
        if not isinstance(answer, Tensor):
            return
        expected = self.expected
        if expected is not None and tuple(answer.shape[1:]) != expected:
            what = f"the answer of {self.name}"
            raise ShapeMismatch(what, expected=("B", *expected), got=answer.shape)
        if not is_cheap(answer) or math.isfinite(answer.detach().sum().item()):
            return
        wrong = ~torch.isfinite(answer.detach())
        if wrong.any():  # the sum of large numbers may be infinite by itself
            row = int(wrong.nonzero()[0, 0])
            raise BadAnswer(self.name, answer.detach()[wrong][0].item(), row=row)


def expected_of(default: Callable[[], nn.Module], member: bool = False) -> tuple[int, ...] | None:
    """Say what a default network answers with, or one of a family's: None if with no tensor.

    On `meta`, building it costs neither memory nor random numbers.
    """
    with torch.device("meta"):
        answer = default()
    return answer_shape(answer.network if isinstance(answer, Scaled) else answer, member=member)


def looked_at(network: nn.Module, name: str, expected: tuple[int, ...] | None) -> nn.Module:
    """Give the network, which from now on raises at an answer of another shape, or no number."""
    network.register_forward_hook(_Look(name, expected))
    return network
