"""Specs that mean the same have the same loss, however they are written."""

from __future__ import annotations

import pytest
import torch

from graphdsl.compiler import compile_spec
from graphdsl.diagnostics import Source
from graphdsl.ir.notation import weight_text
from tests.by_hand import cost, fused, halves, kl, rate, run, sampled
from tests.emitted import emitted_class

pytestmark = pytest.mark.usefixtures("in_double_precision")

VIEWS = """
model views
observed x[1..{count}] : binary[5]
latent z : real[2] ~ normal
q {{ x -> z by poe }}
p {{ z -> x[i] for i in 1..{count} }}
minimize {goal}
"""

DEEP = """
model deep
observed x : binary[5]
latent z : real[2] ~ normal
q { x -> z }
p { z -> x }
minimize KL(q(z | x) || p(z)) + 8 * CE(x | z)
"""


def loss_of(text: str) -> list[tuple[str, str]]:
    """The terms of a loss, each with its weight."""
    module = compile_spec(Source("spec.mib", text)).compiled.module
    return sorted((term.formula, weight_text(term.weight)) for term in module.terms)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_views_that_nothing_prefers_have_equal_shares(count: int) -> None:
    """MVTCAE, Hwang et al. 2021, alpha = 1: TC(x | z) - TC(x) by every view alike.

    (N-1)/N sum_i CE(x_i | z) + 1/N sum_i E KL(q(z | x) || q(z | x_i)); no information is lost.
    """
    model = emitted_class(VIEWS.format(count=count, goal="TC(x | z) - TC(x)"))()
    x = torch.randint(2, (7, count, 5)).double()
    noise = {"z": torch.randn(7, 2)}
    means, log_vars = halves(run(model, "q_z", x))
    mean, log_var = fused(means, log_vars)
    z = sampled(mean, log_var, noise["z"])
    reconstruction = cost(run(model, "p_x", z), x)
    rates = sum(
        (kl(mean, log_var, *fused(means[:, [i]], log_vars[:, [i]])) for i in range(count)),
        torch.zeros(7),
    )
    published = (count - 1) / count * reconstruction + rates / count
    assert model({"x": x}, noise).loss.item() == pytest.approx(published.mean().item(), abs=1e-12)


def test_equal_shares_leave_no_information_in_the_gap() -> None:
    text = VIEWS.format(count=4, goal="TC(x | z) - TC(x)")
    module = compile_spec(Source("spec.mib", text)).compiled.module
    assert module.relation == "upper"
    gaps = [bound.gap for term in module.terms for bound in term.bounds]
    assert gaps
    assert all("KL" in gap and "I(" not in gap for gap in gaps)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I(x; z) - 8 * I(x; z)", "-7 * I(x; z)"),
        ("D(q || {x; z}) - 8 * I(z; x)", "-7 * I(x; z)"),
        ("-8 * I(x; z) + 3 * I(z; x)", "-2 * I(x; z) - 3 * I(x; z)"),
        ("D(q || {z -> x[1]; z -> x[2]})", "I(x[1]; x[2] | z)"),
        ("D(q || {z -> x})", "TC(x | z)"),
        ("I(x; z) - sum(i in 1..3) I(z; x[i]) - 0.5 * KL(q(z | x) || p(z))",
         "I(x; z) - 0.5 * KL(q(z | x) || p(z)) - I(x[2]; z) - I(x[3]; z) - I(z; x[1])"),
    ],
)  # fmt: skip
def test_equal_terms_are_collected_before_anything_is_bounded(one: str, other: str) -> None:
    made = [loss_of(VIEWS.format(count=3, goal=f"KL(q || p) + {goal}")) for goal in (one, other)]
    assert made[0] == made[1]


def test_what_is_wanted_and_what_is_paid_are_bounded_apart_if_they_are_written_so() -> None:
    """The deep bottlenecks of Abdelaleem et al. 2025: the rate and the CE, each by itself."""
    model = emitted_class(DEEP)()
    x, noise = torch.randint(2, (7, 5)).double(), {"z": torch.randn(7, 2)}
    mean, log_var = halves(run(model, "q_z", x))
    z = sampled(mean, log_var, noise["z"])
    written = rate(mean, log_var) + 8 * cost(run(model, "p_x", z), x)
    assert model({"x": x}, noise).loss.item() == pytest.approx(written.mean().item(), abs=1e-12)
