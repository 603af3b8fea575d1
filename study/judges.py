"""Figures that say whether a model does its job."""

from __future__ import annotations

__all__ = [
    "accuracy_of",
    "classifier",
    "confidence_and_spread",
    "correlation_of_sources",
    "cost_of_independent_pixels",
    "drawn",
    "leakage",
    "losses",
    "mutual_information_gap",
    "normal_total_correlation",
    "permuted",
    "shared_information",
]

import math
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import permutations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime import Gaussian, Objective, mlp
from study.data import digits_batch, labels, pixels

_PIXELS = 64


@cache
def classifier(
    rows: tuple[int, ...], first: int = 0, last: int = _PIXELS, steps: int = 600
) -> nn.Module:
    """A classifier of digits, or of some of their pixels, trained apart from any model."""
    index = torch.tensor(rows)
    x = pixels(index)[:, first:last]
    return fitted(x, labels(index), 10, steps)


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
def normal_total_correlation(objective: Objective, rows: Tensor, latent: str = "u") -> float:
    """TC of a normal with the covariance of the aggregate posterior: dependence that is linear."""
    q = objective.infer(digits_batch(objective, rows))[latent]
    if not isinstance(q, Gaussian):
        raise TypeError("the moments are those of normal posteriors")
    mean, log_var = q.mean.flatten(1).double(), q.log_var.flatten(1).double()
    covariance = mean.T.cov(correction=0) + log_var.exp().mean(0).diag()
    return 0.5 * (covariance.diagonal().log().sum() - covariance.logdet()).item()


def leakage(z: Sequence[Tensor], asked: Sequence[Tensor], classes: int, steps: int = 600) -> float:
    """How often a classifier, made for it, tells an attribute from a representation.

    Of both there is what the classifier learns from, and what it is judged on.
    """
    middle, spread = z[0].mean(0), z[0].std(0) + 1e-6
    known, unseen = ((one - middle) / spread for one in z)
    return accuracy_of(fitted(known, asked[0], classes, steps), unseen, asked[1])


@torch.no_grad()
def losses(objective: Objective, batch: Mapping[str, Tensor]) -> dict[str, float]:
    """The loss, and the terms that it is of, always from the same noise."""
    torch.manual_seed(0)
    found = objective(batch)
    return {"loss": found.loss.item(), **{n: one.item() for n, one in found.terms.items()}}


@torch.no_grad()
def drawn(objective: Objective, rows: Tensor, latents: tuple[str, ...]) -> Tensor:
    """Some latents of the digits side by side, a sample of each: what an objective is about."""
    torch.manual_seed(0)
    posterior = objective.infer(digits_batch(objective, rows))
    noise = objective.draw_noise(rows)
    return torch.cat([posterior[name].draw(noise, name).flatten(1) for name in latents], dim=1)


def permuted(x: Tensor, seed: int = 0) -> Tensor:
    """Each part of a row from another row, so that the parts are independent: ``(B, N, *)``."""
    dice = torch.Generator().manual_seed(seed)
    parts = [part[torch.randperm(len(x), generator=dice)] for part in x.unbind(1)]
    return torch.stack(parts, dim=1)


def cost_of_independent_pixels(known: Tensor, unseen: Tensor) -> float:
    """-log p of unseen rows, each pixel with the mean that it has in known ones, in nats."""
    mean = known.mean(0).clamp(1e-3, 1 - 1e-3)
    costs = unseen * mean.log() + (1 - unseen) * (1 - mean).log()
    return -costs.sum(1).mean().item()


def correlation_of_sources(found: Tensor, true: Tensor) -> float:
    """The mean correlation coefficient, for the best assignment of found sources to true ones."""
    z, s = ((one - one.mean(0)) / one.std(0, correction=0) for one in (found, true))
    table = (z.T @ s / len(z)).abs()
    count = table.shape[0]
    return max(
        sum(table[i, j].item() for i, j in enumerate(p)) for p in permutations(range(count))
    ) / (count)


@torch.no_grad()
def mutual_information_gap(posterior: Gaussian, factors: Tensor, samples: int) -> float:
    r"""Chen et al. 2018, eq. 6: how much more of each factor one latent tells than any other.

    .. math:: \frac1K \sum_k \frac1{H(v_k)} \bigl( I(z_{j_k}; v_k) - \max_{j \ne j_k} I(z_j; v_k)
              \bigr)

    with :math:`I(z_j; v_k) = E[\log q(z_j | v_k) - \log q(z_j)]`, its densities mixtures of the
    posteriors of all rows (that are of the value), at samples of some rows. Factors are uniform,
    as where every product of them is a row.

    Shapes: posterior ``(N, D)``, factors whole ``(N, K)``.
    """
    generator = torch.Generator().manual_seed(0)
    rows = torch.randperm(len(factors), generator=generator)[:samples]
    total = torch.zeros(factors.shape[1], posterior.mean.shape[1], dtype=torch.float64)
    for some in torch.split(rows, 25):
        noise = torch.randn(len(some), total.shape[1], generator=generator)
        z = posterior[some].sample(noise.to(posterior.mean.dtype))
        table = _log_densities(z, posterior)  # (S, N, D)
        marginal = table.logsumexp(1) - math.log(table.shape[1])
        for k, values in enumerate(factors.T):
            same = values[some, None] == values  # (S, N)
            inside = table.masked_fill(~same[:, :, None], -math.inf).logsumexp(1)
            told = inside - same.sum(1, keepdim=True).log() - marginal
            total[k] += told.sum(0).double()
    entropies = torch.tensor([math.log(len(values.unique())) for values in factors.T])
    best = (total / len(rows)).topk(2, dim=1).values
    return ((best[:, 0] - best[:, 1]) / entropies).mean().item()


def _log_densities(z: Tensor, posterior: Gaussian) -> Tensor:
    """Of every sample under the posterior of every row, coordinate by coordinate."""
    mean, log_var = posterior.mean[None], posterior.log_var[None]
    squares = (z[:, None] - mean).square() * (-log_var).exp()
    return -0.5 * (squares + log_var + math.log(2 * math.pi))
