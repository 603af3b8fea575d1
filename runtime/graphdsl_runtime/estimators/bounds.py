r"""Mutual information by a critic that trains: one game for each published estimator.

`information` has the same bounds of scores that are given; here the critic makes them. The model's
term sees the critic frozen, and the critic's loss sees the samples detached, as in `games`. A bound
from below, `information_nce` or `information_nwj`, holds for every critic that does not depend on
the batch; the critic raises it, and so it is closest when the critic is best.
"""

from __future__ import annotations

__all__ = [
    "information_club",
    "information_jsd",
    "information_nce",
    "information_nwj",
    "information_smile",
]

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from graphdsl_runtime.critics import frozen
from graphdsl_runtime.distributions import Gaussian, expect
from graphdsl_runtime.estimators.contrast import contrast
from graphdsl_runtime.estimators.games import (
    Players,
    detached,
    logistic_loss,
    pairs_and_product,
    with_edges,
)
from graphdsl_runtime.estimators.information import (
    club,
    info_nce,
    jensen_shannon_information,
    nwj,
    smile,
)


def information_nce(
    critic: nn.Module, a: Tensor, b: Tensor, *, edges: Sequence[Tensor] = ()
) -> Players:
    r"""Bound mutual information from below by a critic that picks each row's partner: I(a; b).

    .. math:: \text{model: } \frac1B \sum_i \Bigl[f(a_i, b_i)
              - \log \frac1B \sum_{j=1}^{B} e^{f(a_i, b_j)}\Bigr] \le \log B, \qquad
              f(a, b) = g(a) \cdot h(b)

    and the critic minimises the opposite, which is cross-entropy of the B candidates, less log B.

    Shapes: a and b ``(B, *)``, critic to the features g and h ``(B, D)``, as of `separable_critic`.
    Unit: nats.  Memory: that of `contrast`. On several ranks a row's candidates are those of all.
    Relation: lower. For every critic, and never above log B.
    Bias: downwards; to 0 for the best critic as B grows beyond the exponential of the information.
    Reference: van den Oord et al. 2018 (CPC), eq. 4; Poole et al. 2019, sec. 2.

    >>> a = torch.tensor([[1.0], [-1.0]])
    >>> information_nce(_Features(), 9.0 * a, a).model  # log 2, less what is left to doubt
    tensor(0.6931)
    """
    joint = with_edges((a, b), edges)
    ours, theirs = frozen(critic)(*joint), critic(*detached(joint))
    return Players(
        model=info_nce(*contrast(*ours)[:2]),
        critic=-info_nce(*contrast(*theirs)[:2]),
    )


def information_nwj(
    critic: nn.Module,
    a: Tensor,
    b: Tensor,
    keys: Tensor | None = None,
    *,
    edges: Sequence[Tensor] = (),
) -> Players:
    r"""Bound mutual information from below without a logarithm of a mean: I(a; b).

    .. math:: \text{model: } E_q f(a, b) - E_{q(a) q(b)} e^{f(a, b) - 1}

    and the critic minimises the opposite. Samples of the product have b permuted among the rows.

    Shapes: a and b ``(B, *)``, critic to ``(B,)``.  Unit: nats.
    ``keys``, ``(B,)``, are the noise that permutes b.
    Relation: lower. For every critic; tight for f = 1 + log q(a, b) / (q(a) q(b)).
    Bias: none of the bound that the critic gives, whatever the batch; the variance is large.
    Raises `ShapeMismatch` if ``keys`` does not fit.
    Reference: Nguyen, Wainwright and Jordan 2010; Belghazi et al. 2018 (MINE-f).

    >>> information_nwj(_Product(), torch.ones(2, 1), torch.ones(2, 1)).model
    tensor(0.)
    """
    joint, product = pairs_and_product(a, b, keys, edges)
    fixed = frozen(critic)
    return Players(
        model=nwj(fixed(*joint), fixed(*product)),
        critic=-nwj(critic(*detached(joint)), critic(*detached(product))),
    )


def information_smile(
    critic: nn.Module,
    a: Tensor,
    b: Tensor,
    keys: Tensor | None = None,
    *,
    clip: float = 5.0,
    edges: Sequence[Tensor] = (),
) -> Players:
    r"""Estimate mutual information as `information_mine` does, with a clipped mean: I(a; b).

    .. math:: \text{model: } E_q f(a, b) - \log E_{q(a) q(b)} e^{\min(\max(f(a, b), -\tau), \tau)},
              \qquad \text{critic: } E_q \log(1 + e^{-f}) + E_{q(a) q(b)} \log(1 + e^{f})

    The critic trains by logistic regression, as in the paper, and is the log-ratio at its best.
    Samples of the product have b permuted among the rows.

    Shapes: a and b ``(B, *)``, critic to ``(B,)``.  Unit: nats.
    ``clip`` is tau: smaller is less variance and more bias. ``keys``, ``(B,)``, permute b.
    Relation: saddle. No bound: clipping can put it above the information.
    Bias: either way, by how far the critic is from the log-ratio, and by what is clipped.
    Raises `ShapeMismatch` if ``keys`` does not fit.
    Reference: Song and Ermon 2020 (SMILE).

    >>> information_smile(_Product(), torch.ones(2, 1), torch.ones(2, 1), clip=0.25).model
    tensor(0.7500)
    """
    joint, product = pairs_and_product(a, b, keys, edges)
    fixed = frozen(critic)
    return Players(
        model=smile(fixed(*joint), fixed(*product), clip),
        critic=logistic_loss(critic, joint, product),
    )


def information_jsd(
    critic: nn.Module,
    a: Tensor,
    b: Tensor,
    keys: Tensor | None = None,
    *,
    edges: Sequence[Tensor] = (),
) -> Players:
    r"""Bound the Jensen-Shannon divergence of a joint from the product of its marginals.

    .. math:: \text{model: } \log 2 - \tfrac12 \bigl(E_q \log(1 + e^{-f(a, b)})
              + E_{q(a) q(b)} \log(1 + e^{f(a, b)})\bigr) \le \log 2

    and the critic minimises the bracket. Deep InfoMax maximises twice this, less 2 log 2. Samples
    of the product have b permuted among the rows.

    Shapes: a and b ``(B, *)``, critic to ``(B,)``.  Unit: nats.
    ``keys``, ``(B,)``, are the noise that permutes b.
    Relation: surrogate. A lower bound of that divergence, for every critic: the divergence is 0
    where the information is, and otherwise another number.
    Bias: none of the bound that the critic gives, whatever the batch.
    Raises `ShapeMismatch` if ``keys`` does not fit.
    Reference: Hjelm et al. 2019 (Deep InfoMax), eq. 4; Nowozin et al. 2016.

    >>> information_jsd(_Product(), torch.zeros(2, 1), torch.zeros(2, 1)).model
    tensor(0.)
    """
    joint, product = pairs_and_product(a, b, keys, edges)
    fixed = frozen(critic)
    return Players(
        model=jensen_shannon_information(fixed(*joint), fixed(*product)),
        critic=logistic_loss(critic, joint, product),
    )


def information_club(
    critic: nn.Module, a: Tensor, b: Tensor, *, edges: Sequence[Tensor] = ()
) -> Players:
    r"""Estimate mutual information by the contrast of a conditional that trains: I(a; b).

    .. math:: \text{model: } E_{q(a, b)} \log r(a \mid b) - E_{q(a) q(b)} \log r(a \mid b), \qquad
              \text{critic: } -E_{q(a, b)} \log r(a \mid b)

    where r is a normal of independent coordinates, whose mean and log-variance the critic gives
    side by side.

    Shapes: a and b ``(B, *)``; critic of b alone to ``(B, 2 D)``, for the D numbers of a row of a.
    Unit: nats.
    Relation: surrogate. An upper bound where r is nearer to q(a | b) than the joint of r is to the
    product of marginals, as the true conditional is; with another r it is none.
    Bias: upwards by KL(q(a) q(b) || q(a, b)) for the true conditional, whatever the batch.
    Raises `OutOfRange` if B = 1.
    Reference: Cheng et al. 2020 (CLUB), theorem 3.2.

    >>> double = nn.Linear(1, 2)
    >>> information_club(double, torch.ones(2, 1), torch.ones(2, 1)).model
    tensor(0.)
    """
    a = a.reshape(len(a), -1)
    of_a = Gaussian.split(frozen(critic)(*with_edges(b, edges)))
    predicted = Gaussian.split(critic(*with_edges(b.detach(), edges)))
    return Players(model=club(a, of_a), critic=expect(predicted.nll(a.detach())))


class _Product(nn.Module):
    """The critic of the examples."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.sum(a * b, dim=1)


class _Features(nn.Module):
    """The features of the examples."""

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return a, b
