"""Critics: networks that tell two samples apart, and calls that do not train what they call."""

from __future__ import annotations

__all__ = ["Critic", "critic", "frozen"]

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from graphdsl_runtime.holding import held
from graphdsl_runtime.layers import Shape

_SLOPE = 0.2  # of the leaky ReLUs, as in Kim and Mnih 2018


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
        widths = (sum(map(math.prod, inputs)), *hidden, 1)
        layers: list[nn.Module] = []
        for narrow, wide in pairwise(widths):
            linear = nn.Linear(narrow, wide)
            layers += [spectral_norm(linear) if spectral else linear, nn.LeakyReLU(_SLOPE)]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, *samples: Tensor) -> Tensor:
        """Score every row of the samples, taken side by side."""
        flat = [sample.reshape(sample.shape[0], -1) for sample in samples]
        scores: Tensor = self.layers(torch.cat(flat, dim=1))
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


def frozen(module: nn.Module) -> Callable[..., Tensor]:
    """Call a module so that gradients go through it and never into it.

    Its parameters count as constants in what it gives; they are those of the time of the call.

    >>> layer = nn.Linear(1, 1)
    >>> frozen(layer)(torch.ones(1, 1)).requires_grad
    False
    """

    def call(*inputs: Tensor) -> Tensor:
        constants = {name: held(parameter) for name, parameter in module.named_parameters()}
        answer: Tensor = torch.func.functional_call(module, constants, inputs)
        return answer

    return call
