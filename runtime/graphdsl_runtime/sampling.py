"""Samples of data, as p generates it: values of the variables' own kinds, without gradients."""

from __future__ import annotations

__all__ = ["Likelihood", "Posterior", "draw_data", "likeliest"]

from typing import TypeAlias

import torch
from torch import Tensor

from graphdsl_runtime.distributions import (
    Bernoulli,
    Categorical,
    FullGaussian,
    Gaussian,
    Laplace,
    Poisson,
)
from graphdsl_runtime.flows import Flow, StackedFlow

#: What p says of something observed.
Likelihood: TypeAlias = Bernoulli | Categorical | Gaussian | Laplace | Poisson
#: What q says of a latent.
Posterior: TypeAlias = Categorical | FullGaussian | Gaussian | Laplace | Flow | StackedFlow


@torch.no_grad()
def draw_data(likelihood: Likelihood) -> Tensor:
    """Draw values as a batch holds them: zeros and ones, class indices, counts, real numbers.

    Shapes: those of the likelihood's parameters, ``(B, *)``; logits ``(B, *, k)`` give indices
    ``(B, *)``.  Exact.  Seeded by `torch.manual_seed`.

    >>> draw_data(Categorical(torch.tensor([[0.0, 50.0], [50.0, 0.0]])))
    tensor([1, 0])
    >>> draw_data(Bernoulli(torch.tensor([50.0, -50.0])))
    tensor([1., 0.])
    """
    match likelihood:
        case Bernoulli():
            return torch.bernoulli(likelihood.mean)
        case Poisson():
            return torch.poisson(likelihood.mean)
        case Categorical(logits):
            return likelihood.sample(torch.randn_like(logits)).argmax(dim=-1)
        case _:
            return likelihood.sample(torch.randn_like(likelihood.mean))


def likeliest(likelihood: Likelihood) -> Tensor:
    """Give the likeliest values, as a batch holds them; of numbers, the mean.

    Shapes: as of `draw_data`.

    >>> likeliest(Categorical(torch.tensor([[0.0, 2.0], [1.0, 0.0]])))
    tensor([1, 0])
    """
    match likelihood:
        case Bernoulli(logits):
            return (logits > 0).to(logits.dtype)
        case Categorical():
            return likelihood.mode
        case _:
            return likelihood.mean
