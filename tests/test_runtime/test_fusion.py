"""Products of experts against Bayes' rule, on a grid and in closed form."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from graphdsl_runtime import (
    Gaussian,
    ShapeMismatch,
    each_expert,
    product_of_experts,
    subset_posteriors,
)

ROWS, VIEWS, SIZE = 5, 3, 4
SUBSETS = torch.tensor(list(itertools.product([False, True], repeat=VIEWS)))


@pytest.fixture
def experts() -> Gaussian:
    shape = (ROWS, VIEWS, SIZE)
    return Gaussian(
        2 * torch.randn(shape, dtype=torch.float64), torch.randn(shape, dtype=torch.float64)
    )


def corrected_eq_13(experts: Gaussian, present: Tensor) -> Gaussian:
    precision = present[..., None] * torch.exp(-experts.log_var)
    variance = 1 / (1 + precision.sum(dim=1))
    return Gaussian(variance * (precision * experts.mean).sum(dim=1), variance.log())


def assert_same(ours: Gaussian, theirs: Gaussian) -> None:
    assert_close(ours.mean, theirs.mean)
    assert_close(ours.log_var, theirs.log_var)


def test_the_product_is_bayes_rule_on_a_grid(experts: Gaussian) -> None:
    present = torch.rand(ROWS, VIEWS) > 0.3
    z = torch.linspace(-15, 15, 6001, dtype=torch.float64)[:, None, None]
    log_q = -0.5 * z.square() + sum(
        torch.where(present[:, i, None], experts[:, i].log_prob(z), 0.0) for i in range(VIEWS)
    )
    density = torch.softmax(log_q, dim=0)
    mean = (density * z).sum(dim=0)
    variance = (density * (z - mean).square()).sum(dim=0)
    assert_same(product_of_experts(experts, present), Gaussian(mean, variance.log()))


def test_the_printed_eq_13_is_another_distribution(experts: Gaussian) -> None:
    precision = torch.exp(-experts.log_var)
    variance = 1 / (1 + precision.sum(dim=1))
    printed = (precision * experts.mean).sum(dim=1) / variance
    assert (product_of_experts(experts).mean - printed).abs().mean() > 1


@pytest.mark.parametrize("subset", SUBSETS)
def test_a_mask_for_all_rows_and_one_per_row_agree(experts: Gaussian, subset: Tensor) -> None:
    by_row = subset.expand(ROWS, VIEWS)
    assert_same(product_of_experts(experts, subset), corrected_eq_13(experts, by_row))
    assert_same(product_of_experts(experts, by_row), corrected_eq_13(experts, by_row))


def test_all_present_is_no_mask(experts: Gaussian) -> None:
    everything = torch.ones(VIEWS, dtype=torch.bool)
    assert_same(product_of_experts(experts), product_of_experts(experts, everything))


def test_each_expert_is_the_product_with_one_view(experts: Gaussian) -> None:
    for view, one in enumerate(torch.eye(VIEWS, dtype=torch.bool)):
        assert_same(each_expert(experts)[:, view], product_of_experts(experts, one))


def test_subset_posteriors_are_the_products(experts: Gaussian) -> None:
    posteriors = subset_posteriors(experts, SUBSETS)
    for k, subset in enumerate(SUBSETS):
        assert_same(posteriors[:, k], product_of_experts(experts, subset))


def test_no_view_is_the_prior(experts: Gaussian) -> None:
    nothing = product_of_experts(experts, torch.zeros(VIEWS, dtype=torch.bool))
    assert torch.equal(nothing.mean, torch.zeros(ROWS, SIZE, dtype=torch.float64))
    assert torch.equal(nothing.log_var, torch.zeros(ROWS, SIZE, dtype=torch.float64))


def test_experts_that_say_nothing_change_nothing(experts: Gaussian) -> None:
    vague = Gaussian(experts.mean, torch.full_like(experts.log_var, 60.0))
    both = Gaussian(
        torch.cat([experts.mean, vague.mean], 1), torch.cat([experts.log_var, vague.log_var], 1)
    )
    assert_same(product_of_experts(both), product_of_experts(experts))


@pytest.mark.parametrize("garbage", [torch.nan, torch.inf, -torch.inf, 1e30])
def test_a_missing_view_does_not_change_a_bit(experts: Gaussian, garbage: float) -> None:
    present = torch.rand(ROWS, VIEWS) > 0.5
    clean = Gaussian(experts.mean.requires_grad_(), experts.log_var.requires_grad_())
    spoilt = Gaussian(experts.mean.detach().clone(), experts.log_var.detach().clone())
    spoilt.mean[~present], spoilt.log_var[~present] = garbage, garbage
    spoilt.mean.requires_grad_()
    spoilt.log_var.requires_grad_()
    for fuse in (product_of_experts, lambda e, p: subset_posteriors(e[:1], p[:1])):
        a, b = fuse(clean, present), fuse(spoilt, present)
        assert torch.equal(a.mean, b.mean)
        assert torch.equal(a.log_var, b.log_var)
        grads = [
            torch.autograd.grad((q.mean.square() + q.log_var).sum(), [e.mean, e.log_var])
            for q, e in ((a, clean), (b, spoilt))
        ]
        for ours, theirs in zip(*grads, strict=True):
            assert torch.equal(ours, theirs)
            assert not theirs[~present].any()


def test_the_order_of_the_views_is_nothing(experts: Gaussian) -> None:
    order = torch.randperm(VIEWS)
    assert_same(product_of_experts(experts[:, order]), product_of_experts(experts))


def test_extreme_experts_stay_finite_and_exact() -> None:
    log_vars = torch.tensor(list(itertools.product((-60.0, 0.0, 60.0), repeat=VIEWS)))
    experts = Gaussian(torch.tensor([3.0, -5.0, 1.0]).expand(27, VIEWS), log_vars.requires_grad_())
    q = product_of_experts(experts)
    exact = product_of_experts(Gaussian(experts.mean.double(), log_vars.double()))
    assert_close(q.mean.double(), exact.mean, rtol=1e-5, atol=1e-5)
    assert_close(q.log_var.double(), exact.log_var, rtol=1e-5, atol=1e-5)
    (grad,) = torch.autograd.grad((q.mean + q.log_var).sum(), log_vars)
    assert torch.isfinite(grad).all()
    assert_close(each_expert(experts)[:, 0].log_var, -torch.log1p(torch.exp(-log_vars[:, 0])))


def test_gradients_are_right(experts: Gaussian) -> None:
    present = torch.rand(ROWS, VIEWS) > 0.5

    def fused(mean: Tensor, log_var: Tensor) -> tuple[Tensor, ...]:
        one, each = (f(Gaussian(mean, log_var)) for f in (product_of_experts, each_expert))
        some = product_of_experts(Gaussian(mean, log_var), present)
        return one.mean, one.log_var, each.mean, each.log_var, some.mean, some.log_var

    tensors = (experts.mean.requires_grad_(), experts.log_var.requires_grad_())
    assert torch.autograd.gradcheck(fused, tensors)


def test_a_scalar_latent_needs_no_axis(experts: Gaussian) -> None:
    scalars = experts[..., 0]
    assert_same(product_of_experts(scalars), product_of_experts(experts)[..., 0])


def test_masks_that_do_not_fit_are_refused(experts: Gaussian) -> None:
    with pytest.raises(ShapeMismatch, match=r"present has shape \(4,\); expected \('?B'?, 3\)"):
        product_of_experts(experts, torch.ones(VIEWS + 1, dtype=torch.bool))
    with pytest.raises(ShapeMismatch, match="subsets has shape"):
        subset_posteriors(experts, torch.ones(VIEWS, dtype=torch.bool))
