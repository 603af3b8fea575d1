"""Critics: networks that tell two samples apart, and calls that do not train what they call."""

from __future__ import annotations

__all__ = ["Critic", "SeparableCritic", "critic", "frozen", "separable_critic"]

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from graphdsl_runtime.holding import held
from graphdsl_runtime.layers import Shape

_SLOPE = 0.2  # of the leaky ReLUs, as in Kim and Mnih 2018
_FEATURES = 32  # that an inner product is of


class Critic(nn.Module):
    r"""A perceptron that gives one number per row: a log-ratio of densities, once trained.

    Shapes: one ``(B, *shape)`` per entry of ``inputs`` ``-> (B,)``.

    >>> Critic([(3,)], hidden=(8,))(torch.zeros(5, 3)).shape
    torch.Size([5])
    """

    def __init__(
        self, inputs: Sequence[Shape], hidden: Sequence[int], spectral: bool = False
    ) -> None:
        super().__init__()
        layers = _perceptron(inputs, hidden, 1)
        if spectral:
            layers = [spectral_norm(one) if isinstance(one, nn.Linear) else one for one in layers]
        self.layers = nn.Sequential(*layers)

    def forward(self, *samples: Tensor) -> Tensor:
        """Score every row of the samples, taken side by side."""
        scores: Tensor = self.layers(_side_by_side(samples))
        return scores.squeeze(1)


def critic(
    inputs: Sequence[Shape], hidden: Sequence[int] = (256, 256), spectral: bool = False
) -> Critic:
    """Build a critic of samples, of pairs, or of more variables taken together.

    ``spectral`` divides every weight matrix by its largest singular value, by power iteration, so
    that the critic's slope is at most 1. After Kim and Mnih 2018; Miyato et al. 2018.

    Shapes: the critic takes one ``(B, *shape)`` per entry of ``inputs`` and gives ``(B,)``.

    >>> critic([(3,), (1, 4, 4)])(torch.zeros(5, 3), torch.zeros(5, 1, 4, 4)).shape
    torch.Size([5])
    """
    return Critic(inputs, hidden, spectral)


class SeparableCritic(nn.Module):
    r"""Features of two samples, whose inner product scores each pair of their rows.

    .. math:: f(a, b, c) = g(a, c) \cdot h(b, c)

    Shapes: one ``(B, *shape)`` per entry of ``inputs`` ``-> (B, features)`` twice: g reads the
    first entry, h the second, and both what is behind them.

    >>> left, right = SeparableCritic([(3,), ()], hidden=(8,))(torch.zeros(5, 3), torch.zeros(5))
    >>> left.shape, right.shape
    (torch.Size([5, 32]), torch.Size([5, 32]))
    """

    def __init__(
        self, inputs: Sequence[Shape], hidden: Sequence[int], features: int = _FEATURES
    ) -> None:
        super().__init__()
        first, second, *rest = inputs
        self.left = nn.Sequential(*_perceptron([first, *rest], hidden, features))
        self.right = nn.Sequential(*_perceptron([second, *rest], hidden, features))

    def forward(self, a: Tensor, b: Tensor, *rest: Tensor) -> tuple[Tensor, Tensor]:
        """Give the features of each row of a, and of b."""
        return self.left(_side_by_side((a, *rest))), self.right(_side_by_side((b, *rest)))


def separable_critic(
    inputs: Sequence[Shape], hidden: Sequence[int] = (256, 256), features: int = _FEATURES
) -> SeparableCritic:
    """Build a critic that scores all pairs of two samples' rows by inner products of features.

    Shapes: the critic takes one ``(B, *shape)`` per entry of ``inputs``, and gives ``(B,
    features)`` twice.

    >>> separable_critic([(3,), (2,)])(torch.zeros(5, 3), torch.zeros(5, 2))[0].shape
    torch.Size([5, 32])
    """
    return SeparableCritic(inputs, hidden, features)


def _perceptron(inputs: Sequence[Shape], hidden: Sequence[int], outputs: int) -> list[nn.Module]:
    """The layers of a perceptron with leaky ReLUs between them."""
    widths = (sum(map(math.prod, inputs)), *hidden, outputs)
    layers: list[nn.Module] = []
    for narrow, wide in pairwise(widths):
        layers += [nn.Linear(narrow, wide), nn.LeakyReLU(_SLOPE)]
    return layers[:-1]


def _side_by_side(samples: Sequence[Tensor]) -> Tensor:
    return torch.cat([sample.reshape(sample.shape[0], -1) for sample in samples], dim=1)


def frozen(module: nn.Module) -> Callable[..., Any]:
    """Call a module so that gradients go through it and never into it.

    Its parameters count as constants in what it gives; they are those of the time of the call.

    >>> layer = nn.Linear(1, 1)
    >>> frozen(layer)(torch.ones(1, 1)).requires_grad
    False
    """

    def call(*inputs: Tensor) -> Any:  # noqa: ANN401  (what the module gives)
        constants = {name: held(parameter) for name, parameter in module.named_parameters()}
        return torch.func.functional_call(module, constants, inputs)

    return call
