"""Gaussians with full covariance: torch.distributions, the chain rule, and quadrature."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, kl_divergence
from torch.testing import assert_close

from graphdsl_runtime import (
    FullGaussian,
    Gaussian,
    Laplace,
    ShapeMismatch,
    standard_laplace,
    standard_normal,
)

ROWS, SIZE = 4, 3


def full(*rows: int, size: int = SIZE) -> FullGaussian:
    parameters = torch.randn(*rows, FullGaussian.size(size), dtype=torch.float64)
    return FullGaussian.split(parameters)


def diagonal(*shape: int) -> Gaussian:
    return Gaussian.split(torch.randn(*shape[:-1], 2 * shape[-1], dtype=torch.float64))


def theirs(q: FullGaussian | Gaussian) -> MultivariateNormal:
    if isinstance(q, FullGaussian):
        return MultivariateNormal(q.mean, scale_tril=q.scale_tril)
    return MultivariateNormal(q.mean, torch.diag_embed(torch.exp(q.log_var)))


def torch_kl(q: FullGaussian | Gaussian, p: FullGaussian | Gaussian) -> Tensor:
    return kl_divergence(theirs(q), theirs(p))


def test_the_joint_is_torchs() -> None:
    q, value = full(ROWS), torch.randn(ROWS, SIZE, dtype=torch.float64)
    log_prob: Tensor = theirs(q).log_prob(value)  # type: ignore[no-untyped-call]  # as above
    assert_close(q.log_prob(value).sum(-1), log_prob)
    assert_close(q.nll(value), -q.log_prob(value))
    entropy: Tensor = theirs(q).entropy()  # type: ignore[no-untyped-call]  # as above
    assert_close(q.entropy().sum(-1), entropy)


def test_divergences_are_torchs() -> None:
    q, p, independent = full(ROWS), full(ROWS), diagonal(ROWS, SIZE)
    prior = Gaussian.unit(torch.zeros(ROWS, SIZE, dtype=torch.float64))
    assert_close(q.kl(p).sum(-1), torch_kl(q, p))
    assert_close(q.kl(independent).sum(-1), torch_kl(q, independent))
    assert_close(q.kl(standard_normal).sum(-1), torch_kl(q, prior))
    assert_close(independent.kl(p).sum(-1), torch_kl(independent, p))


@pytest.mark.parametrize(
    "other",
    [standard_normal, diagonal(ROWS, SIZE), full(ROWS), standard_laplace],
    ids=["prior", "diagonal", "full", "laplace"],
)
def test_cross_entropy_is_entropy_and_divergence(other: Gaussian) -> None:
    q = full(ROWS)
    assert_close(q.cross_entropy(other), q.entropy() + q.kl(other))


def test_against_a_laplace_by_quadrature() -> None:
    """E_q -log p of independent components needs q's marginals alone."""
    q = full(1, size=2)
    p = Laplace(*torch.randn(2, 1, 2, dtype=torch.float64))
    grid = torch.linspace(-1, 1, 400001, dtype=torch.float64)[:, None]
    reach = 12 * torch.exp(0.5 * q.marginals.log_var)
    points = q.mean + reach * grid
    density = torch.exp(q.marginals.log_prob(points))
    expected = torch.trapezoid(density * p.nll(points), points, dim=0)
    assert_close(q.cross_entropy(p)[0], expected, rtol=1e-8, atol=1e-8)


def test_components_are_the_chain_rule() -> None:
    """Log q(v_j | v_<j), by conditioning the covariance."""
    q, value = full(ROWS), torch.randn(ROWS, SIZE, dtype=torch.float64)
    covariance = q.scale_tril @ q.scale_tril.mT
    for j in range(SIZE):
        above, before = covariance[:, j, :j], covariance[:, :j, :j]
        gain = torch.linalg.solve(before, above[..., None])[..., 0] if j else above
        mean = q.mean[:, j] + (gain * (value - q.mean)[:, :j]).sum(-1)
        variance = covariance[:, j, j] - (gain * above).sum(-1)
        assert_close(torch.log(variance), q.log_var[:, j])
        assert_close(q.log_prob(value)[:, j], Gaussian(mean, variance.log()).log_prob(value[:, j]))


def test_components_of_divergences_are_nowhere_negative() -> None:
    q, p = full(200), full(200)
    for nats in (q.kl(p), q.kl(diagonal(200, SIZE)), q.kl(standard_normal)):
        assert nats.min() >= 0
    assert_close(q.kl(q), torch.zeros(200, SIZE, dtype=torch.float64))


def test_samples_have_the_mean_and_the_covariance() -> None:
    """Exactly: a sample is linear in the noise, whose mean is 0 and whose covariance is I."""
    q = full(1)
    basis = torch.eye(SIZE, dtype=torch.float64)
    columns = q.sample(basis) - q.mean
    assert_close(columns.mT @ columns, (q.scale_tril @ q.scale_tril.mT)[0])
    assert_close(q.marginals.log_var[0], (columns.mT @ columns).diagonal().log())
    assert_close(q.sample(torch.zeros(SIZE, dtype=torch.float64)), q.mean)


def test_without_what_is_below_the_diagonal_it_is_a_diagonal_one() -> None:
    q = diagonal(ROWS, SIZE)
    p = FullGaussian(q.mean, q.log_var, torch.zeros(ROWS, 3, dtype=torch.float64))
    other, value = diagonal(ROWS, SIZE), torch.randn(ROWS, SIZE, dtype=torch.float64)
    assert_close(p.log_prob(value), q.log_prob(value))
    assert_close(p.kl(other), q.kl(other))
    assert_close(p.sample(value), q.sample(value))


def test_gradients_reach_every_parameter() -> None:
    parameters = torch.randn(ROWS, FullGaussian.size(SIZE), dtype=torch.float64)
    parameters.requires_grad_()

    def nats(raw: Tensor) -> Tensor:
        q = FullGaussian.split(raw)
        return q.kl(standard_normal).sum() + q.log_prob(torch.zeros(SIZE).double()).sum()

    assert torch.autograd.gradcheck(nats, parameters)


def test_families_are_cut_member_by_member() -> None:
    members = [full(ROWS), full(ROWS)]
    together = FullGaussian.stack(members)
    raw = torch.cat(
        [getattr(one, name) for name in ("mean", "log_var", "below") for one in members], dim=-1
    )
    read = FullGaussian.split(raw, (2, SIZE))
    for name in ("mean", "log_var", "below"):
        assert_close(getattr(read, name), getattr(together, name))
    assert_close(read[:, 1].scale_tril, members[1].scale_tril)


def test_rows_that_were_not_seen_are_the_priors() -> None:
    q = full(2)
    q = FullGaussian(*(torch.where(torch.tensor([[True], [False]]), v, torch.nan)
                       for v in (q.mean, q.log_var, q.below)))  # fmt: skip
    seen, prior = torch.tensor([True, False]), diagonal(2, SIZE)
    assert_close(q.or_prior(seen).kl(standard_normal)[1], torch.zeros(SIZE).double())
    assert_close(q.or_prior(seen, prior).kl(prior)[1], torch.zeros(SIZE).double())
    assert_close(q.or_prior(seen, prior)[0].scale_tril, q[0].scale_tril)


def test_parameters_of_another_length() -> None:
    with pytest.raises(ShapeMismatch, match="expected"):
        FullGaussian.split(torch.zeros(2, 6))
    with pytest.raises(ShapeMismatch, match="expected"):
        FullGaussian.split(torch.zeros(2, 9), (2, 3))


@pytest.mark.parametrize("log_var", [-300.0, -80.0, 80.0, 300.0])
def test_extreme_parameters_leave_rates_and_their_gradients_finite(log_var: float) -> None:
    """In float32, against independent components: what training does with a posterior."""
    spread = torch.full((1, SIZE), log_var, requires_grad=True)
    below = torch.full((1, SIZE), 2.0, requires_grad=True)
    q = FullGaussian(torch.ones(1, SIZE), spread, below)
    for nats in (q.kl(standard_normal), q.kl(standard_laplace), q.entropy()):
        gradients = torch.autograd.grad(nats.sum(), [spread, below], allow_unused=True)
        assert nats.isfinite().all()
        assert all(one.isfinite().all() for one in gradients if one is not None)


def test_half_precision_is_computed_in_single() -> None:
    parameters = torch.randn(2, ROWS, FullGaussian.size(SIZE)).bfloat16()
    value = torch.randn(ROWS, SIZE).bfloat16()
    q, p = (FullGaussian.split(one) for one in parameters)
    wide_q, wide_p = (FullGaussian.split(one.float()) for one in parameters)
    assert_close(q.log_prob(value).float(), wide_q.log_prob(value.float()), rtol=0.05, atol=0.05)
    assert_close(q.kl(p).float(), wide_q.kl(wide_p), rtol=0.1, atol=0.1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_thousand_extremes_stay_finite(dtype: torch.dtype) -> None:
    """Against what is independent; triangles are inverted where they can be in the precision."""
    parameters = torch.randn(1000, FullGaussian.size(SIZE), dtype=dtype)
    parameters[:, SIZE : 2 * SIZE].uniform_(-60.0, 60.0)
    parameters.requires_grad_()
    q = FullGaussian.split(parameters)
    log_var = (120.0 * torch.rand(1000, SIZE, dtype=dtype) - 60.0).requires_grad_()
    p, z = Gaussian(torch.randn_like(log_var), log_var), q.sample(torch.randn_like(log_var))
    for nats in (q.kl(p), q.kl(standard_normal), q.cross_entropy(p), q.entropy(), p.log_prob(z)):
        assert torch.isfinite(nats).all()
        slopes = torch.autograd.grad(
            nats.sum(), [parameters, log_var], retain_graph=True, allow_unused=True
        )
        assert all(slope is None or torch.isfinite(slope).all() for slope in slopes)
