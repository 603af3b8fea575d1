"""Samples of a product of marginals, made of samples of the joint by permuting rows."""

from __future__ import annotations

__all__ = ["permute_blocks", "permute_within"]

import torch
from torch import Tensor

from graphdsl_runtime.errors import ShapeMismatch
from graphdsl_runtime.ranks import gathered, own_rows


def permute_blocks(z: Tensor, keys: Tensor | None = None) -> Tensor:
    r"""Permute the rows of every block by itself: a sample of the product of their marginals.

    Shapes: ``(B, M)``, or ``(B, M, D)`` for M blocks of D coordinates, to the same.
    ``keys``, ``(B, M)``, are the noise: every block's rows are put in the order of its keys.
    Every block keeps its values, and so its marginal, exactly.  Differentiable in z.
    Raises `ShapeMismatch` if ``keys`` does not fit.
    Reference: Kim and Mnih 2018, algorithm 1; theory.md P19.

    >>> z = torch.tensor([[1.0, 10.0], [2.0, 20.0]])
    >>> permute_blocks(z, keys=torch.tensor([[0.1, 0.9], [0.2, 0.8]]))
    tensor([[ 1., 20.],
            [ 2., 10.]])
    """
    if keys is None:
        keys = torch.rand(z.shape[:2], device=z.device)
    if keys.shape != z.shape[:2]:
        raise ShapeMismatch("keys", expected=z.shape[:2], got=keys.shape)
    z, order = gathered(z), gathered(keys).argsort(dim=0)
    return own_rows(z.gather(0, order.reshape(*order.shape, *(1,) * (z.ndim - 2)).expand_as(z)))


def permute_within(values: Tensor, groups: Tensor, keys: Tensor | None = None) -> Tensor:
    r"""Permute rows among those of the same group: a sample given what the groups stand for.

    In the order of their keys, each row of a group takes the values of the next one, and the last
    those of the first. So no row keeps its own, which would be a sample of the joint; and every
    other row of the group is as likely.

    Shapes: values ``(B, *)``, groups of integers ``(B,)``, keys ``(B,) -> (B, *)``.
    A group of one row stays as it is.  Differentiable in the values.
    Raises `ShapeMismatch` if ``groups`` or ``keys`` does not fit.
    Reference: theory.md P19, for a discrete conditioning value.

    >>> values = torch.tensor([1.0, 2.0, 3.0, 4.0])
    >>> keys = torch.tensor([0.9, 0.1, 0.2, 0.8])
    >>> permute_within(values, torch.tensor([0, 1, 0, 1]), keys)
    tensor([3., 4., 1., 2.])
    """
    rows = values.shape[:1]
    if keys is None:
        keys = torch.rand(rows, device=values.device)
    for name, tensor in (("groups", groups), ("keys", keys)):
        if tensor.shape != rows:
            raise ShapeMismatch(name, expected=rows, got=tensor.shape)
    values, groups, keys = gathered(values), gathered(groups), gathered(keys)
    by_key = keys.argsort()
    order = by_key[groups[by_key].argsort(stable=True)]  # by group, and in it by key
    group = groups[order].contiguous()
    first = torch.searchsorted(group, group)
    following = torch.arange(1, len(order) + 1, device=order.device) % len(order)
    following = torch.where(group[following] == group, following, first)
    return own_rows(values[order[following[order.argsort()]]])
