"""Densities, divergences and estimates in plain torch, for losses that are written by hand."""

from __future__ import annotations

__all__ = [
    "ROWS_OF_DATA",
    "above_uniform",
    "cost",
    "density",
    "dependence",
    "discrepancy",
    "entropy",
    "filled_in",
    "fused",
    "halves",
    "kl",
    "median",
    "one_hot",
    "rate",
    "run",
    "sampled",
    "slope",
    "surprise",
    "total_correlation",
    "zero_inflated",
]

import math

import torch
from torch import Tensor, nn
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


def zero_inflated(x: Tensor, mean: Tensor, r: Tensor, zeros: Tensor) -> Tensor:
    """-log ZINB(x; mean, inverse dispersion r, logits of zeros), summed over all but the rows."""
    chances = torch.distributions.NegativeBinomial(r, logits=mean.log() - r.log()).log_prob(x)  # type: ignore[no-untyped-call]  # torch's own gap
    counts = F.logsigmoid(-zeros) + chances
    both = torch.logaddexp(F.logsigmoid(zeros), counts)
    return -torch.where(x == 0, both, counts).sum(1)


def density(value: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """Log N(value; mean, exp(log_var)), summed over all but the rows."""
    square = (value - mean) ** 2 / log_var.exp()
    return -0.5 * (square + log_var + math.log(2 * math.pi)).flatten(1).sum(1)


def entropy(log_var: Tensor) -> Tensor:
    """H(N(., exp(log_var))), summed over all but the rows."""
    return 0.5 * (log_var + math.log(2 * math.pi) + 1).flatten(1).sum(1)


def filled_in(logits: Tensor, labels: Tensor, seen: Tensor, noise: Tensor) -> Tensor:
    """One-hot labels where rows have them; else samples, straight through softmax(logits + g)."""
    uniform = torch.special.ndtr(noise)
    soft = (logits - (-uniform.log()).log()).softmax(1)
    hard = one_hot(soft.argmax(1), logits.shape[1], logits)
    known = one_hot(torch.where(seen, labels, 0), logits.shape[1], logits)
    return torch.where(seen[:, None], known, hard + soft - soft.detach())


def above_uniform(logits: Tensor) -> Tensor:
    """KL(softmax(logits) || 1/k), row by row: log k - H."""
    log_q = logits.log_softmax(1)
    return math.log(logits.shape[1]) + (log_q.exp() * log_q).sum(1)


def fused(mean: Tensor, log_var: Tensor, weights: Tensor | float = 1.0) -> tuple[Tensor, Tensor]:
    """The corrected eq. 13: the experts of (B, views, D), with their weights, and the prior."""
    precisions = weights * (-log_var).exp()
    precision = 1 + precisions.sum(1)
    return (mean * precisions).sum(1) / precision, -precision.log()


def total_correlation(u: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """Minibatch stratified sampling of TC, row by row: Chen et al. 2018, appendix C.2.

    Of (B, M), or of (B, M, D) for M blocks of D coordinates.
    """
    rows, data = len(u), ROWS_OF_DATA
    distance = u[:, None] - mean[None]
    log_q = -0.5 * (distance**2 / log_var.exp() + log_var + math.log(2 * math.pi))
    log_q = log_q.reshape(rows, rows, u.shape[1], -1).sum(3)
    weights = torch.full((rows, rows), (data - 1) / (data * (rows - 1)), dtype=u.dtype)
    weights.fill_diagonal_(1 / data)
    joint = (weights.log() + log_q.sum(-1)).logsumexp(1)
    marginals = (weights.log()[..., None] + log_q).logsumexp(1).sum(-1)
    return joint - marginals


def distances(x: Tensor, y: Tensor) -> Tensor:
    """The squared distance of every row from every other."""
    return ((x[:, None] - y[None]) ** 2).sum(2)


def median(*samples: Tensor) -> float:
    """The median of the squared distances, of every row from all others in all samples."""
    rows = torch.cat(samples)
    return distances(rows, rows)[~torch.eye(len(rows), dtype=torch.bool)].median().item()


def discrepancy(x: Tensor, y: Tensor, width: float) -> Tensor:
    """The squared MMD, unbiased, with exp(-d^2 / width): Gretton et al. 2012, eq. 3."""
    m, n = len(x), len(y)
    (xx, yy, xy) = ((-distances(a, b) / width).exp() for a, b in ((x, x), (y, y), (x, y)))
    within = (xx.sum() - m) / (m * (m - 1)) + (yy.sum() - n) / (n * (n - 1))
    return within - 2 * xy.mean()


def dependence(x: Tensor, y: Tensor) -> Tensor:
    """HSIC, unbiased, over rows that all differ: Song et al. 2012, eq. 5."""
    rows = len(x)
    off = 1 - torch.eye(rows, dtype=x.dtype)
    k, l = ((-distances(one, one) / median(one)).exp() * off for one in (x, y))  # noqa: E741
    ones = torch.ones(rows, dtype=x.dtype)
    apart = (ones @ k @ ones) * (ones @ l @ ones) / ((rows - 1) * (rows - 2))
    total = torch.trace(k @ l) + apart - 2 / (rows - 2) * (ones @ k @ l @ ones)
    return total / (rows * (rows - 3))


def slope(critic: nn.Module, *samples: Tensor) -> Tensor:
    """Mescheder et al. 2018, eq. 9, with gamma = 1: 1/2 E |grad D(x)|^2, by autograd."""
    at = [one.detach().requires_grad_() for one in samples]
    gradients = torch.autograd.grad(critic(*at).sum(), at, create_graph=True)
    total = sum((one.square().sum() for one in gradients), torch.zeros(()))
    return 0.5 * total / len(at[0])
