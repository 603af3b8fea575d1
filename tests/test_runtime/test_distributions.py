"""Distributions against quadrature, torch.distributions and their own algebra."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from graphdsl_runtime import (
    Bernoulli,
    Gaussian,
    MissingInput,
    ShapeMismatch,
    StandardNormal,
    expect,
    standard_normal,
)

Nats = Callable[[Gaussian, Gaussian], Tensor]

BETWEEN: dict[str, Nats] = {
    "kl": lambda q, p: q.kl(p),
    "kl to the prior": lambda q, p: q.kl(standard_normal),
    "cross-entropy": lambda q, p: q.cross_entropy(p),
    "cross-entropy to the prior": lambda q, p: q.cross_entropy(standard_normal),
    "entropy": lambda q, p: q.entropy(),
    "log-density": lambda q, p: q.log_prob(p.mean),
    "log-density of the prior": lambda q, p: standard_normal.log_prob(p.mean),
}


def gaussian(*shape: int, dtype: torch.dtype = torch.float64) -> Gaussian:
    return Gaussian(torch.randn(shape, dtype=dtype), torch.randn(shape, dtype=dtype))


def average(q: Gaussian, value: Callable[[Tensor], Tensor]) -> Tensor:
    """E_q of a polynomial, exactly: Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    return sum(
        (w / math.sqrt(2 * math.pi) * value(q.sample(torch.full_like(q.mean, float(node)))))
        for node, w in zip(nodes, weights, strict=True)
    ) + torch.zeros_like(q.mean)


@pytest.mark.parametrize("other", [standard_normal, gaussian(4, 3)], ids=["prior", "gaussian"])
def test_information_is_the_expectation_it_stands_for(other: Gaussian | StandardNormal) -> None:
    q = gaussian(4, 3)
    assert_close(q.entropy(), -average(q, q.log_prob))
    assert_close(q.cross_entropy(other), -average(q, other.log_prob))
    assert_close(q.kl(other), average(q, lambda z: q.log_prob(z) - other.log_prob(z)))
    assert_close(q.cross_entropy(other), q.entropy() + q.kl(other))


def test_log_density_is_torchs() -> None:
    q, value = gaussian(4, 3), torch.randn(4, 3, dtype=torch.float64)
    theirs = torch.distributions.Normal(q.mean, torch.exp(0.5 * q.log_var))
    log_prob: Tensor = theirs.log_prob(value)  # type: ignore[no-untyped-call]  # torch's own gap
    assert_close(q.log_prob(value), log_prob)
    assert_close(standard_normal.log_prob(value), Gaussian.unit(0 * value).log_prob(value))


def test_kl_is_zero_only_between_equals_and_never_negative() -> None:
    q = gaussian(50, 3, dtype=torch.float32)
    assert torch.equal(q.kl(q), torch.zeros(50, 3))
    assert (q.kl(gaussian(50, 3, dtype=torch.float32)) > 0).all()


def test_a_small_kl_keeps_its_digits() -> None:
    step = torch.tensor([1e-3, -1e-3, 1e-2])
    q = Gaussian(torch.zeros(3), step)
    exact = 0.5 * (torch.expm1(step.double()) - step.double())
    for same_prior in (standard_normal, Gaussian.unit(torch.zeros(3))):
        assert_close(q.kl(same_prior).double(), exact, rtol=1e-3, atol=0.0)


def test_gradients_of_nats_are_right() -> None:
    tensors = [torch.randn(2, 3, dtype=torch.float64, requires_grad=True) for _ in range(4)]
    for nats in BETWEEN.values():
        torch.autograd.gradcheck(
            lambda a, b, c, d, n=nats: n(Gaussian(a, b), Gaussian(c, d)), tensors
        )


def test_the_gradient_of_a_sample_is_that_of_its_expectation() -> None:
    mean, log_var = (torch.randn(3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    sampled = average(Gaussian(mean, log_var), lambda z: z**2 + z).sum()
    exact = (mean**2 + torch.exp(log_var) + mean).sum()
    assert_close(
        torch.autograd.grad(sampled, [mean, log_var]), torch.autograd.grad(exact, [mean, log_var])
    )


@pytest.mark.parametrize("nats", BETWEEN.values(), ids=BETWEEN.keys())
@pytest.mark.parametrize("log_vars", list(itertools.product((-60.0, 0.0, 60.0), repeat=2)))
def test_extreme_variances_stay_finite(nats: Nats, log_vars: tuple[float, float]) -> None:
    ours, theirs = (torch.full((2,), value, requires_grad=True) for value in log_vars)
    means = [torch.tensor(mean, requires_grad=True) for mean in ([0.0, 3.0], [0.0, -5.0])]
    value = nats(Gaussian(means[0], ours), Gaussian(means[1], theirs))
    slopes = torch.autograd.grad(value.sum(), [ours, theirs, *means], allow_unused=True)
    for tensor in (value, *slopes):
        assert tensor is None or torch.isfinite(tensor).all()


@pytest.mark.parametrize("nats", BETWEEN.values(), ids=BETWEEN.keys())
@pytest.mark.parametrize("log_vars", [(-60.0, 0.0), (60.0, 0.0), (0.0, -60.0), (30.0, -30.0)])
def test_extreme_variances_stay_exact(nats: Nats, log_vars: tuple[float, float]) -> None:
    means = torch.tensor([[0.0, 3.0], [0.0, -5.0]])
    q, p = (Gaussian(m, torch.full((2,), v)) for m, v in zip(means, log_vars, strict=True))
    exact = nats(*(Gaussian(g.mean.double(), g.log_var.double()) for g in (q, p)))
    assert_close(nats(q, p).double(), exact, rtol=1e-5, atol=1e-5)


def test_nothing_is_clamped_in_the_sane_range() -> None:
    q = Gaussian(torch.zeros(1), torch.tensor([66.0]))
    assert torch.equal(q.kl(standard_normal), 0.5 * (torch.expm1(q.log_var) - q.log_var))


def test_bernoulli_is_normalised_and_has_its_log_odds() -> None:
    p = Bernoulli(4 * torch.randn(5, 3, dtype=torch.float64))
    zero, one = p.log_prob(0 * p.logits), p.log_prob(0 * p.logits + 1)
    assert_close(zero.exp() + one.exp(), torch.ones_like(zero))
    assert_close(one - zero, p.logits)
    assert_close(p.mean, one.exp())


def test_a_grey_value_is_the_mean_over_coins() -> None:
    p, grey = Bernoulli(torch.randn(5, dtype=torch.float64)), torch.rand(5, dtype=torch.float64)
    coins = grey * p.log_prob(torch.ones_like(grey)) + (1 - grey) * p.log_prob(0 * grey)
    assert_close(p.log_prob(grey), coins)


def test_bernoulli_has_exact_tails() -> None:
    logits = torch.tensor([-1e4, -25.0, 25.0, 1e4], dtype=torch.float64, requires_grad=True)
    ones = torch.ones_like(logits)
    log_p = Bernoulli(logits).log_prob(ones)
    tail = math.log1p(math.exp(-25))
    exact = torch.tensor([-1e4, -25 - tail, -tail, 0.0], dtype=torch.float64)
    assert_close(log_p, exact, rtol=1e-13, atol=0.0)
    (slope,) = torch.autograd.grad(log_p.sum(), logits)
    assert_close(slope, ones - torch.sigmoid(logits))


def test_bernoulli_samples_have_its_mean() -> None:
    p = Bernoulli(torch.randn(3, dtype=torch.float64))
    evenly = (torch.arange(100_000, dtype=torch.float64) + 0.5)[:, None] / 100_000
    assert_close(p.sample(evenly).mean(dim=0), p.mean, rtol=0.0, atol=1e-5)


def test_expect_averages_rows_and_sums_the_rest() -> None:
    nats = torch.randn(4, 2, 3, dtype=torch.float64)
    assert_close(expect(nats), nats.flatten(1).sum(dim=1).mean())


def test_split_undoes_concatenation() -> None:
    q = gaussian(5, 2, 12)
    split = Gaussian.split(torch.cat([q.mean, q.log_var], dim=-1), (3, 4))
    assert torch.equal(split.mean, q.mean.reshape(5, 2, 3, 4))
    assert torch.equal(split.log_var, q.log_var.reshape(5, 2, 3, 4))


def test_split_gives_scalar_members_no_axis() -> None:
    assert Gaussian.split(torch.zeros(5, 10, 2), ()).mean.shape == (5, 10)
    assert Gaussian.split(torch.zeros(5, 20), (10,)).mean.shape == (5, 10)


@pytest.mark.parametrize(("last", "shape"), [(5, None), (12, (4,)), (6, (6,))])
def test_split_refuses_what_is_not_two_halves(last: int, shape: tuple[int, ...] | None) -> None:
    with pytest.raises(ShapeMismatch, match="a Gaussian's parameters"):
        Gaussian.split(torch.zeros(2, last), shape)


def test_members_stack_and_index_back() -> None:
    first, second = gaussian(4, 3), gaussian(4, 3)
    both = Gaussian.stack([first, second])
    assert torch.equal(both[:, 1].mean, second.mean)
    assert torch.equal(both[:, 0].log_var, first.log_var)


def test_draw_takes_the_mean_without_noise_and_refuses_another_name() -> None:
    q, noise = gaussian(4, 3), torch.randn(4, 3, dtype=torch.float64)
    assert torch.equal(q.draw(None, "z"), q.mean)
    assert torch.equal(q.draw({"z": noise}, "z"), q.sample(noise))
    with pytest.raises(MissingInput, match="z is missing"):
        q.draw({"u": noise}, "z")


@pytest.mark.parametrize("seen", [torch.rand(6) > 0.5, torch.rand(6, 2) > 0.5], ids=["row", "view"])
def test_what_was_not_seen_leaves_the_prior(seen: Tensor) -> None:
    q = gaussian(6, 2, 3)
    hidden = Gaussian(q.mean.clone(), q.log_var.clone())
    hidden.mean[~seen], hidden.log_var[~seen] = torch.nan, torch.inf
    fallen = hidden.or_prior(seen)
    assert torch.equal(fallen.mean[seen], q.mean[seen])
    assert torch.equal(fallen.kl(standard_normal)[~seen], torch.zeros_like(q.mean[~seen]))
