"""Products of experts against Bayes' rule, on a grid and in closed form."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from graphdsl_runtime import (
    Gaussian,
    NotADensity,
    ShapeMismatch,
    each_expert,
    expect,
    product_of_experts,
    standard_normal,
    subset_posteriors,
    weighted_product,
)

ROWS, VIEWS, SIZE = 5, 3, 4
SUBSETS = torch.tensor(list(itertools.product([False, True], repeat=VIEWS)))


@pytest.fixture
def experts() -> Gaussian:
    shape = (ROWS, VIEWS, SIZE)
    return Gaussian(
        2 * torch.randn(shape, dtype=torch.float64), torch.randn(shape, dtype=torch.float64)
    )


def corrected_eq_13(experts: Gaussian, weights: Tensor) -> Gaussian:
    """Every view by its weight, ``(B, N)``, or every view and coordinate, ``(B, N, D)``."""
    weights = weights if weights.ndim == 3 else weights[..., None]
    precision = weights * torch.exp(-experts.log_var)
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
    with pytest.raises(ShapeMismatch, match="weights has shape"):
        subset_posteriors(experts, SUBSETS, torch.ones(VIEWS + 1, SIZE))


def test_a_weighted_product_is_the_powers_of_its_densities_on_a_grid(experts: Gaussian) -> None:
    weights = torch.rand(VIEWS, SIZE, dtype=torch.float64) * 2 - 0.1
    z = torch.linspace(-25, 25, 20001, dtype=torch.float64)[:, None, None]
    log_q = -0.5 * z.square() + sum(weights[i] * experts[:, i].log_prob(z) for i in range(VIEWS))
    density = torch.softmax(log_q, dim=0)
    mean = (density * z).sum(dim=0)
    variance = (density * (z - mean).square()).sum(dim=0)
    assert_same(weighted_product(experts, weights), Gaussian(mean, variance.log()))


@pytest.mark.parametrize("shape", [(VIEWS, 1), (VIEWS, SIZE), (ROWS, VIEWS, 1), (1, VIEWS, SIZE)])
def test_weights_are_of_views_or_of_their_coordinates(
    experts: Gaussian, shape: tuple[int, ...]
) -> None:
    weights = torch.rand(shape, dtype=torch.float64)
    exact = corrected_eq_13(experts, weights.expand(ROWS, VIEWS, SIZE))
    assert_same(weighted_product(experts, weights), exact)
    assert_same(weighted_product(experts, weights, least=1.0), exact)


@pytest.mark.parametrize("subset", SUBSETS)
def test_weights_of_nought_and_one_are_presence(experts: Gaussian, subset: Tensor) -> None:
    weights = subset[:, None].double()
    assert_same(weighted_product(experts, weights), product_of_experts(experts, subset))
    half = torch.full((VIEWS, 1), 0.5, dtype=torch.float64)
    assert_same(weighted_product(experts, half, subset), weighted_product(experts, 0.5 * weights))


@pytest.mark.parametrize("shape", [(VIEWS, 1), (VIEWS, SIZE), (ROWS, VIEWS, SIZE)])
def test_weighted_subset_posteriors_are_the_weighted_products(
    experts: Gaussian, shape: tuple[int, ...]
) -> None:
    weights = torch.rand(shape, dtype=torch.float64)
    posteriors = subset_posteriors(experts, SUBSETS, weights)
    for k, subset in enumerate(SUBSETS):
        assert_same(posteriors[:, k], weighted_product(experts, weights, subset))
    ones = torch.ones(VIEWS, 1, dtype=torch.float64)
    assert_same(subset_posteriors(experts, SUBSETS, ones), subset_posteriors(experts, SUBSETS))
    with pytest.raises(NotADensity, match="row 0"):
        subset_posteriors(experts, SUBSETS, -100 * weights - 100)


def test_the_gradient_is_right_at_weights_of_nought_and_one(experts: Gaussian) -> None:
    weights = torch.tensor([0.0, 1.0, 0.5], dtype=torch.float64).expand(SIZE, VIEWS).T

    def fused(mean: Tensor, log_var: Tensor, weights: Tensor) -> tuple[Tensor, ...]:
        q = weighted_product(Gaussian(mean, log_var), weights, least=1e-3)
        return q.mean, q.log_var

    inputs = [p.clone().requires_grad_() for p in (experts.mean, experts.log_var, weights)]
    assert torch.autograd.gradcheck(fused, inputs)


@pytest.mark.parametrize("garbage", [torch.nan, torch.inf, -torch.inf, 1e30])
def test_a_missing_view_of_any_weight_does_not_change_a_bit(
    experts: Gaussian, garbage: float
) -> None:
    present, results = torch.rand(ROWS, VIEWS) > 0.5, []
    spoilt = Gaussian(experts.mean.clone(), experts.log_var.clone())
    spoilt.mean[~present], spoilt.log_var[~present] = garbage, garbage
    for given in (experts, spoilt):
        weights = torch.full((VIEWS, SIZE), 0.7, dtype=torch.float64)
        leaves = [p.clone().requires_grad_() for p in (given.mean, given.log_var, weights)]
        q = weighted_product(Gaussian(leaves[0], leaves[1]), leaves[2], present)
        slopes = torch.autograd.grad(expect(q.kl(standard_normal)), leaves)
        results.append([q.mean, q.log_var, *slopes])
    for clean, dirty in zip(*results, strict=True):
        assert torch.equal(clean, dirty)


def test_too_little_precision_is_refused_and_its_row_named(experts: Gaussian) -> None:
    weights = torch.ones(ROWS, VIEWS, 1, dtype=torch.float64)
    weights[3] = -100.0
    with pytest.raises(NotADensity, match=r"in row 3 the total precision is -\d.* at \(0,\)"):
        weighted_product(experts, weights)
    with pytest.raises(NotADensity):
        weighted_product(Gaussian(experts.mean * torch.nan, experts.log_var * torch.nan), weights)


def test_a_total_that_rounds_to_nothing_is_refused() -> None:
    alike = Gaussian(torch.ones(1, 2, 1), torch.full((1, 2, 1), -60.0))
    with pytest.raises(NotADensity, match="row 0"):  # e^60 less e^60, and the prior lost in both
        weighted_product(alike, torch.tensor([[1.0], [-1.0]]))


def test_negative_weights_are_exact_as_long_as_there_is_a_density() -> None:
    experts = Gaussian(torch.tensor([[[3.0], [-2.0]]]), torch.tensor([[[0.0], [0.0]]]))
    q = weighted_product(experts, torch.tensor([[1.0], [-0.5]]))
    assert_close(q.log_var.exp(), torch.tensor([[1 / 1.5]]))
    assert_close(q.mean, torch.tensor([[(3.0 + 1.0) / 1.5]]))


def test_a_floor_is_kept_and_elsewhere_changes_nothing(experts: Gaussian) -> None:
    weights = torch.randn(ROWS, VIEWS, SIZE, dtype=torch.float64).requires_grad_()
    q, exact = weighted_product(experts, weights, least=0.1), corrected_eq_13(experts, weights)
    total = 1 + (weights * torch.exp(-experts.log_var)).sum(dim=1)
    fine = total > 0.1
    assert fine.any()
    assert not fine.all()
    assert_close(q.mean[fine], exact.mean[fine])
    assert_close(q.log_var[fine], exact.log_var[fine])
    assert_close(q.log_var[~fine].exp(), torch.full_like(q.log_var[~fine], 10.0))
    (slope,) = torch.autograd.grad(q.log_var.sum(), weights)
    assert not slope.transpose(1, 2)[~fine].any()


MASKS: dict[str, Callable[[int], Tensor]] = {
    "of zero and one": lambda rows: (torch.rand(rows, VIEWS, SIZE) > 0.5).float(),
    "near zero": lambda rows: torch.rand(rows, VIEWS, SIZE) ** 20,
    "of either sign": lambda rows: 4 * torch.rand(rows, VIEWS, SIZE) - 2,
}


@pytest.mark.parametrize("rows", [1, 1000])
@pytest.mark.parametrize("mask", MASKS)
def test_a_thousand_extreme_experts_stay_finite(rows: int, mask: str) -> None:
    ranges = (10.0, 60.0)
    mean, log_var = (
        (limit * (2 * torch.rand(rows, VIEWS, SIZE) - 1)).requires_grad_() for limit in ranges
    )
    experts, weights = Gaussian(mean, log_var), MASKS[mask](rows).requires_grad_()
    fused = [
        weighted_product(experts, weights, least=1e-3),
        subset_posteriors(experts, SUBSETS, weights, least=1e-3),
        subset_posteriors(experts, SUBSETS),
        product_of_experts(experts, torch.rand(rows, VIEWS) > 0.5),
        each_expert(experts),
    ]
    for q in fused:
        slopes = torch.autograd.grad(
            (q.mean + q.log_var).sum(), [mean, log_var, weights], allow_unused=True
        )
        for tensor in (q.mean, q.log_var, *slopes):
            assert tensor is None or torch.isfinite(tensor).all()


def test_extreme_weighted_products_are_exact() -> None:
    log_vars = torch.tensor(list(itertools.product((-60.0, 0.0, 60.0), repeat=VIEWS)))[..., None]
    means = torch.tensor([3.0, -5.0, 1.0])[:, None].expand(27, VIEWS, 1)
    weights = torch.tensor([[0.5], [1.0], [0.0]])
    q = weighted_product(Gaussian(means, log_vars), weights)
    exact = corrected_eq_13(Gaussian(means.double(), log_vars.double()), weights.double()[None])
    assert_close(q.mean.double(), exact.mean, rtol=1e-5, atol=1e-5)
    assert_close(q.log_var.double(), exact.log_var, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(VIEWS,), (SIZE,), (VIEWS + 1, SIZE), (2, VIEWS, 1)])
def test_weights_that_do_not_fit_are_refused(experts: Gaussian, shape: tuple[int, ...]) -> None:
    weights = torch.ones(shape, dtype=torch.float64)
    with pytest.raises(ShapeMismatch, match="weights has shape"):
        weighted_product(experts, weights)


def test_fusion_compiles_into_one_graph() -> None:
    def loss(mean: Tensor, log_var: Tensor, weights: Tensor, present: Tensor) -> Tensor:
        experts = Gaussian(mean, log_var)
        posteriors = [
            product_of_experts(experts, present),
            weighted_product(experts, weights, present, least=1e-3),
            each_expert(experts),
            subset_posteriors(experts, SUBSETS),
            subset_posteriors(experts, SUBSETS, weights, least=1e-3),
        ]
        return torch.stack([expect(q.kl(standard_normal)) for q in posteriors])

    mean, log_var = torch.randn(2, ROWS, VIEWS, SIZE)
    weights, present = torch.randn(VIEWS, SIZE), torch.rand(ROWS, VIEWS) > 0.5
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    assert_close(compiled(mean, log_var, weights, present), loss(mean, log_var, weights, present))


@pytest.mark.parametrize("by_row", [False, True])
def test_a_subset_is_the_product_of_those_of_it_that_are_present(
    experts: Gaussian, by_row: bool
) -> None:
    present = torch.rand(ROWS, VIEWS) > 0.4 if by_row else torch.tensor([True, False, True])
    broken = Gaussian(
        torch.where(present.expand(ROWS, VIEWS)[..., None], experts.mean, torch.nan),
        experts.log_var,
    )
    ours = subset_posteriors(broken, SUBSETS, present=present)
    weights = torch.rand(VIEWS, SIZE, dtype=torch.float64)
    weighed = subset_posteriors(broken, SUBSETS, weights, present=present)
    for k, subset in enumerate(SUBSETS):
        assert_same(ours[:, k], product_of_experts(broken, present & subset))
        assert_same(weighed[:, k], weighted_product(broken, weights, present & subset))
    with pytest.raises(ShapeMismatch, match="present"):
        subset_posteriors(experts, SUBSETS, present=torch.ones(VIEWS + 1) > 0)
