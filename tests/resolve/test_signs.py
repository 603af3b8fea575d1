"""Functions of sums, constraints and schedules: emitted losses by hand, and who trains what."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch._dynamo.testing import CompileCounter

from graphdsl.compiler import check_spec, derive
from graphdsl.diagnostics import Source
from graphdsl_runtime import Objective, OutOfRange
from tests.emitted import emitted_class, objective_of

HEAD = """
model signs
param gamma = 3
param cap = 1
param C = ramp(0, 2, steps = 4)
observed x : real[6]
observed s : binary
latent z[1..2] : real[2] ~ normal
q { x -> z via mlp(8) }
p { z -> x via mlp(8) }
minimize """
CAPACITY = "CE(x | z) + gamma * abs(KL(q(z | x) || p(z)) - C)"
FREE_BITS = "CE(x | z) + sum(j in 1..2) max(KL(q(z[j] | x) || p(z[j])), 0.5)"
SQUARED = "CE(x | z) + gamma * square(KL(q(z | x) || p(z)) - 2)"
CAPPED = "CE(x | z) + sum(j in 1..2) min(KL(q(z[j] | x) || p(z[j])), cap)"
CONSTRAINT = "CE(x | z)\nsubject to I(z; s) <= 0.05"


def batch() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return {"x": torch.randn(12, 6, dtype=torch.float64), "s": torch.ones(12, dtype=torch.float64)}


def noise() -> dict[str, Tensor]:
    torch.manual_seed(2)
    return {"z": torch.randn(12, 2, 2, dtype=torch.float64)}


def rates(objective: Objective) -> Tensor:
    """KL(q(z_j | x) || N(0, I)) for both j, by hand."""
    mean, log_var = objective.get_submodule("q_z")(batch()["x"]).chunk(2, dim=-1)
    each = 0.5 * (mean**2 + log_var.exp() - log_var - 1)
    both: Tensor = each.reshape(12, 2, 2).sum(dim=2).mean(dim=0)
    return both


def test_a_capacity_is_the_published_one() -> None:
    """Burgess et al. 2018: gamma |KL - C|, with C growing over training."""
    objective = objective_of(HEAD + CAPACITY)
    for step, capacity in ((0, 0.0), (1, 0.5), (4, 2.0), (9, 2.0)):
        objective.advance(step)
        losses = objective(batch(), noise())
        rate = rates(objective).sum()
        by_hand = losses.terms["reconstruction_x"] + 3 * torch.abs(rate - capacity)
        assert losses.loss.item() == pytest.approx(by_hand.item(), abs=1e-9)
        parameters = list(objective.parameters())
        ours = torch.autograd.grad(losses.loss, parameters, retain_graph=True)
        theirs = torch.autograd.grad(by_hand, parameters)
        for mine, published in zip(ours, theirs, strict=True):
            torch.testing.assert_close(mine, published, rtol=1e-9, atol=1e-12)


def test_free_bits_are_the_published_ones() -> None:
    """Kingma et al. 2016: sum_j max(lambda, KL_j), each on average over the batch."""
    objective = objective_of(HEAD + FREE_BITS)
    losses = objective(batch(), noise())
    by_hand = losses.terms["reconstruction_x"] + rates(objective).clamp(min=0.5).sum()
    assert losses.loss.item() == pytest.approx(by_hand.item(), abs=1e-9)


def test_a_square_is_of_the_mean_of_the_batch() -> None:
    """DPI-VAE and the like: gamma (KL - C)^2; the rate is a mean before it is squared."""
    objective = objective_of(HEAD + SQUARED)
    losses = objective(batch(), noise())
    by_hand = losses.terms["reconstruction_x"] + 3 * (rates(objective).sum() - 2) ** 2
    assert losses.loss.item() == pytest.approx(by_hand.item(), abs=1e-9)


def test_a_rate_above_its_cap_exerts_no_force() -> None:
    """The rate below its cap counts as it is, the other as the cap."""
    objective = objective_of(HEAD + CAPPED)
    rates_of_both = rates(objective)
    cap = rates_of_both.mean().item()  # one rate is below it and one above
    objective.cap = cap
    losses = objective(batch(), noise())
    by_hand = losses.terms["reconstruction_x"] + rates_of_both.min() + cap
    assert losses.loss.item() == pytest.approx(by_hand.item(), abs=1e-9)


def test_a_multiplier_pays_and_rises() -> None:
    """Paper, eqs. 6-7: the model pays for a violation; the price rises as long as there is one."""
    objective = objective_of(HEAD + CONSTRAINT)
    losses = objective(batch(), noise())
    violation = rates(objective).sum() - 0.05  # its bound: E KL(q(z|x) || p(z))
    by_hand = losses.terms["reconstruction_x"] + 1.0 * violation
    assert losses.loss.item() == pytest.approx(by_hand.item(), abs=1e-6)
    groups = objective.parameter_groups()
    assert groups.keys() == losses.players.keys() == {"model", "multiplier"}
    (price,) = groups["multiplier"]
    (slope,) = torch.autograd.grad(losses.players["multiplier"], price, retain_graph=True)
    assert violation > 0
    assert slope < 0  # a step down this slope raises the price
    (leak,) = torch.autograd.grad(losses.loss, price, allow_unused=True)
    assert leak is None


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        (CAPACITY, "upper"),
        (FREE_BITS, "upper"),
        (CONSTRAINT, "saddle"),
        ("-1 * abs(I(s; z))", "surrogate"),
        (SQUARED, "upper"),
        (CAPPED, "lower"),
        ("min(KL(q(z | x) || p(z)), 0.5)", "lower"),
        ("KL(q || p) - min(KL(q(z | x) || p(z)), 0.5)", "upper"),
        ("KL(q || p) + square(CE(x | z) - 1)", "upper"),  # p's own decoder is exact
        ("KL(q || p) + square(I(s; z) - 1)", "surrogate"),  # its bound has a gap
    ],
)
def test_what_a_sign_costs_is_said(text: str, relation: str) -> None:
    result = derive(check_spec(Source("signs.mib", HEAD + text)))
    assert result.module.relation == relation
    assert result.module.reason


def test_a_ramp_stays_in_its_range() -> None:
    assert objective_of(HEAD + CAPACITY).get_buffer("C").item() == 0.0
    with pytest.raises(OutOfRange):
        emitted_class(HEAD + CAPACITY)(C=-1.0)  # type: ignore[call-arg]  # emitted


def test_a_ramp_begins_late_and_a_cycle_begins_anew() -> None:
    """Fu et al. 2019: in each cycle beta rises in the first half and stays in the second."""
    ramp = "ramp(0, 2, steps = 4)"
    late = objective_of((HEAD + CAPACITY).replace(ramp, "ramp(0, 2, steps = 4, from = 3)"))
    cycle = objective_of((HEAD + CAPACITY).replace(ramp, "cycle(0, 2, steps = 16, cycles = 2)"))
    places = {late: [0, 0, 0, 0, 0.5, 1, 1.5, 2, 2], cycle: [0, 0.5, 1, 1.5, 2, 2, 2, 2, 0, 0.5]}
    for objective, values in places.items():
        for step, value in enumerate(values):
            objective.advance(step)
            assert objective.get_buffer("C").item() == pytest.approx(value)
    cycle.advance(16)
    assert cycle.get_buffer("C").item() == 2.0
    assert cycle.settled


def test_a_schedule_is_continued_from_its_state() -> None:
    text = HEAD.replace("ramp(0, 2, steps = 4)", "cycle(0, 2, steps = 16, cycles = 2)") + CAPACITY
    first, second = objective_of(text), objective_of(text)
    first.advance(11)
    second.load_state_dict(first.state_dict())
    assert second.get_buffer("C").item() == first.get_buffer("C").item() == 1.5
    assert "C = cycle(0.0, 2.0, steps = 16, cycles = 2)" in repr(first)
    assert not second.settled


def test_a_ramp_keeps_a_compiled_objective_compiled() -> None:
    objective = objective_of(HEAD + CAPACITY)
    torch._dynamo.reset()
    counter = CompileCounter()
    compiled = torch.compile(objective, backend=counter, fullgraph=True)
    for step in range(4):
        objective.advance(step)
        assert compiled(batch(), noise()).loss.item() == pytest.approx(
            objective(batch(), noise()).loss.item()
        )
    assert counter.frame_count == 1
