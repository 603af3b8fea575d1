"""Reconstruction costs that are no likelihood: the published losses, from the same noise."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl.compiler import check_spec, derive, read
from graphdsl.diagnostics import Source
from graphdsl.report import audit_text
from graphdsl_runtime import Objective
from tests.emitted import emitted_class
from tests.gradients import assert_equal_gradients

pytestmark = pytest.mark.usefixtures("in_double_precision")

ROWS = 6

HEAD = """
model costs
param lam = 10
observed x : real[5]
observed y[1..3] : binary[4]
observed n : count
latent z : real[2] ~ normal
q { x -> z via mlp(8) }
p { z -> x, y, n via mlp(8) }
minimize """


def batch() -> dict[str, Tensor]:
    return {
        "x": torch.randn(ROWS, 5),
        "y": (torch.rand(ROWS, 3, 4) > 0.5).double(),
        "n": torch.randint(9, (ROWS,)).double(),
    }


def sampled(m: Objective, x: Tensor, noise: Tensor) -> Tensor:
    mean, log_var = m.get_submodule("q_z")(x).chunk(2, dim=-1)
    z: Tensor = mean + (0.5 * log_var).exp() * noise
    return z


def assert_equal(m: Objective, ours: Tensor, theirs: Tensor) -> None:
    """The same number, and the same gradient in every parameter."""
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-9)
    assert_equal_gradients(ours, theirs, m.parameters())


def test_the_wasserstein_autoencoder_is_the_published_one() -> None:
    """Tolstikhin et al. 2018, algorithm 2: mean |x - G(z)|^2 + lambda MMD, kernels of theirs."""
    from graphdsl_runtime import mmd

    m = emitted_class(HEAD + "cost(x | z, squared) + lam * MMD(q(z) || p(z))")()
    data, noise = batch(), {"z": torch.randn(ROWS, 2), "prior(z)": torch.randn(ROWS, 2)}
    z = sampled(m, data["x"], noise["z"])
    rebuilt = m.get_submodule("p_x")(z)
    by_hand = ((data["x"] - rebuilt) ** 2).sum() / ROWS + 10 * mmd(z, noise["prior(z)"])
    assert_equal(m, m(data, noise).loss, by_hand)


@pytest.mark.parametrize("word", ["squared", "absolute", "huber"])
def test_a_cost_is_summed_over_coordinates_and_averaged_over_rows(word: str) -> None:
    """Of reals from the mean, of binary data from the probability, of counts from the rate."""
    m = emitted_class(HEAD + f"cost(x, y, n | z, {word}) + 0.5 * KL(q(z | x) || p(z))")()
    data, noise = batch(), torch.randn(ROWS, 2)
    z = sampled(m, data["x"], noise)
    means = {
        "x": m.get_submodule("p_x")(z),
        "y": torch.sigmoid(m.get_submodule("p_y")(z)),
        "n": torch.exp(m.get_submodule("p_n")(z)),
    }
    total = torch.zeros(())
    for name, mean in means.items():
        gap = (mean - data[name]).abs()
        price = {
            "squared": gap**2,
            "absolute": gap,
            "huber": torch.where(gap < 1, 0.5 * gap**2, gap - 0.5),
        }[word]
        total = total + price.sum() / ROWS
    mean, log_var = m.get_submodule("q_z")(data["x"]).chunk(2, dim=-1)
    rate = 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum() / ROWS
    losses = m(data, {"z": noise})
    assert_equal(m, losses.loss, total + 0.5 * rate)
    assert {f"{word}_cost_x", f"{word}_cost_y", f"{word}_cost_n"} <= losses.terms.keys()


def test_squared_is_meant_where_no_cost_is_named() -> None:
    named, bare = (emitted_class(HEAD + term)() for term in ("cost(x | z, squared)", "cost(x | z)"))
    bare.load_state_dict(named.state_dict())
    data, noise = batch(), {"z": torch.randn(ROWS, 2)}
    assert named(data, noise).loss.item() == bare(data, noise).loss.item()


def test_equal_costs_meet_and_others_stay_apart() -> None:
    m = emitted_class(HEAD + "cost(x | z) + 2 * cost(x | z, squared) + cost(x | z, absolute)")()
    losses = m(batch(), {"z": torch.randn(ROWS, 2)})
    assert losses.terms.keys() == {"squared_cost_x", "absolute_cost_x"}
    total = 3 * losses.terms["squared_cost_x"] + losses.terms["absolute_cost_x"]
    assert losses.loss.item() == pytest.approx(total.item())


def test_rows_that_lack_a_view_pay_nothing_for_it() -> None:
    text = HEAD.replace("binary[4]", "binary[4] optional") + "cost(y | z) + cost(x | z)"
    m = emitted_class(text)()
    data, noise = batch(), {"z": torch.randn(ROWS, 2)}
    z = sampled(m, data["x"], noise["z"])
    gap = (torch.sigmoid(m.get_submodule("p_y")(z)) - data["y"]) ** 2
    gap[2, 1] = 0.0
    data["y"][2, 1] = torch.nan
    other = ((m.get_submodule("p_x")(z) - data["x"]) ** 2).sum() / ROWS
    assert_equal(m, m(data, noise).loss, gap.sum() / ROWS + other)


def test_a_cost_against_its_own_predictor_is_a_game() -> None:
    """A negative weight of a predictor that p has not: it plays, and each trains its own."""
    m = emitted_class(HEAD + "cost(x | z) - 0.5 * cost(n | z, y, absolute)")()
    losses = m(batch(), {"z": torch.randn(ROWS, 2)})
    groups = m.parameter_groups()
    assert losses.players.keys() == groups.keys() == {"model", "critic"}
    cost, played = losses.terms["absolute_cost_n"], losses.players["critic"]
    assert cost.item() == pytest.approx(played.item())
    for player, loss in losses.players.items():
        other = groups["critic" if player == "model" else "model"]
        reached = torch.autograd.grad(loss, other, retain_graph=True, allow_unused=True)
        assert all(one is None for one in reached)


def test_a_cost_can_be_held_by_a_multiplier() -> None:
    """GECO (Rezende and Viola 2018): the rate, subject to a reconstruction that is good enough."""
    m = emitted_class(HEAD + "KL(q(z | x) || p(z))\nsubject to cost(x | z, squared) <= 3")()
    losses = m(batch(), {"z": torch.randn(ROWS, 2)})
    assert losses.players.keys() == {"model", "multiplier"}
    slack = losses.terms["squared_cost_x"] - 3
    multiplier = m.get_submodule("multiplier")
    expected = losses.terms["rate_z"] + multiplier.penalty(slack)  # type: ignore[operator]
    assert losses.loss.item() == pytest.approx(expected.item())


def test_of_a_drawn_set_the_members_in_it_pay() -> None:
    text = HEAD.replace("y[1..3]", "y[1..9]")
    m = emitted_class(text + "cost(x | z) + expect(S in bipartitions(1..9)) cost(y[S] | z)")()
    data, noise = batch(), {"z": torch.randn(ROWS, 2)}
    data["y"] = (torch.rand(ROWS, 9, 4) > 0.5).double()
    chosen = torch.rand(ROWS, 9) > 0.5
    z = sampled(m, data["x"], noise["z"])
    gap = (torch.sigmoid(m.get_submodule("p_y")(z)) - data["y"]) ** 2 * chosen[:, :, None]
    other = ((m.get_submodule("p_x")(z) - data["x"]) ** 2).sum() / ROWS
    assert_equal(m, m(data, {**noise, "S": chosen}).loss, gap.sum() / ROWS + other)


def test_the_audit_says_that_a_cost_is_no_information() -> None:
    source = Source("costs.mib", HEAD + "cost(x | z, huber) + KL(q(z | x) || p(z))")
    audit = read(derive(check_spec(source)))
    assert audit.module is not None
    assert audit.module.relation == "surrogate"
    text = " ".join(audit_text(audit).split())
    assert "huber_cost_x is no bound: a cost is no information" in text
    assert "stands for cost(x | z, huber)" in text


def test_a_variable_called_as_a_cost_is_the_variable() -> None:
    text = HEAD.replace("observed n : count", "observed squared : real[2]").replace("y, n", "y")
    m = emitted_class(text + "cost(x | z, squared)")()
    data = {**batch(), "squared": torch.randn(ROWS, 2)}
    del data["n"]  # it is no variable here
    z = torch.randn(ROWS, 2)
    predicted = m.get_submodule("r_x")(data["squared"], sampled(m, data["x"], z))
    expected = F.mse_loss(predicted, data["x"], reduction="sum") / ROWS
    assert m(data, {"z": z}).loss.item() == pytest.approx(expected.item())
