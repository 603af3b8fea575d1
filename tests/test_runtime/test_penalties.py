"""Invariance penalties and structures' information against autograd and exact tables."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations, product

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.testing import assert_close

from graphdsl_runtime import (
    Gaussian,
    ShapeMismatch,
    bernoulli_information,
    irm_penalty,
    risk_variance,
    worst_risk,
)


def by_dummy_scale(logits: Tensor, target: Tensor) -> Tensor:
    """Square the slope of a mean risk in a scale that autograd sees (the public IRMv1 code)."""
    scale = torch.ones((), dtype=logits.dtype, requires_grad=True)
    risk = functional.binary_cross_entropy_with_logits(logits * scale, target)
    (slope,) = torch.autograd.grad(risk, scale, create_graph=True)
    return slope.square()


def test_the_penalty_is_the_dummy_scales() -> None:
    logits = torch.randn(9, dtype=torch.float64, requires_grad=True)
    target = torch.rand(9, dtype=torch.float64).round()
    ours, theirs = irm_penalty(logits, target, biased=True), by_dummy_scale(logits, target)
    assert_close(ours, theirs)
    assert_close(torch.autograd.grad(ours, logits), torch.autograd.grad(theirs, logits))


def test_environments_are_summed_each_with_its_own_mean() -> None:
    logits, target = torch.randn(9, dtype=torch.float64), torch.rand(9, dtype=torch.float64).round()
    environment = torch.tensor([0, 2, 2, 0, 2, 2, 2, 0, 2])  # none of environment 1
    by_hand = sum(
        by_dummy_scale(logits[environment == e], target[environment == e]) for e in (0, 2)
    )
    assert_close(irm_penalty(logits, target, environment, 3, biased=True), by_hand)


def test_classes_and_other_likelihoods_have_their_own_slopes() -> None:
    logits, target = torch.randn(9, 4, dtype=torch.float64), torch.randint(4, (9,))
    scale = torch.ones((), dtype=torch.float64, requires_grad=True)
    risk = functional.cross_entropy(logits * scale, target)
    (slope,) = torch.autograd.grad(risk, scale)
    assert_close(irm_penalty(logits, target, biased=True), slope.square())
    logits, target = torch.randn(9, 3, 2, 4, dtype=torch.float64), torch.randint(4, (9, 3, 2))
    risk = functional.cross_entropy((logits * scale).flatten(0, 2), target.flatten()) * 6
    (slope,) = torch.autograd.grad(risk, scale)  # several labels of a row add up
    assert_close(irm_penalty(logits, target, biased=True), slope.square())
    mean, value = torch.randn(2, 9, 2, dtype=torch.float64)
    ours = irm_penalty(
        mean, value, nll=lambda mean, value: Gaussian.unit(mean).nll(value), biased=True
    )
    assert_close(ours, ((mean - value) * mean).sum(dim=1).mean().square())


def slopes_of(logits: Tensor, target: Tensor) -> Tensor:
    """The slope of each row's own risk."""
    return (torch.sigmoid(logits) - target) * logits


@pytest.mark.parametrize("rows", [2, 3, 5, 6])
def test_it_is_the_mean_product_over_all_ways_to_halve_the_rows(rows: int) -> None:
    logits = torch.randn(rows, dtype=torch.float64)
    target = torch.rand(rows, dtype=torch.float64).round()
    slopes = slopes_of(logits, target)
    products = []
    for half in combinations(range(rows), rows // 2):
        other = [row for row in range(rows) if row not in half]
        products.append(slopes[list(half)].mean() * slopes[other].mean())
    assert_close(irm_penalty(logits, target), torch.stack(products).mean())


@pytest.mark.parametrize("rows", [2, 3, 4])
def test_it_is_unbiased_over_all_minibatches(rows: int) -> None:
    """Each batch of rows drawn with replacement, as often as the others; the square is not."""
    logits = torch.randn(3, 2, dtype=torch.float64)  # of two environments
    target = torch.rand(3, 2, dtype=torch.float64).round()
    exact = slopes_of(logits, target).mean(dim=0).square().sum()
    environment = torch.tensor([0, 1]).repeat(rows)
    means = {}
    for biased in (False, True):
        every = [
            irm_penalty(
                logits[list(drawn)].flatten(), target[list(drawn)].flatten(), environment, 2,
                biased=biased,
            )
            for drawn in product(range(3), repeat=rows)
        ]  # fmt: skip
        means[biased] = torch.stack(every).mean()
    assert_close(means[False], exact)
    variance = slopes_of(logits, target).var(dim=0, correction=0).sum()
    assert_close(means[True] - exact, variance / rows)


def test_an_environment_of_one_row_adds_nothing() -> None:
    logits = torch.randn(3, dtype=torch.float64, requires_grad=True)
    target, environment = torch.tensor([1.0, 0.0, 1.0]).double(), torch.tensor([0, 1, 3])
    penalty = irm_penalty(logits, target, environment, 4)
    assert penalty.item() == 0.0
    assert not torch.autograd.grad(penalty, logits)[0].any()


def test_it_has_two_derivatives() -> None:
    logits = torch.randn(6, dtype=torch.float64, requires_grad=True)
    target, environment = torch.rand(6, dtype=torch.float64).round(), torch.arange(6) % 2

    def penalty(logits: Tensor) -> Tensor:
        return irm_penalty(logits, target, environment, environments=2)

    assert torch.autograd.gradcheck(penalty, [logits])
    assert torch.autograd.gradgradcheck(penalty, [logits])


def test_a_calibrated_predictor_is_not_penalised_and_a_colour_is() -> None:
    """Coloured digits, theory.md 2.23: label noise 0.25, colour noise 0.1 and 0.2."""

    def rows(environment: float, feature: str) -> tuple[Tensor, Tensor]:
        """Give feature and label, 400 rows in exact proportions."""
        label = torch.tensor([0.0, 1.0]).repeat_interleave(200)
        flips = 0.25 if feature == "shape" else environment
        wrong = torch.zeros(200)
        wrong[: round(200 * flips)] = 1.0
        return (label + wrong.repeat(2)) % 2, label

    penalties = {}
    for feature, accuracy in (("shape", 0.75), ("colour", 0.85)):
        logits, labels, environments = [], [], []
        for index, flips in enumerate((0.1, 0.2)):
            seen, label = rows(flips, feature)
            logits.append((2 * seen - 1) * math.log(accuracy / (1 - accuracy)))
            labels.append(label)
            environments.append(torch.full_like(label, index, dtype=torch.long))
        penalties[feature] = irm_penalty(
            torch.cat(logits), torch.cat(labels), torch.cat(environments), 2, biased=True
        )
    assert penalties["shape"] < 1e-10
    assert_close(penalties["colour"], 2 * torch.tensor(0.05 * math.log(0.85 / 0.15)).square())
    assert abs(penalties["colour"] - 0.0150) < 1e-4  # what theory.md 2.24 has


def test_a_structures_information_is_that_of_its_table() -> None:
    logits = torch.randn(3, 4, 2, dtype=torch.float64)
    weights = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    ones = torch.sigmoid(logits)
    joint = torch.stack([ones, 1 - ones]) * weights[:, None, None]
    product = joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True)
    assert_close(
        bernoulli_information(logits, weights), (joint * (joint / product).log()).sum((0, 1))
    )
    assert_close(
        bernoulli_information(logits),
        bernoulli_information(logits, torch.full_like(weights, 1 / 3)),
    )
    assert torch.autograd.gradcheck(bernoulli_information, [logits.requires_grad_()])


def test_equal_structures_tell_nothing_and_opposite_ones_a_bit() -> None:
    same = torch.randn(1, 5).expand(4, 5)
    assert_close(bernoulli_information(same), torch.zeros(5))
    sides = torch.tensor([[1e4], [-1e4]]).requires_grad_()
    value = bernoulli_information(sides).sum()
    assert_close(value, torch.tensor(math.log(2.0)))
    assert torch.isfinite(torch.autograd.grad(value, sides)[0]).all()


def test_what_does_not_fit_is_refused() -> None:
    logits = torch.zeros(4, 3)
    with pytest.raises(ShapeMismatch, match="target has shape"):
        irm_penalty(logits, torch.zeros(4))
    with pytest.raises(ShapeMismatch, match="target has shape"):
        irm_penalty(logits, torch.zeros(3, dtype=torch.long))
    with pytest.raises(ShapeMismatch, match="environment has shape"):
        irm_penalty(logits, torch.zeros(4, 3), torch.zeros(3, dtype=torch.long))
    with pytest.raises(ShapeMismatch, match="weights has shape"):
        bernoulli_information(logits, torch.zeros(3))


# ---- the risks of environments -------------------------------------------------------------------


def test_the_variance_of_risks_is_that_of_all_rows_on_average() -> None:
    """Over batches of two rows of each environment, drawn with replacement; not with `biased`."""
    nats = torch.tensor([0.3, 1.7, 0.9, 2.5, 0.1], dtype=torch.float64)
    environment = torch.tensor([0, 0, 1, 1, 1])
    risks = torch.stack([nats[environment == one].mean() for one in (0, 1)])
    exact = risks.var(correction=0)
    assert_close(risk_variance(nats, environment, 2, biased=True), exact)
    batches = [
        torch.tensor([*first, *second])
        for first in product((0, 1), repeat=2)
        for second in product((2, 3, 4), repeat=2)
    ]
    means = [
        torch.stack([risk_variance(nats[one], environment[one], 2, word) for one in batches]).mean()
        for word in (False, True)
    ]
    assert_close(means[0], exact)
    assert means[1] > exact + 0.1


def test_environments_that_a_batch_lacks_are_left_out() -> None:
    nats, environment = torch.tensor([1.0, 3.0, 4.0, 4.0, 9.0]), torch.tensor([0, 0, 2, 2, 3])
    without = risk_variance(nats[:4], environment[:4] // 2, 2)
    assert_close(risk_variance(nats, environment, 5), without)  # one row has no variance
    assert_close(worst_risk(nats[:4], environment[:4], 5), torch.tensor(4.0))
    assert_close(worst_risk(nats, environment, 5), torch.tensor(9.0))
    assert_close(risk_variance(nats[:1], environment[:1], 5), torch.tensor(0.0))


def test_the_worst_environment_alone_has_a_gradient() -> None:
    nats = torch.tensor([1.0, 3.0, 4.0, 6.0], requires_grad=True)
    (slope,) = torch.autograd.grad(worst_risk(nats, torch.tensor([0, 0, 1, 1]), 2), nats)
    assert_close(slope, torch.tensor([0.0, 0.0, 0.5, 0.5]))


@pytest.mark.parametrize("penalty", [risk_variance, worst_risk])
def test_risks_are_of_rows(penalty: Callable[[Tensor, Tensor, int], Tensor]) -> None:
    """A row of several numbers has the sum of their costs."""
    nats, environment = torch.rand(6, 2, 3), torch.tensor([0, 0, 0, 1, 1, 1])
    assert_close(penalty(nats, environment, 2), penalty(nats.sum(dim=(1, 2)), environment, 2))
    with pytest.raises(ShapeMismatch, match="environment"):
        penalty(torch.zeros(4), torch.zeros(3, dtype=torch.long), 2)
