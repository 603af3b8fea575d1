"""The default networks of images: strided convolutions, and the dense layers behind them."""

from __future__ import annotations

__all__ = ["ConvEncoder", "conv_decoder", "conv_encoder"]

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from graphdsl_runtime.layers import OnParents, Shape, dense, size_of

_HEAD = 256  # width of the dense layer between convolutions and parameters


def conv_encoder(shape: Shape, outputs: int | Shape, others: Sequence[Shape] = ()) -> nn.Module:
    """Build strided convolutions, then dense layers: an image, and other parents, to parameters.

    Every convolution halves the image, as long as its sides are even and above 4; the other parents
    join before the dense layers. After Higgins et al. 2017, table 1.

    Shapes: ``(B, C, H, W)``, then one ``(B, *shape)`` per entry of ``others`` ``-> (B, *outputs)``.

    >>> import torch
    >>> conv_encoder((1, 28, 28), 20)(torch.zeros(5, 1, 28, 28)).shape
    torch.Size([5, 20])
    """
    return ConvEncoder(shape, outputs, others)


def conv_decoder(inputs: Sequence[Shape], shape: Shape, *, numbers: int = 1) -> nn.Module:
    """Build the mirror image of `conv_encoder`: dense layers, then transposed convolutions.

    Of several ``numbers`` for each pixel, the answer has all that come first, then the others.

    Shapes: one ``(B, *shape)`` per entry of ``inputs`` ``-> (B, C, H, W)``, or, of several numbers,
    ``(B, numbers C H W)``.

    >>> import torch
    >>> conv_decoder([(10,)], (3, 64, 64))(torch.zeros(5, 10)).shape
    torch.Size([5, 3, 64, 64])
    """
    widths = (numbers * shape[0], *shape[1:])
    channels, sides = _halvings(widths)
    folded = (channels[-1], *sides)
    layers: list[nn.Module] = [
        *dense((sum(map(math.prod, inputs)), _HEAD, math.prod(folded))),
        nn.ReLU(inplace=True),
        nn.Unflatten(1, folded),
    ]
    for wide, narrow in pairwise(reversed(channels)):
        layers += [nn.ConvTranspose2d(wide, narrow, 4, stride=2, padding=1), nn.ReLU(inplace=True)]
    return OnParents(nn.Sequential(*layers[:-1]), shape if numbers == 1 else (math.prod(widths),))


class ConvEncoder(nn.Module):
    """Convolutions on the first parent, then dense layers on the result and the other parents."""

    def __init__(self, shape: Shape, outputs: int | Shape, others: Sequence[Shape]) -> None:
        super().__init__()
        channels, sides = _halvings(shape)
        layers: list[nn.Module] = []
        for narrow, wide in pairwise(channels):
            layers += [nn.Conv2d(narrow, wide, 4, stride=2, padding=1), nn.ReLU(inplace=True)]
        width = channels[-1] * math.prod(sides) + sum(map(math.prod, others))
        self.convolutions = nn.Sequential(*layers)
        self.head = OnParents(dense((width, _HEAD, size_of(outputs))), outputs)

    def forward(self, image: Tensor, *others: Tensor) -> Tensor:
        """Shapes: ``(B, *shape)``, and one per other parent ``-> (B, *outputs)``."""
        answer: Tensor = self.head(self.convolutions(image), *others)
        return answer


def _halvings(shape: Shape) -> tuple[list[int], tuple[int, int]]:
    """Say which channels the image goes through and which sides are left at the end."""
    channel, height, width = shape
    channels = [channel]
    while min(height, width) > 4 and height % 2 == 0 and width % 2 == 0:
        height, width = height // 2, width // 2
        channels.append(32 if len(channels) < 3 else 64)
    return channels, (height, width)
