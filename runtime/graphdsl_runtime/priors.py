"""The default networks of learned priors: parameters that read nothing."""

from __future__ import annotations

__all__ = ["PseudoInputs", "mixture_model", "pseudo_inputs"]

import math
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from graphdsl_runtime.layers import Shape
from graphdsl_runtime.networks import marginal_model

_Kind: TypeAlias = Literal["real", "binary", "categorical", "count"]


def mixture_model(components: int, shape: Shape) -> nn.Module:
    r"""Build the parameters of a mixture prior: see `Mixture.split`.

    At first the weights are equal, the means drawn from N(0, 1), and the variances 1: components
    that began alike would stay alike.

    Shapes: no parents ``-> (1, M (1 + 2 D))``, with M components and D numbers of a row.

    >>> mixture_model(10, (16,))().shape
    torch.Size([1, 330])
    """
    size = math.prod(shape)
    network = marginal_model(components * (1 + 2 * size))
    (answer,) = network.parameters()
    with torch.no_grad():
        answer[:, components : components * (1 + size)].normal_()
    return network


def pseudo_inputs(count: int, shape: Shape, *, kind: _Kind = "real") -> PseudoInputs:
    """Build the pseudo-inputs of a VampPrior: rows of data that are learned.

    >>> pseudo_inputs(500, (64,), kind="binary")().shape
    torch.Size([500, 64])
    """
    return PseudoInputs(count, shape, kind)


class PseudoInputs(nn.Module):
    r"""Rows of data that are learned, in the range of their kind.

    Binary values are the logistic function of a parameter, categories its softmax, and counts its
    exponential.

    Shapes: no parents ``-> (K, *shape)``.  Reference: Tomczak and Welling 2018, sec. 3.
    """

    def __init__(self, count: int, shape: Shape, kind: _Kind = "real") -> None:
        super().__init__()
        self.kind = kind
        self.inputs = nn.Parameter(torch.randn(count, *shape))

    def forward(self) -> Tensor:
        """Give the pseudo-inputs."""
        match self.kind:
            case "binary":
                return torch.sigmoid(self.inputs)
            case "categorical":
                return torch.softmax(self.inputs, dim=-1)
            case "count":
                return torch.exp(self.inputs)
            case _:
                return self.inputs

    def extra_repr(self) -> str:
        """Print how many there are, and of which kind."""
        count, *shape = self.inputs.shape
        return f"{count} of shape {tuple(shape)}, {self.kind}"
