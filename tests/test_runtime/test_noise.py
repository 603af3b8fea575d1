"""Maps from standard normal noise: against distribution functions, in both tails."""

from __future__ import annotations

import math
from collections.abc import Callable

import mpmath as mp  # type: ignore[import-untyped]
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from graphdsl_runtime import (
    Bernoulli,
    Categorical,
    Gaussian,
    Laplace,
    gumbel_noise,
    laplace_noise,
    logistic_noise,
)

mp.mp.dps = 500  # the normal distribution function at 30 is 1 less 1e-198

#: Quantiles, of the probabilities of both tails.
QUANTILES: dict[str, Callable[[mp.mpf, mp.mpf], mp.mpf]] = {
    "laplace": lambda below, above: mp.log(2 * below) if below < above else -mp.log(2 * above),
    "logistic": lambda below, above: mp.log(below) - mp.log(above),
    "gumbel": lambda below, above: -mp.log(-mp.log(1 - above if above < below else below)),
}
MAPS: dict[str, Callable[[Tensor], Tensor]] = {
    "laplace": laplace_noise,
    "logistic": logistic_noise,
    "gumbel": gumbel_noise,
}
POINTS = [-30.0, -9.0, -4.0, -1.0, -0.3, -1e-3, 0.0, 1e-3, 0.6, 2.0, 4.99, 5.01, 8.0, 13.0, 30.0]

Phi = torch.special.ndtr
EVENLY = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize(("dtype", "digits"), [(torch.float32, 5e-7), (torch.float64, 1e-14)])
def test_maps_are_exact_in_both_tails(name: str, dtype: torch.dtype, digits: float) -> None:
    noise = torch.tensor(POINTS, dtype=dtype)
    exact = torch.tensor(
        [float(QUANTILES[name](mp.ncdf(e), mp.ncdf(-e))) for e in map(mp.mpf, noise.tolist())],
        dtype=dtype,
    )
    assert_close(MAPS[name](noise), exact, rtol=digits, atol=digits)


def test_small_laplace_noise_keeps_its_digits() -> None:
    noise = torch.tensor([1e-6, -1e-4, 1e-2])
    assert_close(laplace_noise(noise).double(), laplace_noise(noise.double()), rtol=1e-6, atol=0.0)


@pytest.mark.parametrize("name", MAPS)
def test_maps_are_differentiable(name: str) -> None:
    noise = (3 * torch.randn(50, dtype=torch.float64)).requires_grad_()
    assert torch.autograd.gradcheck(MAPS[name], [noise])


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precisions_are_computed_in_single(name: str, dtype: torch.dtype) -> None:
    noise = torch.randn(50).to(dtype)
    assert torch.equal(MAPS[name](noise), MAPS[name](noise.float()).to(dtype))


def test_laplace_samples_have_its_distribution_function() -> None:
    q = Laplace(torch.tensor([1.5], dtype=torch.float64), torch.tensor([-0.7]).double())
    noise = torch.randn(100, dtype=torch.float64)
    apart = (q.sample(noise) - q.loc) * torch.exp(-q.log_scale)
    function = torch.where(apart < 0, 0.5 * apart.exp(), 1 - 0.5 * (-apart).exp())
    assert_close(function, Phi(noise))


def test_the_gradient_of_a_laplace_sample_is_that_of_its_expectation() -> None:
    loc, log_scale = (torch.randn(3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    noise = torch.special.ndtri(EVENLY.repeat_interleave(1000) + (EVENLY.repeat(1000) - 0.5) / 1000)
    z = Laplace(loc, log_scale).sample(noise[:, None])
    exact = (loc**2 + 2 * torch.exp(2 * log_scale) + loc).sum()  # E[z^2 + z]
    ours = torch.autograd.grad((z**2 + z).mean(dim=0).sum(), [loc, log_scale])
    theirs = torch.autograd.grad(exact, [loc, log_scale])
    assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


def test_a_relaxed_coin_has_the_concrete_distribution() -> None:
    coin, temperature = Bernoulli(torch.tensor(0.8, dtype=torch.float64)), 0.7
    noise = torch.randn(100, dtype=torch.float64)
    relaxed = coin.relaxed_sample(noise, temperature)
    # P(relaxed <= y) = sigmoid(tau logit(y) - l): Maddison, Mnih and Teh 2017, appendix B.
    assert_close(torch.sigmoid(temperature * torch.logit(relaxed) - coin.logits), Phi(noise))


def test_a_hard_coin_lands_as_often_as_it_should() -> None:
    coin, noise = Bernoulli(torch.randn(3).double()), torch.special.ndtri(EVENLY)[:, None]
    hard = coin.relaxed_sample(noise, temperature=0.3, hard=True)
    assert ((hard == 0.0) | (hard == 1.0)).all()
    assert_close(hard.mean(dim=0), coin.mean, rtol=0.0, atol=1e-3)


def test_classes_are_sampled_as_often_as_they_should() -> None:
    die = Categorical(torch.tensor([0.5, -1.0, 0.2], dtype=torch.float64))
    nodes = torch.special.ndtri((torch.arange(100, dtype=torch.float64) + 0.5) / 100)
    noise = torch.cartesian_prod(nodes, nodes, nodes)
    sampled = die.sample(noise)
    assert_close(sampled.mean(dim=0), die.mean, rtol=0.0, atol=2e-3)
    assert torch.equal(sampled.sum(dim=-1), torch.ones(100**3, dtype=torch.float64))
    assert torch.equal(die.relaxed_sample(noise, 0.5).argmax(-1), sampled.argmax(-1))
    assert torch.equal(die.relaxed_sample(noise, 0.5, hard=True), sampled)


def test_a_relaxed_sample_nears_the_sample_as_it_cools() -> None:
    die, noise = Categorical(torch.randn(20, 4)), torch.randn(20, 4)
    apart = [
        (die.relaxed_sample(noise, temperature) - die.sample(noise)).abs().mean()
        for temperature in (10.0, 1.0, 0.1, 0.001)
    ]
    assert apart == sorted(apart, reverse=True)
    assert apart[-1] < 1e-3
    hot = die.relaxed_sample(noise, 1e6)
    assert_close(hot, torch.full((20, 4), 0.25), atol=1e-4, rtol=0.0)


def test_a_straight_through_sample_has_the_relaxed_gradient() -> None:
    logits, noise = torch.randn(20, 4, requires_grad=True), torch.randn(20, 4)
    weight = torch.randn(20, 4)
    for family, e in ((Categorical, noise), (Bernoulli, noise)):
        soft, hard = (
            (weight * family(logits).relaxed_sample(e, 0.5, hard=hard)).sum()
            for hard in (False, True)
        )
        (relaxed,), (straight,) = (torch.autograd.grad(s, logits) for s in (soft, hard))
        assert torch.equal(relaxed, straight)


def test_a_temperature_may_be_learned() -> None:
    temperature = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)
    logits, noise = (torch.randn(5, 3, dtype=torch.float64) for _ in range(2))
    assert torch.autograd.gradcheck(
        lambda t: Categorical(logits).relaxed_sample(noise, t), [temperature]
    )
    assert torch.autograd.gradcheck(
        lambda t: Bernoulli(logits).relaxed_sample(noise, t), [temperature]
    )


def test_gaussian_samples_have_its_distribution_function() -> None:
    q, noise = Gaussian(torch.tensor(2.0), torch.tensor(math.log(4.0))), torch.randn(100)
    assert_close(Phi((q.sample(noise) - 2.0) / 2.0), Phi(noise))
