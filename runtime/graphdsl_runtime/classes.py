"""Sums over the classes of categories and bits, exact where a sample of them is not."""

from __future__ import annotations

__all__ = ["averaged", "chances", "combinations"]

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor


def combinations(counts: Sequence[int], device: torch.device | None = None) -> Tensor:
    r"""List every combination of classes, the last of which changes fastest.

    Shapes: ``-> (K, len(counts))``, int64, with K the product of the counts.

    >>> combinations([2, 3]).T
    tensor([[0, 0, 0, 1, 1, 1],
            [0, 1, 2, 0, 1, 2]])
    """
    strides = [prod(counts[place + 1 :]) for place in range(len(counts))]
    numbers = torch.arange(prod(counts), device=device)
    return torch.stack(
        [numbers // stride % count for stride, count in zip(strides, counts, strict=True)], dim=1
    )


def chances(*log_probabilities: Tensor) -> Tensor:
    r"""Say how likely each of K combinations is, in every row.

    .. math:: q_{bk} = \exp \sum_j \log q_j(v_{jk} \mid \dots)

    Shapes: of each variable ``(B, K, *) -> (B, K)``, broadcasting.  Exact, and differentiable.

    >>> chances(torch.tensor([[0.25, 0.75]]).log(), torch.zeros(1, 2, 3))
    tensor([[0.2500, 0.7500]])
    """
    each = [one.flatten(2).sum(dim=2) if one.ndim > 2 else one for one in log_probabilities]
    return torch.exp(sum(each[1:], start=each[0]))


def averaged(nats: Tensor, chance: Tensor) -> Tensor:
    r"""Average over K combinations, each as often as it is likely.

    .. math:: \sum_k q_{bk}\, \text{nats}_{bk}

    Shapes: nats ``(B, K, *)``, chances ``(B, K) -> (B, *)``.  Unit: that of its argument (nats).
    Exact, and so is its gradient: that of the chances too, which a sample has only by its score, or
    by relaxation, with a bias.  Domain: finite nats, where the chance is zero as well.
    Reference: Kingma et al. 2014 (semi-supervised), eq. 7.

    >>> averaged(torch.tensor([[4.0, 8.0]]), torch.tensor([[0.25, 0.75]]))
    tensor([7.])
    """
    return torch.einsum("bk,bk...->b...", chance, nats)
