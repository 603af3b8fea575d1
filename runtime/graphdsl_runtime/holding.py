"""Values that a gradient holds still, and a way to hold them still in differences as well."""

from __future__ import annotations

__all__ = ["Holding", "held"]

from typing import Self

from torch import Tensor, nn

_active: list[Holding] = []


def held(value: Tensor) -> Tensor:
    """Give a value as a constant: the gradient leaves it out, although it depends on parameters.

    Shapes: ``(*) -> (*)``.

    >>> import torch
    >>> held(torch.ones(1, requires_grad=True)).requires_grad
    False
    """
    return _active[-1].take(value) if _active else value.detach()


class Holding:
    r"""Keeps what `held` gave in a first pass, so that later passes have the same constants.

    A gradient that holds values still is the derivative of a loss in which they are constants. So a
    difference of two losses shows that derivative if both have the constants of one first pass:

    .. math:: \frac{L(\theta + h d; c) - L(\theta - h d; c)}{2 h} \to \nabla_\theta L \cdot d,
              \qquad c = c(\theta)

    >>> import torch
    >>> with Holding() as holding:
    ...     first = held(torch.tensor(1.0))
    ...     holding.rewind()
    ...     second = held(torch.tensor(2.0))
    >>> second
    tensor(1.)
    """

    def __init__(self) -> None:
        self._samples: list[Tensor] = []
        self._parameters: dict[nn.Parameter, Tensor] = {}
        self._place = 0
        self._of_samples = self._of_networks = True

    def __enter__(self) -> Self:
        _active.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _active.remove(self)

    def rewind(self, *, samples: bool = True, networks: bool = True) -> None:
        """Begin another pass: what comes from samples is held still, and what networks have."""
        self._place = 0
        self._of_samples, self._of_networks = samples, networks

    def take(self, value: Tensor) -> Tensor:
        """Keep a value of the first pass; later give that one where it is held still."""
        if isinstance(value, nn.Parameter):
            first = self._parameters.setdefault(value, value.detach().clone())
            return first if self._of_networks else value.detach()
        if self._place == len(self._samples):
            self._samples.append(value.detach())
        self._place += 1
        return self._samples[self._place - 1] if self._of_samples else value.detach()
