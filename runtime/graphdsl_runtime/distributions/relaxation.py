"""Straight-through samples: discrete going forward, relaxed going back."""

from __future__ import annotations

__all__ = ["straight_through"]

from torch import Tensor

from graphdsl_runtime.holding import held


def straight_through(soft: Tensor, hard: Tensor) -> Tensor:
    """Give the hard sample, bit for bit, with the gradient of the soft one.

    Shapes: ``(*), (*) -> (*)``.
    Relation: surrogate: the gradient is that of another function, and biased.
    Reference: Bengio, Léonard and Courville 2013; Jang, Gu and Poole 2017, sec. 2.2.

    >>> import torch
    >>> soft = torch.tensor([0.7], requires_grad=True)
    >>> straight_through(soft, torch.ones(1)).detach()
    tensor([1.])
    """
    return hard + (soft - held(soft))
