"""Mixtures: P16 on a grid, stratified samples, and what becomes of views that are missing."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from graphdsl_runtime import (
    Gaussian,
    Laplace,
    Mixture,
    ShapeMismatch,
    each_expert,
    expect,
    mixture_of_experts,
    mixture_of_products,
    monte_carlo_kl,
    product_of_experts,
    standard_laplace,
    standard_normal,
    subset_posteriors,
)

ROWS, PARTS, SIZE = 3, 4, 2
SUBSETS = torch.tensor(list(itertools.product([False, True], repeat=3)))[1:]
EDGES = torch.linspace(-14, 14, 401, dtype=torch.float64)
GRID = torch.cartesian_prod(EDGES, EDGES)  # (points, 2)
CELL = (EDGES[1] - EDGES[0]) ** 2


def gaussian(*shape: int) -> Gaussian:
    return Gaussian(
        2 * torch.randn(shape, dtype=torch.float64), 0.5 * torch.randn(shape, dtype=torch.float64)
    )


@pytest.fixture
def mixture() -> Mixture:
    return Mixture(gaussian(ROWS, PARTS, SIZE), torch.randn(ROWS, PARTS, dtype=torch.float64))


def on_grid(nats: Tensor) -> Tensor:
    """Integrate ``(B, points)`` over the plane."""
    return (nats * CELL).sum(dim=-1)


def log_q(mixture: Mixture) -> Tensor:
    return mixture.log_prob(GRID.expand(ROWS, *GRID.shape))


def test_the_density_is_the_weighted_sum_and_normalised(mixture: Mixture) -> None:
    z = torch.randn(ROWS, SIZE, dtype=torch.float64)
    each = mixture.components.log_prob(z[:, None]).sum(dim=2).exp()
    assert_close(mixture.log_prob(z).exp(), (mixture.weights * each).sum(dim=1))
    assert_close(on_grid(log_q(mixture).exp()), torch.ones(ROWS, dtype=torch.float64))


def test_one_component_is_itself() -> None:
    q, z = gaussian(ROWS, 1, SIZE), torch.randn(ROWS, SIZE, dtype=torch.float64)
    one = Mixture(q, torch.zeros(1, dtype=torch.float64))
    assert_close(one.log_prob(z), q[:, 0].log_prob(z).sum(dim=1))
    assert_close(one.kl_bound(standard_normal), q[:, 0].kl(standard_normal))
    assert_close(one.mean, q[:, 0].mean)
    samples = one.sample_each(z[:, None])
    assert_close(one.selector_information(samples), torch.zeros(ROWS, dtype=torch.float64))


def test_the_bound_is_the_divergence_and_what_z_tells_of_the_selector(mixture: Mixture) -> None:
    # theory.md P16, every side by enumeration of the plane.
    density, log_p = log_q(mixture).exp(), standard_normal.log_prob(GRID).sum(dim=1)
    divergence = on_grid(density * (log_q(mixture) - log_p))
    each = mixture.components[:, :, None].log_prob(GRID).sum(dim=3)  # (B, M, points)
    joint = mixture.weights[:, :, None] * each.exp()
    information = on_grid(joint * (each - log_q(mixture)[:, None])).sum(dim=1)
    bound = mixture.kl_bound(standard_normal).sum(dim=1)
    assert_close(bound, divergence + information)
    entropy = -(mixture.weights * mixture.log_weights).sum(dim=1)
    assert (information > 0).all()
    assert (information < entropy).all()


def test_coordinates_are_independent_given_the_selector_alone() -> None:
    # Two far components on a diagonal: the coordinates share one bit, which P12 would deny.
    far = Mixture(
        Gaussian.unit(torch.tensor([[[-5.0, -5.0], [5.0, 5.0]]]).double()), torch.zeros(2).double()
    )
    log_joint = far.log_prob(GRID[None])[0]
    plane = (log_joint.exp() * CELL).reshape(401, 401)
    marginals = plane.sum(0, keepdim=True) * plane.sum(1, keepdim=True)
    total_correlation = (plane * (plane.log() - marginals.log())).nansum()
    assert_close(total_correlation, torch.tensor(math.log(2)).double(), rtol=1e-5, atol=1e-5)


def test_estimates_are_unbiased(mixture: Mixture) -> None:
    log_p = standard_normal.log_prob(GRID).sum(dim=1)
    divergence = on_grid(log_q(mixture).exp() * (log_q(mixture) - log_p))
    bound = mixture.kl_bound(standard_normal).sum(dim=1)
    draws = 5000
    noise = torch.randn(draws, ROWS, PARTS, SIZE, dtype=torch.float64)
    samples = [mixture.sample_each(e) for e in noise]
    kls = torch.stack([mixture.kl_estimate(standard_normal, z) for z in samples])
    infos = torch.stack([mixture.selector_information(z) for z in samples])
    for estimates, exact in ((kls, divergence), (infos, bound - divergence)):
        error = estimates.std(dim=0) / len(estimates) ** 0.5
        assert ((estimates.mean(dim=0) - exact).abs() < 4.5 * error).all()


def test_stratified_samples_vary_less_than_those_of_the_whole() -> None:
    far = Mixture(gaussian(ROWS, PARTS, SIZE), torch.zeros(PARTS, dtype=torch.float64))
    draws = 2000
    noise = torch.randn(draws, ROWS, PARTS, SIZE, dtype=torch.float64)
    stratified = torch.stack([far.average(far.sample_each(e)) for e in noise])
    uniform = torch.rand(draws, PARTS, ROWS, dtype=torch.float64)
    whole = torch.stack(
        [
            torch.stack([far.sample(e[:, i], u[i]) for i in range(PARTS)]).mean(dim=0)
            for e, u in zip(noise, uniform, strict=True)
        ]
    )
    for estimates in (stratified, whole):
        error = estimates.std(dim=0) / draws**0.5
        assert ((estimates.mean(dim=0) - far.mean).abs() < 4.5 * error).all()
    assert (stratified.var(dim=0) < whole.var(dim=0)).all()


def test_components_are_chosen_as_often_as_they_weigh() -> None:
    parts = Gaussian.unit(torch.arange(3.0).reshape(1, 3, 1).expand(1000, 3, 1))
    mixture = Mixture(parts, torch.tensor([0.2, 0.5, 0.3]).log())
    chosen = mixture.sample(torch.zeros(1000, 1), (torch.arange(1000) + 0.5) / 1000)
    counts = [(chosen == c).sum().item() for c in range(3)]
    assert counts == [200, 500, 300]


def test_a_mixture_may_be_a_prior_shared_by_all_rows(mixture: Mixture) -> None:
    prior = Mixture(gaussian(1, 5, SIZE), torch.randn(5, dtype=torch.float64))
    z = torch.randn(ROWS, SIZE, dtype=torch.float64)
    by_row = [prior.log_prob(z[i : i + 1]) for i in range(ROWS)]
    assert_close(prior.log_prob(z), torch.cat(by_row))
    q, log_p = mixture.components[:, 0], prior.log_prob(GRID[None])
    log_ours = q[:, None].log_prob(GRID).sum(dim=2)
    exact = on_grid(log_ours.exp() * (log_ours - log_p))
    draws = q.sample(torch.randn(5000, ROWS, SIZE, dtype=torch.float64))
    estimates = torch.stack([monte_carlo_kl(q, prior, draw) for draw in draws])
    error = estimates.std(dim=0) / len(estimates) ** 0.5
    assert estimates.shape[1:] == (ROWS,)
    assert ((estimates.mean(dim=0) - exact).abs() < 4.5 * error).all()
    same = prior.kl_estimate(prior, prior.sample_each(torch.randn(1, 5, SIZE).double()))
    assert_close(same, torch.zeros(1, dtype=torch.float64))


def test_a_conditional_prior_broadcasts_over_the_components(mixture: Mixture) -> None:
    prior, noise = gaussian(ROWS, SIZE), torch.randn(ROWS, PARTS, SIZE, dtype=torch.float64)
    samples = mixture.sample_each(noise)
    alike = Mixture(
        Gaussian(*(p[:, None].expand(ROWS, PARTS, SIZE) for p in (prior.mean, prior.log_var))),
        mixture.logits,
    )
    zero = torch.zeros(ROWS, SIZE, dtype=torch.float64)
    assert_close(alike.kl_bound(prior), zero)
    assert_close(alike.kl_estimate(prior, samples), zero[:, 0])
    each = torch.stack([mixture.components[:, m].kl(prior) for m in range(PARTS)], dim=1)
    assert_close(mixture.kl_bound(prior), (mixture.weights[..., None] * each).sum(dim=1))


def test_gradients_are_right() -> None:
    def everything(*parameters: Tensor) -> tuple[Tensor, ...]:
        loc, scale, logits, noise, z = parameters
        nats: list[Tensor] = []
        for family, prior in ((Gaussian, standard_normal), (Laplace, standard_laplace)):
            q = Mixture(family(loc, scale), logits)
            samples = q.sample_each(noise)
            nats += [q.mean, q.log_prob(z), q.kl_bound(prior), q.kl_estimate(prior, samples)]
            nats += [q.selector_information(samples)]
        return tuple(nats)

    shapes = [(2, 3, 2), (2, 3, 2), (2, 3), (2, 3, 2), (2, 2)]
    inputs = [torch.randn(s, dtype=torch.float64, requires_grad=True) for s in shapes]
    assert torch.autograd.gradcheck(everything, inputs)


@pytest.mark.parametrize("family", [Gaussian, Laplace])
def test_a_thousand_extreme_mixtures_stay_finite(family: type[Gaussian] | type[Laplace]) -> None:
    loc, scale = (
        (limit * (2 * torch.rand(1000, 3, 2) - 1)).requires_grad_() for limit in (10.0, 60.0)
    )
    logits = torch.where(torch.rand(1000, 3) < 0.3, -torch.inf, 100 * torch.randn(1000, 3))
    logits[:, 0] = 0.0
    q = Mixture(family(loc, scale), logits.requires_grad_())
    prior = standard_normal if family is Gaussian else standard_laplace
    samples = q.sample_each(torch.randn(1000, 3, 2))
    nats = [q.mean, q.log_prob(samples[:, 1].detach()), q.kl_bound(prior)]
    nats += [q.kl_estimate(prior, samples.detach()), q.selector_information(samples)]
    for value in nats:
        slopes = torch.autograd.grad(
            value.sum(), [loc, scale, logits], retain_graph=True, allow_unused=True
        )
        for tensor in (value, *slopes):
            assert tensor is None or torch.isfinite(tensor).all()


def test_experts_are_mixed_alike() -> None:
    posteriors, z = gaussian(ROWS, 3, SIZE), torch.randn(ROWS, SIZE, dtype=torch.float64)
    each = torch.stack([posteriors[:, i].log_prob(z).sum(1).exp() for i in range(3)])
    assert_close(mixture_of_experts(posteriors).log_prob(z).exp(), each.mean(dim=0))


def test_an_absent_expert_is_as_if_it_had_never_been() -> None:
    posteriors, z = gaussian(ROWS, 3, SIZE), torch.randn(ROWS, SIZE, dtype=torch.float64)
    present = torch.tensor([[True, True, True], [True, False, True], [False, True, False]])
    mixed = mixture_of_experts(posteriors, present)
    for row, seen in enumerate(present):
        here = slice(row, row + 1)
        left = Gaussian(posteriors.mean[here, seen], posteriors.log_var[here, seen])
        few = mixture_of_experts(left)
        assert_close(mixed.log_prob(z)[here], few.log_prob(z[here]))
        assert_close(mixed.mean[here], few.mean)
        assert_close(mixed.kl_bound(standard_normal)[here], few.kl_bound(standard_normal))


def test_products_are_mixed_alike() -> None:
    experts, z = gaussian(ROWS, 3, SIZE), torch.randn(ROWS, SIZE, dtype=torch.float64)
    each = [product_of_experts(experts, s).log_prob(z).sum(1).exp() for s in SUBSETS]
    mixed = mixture_of_products(experts, SUBSETS)
    assert_close(mixed.log_prob(z).exp(), torch.stack(each).mean(dim=0))
    singles = mixture_of_products(experts, torch.eye(3, dtype=torch.bool))
    assert_close(singles.log_prob(z), mixture_of_experts(each_expert(experts)).log_prob(z))
    whole = mixture_of_products(experts, torch.ones(1, 3, dtype=torch.bool))
    assert_close(whole.log_prob(z), product_of_experts(experts).log_prob(z).sum(1))


def test_a_subset_counts_where_all_of_it_is_present() -> None:
    experts, z = gaussian(ROWS, 3, SIZE), torch.randn(ROWS, SIZE, dtype=torch.float64)
    present = torch.tensor([True, False, True])
    mixed = mixture_of_products(experts, SUBSETS, present)
    left = SUBSETS[~(SUBSETS & ~present).any(dim=1)]
    assert len(left) == 3
    assert_close(mixed.log_prob(z), mixture_of_products(experts, left).log_prob(z))


def test_with_nothing_present_it_is_the_prior() -> None:
    experts, z = gaussian(ROWS, 3, SIZE), torch.randn(ROWS, SIZE, dtype=torch.float64)
    nothing = torch.zeros(ROWS, 3, dtype=torch.bool)
    prior = standard_normal.log_prob(z).sum(dim=1)
    assert_close(mixture_of_experts(experts, nothing).log_prob(z), prior)
    assert_close(mixture_of_products(experts, SUBSETS, nothing).log_prob(z), prior)
    laplaces = mixture_of_experts(Laplace(experts.mean, experts.log_var), nothing)
    assert_close(laplaces.log_prob(z), standard_laplace.log_prob(z).sum(dim=1))


@pytest.mark.parametrize("garbage", [torch.nan, torch.inf, 1e30])
def test_a_missing_view_does_not_change_a_bit(garbage: float) -> None:
    experts, z = gaussian(ROWS, 3, SIZE), torch.randn(ROWS, SIZE, dtype=torch.float64)
    present = torch.tensor([[True, False, True], [False, False, False], [True, True, False]])
    spoilt = Gaussian(experts.mean.clone(), experts.log_var.clone())
    spoilt.mean[~present], spoilt.log_var[~present] = garbage, garbage
    for fuse in (
        mixture_of_experts,
        lambda e, p: mixture_of_products(e, SUBSETS, p),
    ):
        results = []
        for given in (experts, spoilt):
            leaves = [p.clone().requires_grad_() for p in (given.mean, given.log_var)]
            q = fuse(Gaussian(*leaves), present)
            nats = [q.log_prob(z).sum(), q.kl_bound(standard_normal).sum(), q.mean.sum()]
            results.append([*nats, *torch.autograd.grad(torch.stack(nats).sum(), leaves)])
        for clean, dirty in zip(*results, strict=True):
            assert torch.equal(clean, dirty)
        for grad in results[1][-2:]:
            assert not grad[~present].any()


def test_masks_that_do_not_fit_are_refused() -> None:
    experts = gaussian(ROWS, 3, SIZE)
    wrong = torch.ones(4, dtype=torch.bool)
    with pytest.raises(ShapeMismatch, match="present has shape"):
        mixture_of_experts(experts, wrong)
    with pytest.raises(ShapeMismatch, match="present has shape"):
        mixture_of_products(experts, SUBSETS, wrong)
    with pytest.raises(ShapeMismatch, match="subsets has shape"):
        mixture_of_products(experts, wrong[None])


def test_it_compiles_into_one_graph() -> None:
    def loss(mean: Tensor, log_var: Tensor, noise: Tensor, present: Tensor) -> Tensor:
        experts = Gaussian(mean, log_var)
        total = torch.zeros(())
        mixtures = [
            mixture_of_experts(each_expert(experts)),
            mixture_of_experts(each_expert(experts), present),
            mixture_of_products(experts, SUBSETS, present),
            Mixture(subset_posteriors(experts, SUBSETS), torch.zeros(len(SUBSETS))),
        ]
        for q in mixtures:
            samples = q.sample_each(noise[:, :1])
            nats = expect(q.kl_bound(standard_normal)) - expect(q.selector_information(samples))
            total = total + nats + expect(q.kl_estimate(product_of_experts(experts), samples))
        return total

    mean, log_var, noise = torch.randn(3, 5, 3, 2)
    present = torch.rand(5, 3) > 0.4
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    assert_close(compiled(mean, log_var, noise, present), loss(mean, log_var, noise, present))
