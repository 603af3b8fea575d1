"""Samples of data, as p generates it, and rows that are repeated for several samples of each."""

from __future__ import annotations

__all__ = ["Likelihood", "Posterior", "detached", "draw_data", "likeliest", "repeated"]

from dataclasses import fields
from typing import TypeAlias, TypeVar

import torch
from torch import Tensor, nn

from graphdsl_runtime.distributions import (
    Bernoulli,
    Categorical,
    FullGaussian,
    Gaussian,
    Labelled,
    Laplace,
    Mixture,
    Poisson,
)
from graphdsl_runtime.flows import Flow, StackedFlow
from graphdsl_runtime.holding import held

#: What p says of something observed.
Likelihood: TypeAlias = Bernoulli | Categorical | Gaussian | Laplace | Poisson
#: What q says of a latent.
Posterior: TypeAlias = (
    Bernoulli
    | Categorical
    | FullGaussian
    | Gaussian
    | Laplace
    | Labelled[Gaussian]
    | Labelled[Laplace]
    | Flow
    | StackedFlow
)


#: A tensor, or a distribution.
_Rows = TypeVar(
    "_Rows",
    Tensor,
    Bernoulli,
    Categorical,
    FullGaussian,
    Gaussian,
    Labelled[Gaussian],
    Labelled[Laplace],
    Laplace,
    Mixture,
    Poisson,
)


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


def detached(value: _Rows) -> _Rows:
    """Give the same, as a constant: for an objective that does not train what it comes from.

    Shapes: a tensor or a distribution, as it is.

    >>> detached(Gaussian.unit(torch.ones(1, requires_grad=True))).mean.requires_grad
    False
    """
    if isinstance(value, Tensor):
        return held(value) if isinstance(value, nn.Parameter) else value.detach()
    return type(value)(*(detached(getattr(value, one.name)) for one in fields(value)))


def repeated(value: _Rows, times: int) -> _Rows:
    """Give every row several times, one after another: for as many samples of each.

    Shapes: a tensor or a distribution of ``(B, *) -> (B times, *)``.  Differentiable.

    >>> repeated(torch.tensor([1.0, 2.0]), 2)
    tensor([1., 1., 2., 2.])
    """
    like = value if isinstance(value, Tensor) else value.mean
    rows = torch.arange(like.shape[0], device=like.device)
    return value[rows.repeat_interleave(times)]
