"""Penalties on predictors and structures that differ between environments."""

from __future__ import annotations

__all__ = ["bernoulli_information", "irm_penalty", "risk_variance", "worst_risk"]

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime.distributions.expectation import sum_beyond
from graphdsl_runtime.errors import ShapeMismatch
from graphdsl_runtime.estimators.precision import widened
from graphdsl_runtime.ranks import gathered
from graphdsl_runtime.support import NO_CLASS, is_cheap


def irm_penalty(
    logits: Tensor,
    target: Tensor,
    environment: Tensor | None = None,
    environments: int = 1,
    nll: Callable[[Tensor, Tensor], Tensor] | None = None,
    biased: bool = False,
) -> Tensor:
    r"""Penalise the slope of every environment's risk in a dummy scale of the predictor.

    .. math:: \sum_e \Bigl(\frac{d}{dw} R^e(w f)\Big|_{w = 1}\Bigr)^2, \qquad
              R^e(f) = \mathbb E_e[-\log p(y \mid f)]

    The square of a minibatch's slope is too large by Var / B_e; at a large weight that outweighs
    what an invariant predictor saves. The product of the slopes of two halves of an environment's
    rows is unbiased; this is its mean over all ways to halve them, with g_b the slope of row b,

    .. math:: \sum_e \frac{\bigl(\sum_{b \in e} g_b\bigr)^2 - \sum_{b \in e} g_b^2}{B_e (B_e - 1)}

    It may be below zero. With ``biased`` it is the square, as published.

    Shapes: logits ``(B, *)`` with targets of their shape (Bernoulli), or ``(B, *, K)`` with targets
    of integers ``(B, *)`` (categorical); environment of integers below ``environments`` ``(B,)``,
    by default one environment ``-> ()``.  Unit: nats squared.
    ``nll``, called with parameters and target, gives -log p for any other likelihood, row by row.
    An environment of fewer than two rows in the batch adds nothing; with ``biased``, of none.
    Relation: surrogate. In expectation zero where every environment would leave the scale as it is;
    an invariant and calibrated predictor has 0, the converse is false.
    Bias: none; with `biased` upwards, by the variance of the slope over batches, as 1/B.
    It is unbiased over batches with as many rows of each environment.
    Differentiable, twice as well.
    Raises `ShapeMismatch` if target or environment does not fit.
    Reference: Arjovsky et al. 2019 (IRMv1); theory.md 2.24 and S7.

    >>> irm_penalty(torch.tensor([2.0, -1.0]), torch.tensor([1.0, 0.0]))
    tensor(0.0641)
    >>> irm_penalty(torch.tensor([2.0, -1.0]), torch.tensor([1.0, 0.0]), biased=True)
    tensor(0.0644)
    """
    rows = logits.shape[0]
    if environment is None:
        environment = torch.zeros(rows, dtype=torch.long, device=logits.device)
    logits = widened(logits)
    slopes = _slopes(nll or _likelihood(logits, target), logits, target)
    if not is_cheap(slopes):
        slopes = torch.where(_of_no_class(target), math.nan, slopes)
    counts, sums, squares = _by_environment(slopes, environment, environments)
    if biased:
        return (sums / counts.clamp(min=1.0)).square().sum()
    return _mean_products(counts, sums, squares).sum()


def risk_variance(
    nll: Tensor, environment: Tensor, environments: int, biased: bool = False
) -> Tensor:
    r"""Compute the variance of the environments' risks.

    .. math:: \frac 1E \sum_e R_e^2 - \Bigl(\frac 1E \sum_e R_e\Bigr)^2, \qquad
              R_e = \mathbb E_e[-\log p(y \mid z)]

    The square of a minibatch's risk is too large by its variance. The mean product of two rows of
    the environment is unbiased, and so is the product of two environments' risks; with ``biased``
    it is the variance of the minibatch's own risks, as published.

    Shapes: nll, -log p(y|z) of each entry of y, ``(B, *)``; environment of integers below
    ``environments`` ``(B,) -> ()``.  Unit: nats squared.
    Environments with fewer than two rows in the batch are left out; with ``biased``, those with
    none.  Relation: surrogate. Zero where all environments have one risk; the converse holds.
    Bias: none; with `biased` upwards, by the variance of the risks over batches, as 1/B.
    It is unbiased over batches with as many rows of each environment, and may be below zero.
    Differentiable, twice as well.
    Raises `ShapeMismatch` if environment does not fit.
    Reference: Krueger et al. 2021 (V-REx), eq. 8.

    >>> risk_variance(torch.tensor([1.0, 1.0, 3.0, 3.0]), torch.tensor([0, 0, 1, 1]), 2)
    tensor(1.)
    """
    counts, sums, squares = _by_environment(sum_beyond(widened(nll), 1), environment, environments)
    there = (counts >= (1.0 if biased else 2.0)).to(sums.dtype)
    risks = there * sums / counts.clamp(min=1.0)
    products = risks.square() if biased else there * _mean_products(counts, sums, squares)
    count = there.sum().clamp(min=1.0)
    crossed = risks.sum().square() - risks.square().sum()  # of two different environments
    return products.sum() / count - (crossed + products.sum()) / count.square()


def worst_risk(nll: Tensor, environment: Tensor, environments: int) -> Tensor:
    r"""Compute the largest of the environments' risks.

    .. math:: \max_e R_e, \qquad R_e = \mathbb E_e[-\log p(y \mid z)]

    Shapes: nll, -log p(y|z) of each entry of y, ``(B, *)``; environment of integers below
    ``environments`` ``(B,) -> ()``.  Unit: nats.  An environment without rows is left out.
    Relation: surrogate.
    Bias: upwards: on average over batches the largest of several means is no less than the largest
    of their expectations (Jensen); to 0 as the batch grows.
    Its gradient is that of the worst environment; where several are as bad, they share it.
    Raises `ShapeMismatch` if environment does not fit.
    Reference: Sagawa et al. 2020 (group DRO), eq. 4.

    >>> worst_risk(torch.tensor([1.0, 1.0, 3.0, 3.0]), torch.tensor([0, 0, 1, 1]), 2)
    tensor(3.)
    """
    counts, sums, _ = _by_environment(sum_beyond(widened(nll), 1), environment, environments)
    risks = sums / counts.clamp(min=1.0)
    return torch.where(counts > 0.0, risks, -math.inf).amax()


def bernoulli_information(logits: Tensor, weights: Tensor | None = None) -> Tensor:
    r"""Compute what a Bernoulli structure says about its environment, edge by edge: I(m; e).

    .. math:: H\Bigl(\sum_e w_e \sigma(l_e)\Bigr) - \sum_e w_e H(\sigma(l_e))

    with H the entropy of a coin: the Jensen-Shannon divergence of the environments' coins.

    Shapes: logits ``(E, *)``, weights of the environments ``(E,)``, by default 1 / E ``-> (*)``.
    Unit: nats.
    Relation: equal. For every edge by itself; the sum over edges that are independent given the
    environment is an upper bound of what they tell together.
    Bias: none.
    Never negative, never above log 2. Finite, with its gradient, for finite logits.
    Raises `ShapeMismatch` if ``weights`` does not fit.
    Reference: Cover and Thomas 2006, sec. 2.4; theory.md P18.

    >>> bernoulli_information(torch.tensor([[99.0, 0.0], [-99.0, 0.0]]))
    tensor([0.6931, 0.0000])
    """
    count = logits.shape[0]
    if weights is None:
        weights = logits.new_full((count,), 1.0 / count)
    if tuple(weights.shape) != (count,):
        raise ShapeMismatch("weights", expected=(count,), got=weights.shape)
    weights = weights.reshape(-1, *(1,) * (logits.ndim - 1))
    total = torch.zeros_like(logits[0])
    for signed in (logits, -logits):
        log_p = F.logsigmoid(signed)
        log_mixture = torch.logsumexp(log_p + weights.log(), dim=0)
        total = total + (weights * torch.sigmoid(signed) * (log_p - log_mixture)).sum(dim=0)
    return total


def _by_environment(
    values: Tensor, environment: Tensor, environments: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Of each environment, over the rows of all ranks: their count, their sum, that of squares."""
    if tuple(environment.shape) != (len(values),):
        raise ShapeMismatch("environment", expected=(len(values),), got=environment.shape)
    if not is_cheap(values):
        values = torch.where(environment == NO_CLASS, math.nan, values)
    values, environment = gathered(values), gathered(environment)
    member = (environment[:, None] == torch.arange(environments, device=values.device)).to(
        values.dtype
    )
    columns = torch.stack([torch.ones_like(values), values, values.square()])
    with torch.autocast(values.device.type, enabled=False):  # which would round counts and sums
        counts, sums, squares = (columns @ member).unbind()
    return counts, sums, squares


def _mean_products(counts: Tensor, sums: Tensor, squares: Tensor) -> Tensor:
    """The mean product of two different rows of each environment; 0 where there are no two.

    In an environment of one row both terms are the same number, and cancel to the last bit.
    """
    return (sums.square() - squares) / (counts * (counts - 1.0)).clamp(min=1.0)


def _likelihood(logits: Tensor, target: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    if target.dtype.is_floating_point:
        if target.shape != logits.shape:
            raise ShapeMismatch("target", expected=logits.shape, got=target.shape)
        return lambda logits, target: F.binary_cross_entropy_with_logits(
            logits, target.to(logits.dtype), reduction="none"
        )
    if logits.ndim < 2 or target.shape != logits.shape[:-1]:
        raise ShapeMismatch("target", expected=logits.shape[:-1], got=target.shape)
    return lambda logits, target: F.cross_entropy(
        logits.flatten(0, -2),
        target.flatten() if is_cheap(target) else target.flatten().clamp(min=0),
        reduction="none",
    )


def _of_no_class(target: Tensor) -> Tensor:
    """Which rows have a label that is none: where these cost a look, they are no numbers."""
    return (target.reshape(len(target), -1) == NO_CLASS).any(dim=1)


def _slopes(nll: Callable[[Tensor, Tensor], Tensor], logits: Tensor, target: Tensor) -> Tensor:
    """Give d nll(w f_b) / dw at w = 1, which is the gradient in f_b times f_b, row by row."""
    gradient: Tensor = torch.func.grad(lambda logits: nll(logits, target).sum())(logits)
    return (gradient * logits).reshape(logits.shape[0], -1).sum(dim=1)
