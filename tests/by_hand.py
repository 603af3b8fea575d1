"""Densities, divergences and estimates in plain torch, for losses that are written by hand."""

from __future__ import annotations

__all__ = [
    "ROWS_OF_DATA",
    "cost",
    "fused",
    "halves",
    "kl",
    "one_hot",
    "rate",
    "run",
    "sampled",
    "surprise",
    "total_correlation",
]

import math

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime import Objective

#: How many rows of data the modules under test are told that there are.
ROWS_OF_DATA = 100


def run(m: Objective, name: str, *parents: Tensor) -> Tensor:
    answer: Tensor = m.get_submodule(name)(*parents)
    return answer


def halves(parameters: Tensor) -> tuple[Tensor, Tensor]:
    mean, log_var = parameters.chunk(2, dim=-1)
    return mean, log_var


def sampled(mean: Tensor, log_var: Tensor, noise: Tensor) -> Tensor:
    return mean + (0.5 * log_var).exp() * noise


def one_hot(labels: Tensor, classes: int, like: Tensor) -> Tensor:
    return torch.eye(classes, dtype=like.dtype)[labels]


def rate(mean: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mean, exp(log_var)) || N(0, I)), summed over all but the rows."""
    return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).flatten(1).sum(1)


def kl(mean: Tensor, log_var: Tensor, other: Tensor, other_log_var: Tensor) -> Tensor:
    """KL between diagonal Gaussians, summed over all but the rows."""
    square = (mean - other) ** 2 + log_var.exp()
    return 0.5 * (square / other_log_var.exp() - 1 + other_log_var - log_var).flatten(1).sum(1)


def cost(logits: Tensor, x: Tensor) -> Tensor:
    """-log p(x|z) for bits, summed over all but the rows."""
    bits = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
    return bits.reshape(len(x), -1).sum(1)


def surprise(logits: Tensor, labels: Tensor) -> Tensor:
    """-log p(y|z) for one label a row."""
    return F.cross_entropy(logits, labels, reduction="none")


def fused(mean: Tensor, log_var: Tensor, weights: Tensor | float = 1.0) -> tuple[Tensor, Tensor]:
    """The corrected eq. 13: the experts of (B, views, D), with their weights, and the prior."""
    precisions = weights * (-log_var).exp()
    precision = 1 + precisions.sum(1)
    return (mean * precisions).sum(1) / precision, -precision.log()


def total_correlation(u: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """Minibatch stratified sampling of TC, row by row: Chen et al. 2018, appendix C.2."""
    rows, data = len(u), ROWS_OF_DATA
    distance = u[:, None] - mean[None]
    log_q = -0.5 * (distance**2 / log_var.exp() + log_var + math.log(2 * math.pi))
    weights = torch.full((rows, rows), (data - 1) / (data * (rows - 1)), dtype=u.dtype)
    weights.fill_diagonal_(1 / data)
    joint = (weights.log() + log_q.sum(-1)).logsumexp(1)
    marginals = (weights.log()[..., None] + log_q).logsumexp(1).sum(-1)
    return joint - marginals
