"""Samples of data, as p generates it, and rows that are repeated for several samples of each."""

from __future__ import annotations

__all__ = ["Posterior", "detached", "draw_data", "likeliest", "repeated", "repeated_edges"]

from dataclasses import fields
from typing import TypeAlias, TypeVar, overload

import torch
from torch import Tensor, nn

from graphdsl_runtime.distributions import (
    Bernoulli,
    Categorical,
    FullGaussian,
    Gaussian,
    Labelled,
    Laplace,
    Likelihood,
    LogNormal,
    Mixture,
)
from graphdsl_runtime.flows import Flow, StackedFlow
from graphdsl_runtime.holding import held

#: What q says of a latent.
Posterior: TypeAlias = (
    Bernoulli
    | Categorical
    | FullGaussian
    | Gaussian
    | Laplace
    | LogNormal
    | Labelled[Gaussian]
    | Labelled[Laplace]
    | Flow
    | StackedFlow
)

_Distribution: TypeAlias = (
    Likelihood | FullGaussian | Labelled[Gaussian] | Labelled[Laplace] | Mixture
)
_Of = TypeVar("_Of", bound=_Distribution)


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
    return likelihood.sample_data()


def likeliest(likelihood: Likelihood) -> Tensor:
    """Give the likeliest values, as a batch holds them; of numbers, the mean.

    Shapes: as of `draw_data`.

    >>> likeliest(Categorical(torch.tensor([[0.0, 2.0], [1.0, 0.0]])))
    tensor([1, 0])
    """
    return likelihood.likeliest


@overload
def detached(value: Tensor) -> Tensor: ...
@overload
def detached(value: _Of) -> _Of: ...
def detached(value: Tensor | _Distribution) -> Tensor | _Distribution:
    """Give the same, as a constant: for an objective that does not train what it comes from.

    Shapes: a tensor or a distribution, as it is.

    >>> detached(Gaussian.unit(torch.ones(1, requires_grad=True))).mean.requires_grad
    False
    """
    if isinstance(value, Tensor):
        return held(value) if isinstance(value, nn.Parameter) else value.detach()
    return type(value)(*(detached(getattr(value, field.name)) for field in fields(value)))


@overload
def repeated(value: Tensor, times: int) -> Tensor: ...
@overload
def repeated(value: _Of, times: int) -> _Of: ...
def repeated(value: Tensor | _Distribution, times: int) -> Tensor | _Distribution:
    """Give every row several times, one after another: for as many samples of each.

    Shapes: a tensor or a distribution of ``(B, *) -> (B times, *)``.  Differentiable.

    >>> repeated(torch.tensor([1.0, 2.0]), 2)
    tensor([1., 1., 2., 2.])
    """
    like = value if isinstance(value, Tensor) else value.mean
    rows = torch.arange(like.shape[0], device=like.device)
    return value[rows.repeat_interleave(times)]


def repeated_edges(edges: Tensor, times: int) -> Tensor:
    """The edges of a mask for several samples of each row: those of one row are of all samples.

    Shapes: ``(B, *) -> (B times, *)``, and ``(1, *)`` as it is.  Differentiable.

    >>> repeated_edges(torch.tensor([[0.0], [1.0]]), 2).flatten()
    tensor([0., 0., 1., 1.])
    >>> repeated_edges(torch.ones(1, 1), 2)
    tensor([[1.]])
    """
    return edges if len(edges) == 1 else repeated(edges, times)
