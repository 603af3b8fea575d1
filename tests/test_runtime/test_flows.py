"""Flows: densities that integrate to one, by change of variables, in one compiled graph."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from graphdsl_runtime import (
    Flow,
    Gaussian,
    StackedFlow,
    conditional_flow,
    frozen,
    mlp,
    standard_normal,
)
from tests.corpus import some

ROWS, SIZE = 4, 2


def network(size: int = SIZE) -> nn.Module:
    torch.manual_seed(7)
    built = conditional_flow(mlp([(3,)], (5,), 6), size, context=6).double()
    with torch.no_grad():  # away from the identity
        for weight in built.parameters():
            weight.mul_(1.5)
    return built


def flow(rows: int = ROWS, size: int = SIZE) -> Flow:
    built: Flow = network(size)(torch.randn(rows, 3, dtype=torch.float64))
    return built


def test_the_density_integrates_to_one() -> None:
    """On a grid of the plane, of a flow that is no Gaussian."""
    q = flow(1)
    with torch.no_grad():
        drawn = q.sample(torch.randn(20_000, SIZE, dtype=torch.float64))
        reach = 1.5 * (drawn - drawn.mean(0)).abs().amax(0)
        along = [torch.linspace(-1, 1, 301, dtype=torch.float64) * one for one in reach]
        plane = drawn.mean(0) + torch.cartesian_prod(*along)
        cell = (along[0][1] - along[0][0]) * (along[1][1] - along[1][0])
        total = torch.exp(q.log_prob(plane)).sum() * cell
    assert total.item() == pytest.approx(1.0, abs=1e-3)


def test_a_samples_own_density_is_that_of_the_inverse() -> None:
    q, noise = flow(), torch.randn(ROWS, SIZE, dtype=torch.float64)
    value, density = q.sample_with_log_prob(noise)
    assert_close(q.sample(noise), value)
    assert_close(q.log_prob(value), density)


def test_the_density_is_the_change_of_variables() -> None:
    """Log N(noise) - log |det|, with the Jacobian from autograd."""
    q, noise = flow(1, 3), torch.randn(1, 3, dtype=torch.float64)
    jacobian: Tensor = torch.autograd.functional.jacobian(  # type: ignore[no-untyped-call]
        lambda e: q.sample(e)[0], noise
    )
    expected = standard_normal.log_prob(noise).sum(-1) - jacobian[:, 0].det().abs().log()
    assert_close(q.sample_with_log_prob(noise)[1], expected)


def test_the_numbers_depend_on_each_other() -> None:
    """The cross derivative of the log-density, which is zero for independent numbers."""
    q, value = flow(1), torch.zeros(1, SIZE, dtype=torch.float64)
    hessian: Tensor = torch.autograd.functional.hessian(  # type: ignore[no-untyped-call]
        lambda v: q.log_prob(v).sum(), value
    )
    assert hessian[0, 0, 0, 1].abs() > 1e-3


def test_rows_that_were_not_seen_are_the_priors() -> None:
    q, noise = flow(), torch.randn(ROWS, SIZE, dtype=torch.float64)
    seen = torch.tensor([True, False, True, False])
    prior = Gaussian(*torch.randn(2, ROWS, SIZE, dtype=torch.float64))
    for filled, other in ((q.or_prior(seen), standard_normal), (q.or_prior(seen, prior), prior)):
        value, density = filled.sample_with_log_prob(noise)
        own = other.log_prob(value).sum(-1)
        assert_close(density[~seen], own[~seen])
        assert_close(value[~seen], other.sample(noise)[~seen])
        assert_close(value[seen], q.sample(noise)[seen])
        assert_close(filled.log_prob(value), density)


def test_members_side_by_side() -> None:
    members, noise = [flow(), flow()], torch.randn(ROWS, 2, SIZE, dtype=torch.float64)
    together = Flow.stack(members)
    assert isinstance(together, StackedFlow)
    value = together.sample(noise)
    for place, one in enumerate(members):
        assert_close(value[:, place], one.sample(noise[:, place]))
        assert_close(together.log_prob(value)[:, place], one.log_prob(value[:, place]))
    assert_close(together.draw(None, "g"), torch.stack([one.mean for one in members], dim=1))
    assert_close(together.draw({"g": noise}, "g"), value)


def test_the_mean_is_near_that_of_many_samples_and_exact_of_what_is_affine() -> None:
    q, rows = flow(1), 100_000
    with torch.no_grad():
        drawn = q.sample(torch.randn(rows, SIZE, dtype=torch.float64))
        spread = drawn.std(0)
        assert ((q.mean[0] - drawn.mean(0)).abs() < 4 * spread / 128**0.5).all()
        assert torch.equal(q.draw(None, "z"), q.mean)
        built = network()
        for name, weight in built.named_parameters():
            if name.startswith("maps"):
                weight.zero_()
        identity: Flow = built(torch.randn(ROWS, 3, dtype=torch.float64))
        assert_close(identity.mean, torch.zeros(ROWS, SIZE, dtype=torch.float64))


def test_a_frozen_flow_is_the_same_and_keeps_its_weights() -> None:
    """Sample, density and inverse go through the flow to its data, and never into it."""
    built, data = network(), torch.randn(ROWS, 3, dtype=torch.float64, requires_grad=True)
    noise = torch.randn(ROWS, SIZE, dtype=torch.float64)
    weights = list(built.parameters())
    plain: Flow = built(data)
    held: Flow = frozen(built)(data)
    (value, density), (same, as_dense) = (one.sample_with_log_prob(noise) for one in (plain, held))
    assert_close(same, value)
    assert_close(as_dense, density)
    inverse = plain.log_prob(value.detach())
    assert_close(held.log_prob(value.detach()), inverse)
    for ours, theirs in ((same, value), (as_dense, density), (held.mean, plain.mean)):
        mine, expected = ours.sum(), theirs.sum()
        reached = torch.autograd.grad(mine, weights, retain_graph=True, allow_unused=True)
        assert all(one is None for one in reached)
        (a,), (b,) = (torch.autograd.grad(one, data, retain_graph=True) for one in (mine, expected))
        assert_close(a, b)
    apart = held.log_prob(value.detach()).sum()
    reached = torch.autograd.grad(apart, weights, allow_unused=True)
    assert all(one is None for one in reached)


@pytest.mark.parametrize(
    ("size", "held"), some("graphs of flows", [*product([1, SIZE], [False, True])], 2)
)
def test_a_flow_compiles_as_one_graph(size: int, held: bool) -> None:
    """Its sample, its density, and by the inverse that of another value; frozen or its own."""
    built, data = network(size), torch.randn(ROWS, 3, dtype=torch.float64, requires_grad=True)
    noise, value = torch.randn(2, ROWS, size, dtype=torch.float64).unbind(0)

    def nats(data: Tensor) -> Tensor:
        q: Flow = (frozen(built) if held else built)(data)
        drawn, density = q.sample_with_log_prob(noise)
        return drawn.sum() + density.sum() + q.log_prob(value).sum()

    torch.compiler.reset()
    compiled = torch.compile(nats, fullgraph=True, backend="aot_eager")
    reached = [data] if held else [data, *built.parameters()]
    steps = [(one(data), *torch.autograd.grad(one(data), reached)) for one in (compiled, nats)]
    for ours, theirs in zip(*steps, strict=True):
        assert_close(ours, theirs)
