"""Figures that say whether a model does its job."""

from __future__ import annotations

__all__ = [
    "accuracy_of",
    "classifier",
    "confidence_and_spread",
    "correlation_of_sources",
    "leakage",
    "shared_information",
    "total_correlation",
]

from functools import cache
from itertools import permutations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime import Gaussian, Objective, mlp, total_correlation_mss
from study.data import digits_batch, labels, pixels

_PIXELS = 64


@cache
def classifier(rows: tuple[int, ...], first: int = 0, last: int = _PIXELS) -> nn.Module:
    """A classifier of digits, or of some of their pixels, trained apart from any model."""
    index = torch.tensor(rows)
    x = pixels(index)[:, first:last]
    return fitted(x, labels(index), 10)


def fitted(x: Tensor, y: Tensor, classes: int, steps: int = 600) -> nn.Module:
    """A perceptron that predicts classes, trained on rows drawn anew."""
    torch.manual_seed(0)
    network = mlp([tuple(x.shape[1:])], (128,), classes)
    adam = torch.optim.Adam(network.parameters(), 2e-3, weight_decay=1e-4)
    for _ in range(steps):
        rows = torch.randint(len(x), (128,))
        adam.zero_grad()
        F.cross_entropy(network(x[rows]), y[rows]).backward()  # type: ignore[no-untyped-call]
        adam.step()
    return network.eval()


@torch.no_grad()
def accuracy_of(network: nn.Module, x: Tensor, y: Tensor) -> float:
    """How often the classifier is right."""
    right: Tensor = network(x).argmax(1) == y
    return right.float().mean().item()


@torch.no_grad()
def confidence_and_spread(network: nn.Module, x: Tensor) -> tuple[float, float]:
    """The mean confidence of a classifier in samples, and the entropy of its labels in nats.

    Good samples are told with confidence, and are of all classes: log 10 = 2.30 nats.
    """
    p = network(x).softmax(1)
    mean = p.mean(0)
    return p.max(1).values.mean().item(), -(mean * mean.clamp(min=1e-9).log()).sum().item()


@torch.no_grad()
def shared_information(one: Tensor, other: Tensor, classes: int = 10) -> float:
    """I(one; other) of two labels, in nats."""
    table = torch.zeros(classes, classes, dtype=torch.float64)
    table.index_put_((one, other), torch.ones(len(one), dtype=torch.float64), accumulate=True)
    joint = table / table.sum()
    apart = joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True)
    held = joint > 0
    return (joint[held] * (joint[held] / apart[held]).log()).sum().item()


@torch.no_grad()
def total_correlation(objective: Objective, rows: Tensor, latent: str = "u") -> float:
    """TC of the factors under the aggregate posterior of all the rows."""
    torch.manual_seed(0)
    q = objective.infer(digits_batch(objective, rows))[latent]
    if not isinstance(q, Gaussian):
        raise TypeError("total correlation is estimated of normal posteriors")
    mean, log_var = q.mean.flatten(1), q.log_var.flatten(1)
    flat = Gaussian(mean, log_var)
    return total_correlation_mss(flat.sample(torch.randn_like(mean)), flat).item()


def leakage(train: Tensor, test: Tensor, known: Tensor, asked: Tensor, classes: int) -> float:
    """How often a classifier, made for it, tells an attribute from a representation."""
    return accuracy_of(fitted(train, known, classes), test, asked)


def correlation_of_sources(found: Tensor, true: Tensor) -> float:
    """The mean correlation coefficient, for the best assignment of found sources to true ones."""
    z, s = ((one - one.mean(0)) / one.std(0) for one in (found, true))
    table = (z.T @ s / len(z)).abs()
    count = table.shape[0]
    return max(
        sum(table[i, j].item() for i, j in enumerate(p)) for p in permutations(range(count))
    ) / (count)
