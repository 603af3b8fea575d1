"""Sprites whose every factor is known: shape, scale, rotation and position, all of their products.

After dSprites (Matthey et al., 2017), small: 16 x 16, grey at the edges, and few values of each
factor. An image is what a shape covers of each pixel.
"""

from __future__ import annotations

__all__ = ["FACTORS", "Sprites", "sprites"]

import itertools
import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

#: How many values each factor has.
FACTORS = {"shape": 3, "scale": 4, "rotation": 8, "x": 8, "y": 8}
_SIDE = 16
_FINE = 4  # samples of a pixel along either axis


class Sprites(NamedTuple):
    """Images between 0 and 1, and the factors that each is of."""

    pixels: Tensor  #: (6144, 256)
    factors: Tensor  #: (6144, 5), whole numbers, in the order of `FACTORS`


@cache
def sprites() -> Sprites:
    """Draw every sprite, once.

    >>> images = sprites()
    >>> images.pixels.shape, images.factors.shape
    (torch.Size([6144, 256]), torch.Size([6144, 5]))
    """
    each = [range(count) for count in FACTORS.values()]
    factors = torch.tensor(list(itertools.product(*each)))
    return Sprites(torch.cat([_drawn(some) for some in factors.chunk(24)]), factors)


def _drawn(factors: Tensor) -> Tensor:
    """What shapes cover of each pixel: ``(B, 5) -> (B, 256)``."""
    shape, scale, rotation, across, down = factors.T[:, :, None, None]
    count = _SIDE * _FINE
    at = (torch.arange(count) + 0.5) / _FINE  # in pixels
    x = at[None, None, :] - (4.5 + across)  # middles from 4.5 to 11.5
    y = at[None, :, None] - (4.5 + down)
    angle = rotation * (math.pi / FACTORS["rotation"])  # half a turn: each shape is told from it
    size = 2.0 + 0.75 * scale  # 2 to 4.25 pixels, half as long as a shape
    u = (x * angle.cos() + y * angle.sin()) / size
    v = (y * angle.cos() - x * angle.sin()) / size
    inside = torch.where(
        shape == 0,
        (u.abs() < 1) & (v.abs() < 0.5),  # a bar
        torch.where(
            shape == 1,
            u.square() + (v / 0.5).square() < 1,  # an ellipse
            (u > -0.75) & (v.abs() < (1 - u) * 0.45),  # a triangle
        ),
    )
    fine = inside.float().reshape(-1, _SIDE, _FINE, _SIDE, _FINE)
    return fine.mean(dim=(2, 4)).flatten(1)
