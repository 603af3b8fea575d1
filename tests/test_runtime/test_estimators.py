"""Estimators of information against enumeration, mixtures, and closed forms."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import get_args

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode

import graphdsl_runtime
from graphdsl_runtime import (
    RELATIONS,
    Gaussian,
    OutOfRange,
    Relation,
    ShapeMismatch,
    log_aggregate_mss,
    total_correlation_mss,
)

ROWS = 5  # of the finite data set that is enumerated
Weigh = Callable[[int, int], Tensor]


def posteriors(*shape: int) -> tuple[Tensor, Gaussian]:
    """Give posteriors that overlap, and a sample of each."""
    q = Gaussian(torch.randn(shape, dtype=torch.float64), torch.randn(shape, dtype=torch.float64))
    return q.sample(torch.randn(shape, dtype=torch.float64)), q


def stratified(batch: int, rows: int) -> Tensor:
    """Give the log-weight that row b's estimate gives to row c."""
    others = (rows - 1) / (rows * max(batch - 1, 1))
    weights = torch.full((batch, batch), others, dtype=torch.float64)
    return weights.fill_diagonal_(1 / rows).log()


def in_the_first_column(batch: int, rows: int) -> Tensor:
    """Misplace the own row's weight, as a flat stride of B rather than B + 1 does."""
    weights = torch.full((batch, batch), (rows - 1) / (rows * (batch - 1)), dtype=torch.float64)
    weights.view(-1)[::batch] = 1 / rows
    return weights.log()


def by_broadcast(
    z: Tensor, q: Gaussian, rows: int | None = None, weigh: Weigh = stratified
) -> tuple[Tensor, Tensor]:
    """Say the same as `log_aggregate_mss` in one B x B x M x D tensor."""
    log_q = q[None].log_prob(z[:, None])
    log_q = log_q if log_q.ndim == 3 else log_q.sum(dim=-1)
    log_weights = weigh(len(z), rows or len(z))
    joint = torch.logsumexp(log_weights + log_q.sum(dim=-1), dim=1)
    return joint, torch.logsumexp(log_weights[..., None] + log_q, dim=1)


def mean_density_ratio(
    log_aggregate: Callable[[Tensor, Gaussian, int], tuple[Tensor, Tensor]],
) -> Tensor:
    """E[q_hat / q] of every sample of a data set, over all batches of 3 in any order."""
    z, q = posteriors(ROWS, 4)
    truth = torch.cat([part.reshape(ROWS, -1) for part in by_broadcast(z, q)], dim=1)
    total, batches = torch.zeros_like(truth), torch.zeros(ROWS, 1)
    for batch in itertools.permutations(range(ROWS), 3):
        rows = torch.tensor(batch)
        joint, factors = log_aggregate(z[rows], q[rows], ROWS)
        total[rows] += torch.cat([joint[:, None], factors], dim=1).exp()
        batches[rows] += 1
    return total / batches / truth.exp()


def test_the_estimated_density_is_unbiased() -> None:
    ratio = mean_density_ratio(log_aggregate_mss)
    assert_close(ratio, torch.ones_like(ratio), rtol=0.0, atol=1e-12)


def test_a_misplaced_weight_would_be_noticed() -> None:
    ratio = mean_density_ratio(lambda z, q, rows: by_broadcast(z, q, rows, in_the_first_column))
    assert (ratio - 1).abs().max() > 0.1


def test_a_full_batch_is_the_mixture_itself() -> None:
    z, q = posteriors(20, 3)
    mixture = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=torch.zeros(20)),
        torch.distributions.Independent(
            torch.distributions.Normal(q.mean, torch.exp(0.5 * q.log_var)), 1
        ),
    )
    joint: Tensor = mixture.log_prob(z)  # type: ignore[no-untyped-call]  # torch's own gap
    assert_close(log_aggregate_mss(z, q)[0], joint)
    assert_close(log_aggregate_mss(z, q, rows=20)[0], joint)
    factors = [log_aggregate_mss(z[:, j : j + 1], q[:, j : j + 1])[0] for j in range(3)]
    assert_close(total_correlation_mss(z, q), (joint - sum(factors)).mean())


def test_a_large_sample_has_the_closed_form() -> None:
    rows, correlation, noise = 2000, 0.9, 0.3
    mean = torch.randn(rows, 2, dtype=torch.float64)
    mean[:, 1] = correlation * mean[:, 0] + math.sqrt(1 - correlation**2) * mean[:, 1]
    q = Gaussian(mean, torch.full_like(mean, math.log(noise)))
    z = q.sample(torch.randn_like(mean))
    exact = -0.5 * math.log(1 - (correlation / (1 + noise)) ** 2)
    assert abs(total_correlation_mss(z, q).item() - exact) < 0.03
    # A sixteenth of it, as a stratified batch, errs by more, but not by much.
    part = total_correlation_mss(z[:125], q[:125], rows=rows).item()
    assert abs(part - exact) < 0.3


def test_factors_that_know_nothing_share_nothing() -> None:
    same = Gaussian(torch.ones(30, 4, dtype=torch.float64), torch.zeros(30, 4, dtype=torch.float64))
    z = same.sample(torch.randn(30, 4, dtype=torch.float64))
    for rows in (30, 1000):
        assert abs(total_correlation_mss(z, same, rows)) < 1e-12


def test_independent_factors_share_almost_nothing() -> None:
    mean = torch.randn(1500, 2, dtype=torch.float64)
    q = Gaussian(mean, torch.full_like(mean, -1.0))
    assert abs(total_correlation_mss(q.sample(torch.randn_like(mean)), q)) < 0.03


def test_one_factor_has_nothing_to_share_with() -> None:
    z, q = posteriors(6, 1, 5)
    assert abs(total_correlation_mss(z, q, rows=100)) < 1e-12


@pytest.mark.parametrize("shape", [(7, 3), (7, 3, 2), (7, 1)], ids=str)
@pytest.mark.parametrize("rows", [None, 100])
@pytest.mark.parametrize("chunk", [1, 3, 7, None])
def test_the_stream_is_the_broadcast(
    shape: tuple[int, ...], rows: int | None, chunk: int | None
) -> None:
    z, q = posteriors(*shape)
    inputs = [tensor.requires_grad_() for tensor in (z, q.mean, q.log_var)]
    upstream = [torch.randn(7, dtype=torch.float64), torch.randn(shape[:2], dtype=torch.float64)]
    ours = log_aggregate_mss(z, q, rows, chunk)
    theirs = by_broadcast(z, q, rows)
    assert_close(ours, theirs)
    assert_close(
        torch.autograd.grad(ours, inputs, upstream), torch.autograd.grad(theirs, inputs, upstream)
    )


@pytest.mark.parametrize("shape", [(5, 3), (5, 2, 2)], ids=str)
def test_gradients_are_right(shape: tuple[int, ...]) -> None:
    z, q = posteriors(*shape)
    assert torch.autograd.gradcheck(
        lambda z, mean, log_var: total_correlation_mss(z, Gaussian(mean, log_var), 50, chunk=2),
        [tensor.requires_grad_() for tensor in (z, q.mean, q.log_var)],
    )


def test_only_what_asks_for_a_gradient_gets_one() -> None:
    z, q = posteriors(5, 3)
    (slope,) = torch.autograd.grad(total_correlation_mss(z.requires_grad_(), q), [z])
    (same,) = torch.autograd.grad(_total(*by_broadcast(z, q)), [z])
    assert_close(slope, same)


def test_a_second_derivative_is_refused() -> None:
    z, q = posteriors(5, 3)
    value = total_correlation_mss(z.requires_grad_(), q)
    with pytest.raises(NotImplementedError, match="no second derivative"):
        torch.autograd.grad(value, [z], create_graph=True)


@pytest.mark.parametrize("log_var", [-60.0, -5.0, 0.0, 60.0])
def test_a_hundred_dimensions_stay_finite(log_var: float) -> None:
    mean = 100 * torch.randn(16, 100)
    q = Gaussian(mean.requires_grad_(), torch.full_like(mean, log_var).requires_grad_())
    value = total_correlation_mss(q.sample(torch.randn_like(mean)), q, rows=1000)
    assert torch.isfinite(value)
    for slope in torch.autograd.grad(value, [q.mean, q.log_var]):
        assert torch.isfinite(slope).all()


def test_single_precision_is_enough() -> None:
    z, q = posteriors(64, 10)
    single = total_correlation_mss(z.float(), Gaussian(q.mean.float(), q.log_var.float()), 5000)
    assert_close(single.double(), total_correlation_mss(z, q, 5000), rtol=1e-5, atol=1e-5)


def test_it_compiles_without_a_break() -> None:
    z, q = posteriors(6, 3)

    def loss(z: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
        return total_correlation_mss(z, Gaussian(mean, log_var), rows=40, chunk=4)

    compiled = torch.compile(loss, fullgraph=True, backend="eager")
    inputs = [tensor.requires_grad_() for tensor in (z, q.mean, q.log_var)]
    assert torch.equal(compiled(*inputs), loss(*inputs))
    assert_close(
        torch.autograd.grad(compiled(*inputs), inputs), torch.autograd.grad(loss(*inputs), inputs)
    )


class LargestTensor(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own gap
    """Remember how many bytes the largest tensor had that an operation made."""

    bytes: int = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204  (torch's own signature)
        made = func(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple) else (made,):
            if isinstance(tensor, Tensor):
                self.bytes = max(self.bytes, tensor.numel() * tensor.element_size())
        return made


def test_nothing_of_size_b_b_d_is_made() -> None:
    z, q = posteriors(300, 32)
    inputs = [tensor.requires_grad_() for tensor in (z, q.mean, q.log_var)]
    with LargestTensor() as largest:  # type: ignore[no-untyped-call]  # torch's own gap
        torch.autograd.grad(total_correlation_mss(z, q), inputs)
    assert 0 < largest.bytes <= 2**20 < 300 * 300 * 32 * 8


def test_sizes_that_do_not_fit_are_refused() -> None:
    z, q = posteriors(4, 3)
    with pytest.raises(OutOfRange, match="rows = 3"):
        total_correlation_mss(z, q, rows=3)
    with pytest.raises(OutOfRange, match="batch size = 1"):
        total_correlation_mss(z[:1], q[:1], rows=10)
    with pytest.raises(ShapeMismatch, match="z has shape"):
        total_correlation_mss(z[:, :2], q)


def test_every_estimator_says_how_it_stands_to_the_truth() -> None:
    for name, relation in RELATIONS.items():
        said = getattr(graphdsl_runtime, name).__doc__
        assert relation in get_args(Relation)
        assert f"Relation: {relation}." in said
        assert "Unit: nats." in said
        assert "Reference: " in said


def _total(joint: Tensor, factors: Tensor) -> Tensor:
    return (joint - factors.sum(dim=1)).mean()
