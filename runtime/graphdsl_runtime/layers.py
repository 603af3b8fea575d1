"""Parts of the default networks: dense layers, and parents side by side."""

from __future__ import annotations

__all__ = [
    "PLAIN",
    "Act",
    "Kit",
    "Norm",
    "OnParents",
    "Residual",
    "Shape",
    "dense",
    "residual",
    "shape_of",
    "side_by_side",
    "size_of",
]

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

Shape: TypeAlias = Sequence[int]
Act: TypeAlias = Literal["relu", "gelu", "silu", "tanh", "elu", "leaky_relu", "softplus"]
Norm: TypeAlias = Literal["none", "layer", "batch"]

_ACTS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "elu": nn.ELU,
    "leaky_relu": nn.LeakyReLU,
    "softplus": nn.Softplus,
}


@dataclass(frozen=True)
class Kit:
    """The layers that a network is built of."""

    act: Act = "relu"
    norm: Norm = "none"
    dropout: float = 0.0
    linear: Callable[[int, int], nn.Module] = nn.Linear
    layer_norm: Callable[[int], nn.Module] = nn.LayerNorm
    batch_norm: Callable[[int], nn.Module] = nn.BatchNorm1d

    def normalised(self, width: int) -> list[nn.Module]:
        """Give the normalisation of a layer, if there is one."""
        known = {"layer": self.layer_norm, "batch": self.batch_norm}
        return [] if self.norm == "none" else [known[self.norm](width)]

    def activated(self) -> list[nn.Module]:
        """Give the activation function."""
        return [_ACTS[self.act]()]

    def dropped(self) -> list[nn.Module]:
        """Give the dropout of a layer, if there is some."""
        return [nn.Dropout(self.dropout)] if self.dropout else []


PLAIN = Kit()


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


def dense(widths: Sequence[int], kit: Kit = PLAIN) -> nn.Sequential:
    """Build linear maps of these widths: between them normalisation, activation and dropout."""
    layers: list[nn.Module] = []
    for narrow, wide in pairwise(widths[:-1]):
        layers += [
            kit.linear(narrow, wide),
            *kit.normalised(wide),
            *kit.activated(),
            *kit.dropped(),
        ]
    return nn.Sequential(*layers, kit.linear(*widths[-2:]))


class Residual(nn.Module):
    """A block that adds to its input what its layers make of it."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, values: Tensor) -> Tensor:
        """Shapes: ``(B, width) -> (B, width)``."""
        answer: Tensor = values + self.layers(values)
        return answer


def residual(inputs: int, width: int, outputs: int, blocks: int, kit: Kit) -> nn.Sequential:
    """Build a linear map, residual blocks of one width, and a linear map."""
    layers: list[nn.Module] = [kit.linear(inputs, width)]
    for _ in range(blocks):
        first = [*kit.normalised(width), kit.linear(width, width), *kit.activated(), *kit.dropped()]
        layers.append(Residual(*first, kit.linear(width, width), *kit.dropped()))
    last = [*kit.normalised(width), *kit.activated(), kit.linear(width, outputs)]
    return nn.Sequential(*layers, *last)


def size_of(outputs: int | Shape) -> int:
    """Count the numbers of an answer."""
    return math.prod(shape_of(outputs))


def shape_of(outputs: int | Shape) -> tuple[int, ...]:
    """Give the shape of a row of an answer."""
    return (outputs,) if isinstance(outputs, int) else tuple(outputs)
