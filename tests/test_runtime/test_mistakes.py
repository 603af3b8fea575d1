"""Mistakes that ship elsewhere: what is right is held, and the mistake is seen to fail.

Three of them stand beside what they are mistakes of: a stratified weight in the wrong column
(`test_aggregate`), a critic's gradient in the encoder (`test_games`), and MMD divided by the
dimension (`test_discrepancies`).
"""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from graphdsl_runtime import (
    Gaussian,
    critic,
    each_expert,
    expect,
    product_of_experts,
    total_correlation_loo,
    total_correlation_mss,
)
from tests.test_runtime.words import COLUMNS, WORDS, drawn

ROWS = 128
#: Views x_i = a_i z + noise of z ~ N(0, 1): slopes and variances of the noise.
SLOPES, NOISES = (2.0, 0.5), (0.5, 1.0)


def linear_experts(x: Tensor) -> Gaussian:
    """The factors p(x_i | z) as Gaussians in z: what an expert of eq. 11 is in a linear model."""
    slopes, noises = torch.tensor(SLOPES).double(), torch.tensor(NOISES).double()
    return Gaussian(x / slopes, (noises / slopes**2).log().expand_as(x))[..., None]


def test_the_joints_variance_is_not_the_marginal_posteriors() -> None:
    """Var(z | x_1) = E[Var(z | x_1, x_2) | x_1] + Var(E[z | x_1, x_2] | x_1)."""
    (a, b), (s, t) = SLOPES, NOISES
    experts = linear_experts(torch.randn(ROWS, 2).double())
    marginal, joint = each_expert(experts).log_var[:, 0].exp(), product_of_experts(experts)
    variance = joint.log_var.exp()
    # E[z | x_1, x_2] = variance (a x_1 / s + b x_2 / t), and x_2 given x_1 has these variances.
    of_x2 = b**2 / (1 + a**2 / s) + t
    of_means = (variance * b / t) ** 2 * of_x2
    assert_close(marginal, variance + of_means)
    assert ((marginal - variance) / marginal > 0.02).all()  # taking the joint's would be too sure


def test_the_prior_is_an_expert_of_its_own() -> None:
    (a, b), (s, t) = SLOPES, NOISES
    x = torch.randn(ROWS, 2).double()
    q = product_of_experts(linear_experts(x))
    covariance = torch.tensor([[a * a + s, a * b], [a * b, b * b + t]]).double()
    weights = torch.linalg.solve(covariance, torch.tensor([a, b]).double())  # E[z | x] = w . x
    assert_close(q.mean[:, 0], x @ weights)
    assert_close(q.log_var.exp()[:, 0], (1 - weights @ torch.tensor([a, b]).double()).expand(ROWS))
    without_it = 1 / (a * a / s + b * b / t)
    assert (without_it > 1.1 * q.log_var.exp()).all()


def test_a_view_of_eight_rows_in_128_weighs_eight_rows() -> None:
    nats, seen = torch.rand(ROWS), torch.arange(ROWS) < 8
    assert_close(expect(nats, seen), nats[:8].sum() / ROWS)
    by_its_own_count = nats[:8].mean()
    assert_close(by_its_own_count, ROWS / 8 * expect(nats, seen))  # 16 times too much


@pytest.mark.parametrize("dimensions", [64, 128])
def test_total_correlation_needs_the_log_sum_exp(dimensions: int) -> None:
    mean = torch.randn(32, dimensions)
    q = Gaussian(mean, torch.full_like(mean, 4.0))
    z = q.sample(torch.randn_like(mean))
    wide = Gaussian(q.mean.double(), q.log_var.double())
    for word in (total_correlation_mss, total_correlation_loo):
        assert_close(word(z, q).double(), word(z.double(), wide), rtol=1e-4, atol=1e-4)
    each = q.log_prob(z[:, None]).sum(dim=2)
    by_exponentials = each.exp().mean(dim=1).log()
    assert torch.isinf(by_exponentials).all()


@pytest.mark.parametrize("name", WORDS)
def test_nothing_is_remembered_of_tensors_that_change_in_place(name: str) -> None:
    with torch.no_grad():
        case = drawn(critic([(COLUMNS,)], (8,)), 1.0)
        first = WORDS[name](case)
        for tensor in (case.z, case.mean, case.log_var, *case.critic.parameters()):
            tensor.mul_(0.5).add_(0.1 * torch.randn_like(tensor))
        copies = {key: getattr(case, key).clone() for key in ("z", "mean", "log_var")}
        changed, afresh = WORDS[name](case), WORDS[name](replace(case, **copies))
    assert torch.equal(changed, afresh)
    assert not math.isclose(changed.item(), first.item())
