"""Bounds of a likelihood by several samples of each row: importance weighting."""

from __future__ import annotations

__all__ = ["importance_weighted"]

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
    several = log_weight.reshape(-1, samples)
    return math.log(samples) - torch.logsumexp(several, dim=1)


def _joint(densities: Sequence[Tensor]) -> Tensor:
    """Add up whatever a row has, of every density."""
    rows = [widened(nats).reshape(nats.shape[0], -1).sum(dim=1) for nats in densities]
    return torch.stack(rows).sum(dim=0)
