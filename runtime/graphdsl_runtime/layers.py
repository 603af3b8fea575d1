"""Parts of the default networks: dense layers, and parents side by side."""

from __future__ import annotations

__all__ = ["OnParents", "Shape", "dense", "shape_of", "side_by_side", "size_of"]

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeAlias

import torch
from torch import Tensor, nn

Shape: TypeAlias = Sequence[int]


class OnParents(nn.Module):
    """Flatten the parents, put them side by side, and shape the answer."""

    def __init__(self, layers: nn.Sequential, outputs: int | Shape) -> None:
        super().__init__()
        self.layers = layers
        self.outputs = None if isinstance(outputs, int) else tuple(outputs)
        self.row = shape_of(outputs)

    def forward(self, *parents: Tensor) -> Tensor:
        """Shapes: one ``(B, *shape)`` per parent ``-> (B, outputs)`` or ``(B, *outputs)``."""
        answer: Tensor = self.layers(side_by_side(parents))
        if self.outputs is None:
            return answer
        return answer.reshape(answer.shape[0], *self.outputs)


def side_by_side(parents: Sequence[Tensor]) -> Tensor:
    """Put the numbers of all parents in one row: ``(B, *shape)`` each ``-> (B, numbers)``."""
    flat = [
        parent if parent.ndim == 2 else parent.reshape(parent.shape[0], -1) for parent in parents
    ]
    return flat[0] if len(flat) == 1 else torch.cat(flat, dim=1)


def dense(
    widths: Sequence[int], linear: Callable[[int, int], nn.Module] = nn.Linear
) -> nn.Sequential:
    """Build linear maps of these widths, with ReLU between them."""
    layers: list[nn.Module] = []
    for narrow, wide in pairwise(widths):
        layers += [linear(narrow, wide), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])


def size_of(outputs: int | Shape) -> int:
    """Count the numbers of an answer."""
    return math.prod(shape_of(outputs))


def shape_of(outputs: int | Shape) -> tuple[int, ...]:
    """Give the shape of a row of an answer."""
    return (outputs,) if isinstance(outputs, int) else tuple(outputs)
