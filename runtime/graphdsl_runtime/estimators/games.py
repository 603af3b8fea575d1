r"""Divergences by a critic: a loss for the model, a loss for the critic, and nothing between them.

A critic f learns to tell samples of q from samples of p by logistic regression, so that at its best
:math:`f = \log q / p`. The model's term sees the critic frozen; the critic's loss sees the samples
detached. So no gradient of one player's loss reaches the other: the critic's, in the encoder, would
be the opposite of the term it serves.

Samples are tensors of B rows, or tuples of them where the critic takes several: data (GAN), latents
(AAE), or pairs of both (ALI, BiGAN).

Under learned masks a critic takes the ``edges`` too, behind the samples: one that did not see them
would learn the ratio of mixtures over structures. They have no gradient there.
"""

from __future__ import annotations

__all__ = [
    "Players",
    "Sample",
    "adversarial_js",
    "adversarial_js_non_saturating",
    "adversarial_kl",
    "conditional_information_critic",
    "detached",
    "gradient_penalty_r1",
    "information_critic",
    "information_mine",
    "logistic_loss",
    "pairs_and_product",
    "total_correlation_critic",
    "with_edges",
]

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime.critics import frozen
from graphdsl_runtime.estimators.information import donsker_varadhan
from graphdsl_runtime.estimators.permutations import permute_blocks, permute_within
from graphdsl_runtime.estimators.precision import widened

Sample: TypeAlias = Tensor | tuple[Tensor, ...]


class Players(NamedTuple):
    """One loss for each player of a game; each trains its own parameters alone.

    Shapes: each ``()``.  Unit: nats.
    """

    model: Tensor  #: the estimate, and what the model minimises
    critic: Tensor  #: what the critic minimises


def adversarial_kl(
    critic: nn.Module, q: Sample, p: Sample, *, edges: Sequence[Tensor] = ()
) -> Players:
    r"""Estimate a Kullback-Leibler divergence by a critic's log-ratio: KL(q || p).

    .. math:: \text{model: } E_q f, \qquad
              \text{critic: } E_q \log(1 + e^{-f}) + E_p \log(1 + e^{f})

    Shapes: q and p ``(B, *), (C, *)``, critic to ``(B,)``.  Unit: nats.
    Relation: saddle. Exact, with its gradient, for the best critic. The model's gradient is that of
    q alone: a p that trains too has a divergence of its own, KL(p || q), to add.
    Bias: either way, by how far the critic is from log q / p.
    Reference: Sugiyama et al. 2012; Mescheder et al. 2017; Makhzani et al. 2015 (AAE).

    >>> adversarial_kl(_Sum(), torch.ones(2, 1), torch.zeros(2, 1))
    Players(model=tensor(1.), critic=tensor(1.0064))
    """
    q, p = with_edges(q, edges), with_edges(p, edges)
    return Players(model=widened(frozen(critic)(*q)).mean(), critic=logistic_loss(critic, q, p))


def adversarial_js(
    critic: nn.Module, q: Sample, p: Sample, *, edges: Sequence[Tensor] = ()
) -> Players:
    r"""Estimate a Jensen-Shannon divergence by a critic, as GANs do: JS(q, p).

    .. math:: \text{model: } \log 2 - \tfrac12 \bigl[E_q \log(1 + e^{-f})
              + E_p \log(1 + e^{f})\bigr]

    and the critic minimises the bracket. Both q and p may train, as in ALI.

    Shapes: q and p ``(B, *), (C, *)``, critic to ``(B,)``.  Unit: nats.
    Relation: saddle. A lower bound of the divergence that the critic raises and the model lowers.
    Bias: downwards, by what the critic lacks of log q / p.
    Where the critic is sure, the gradient vanishes: `adversarial_js_non_saturating`.
    Reference: Goodfellow et al. 2014; Dumoulin et al. 2017 (ALI); theory.md 2.2.

    >>> adversarial_js(_Sum(), torch.ones(2, 1), torch.zeros(2, 1)).model
    tensor(0.1899)
    """
    fixed, (q, p) = frozen(critic), (with_edges(q, edges), with_edges(p, edges))
    losses = _missed(fixed(*q)) + _missed(-fixed(*p))
    return Players(model=math.log(2.0) - 0.5 * losses, critic=logistic_loss(critic, q, p))


def adversarial_js_non_saturating(
    critic: nn.Module, q: Sample, p: Sample, *, edges: Sequence[Tensor] = ()
) -> Players:
    r"""Train a GAN by the flipped labels, whose gradient does not vanish: towards JS(q, p) = 0.

    .. math:: \text{model: } E_p \log(1 + e^{-f}) + E_q \log(1 + e^{f})

    where q is the data, its part has no gradient, and the rest is -E_p log D. Both may train (ALI).

    Shapes: q and p ``(B, *), (C, *)``, critic to ``(B,)``.  Unit: nats.
    Relation: surrogate. It has the fixed points of `adversarial_js` and is no divergence: at q = p
    and the best critic it is 2 log 2.
    Bias: not of JS: another number, with its own gradient.
    Reference: Goodfellow et al. 2014, sec. 3; Dumoulin et al. 2017 (ALI).

    >>> adversarial_js_non_saturating(_Sum(), torch.zeros(2, 1), torch.zeros(2, 1)).model
    tensor(1.3863)
    """
    fixed, (q, p) = frozen(critic), (with_edges(q, edges), with_edges(p, edges))
    flipped = _missed(fixed(*p)) + _missed(-fixed(*q))
    return Players(model=flipped, critic=logistic_loss(critic, q, p))


def total_correlation_critic(
    critic: nn.Module, z: Tensor, keys: Tensor | None = None, *, edges: Sequence[Tensor] = ()
) -> Players:
    r"""Estimate total correlation by a critic that knows z from z with permuted blocks.

    .. math:: TC(z) = KL\bigl(q(z) \,\|\, \textstyle\prod_j q(z_j)\bigr)
              \approx E_q f

    Shapes: z ``(B, M)``, or ``(B, M, D)`` for M blocks; critic to ``(B,)``.  Unit: nats.
    ``keys``, ``(B, M)``, are the noise of `permute_blocks`.
    Relation: saddle. Exact, with its gradient, for the best critic.
    Bias: either way, by how far the critic is from the log-ratio.
    Raises `ShapeMismatch` if ``keys`` does not fit.
    Reference: Kim and Mnih 2018 (FactorVAE); theory.md P19.

    >>> z = torch.tensor([[1.0, 1.0], [-1.0, -1.0]])
    >>> total_correlation_critic(_Sum(), z, keys=torch.tensor([[0.0, 1.0], [1.0, 0.0]])).critic
    tensor(1.8201)
    """
    return adversarial_kl(critic, z, permute_blocks(z.detach(), keys), edges=edges)


def information_critic(
    critic: nn.Module,
    a: Tensor,
    b: Tensor,
    keys: Tensor | None = None,
    *,
    edges: Sequence[Tensor] = (),
) -> Players:
    r"""Estimate mutual information by a critic that knows pairs from permuted pairs: I(a; b).

    .. math:: I(a; b) = KL\bigl(q(a, b) \,\|\, q(a) q(b)\bigr) \approx E_q f(a, b)

    Shapes: a and b ``(B, *)``, critic to ``(B,)``.  Unit: nats.
    ``keys``, ``(B,)``, are the noise that permutes b.
    Relation: saddle. Exact, with its gradient, for the best critic.
    Bias: either way, by how far the critic is from the log-ratio.
    Raises `ShapeMismatch` if ``keys`` does not fit.
    Reference: Sugiyama et al. 2012; theory.md P19.

    >>> information_critic(_Sum(), torch.ones(2, 1), torch.ones(2, 1)).model
    tensor(2.)
    """
    permuted = _permuted(b.detach(), keys)
    return adversarial_kl(critic, (a, b), (a.detach(), permuted), edges=edges)


def information_mine(
    critic: nn.Module,
    a: Tensor,
    b: Tensor,
    keys: Tensor | None = None,
    *,
    edges: Sequence[Tensor] = (),
) -> Players:
    r"""Estimate mutual information by the Donsker-Varadhan bound of a critic: I(a; b).

    .. math:: \text{model: } E_q f(a, b) - \log E_{q(a) q(b)} e^{f(a, b)}, \qquad
              \text{critic: } -\bigl[E_q f(a, b) - \log E_{q(a) q(b)} e^{f(a, b)}\bigr]

    with b permuted among the rows for samples of the product, so that no row keeps its own: one
    pair of the joint would outweigh all others. Both of the model's means train a and b.

    Shapes: a and b ``(B, *)``, critic to ``(B,)``.  Unit: nats.
    ``keys``, ``(B,)``, are the noise that permutes b.
    Relation: saddle. A lower bound that the critic raises and the model lowers: to minimise it is
    no bound of the information.
    Bias: upwards of the bound that the critic gives (Jensen), and its gradient's with it; to 0 as
    the batch grows. `Mine` corrects the gradient.
    Raises `ShapeMismatch` if ``keys`` does not fit.
    Reference: Belghazi et al. 2018 (MINE); theory.md P10.

    >>> a, keys = torch.tensor([[1.0], [-1.0]]), torch.tensor([1.0, 0.0])
    >>> information_mine(_Sum(), a, a, keys)
    Players(model=tensor(0.), critic=tensor(-0.))
    """
    fixed = frozen(critic)
    joint, product = pairs_and_product(a, b, keys, edges)
    return Players(
        model=donsker_varadhan(fixed(*joint), fixed(*product)),
        critic=-donsker_varadhan(critic(*detached(joint)), critic(*detached(product))),
    )


def conditional_information_critic(
    critic: nn.Module,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    groups: Tensor,
    keys: Tensor | None = None,
    *,
    edges: Sequence[Tensor] = (),
) -> Players:
    r"""Estimate conditional information by a critic that sees the condition: I(a; b | c).

    .. math:: I(a; b \mid c) = KL\bigl(q(a, b, c) \,\|\, q(a, c)\, q(b \mid c)\bigr)
              \approx E_q f(a, b, c)

    where b is permuted among rows of equal c.

    Shapes: a, b, c ``(B, *)``, groups of integers ``(B,)`` that say which rows have equal c; critic
    to ``(B,)``.  Unit: nats.  ``keys``, ``(B,)``, are the noise of `permute_within`.
    Relation: saddle. Exact, with its gradient, for the best critic.
    Bias: either way, by the critic; and downwards where a group has one row in a batch.
    For a c without equal rows, take b from a model r(b | c), and `adversarial_kl` of the two
    triples: an estimate of I(a; b | c) + E KL(q(b | c) || r(b | c)).
    Raises `ShapeMismatch` if ``groups`` or ``keys`` does not fit.
    Reference: Mukherjee et al. 2020 (CCMI); theory.md P19.

    >>> ones = torch.ones(2, 1)
    >>> conditional_information_critic(_Sum(), ones, ones, ones, torch.tensor([0, 1])).model
    tensor(3.)
    """
    permuted = permute_within(b.detach(), groups, keys)
    return adversarial_kl(critic, (a, b, c), (a.detach(), permuted, c.detach()), edges=edges)


def gradient_penalty_r1(
    critic: nn.Module, *samples: Tensor, edges: Sequence[Tensor] = ()
) -> Tensor:
    r"""Penalise the critic's slope where the data are.

    .. math:: \tfrac12 E\, |\nabla_x f(x)|^2

    Shapes: ``(B, *)`` each, as the critic takes them ``-> ()``.  Unit: 1 / that of x, squared.
    Relation: surrogate. It stands for no divergence: it keeps the critic's game from circling. Its
    gradient reaches the critic alone.
    Bias: none, given the samples.
    Reference: Mescheder et al. 2018 (R1).

    >>> gradient_penalty_r1(_Sum(), torch.zeros(5, 3))
    tensor(1.5000)
    """

    def total(*samples: Tensor) -> Tensor:
        scores: Tensor = critic(*with_edges(samples, edges))
        return scores.sum()

    places = tuple(range(len(samples)))
    slopes = torch.func.grad(total, argnums=places)(*(sample.detach() for sample in samples))
    squares = sum((widened(slope).square().sum() for slope in slopes), torch.zeros(()))
    return 0.5 * squares / samples[0].shape[0]


def pairs_and_product(
    a: Tensor, b: Tensor, keys: Tensor | None, edges: Sequence[Tensor]
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Give samples of the joint, and of the product, where b is permuted; the edges behind both."""
    return with_edges((a, b), edges), with_edges((a, _permuted(b, keys)), edges)


def logistic_loss(critic: nn.Module, q: Sample, p: Sample) -> Tensor:
    """Give the critic's own loss: q has label 1 and p label 0; the samples are detached."""
    of_q, of_p = (critic(*detached(_tuple(sample))) for sample in (q, p))
    return _missed(of_q) + _missed(-of_p)


def detached(sample: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Give the same values, without gradients."""
    return tuple(part.detach() for part in sample)


def _permuted(b: Tensor, keys: Tensor | None) -> Tensor:
    """Give every row the b of another one, so that those of a and b are independent."""
    one_group = torch.zeros(b.shape[:1], dtype=torch.long, device=b.device)
    return permute_within(b, one_group, keys)


def _missed(scores: Tensor) -> Tensor:
    """-log sigmoid, on average."""
    return F.softplus(-widened(scores)).mean()


def with_edges(sample: Sample, edges: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Give the sample, and behind it the edges of each row, which may be one draw of all rows."""
    parts = _tuple(sample)
    rows = parts[0].shape[0]
    return (*parts, *(mask.detach().expand(rows, *mask.shape[1:]) for mask in edges))


def _tuple(sample: Sample) -> tuple[Tensor, ...]:
    return sample if isinstance(sample, tuple) else (sample,)


class _Sum(nn.Module):
    """The critic of the examples."""

    def forward(self, *samples: Tensor) -> Tensor:
        return torch.cat(samples, dim=1).sum(dim=1)
