"""What distributions share: how their parameters are read, stacked, indexed and left out."""

from __future__ import annotations

__all__ = ["CERTAIN", "Index", "halves", "log_of_scale", "named", "of_class", "over"]

import math
from collections.abc import Mapping, Sequence
from types import EllipsisType
from typing import TypeAlias

import torch
from torch import Tensor

from graphdsl_runtime.errors import MissingInput, OutOfRange, ShapeMismatch

_Place: TypeAlias = int | slice | EllipsisType | Tensor | list[int] | None
#: What a distribution is indexed with: as a tensor is.
Index: TypeAlias = _Place | tuple[_Place, ...]


#: A logit of what is certain: the exponential of minus that is 0 in every precision.
CERTAIN = 1e4


def halves(parameters: Tensor, shape: Sequence[int] | None, of: str) -> tuple[Tensor, Tensor]:
    """Cut a network's output into two parameters of equal shapes.

    Shapes: ``(*, 2 D) -> (*, D)`` twice, or ``(*, *shape)`` where ``prod(shape) == D``.
    Raises `ShapeMismatch`, which says what these are the parameters ``of``.

    >>> import torch
    >>> halves(torch.arange(4.0), None, "a Gaussian")
    (tensor([0., 1.]), tensor([2., 3.]))
    """
    *rows, last = parameters.shape
    wanted = last if shape is None else 2 * math.prod(shape)
    if last != wanted or last % 2:
        expected = (*rows, "2 D" if shape is None else wanted)
        raise ShapeMismatch(f"{of}'s parameters", expected=expected, got=parameters.shape)
    first, second = parameters.chunk(2, dim=-1)
    if shape is None:
        return first, second
    return first.reshape(*rows, *shape), second.reshape(*rows, *shape)


def log_of_scale(
    location: Tensor,
    logarithm: Tensor | None,
    scale: float | None,
    power: int,
    word: str = "scale",
) -> Tensor:
    """Give the logarithm of a power of the scale: as it is given, or of one fixed scale.

    Shapes: that of ``location``, for a fixed scale.
    Raises `OutOfRange` unless the scale is positive and finite, and `TypeError` unless one of the
    two is given.

    >>> log_of_scale(torch.zeros(2), None, 1.0, power=2)
    tensor([0., 0.])
    """
    if scale is None and logarithm is not None:
        return logarithm
    if scale is None or logarithm is not None:
        raise TypeError(f"a distribution takes a {word} or its logarithm: give one of the two")
    if not 0.0 < scale < math.inf:
        raise OutOfRange(word, scale, low=0.0, high=math.inf)
    return torch.zeros_like(location) + power * math.log(scale)


def named(noise: Mapping[str, Tensor], name: str, like: Tensor) -> Tensor:
    """Give the noise of that name.

    Raises `MissingInput` if there is none; ``like`` tells the shape it would have.

    >>> import torch
    >>> named({"z": torch.ones(1)}, "z", torch.zeros(1))
    tensor([1.])
    """
    if name not in noise:
        raise MissingInput(name, expected=("B", *like.shape[1:]), given=noise, known=noise)
    return noise[name]


def of_class(table: Tensor, classes: Tensor) -> Tensor:
    """Give every row the entries of its class, of a table that has some for each.

    Shapes: ``(K, *)``, and the classes as one-hot vectors ``(B, K)``, ``-> (B, *)``.

    >>> of_class(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[0.0, 1.0]]))
    tensor([[3., 4.]])
    """
    with torch.autocast(table.device.type, enabled=False):  # which would round the entries
        entries = classes.to(table.dtype) @ table.reshape(len(table), -1)
    return entries.reshape(*classes.shape[:-1], *table.shape[1:])


def over(seen: Tensor, like: Tensor) -> Tensor:
    """Give a mask of leading axes as many axes as what it masks.

    Shapes: ``(B,)`` or ``(B, N)``, and ``like`` ``(B, N, *) -> (B, N, 1, ...)``.

    >>> import torch
    >>> over(torch.ones(3, 2), torch.ones(3, 2, 5, 4)).shape
    torch.Size([3, 2, 1, 1])
    """
    return seen.reshape(*seen.shape, *(1,) * (like.ndim - seen.ndim))
