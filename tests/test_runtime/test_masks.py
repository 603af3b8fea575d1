"""Learned edges: exact samples, the gradient of the relaxed ones, and what a missing edge cuts."""

from __future__ import annotations

import pytest
import torch

from graphdsl_runtime import EdgeMask, Gaussian, OutOfRange, ShapeMismatch, each_expert, gated
from graphdsl_runtime import weighted_product as product


def a_mask(start: float = 0.3, *, by_row: bool = True) -> EdgeMask:
    return EdgeMask("M", (2, 3), start, by_row=by_row).double()


@pytest.mark.parametrize("start", [0.1, 0.5, 0.83])
def test_an_edge_is_there_with_its_probability(start: float) -> None:
    """Over the quantiles of the noise, whose share above a point is exact."""
    mask = EdgeMask("M", (1,), start).double()
    quantiles = (torch.arange(10_000, dtype=torch.float64) + 0.5) / 10_000
    noise = torch.special.ndtri(quantiles)[:, None]
    assert mask.sample(noise).mean().item() == pytest.approx(start, abs=1e-4)
    assert mask.probability.item() == pytest.approx(start, abs=1e-7)


@pytest.mark.parametrize("temperature", [0.3, 1.0])
def test_gradient_is_that_of_the_relaxed_sample(temperature: float) -> None:
    mask = a_mask()
    mask.temperature.fill_(temperature)
    noise = torch.randn(5, 2, 3, dtype=torch.float64)
    carried = torch.randn(5, 2, 3, dtype=torch.float64)
    sample = mask.sample(noise)
    assert {float(one) for one in sample.detach().flatten()} <= {0.0, 1.0}
    (gradient,) = torch.autograd.grad((carried * sample).sum(), mask.logits)
    uniform = torch.special.ndtr(noise)
    soft = torch.sigmoid((mask.logits + torch.logit(uniform)) / temperature)
    (expected,) = torch.autograd.grad((carried * soft).sum(), mask.logits)
    torch.testing.assert_close(gradient, expected)


def test_expected_edges_are_the_mean_of_all_structures() -> None:
    mask = EdgeMask("M", (2,)).double()
    with torch.no_grad():
        mask.logits.copy_(torch.tensor([-1.0, 2.0]))
    first, second = torch.sigmoid(mask.logits)
    total = first * (1 - second) + (1 - first) * second + 2 * first * second
    assert mask.expected_edges().item() == pytest.approx(total.item(), rel=1e-12)


def test_one_draw_for_a_batch_serves_all_rows() -> None:
    assert a_mask().noise_shape(7) == (7, 2, 3)
    together = a_mask(by_row=False)
    assert together.noise_shape(7) == (1, 2, 3)
    noise = torch.randn(together.noise_shape(7), dtype=torch.float64)
    values = torch.randn(7, 2, 3, 4, dtype=torch.float64)
    cut = gated(values, together.sample(noise))
    assert torch.equal(cut, values * together.sample(noise).expand(7, 2, 3)[..., None])


def test_what_a_missing_edge_carries_changes_nothing() -> None:
    values, mask = torch.randn(4, 3, 2), torch.tensor([[1.0, 0.0, 1.0]])
    other = values.clone()
    other[:, 1] = 1e6
    assert torch.equal(gated(values, mask), gated(other, mask))
    whole = values.requires_grad_()
    (gradient,) = torch.autograd.grad(gated(whole, mask).sum(), whole)
    assert torch.equal(gradient[:, 1], torch.zeros(4, 2))


def test_gated_against_finite_differences() -> None:
    values = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    mask = torch.rand(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(gated, (values, mask))


@pytest.mark.parametrize("by_row", [False, True])
def test_each_weighted_expert_is_the_product_of_one(by_row: bool) -> None:
    torch.manual_seed(0)
    experts = Gaussian(*torch.randn(2, 4, 3, 5, 2, dtype=torch.float64))
    weights = torch.rand(*(4,) * by_row, 3, 5, 1, dtype=torch.float64)
    for view in range(3):
        alone = torch.arange(3) == view
        one = product(experts, weights, alone)
        torch.testing.assert_close(each_expert(experts, weights)[:, view].mean, one.mean)
        torch.testing.assert_close(each_expert(experts, weights)[:, view].log_var, one.log_var)


def test_a_weight_of_zero_has_its_gradient_where_nothing_else_is_there() -> None:
    """At a total precision of one, that of the prior, which `least` bounds from below."""
    experts = Gaussian(
        torch.full((1, 1, 1), 2.0, dtype=torch.float64),
        torch.full((1, 1, 1), -1.0, dtype=torch.float64),
    )
    weight = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
    for q in (product(experts, weight, least=1.0), each_expert(experts, weight)[:, 0]):
        (of_mean,) = torch.autograd.grad(q.mean.sum(), weight, retain_graph=True)
        (of_log_var,) = torch.autograd.grad(q.log_var.sum(), weight, retain_graph=True)
        # mu = m t a / (1 + m t), log var = -log(1 + m t), at m = 0, with t = e and a = 2.
        assert of_mean.item() == pytest.approx(2.0 * torch.e, rel=1e-12)
        assert of_log_var.item() == pytest.approx(-torch.e, rel=1e-12)


def test_mistakes_are_told() -> None:
    for start in (0.0, 1.0, -0.5, 2.0):
        with pytest.raises(OutOfRange, match="the start of M"):
            EdgeMask("M", (2,), start)
    with pytest.raises(ShapeMismatch, match="M"):
        EdgeMask("M", (2,)).sample(torch.zeros(1, 3))
