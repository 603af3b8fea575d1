"""Bounds of a likelihood by several samples of each row: importance weighting."""

from __future__ import annotations

__all__ = ["importance_of_experts", "importance_weighted"]

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from graphdsl_runtime.errors import ShapeMismatch
from graphdsl_runtime.estimators.precision import widened


def importance_weighted(p: Sequence[Tensor], q: Sequence[Tensor], samples: int) -> Tensor:
    r"""Bound a negative log-likelihood by the mean of k importance weights, row by row.

    .. math:: -\log \frac1k \sum_{i=1}^k w_i, \qquad
              w_i = \frac{p(x, z_i)}{q(z_i \mid x)}, \quad z_i \sim q

    ``p`` holds the log-densities of what p has, ``q`` those of the latents that were sampled, each
    of all samples: the k of a row one after another.

    Shapes: every log-density ``(B k, *) -> (B,)``.  Unit: nats.
    Relation: upper. It lies above -log p(x) and falls with k; for k = 1 it is -ELBO, of a sample.
    Bias: upwards by E log p(x) - E log mean w, which goes to 0 as k grows, as Var(w) / 2k does.
    Domain: weights whose logarithms are finite somewhere in the row; else it is infinite.
    Raises `ShapeMismatch` where the rows are no multiple of the samples.
    Reference: Burda et al. 2016 (IWAE), eq. 8.

    >>> importance_weighted([torch.tensor([0.0, -1.0])], [torch.zeros(2, 1)], samples=2)
    tensor([0.3799])
    """
    log_weight = _joint(p) - _joint(q)
    if log_weight.shape[0] % samples:
        raise ShapeMismatch("log-weights", expected=(f"{samples} B",), got=log_weight.shape)
    weights = log_weight.reshape(-1, samples)
    return math.log(samples) - torch.logsumexp(weights, dim=1)


def importance_of_experts(
    p: Sequence[Tensor],
    q: Sequence[Tensor],
    samples: int,
    log_weights: Tensor,
    *,
    per_expert: bool = False,
) -> Tensor:
    r"""Bound a negative log-likelihood by k samples of every expert of a mixture, row by row.

    .. math:: -\log \sum_m \pi_m \frac1k \sum_{i=1}^k w_{mi}, \qquad
              w_{mi} = \frac{p(x, z_{mi})}{q(z_{mi} \mid x)}, \quad
              z_{mi} \sim q_m, \quad q = \sum_m \pi_m q_m

    or, ``per_expert``, the mean of one logarithm for each expert,

    .. math:: -\sum_m \pi_m \log \frac1k \sum_{i=1}^k w_{mi}

    ``p`` and ``q`` hold log-densities as of `importance_weighted`, of the M k samples of a row one
    after another, those of one expert together; ``q`` has the density of the whole mixture.
    ``log_weights`` are those of the experts: one that a row lacks has -inf, and does not count.

    Shapes: every log-density ``(B M k, *)``, log-weights ``(M,)`` or ``(B, M) -> (B,)``.
    Unit: nats.
    Relation: upper. Both lie above -log p(x); the mean of logarithms is never the lower (Jensen).
    Bias: upwards; to 0 as k grows, and with `per_expert` only where q is p's own posterior.
    Domain: weights whose logarithms are finite somewhere among the samples of the row; else it is
    infinite.
    Raises `ShapeMismatch` where the rows are no multiple of the samples of all experts.
    Reference: Shi et al. 2019 (MMVAE), eq. 3; theory.md S6.

    >>> one = [torch.tensor([0.0, -1.0])], [torch.zeros(2, 1)]
    >>> importance_of_experts(*one, samples=1, log_weights=torch.full((2,), 0.5).log())
    tensor([0.3799])
    >>> even = torch.full((2,), 0.5).log()
    >>> importance_of_experts(*one, samples=1, log_weights=even, per_expert=True)
    tensor([0.5000])
    """
    log_weight, experts = _joint(p) - _joint(q), log_weights.shape[-1]
    if log_weight.shape[0] % (samples * experts):
        every = f"{samples * experts} B"
        raise ShapeMismatch("log-weights", expected=(every,), got=log_weight.shape)
    weights = log_weight.reshape(-1, experts, samples)
    log_weights = log_weights.expand(weights.shape[0], -1)
    means = torch.logsumexp(weights, dim=2) - math.log(samples)
    if per_expert:
        there = log_weights > -math.inf
        return -torch.where(there, log_weights.exp() * means, 0.0).sum(dim=1)
    return -torch.logsumexp(means + log_weights, dim=1)


def _joint(densities: Sequence[Tensor]) -> Tensor:
    """Add up whatever a row has, of every density."""
    rows = [widened(nats).reshape(nats.shape[0], -1).sum(dim=1) for nats in densities]
    return torch.stack(rows).sum(dim=0)
