r"""Conditional information of two variables, within the groups of a third that is categorical.

Rows of equal c are a sample of q(a, b | c), so that each estimator of I(a; b) becomes one of
I(a; b | c): its mean over rows, each within its own group. A group with too few rows says nothing
and counts as zero. `conditional_information_critic` is the game of `information_critic` within
groups.
"""

from __future__ import annotations

__all__ = ["conditional_hsic", "conditional_information_nce", "conditional_mmd_between"]

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from graphdsl_runtime.critics import frozen
from graphdsl_runtime.errors import ShapeMismatch
from graphdsl_runtime.estimators.distances import pooled, squared_distances
from graphdsl_runtime.estimators.games import Players, detached, with_edges
from graphdsl_runtime.estimators.kernels import Kernel, kernel_of, median_of
from graphdsl_runtime.estimators.precision import widened
from graphdsl_runtime.ranks import first_row, gathered


def conditional_information_nce(
    critic: nn.Module,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    groups: Tensor,
    *,
    edges: Sequence[Tensor] = (),
) -> Players:
    r"""Bound conditional information from below by picking partners within groups: I(a; b | c).

    .. math:: \text{model: } \frac1B \sum_i \Bigl[f(a_i, b_i, c_i)
              - \log \frac1{|G_i|} \sum_{j \in G_i} e^{f(a_i, b_j, c_i)}\Bigr], \qquad
              f(a, b, c) = g(a, c) \cdot h(b, c)

    where G_i are the rows with row i's value of c. The critic minimises the opposite.

    Shapes: a, b, c ``(B, *)``, groups of integers ``(B,)`` that say which rows have equal c; critic
    to the features g and h ``(B, D)``, as of `separable_critic`.  Unit: nats.
    Memory: B x B scores. On several ranks a row's candidates are those of all.
    Relation: lower. For every critic, and never above E log |G|.
    Bias: downwards; to 0 for the best critic as the groups grow beyond the exponential of the
    information.
    Raises `ShapeMismatch` if ``groups`` does not fit.
    Reference: van den Oord et al. 2018 (CPC), eq. 4, given c; theory.md P19.

    >>> a, ones = torch.tensor([[1.0], [-1.0], [1.0]]), torch.ones(3, 1)
    >>> conditional_information_nce(_Features(), 9.0 * a, a, ones, torch.tensor([0, 0, 1])).model
    tensor(0.4621)
    """
    same = _same(groups, a)
    joint = with_edges((a, b, c), edges)
    left, right = frozen(critic)(*joint)
    of_a, of_b = critic(*detached(joint))
    return Players(model=_picked(left, right, same), critic=-_picked(of_a, of_b, same))


def conditional_hsic(
    x: Tensor,
    y: Tensor,
    groups: Tensor,
    kernel: Kernel = "rbf",
    scales: Sequence[float] = (1.0,),
    bandwidths: tuple[Tensor | float, Tensor | float] | None = None,
) -> Tensor:
    r"""Estimate the Hilbert-Schmidt independence criterion within groups, on average over rows.

    .. math:: E_c\, \mathrm{HSIC}\bigl(q(x, y \mid c)\bigr)

    It is `hsic`, unbiased, of each group, with the kernels of the whole batch.

    Shapes: x and y ``(B, *)``, groups of integers ``(B,)`` ``-> ()``.  Unit: 1.
    ``kernel``, ``scales`` and the two ``bandwidths`` as for `hsic`.  Memory: B^2 numbers.
    Relation: estimate. Of the mean of the criteria; it may be negative.
    Bias: none for given bandwidths; downwards where a group has fewer than four rows in a batch.
    Raises `ShapeMismatch` if y or ``groups`` does not fit, and `UnknownName` for a kernel.
    Reference: Gretton et al. 2005; Song et al. 2012 (unbiased); theory.md P19.

    >>> x = torch.arange(10.0)[:, None]
    >>> conditional_hsic(x, x, torch.arange(10) % 2, bandwidths=(9.0, 9.0)) > 0.05
    tensor(True)
    """
    if x.shape[0] != y.shape[0]:
        raise ShapeMismatch("y", expected=(x.shape[0], *y.shape[1:]), got=y.shape)
    same = gathered(_same(groups, x))
    within = same & ~torch.eye(len(same), dtype=torch.bool, device=same.device)
    tables = [squared_distances(*pooled(one, one, least=1)) for one in (x, y)]
    widths = bandwidths or tuple(median_of(table) for table in tables)
    k, l = (  # noqa: E741  (the reference's own letters)
        kernel_of(kernel, table, scales, width) * within
        for table, width in zip(tables, widths, strict=True)
    )
    members = same.to(k.dtype)
    rows_k, rows_l = k.sum(dim=1), l.sum(dim=1)
    with torch.autocast(x.device.type, enabled=False):
        m = members.sum(dim=1)
        pairs, of_k, of_l, shared = (
            members @ one for one in ((k * l).sum(dim=1), rows_k, rows_l, rows_k * rows_l)
        )
    few = m < 4
    m = m.masked_fill(few, 4.0)
    apart = of_k * of_l / ((m - 1) * (m - 2))
    criteria = (pairs + apart - 2.0 / (m - 2) * shared) / (m * (m - 3))
    return criteria.masked_fill(few, 0.0).mean()


def conditional_mmd_between(
    z: Tensor,
    member: Tensor,
    groups: Tensor,
    kernel: Kernel = "rbf",
    scales: Sequence[float] = (1.0,),
    bandwidth: Tensor | float | None = None,
) -> Tensor:
    r"""Estimate the squared maximum mean discrepancy of two parts within groups, over all rows.

    .. math:: E_c\, \mathrm{MMD}^2\bigl(q(z \mid s = 1, c),\, q(z \mid s = 0, c)\bigr)

    It is `mmd_between` of each group, with the kernel of the whole batch.

    Shapes: z ``(B, *)``, member of bools ``(B,)``, groups of integers ``(B,)`` ``-> ()``.  Unit: 1.
    ``kernel``, ``scales`` and ``bandwidth`` as for `mmd_between`.  Memory: B^2 numbers.
    Relation: estimate. Of the mean of the squared discrepancies; it may be negative.
    Bias: none for a given bandwidth; downwards where a part of a group has one row in a batch.
    Raises `ShapeMismatch` if ``member`` or ``groups`` does not fit, and `UnknownName` for a kernel.
    Reference: Gretton et al. 2012; Louizos et al. 2016 (VFAE); theory.md P19.

    >>> z = torch.tensor([[0.0], [9.0], [1.0], [10.0]])
    >>> member, ones = torch.tensor([True, False, True, False]), torch.ones(4)
    >>> conditional_mmd_between(z, member, ones, bandwidth=1.0)
    tensor(0.7358)
    """
    if tuple(member.shape) != (z.shape[0],):
        raise ShapeMismatch("member", expected=(z.shape[0],), got=member.shape)
    same = gathered(_same(groups, z))
    within = same & ~torch.eye(len(same), dtype=torch.bool, device=same.device)
    squared = squared_distances(*pooled(z, z, least=1))
    width = median_of(squared) if bandwidth is None else bandwidth
    k, members = kernel_of(kernel, squared, scales, width) * within, same.to(squared.dtype)
    first = gathered(member).to(k.dtype)
    second = 1.0 - first
    with torch.autocast(z.device.type, enabled=False):
        n, m = members @ first, members @ second
        to_first, to_second = k @ first, k @ second
        ones, twos, across = (
            members @ one for one in (first * to_first, second * to_second, first * to_second)
        )
    few = torch.minimum(n, m) < 2
    n, m = n.masked_fill(few, 2.0), m.masked_fill(few, 2.0)
    found = ones / (n * (n - 1)) + twos / (m * (m - 1)) - 2.0 * across / (n * m)
    return found.masked_fill(few, 0.0).mean()


def _same(groups: Tensor, rows: Tensor) -> Tensor:
    """Say which rows of all ranks are in the group of each of this rank's rows, ``(b, B)``."""
    if tuple(groups.shape) != (rows.shape[0],):
        raise ShapeMismatch("groups", expected=(rows.shape[0],), got=groups.shape)
    return groups[:, None] == gathered(groups)


def _picked(left: Tensor, right: Tensor, same: Tensor) -> Tensor:
    """InfoNCE of features, whose candidates are rows of the same group."""
    left, right = widened(left), widened(right)
    with torch.autocast(left.device.type, enabled=False):
        scores = left @ gathered(right).T
    own = scores.diagonal(first_row(len(left)))
    candidates = torch.logsumexp(scores.masked_fill(~same, -torch.inf), dim=1)
    return (own - candidates + same.sum(dim=1).to(scores.dtype).log()).mean()


class _Features(nn.Module):
    """The features of the examples."""

    def forward(self, a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        return a * c, b
