"""Estimators of the information between two variables, as a spec asks for them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from graphdsl.compiler import check_spec, compile_spec, derive, read
from graphdsl.diagnostics import Source, SpecError
from graphdsl_runtime import Objective
from tests.by_hand import dependence, discrepancy, halves, median, sampled
from tests.emitted import emitted_class

SPEC = """
model apart
param gamma = 3
observed x : real[4]
given    s : binary
latent   z[1..2] : real ~ normal
latent   u : real[2] ~ normal
q { x, s -> z via mlp(8); x -> u via mlp(8) }
p { z, u, s -> x via mlp(8) }
minimize KL(q || p) + gamma * I(z; TARGET)
estimate I(z; TARGET) with ESTIMATOR
"""
RELATIONS = {
    "adversary": "saddle",
    "mine": "saddle",
    "mmd": "surrogate",
    "mss": "estimate",
    "hsic": "surrogate",
}


def made(
    estimator: str, target: str = "u"
) -> tuple[Objective, dict[str, Tensor], dict[str, Tensor]]:
    torch.manual_seed(0)
    text = SPEC.replace("TARGET", target).replace("ESTIMATOR", estimator)
    objective = emitted_class(text)().double()
    batch = {"x": torch.randn(32, 4, dtype=torch.float64), "s": (torch.arange(32) % 2).double()}
    noise = objective.draw_noise(batch["x"])
    return objective, batch, {**noise, "permuted(u)": torch.rand(32), "permuted(s)": torch.rand(32)}


def samples(
    objective: Objective, batch: dict[str, Tensor], noise: dict[str, Tensor]
) -> list[Tensor]:
    z = halves(objective.get_submodule("q_z")(batch["x"], batch["s"]))
    u = halves(objective.get_submodule("q_u")(batch["x"]))
    return [sampled(*z, noise["z"]), sampled(*u, noise["u"])]


@pytest.mark.parametrize("estimator", RELATIONS)
def test_the_audit_says_what_it_is(estimator: str) -> None:
    text = SPEC.replace("TARGET", "u").replace("ESTIMATOR", estimator)
    module = read(derive(check_spec(Source("a.mib", text)))).module
    assert module.relation == RELATIONS[estimator]
    (term,) = [one for one in module.terms if one.name == "information_z_u"]
    assert [str(one.atom) for one in term.stands_for] == ["I(z[1], z[2]; u)"]
    assert not term.bounds


def test_mmd_is_the_discrepancy_of_pairs_and_of_the_product() -> None:
    objective, batch, noise = made("mmd")
    found = objective(batch, noise).terms["information_z_u"]
    torch.testing.assert_close(found, dependence(*samples(objective, batch, noise)))


def test_mmd_from_a_binary_variable_is_that_of_its_two_groups() -> None:
    objective, batch, noise = made("mmd", "s")
    z, _ = samples(objective, batch, noise)
    first, other = z[batch["s"] == 1], z[batch["s"] == 0]
    found = objective(batch, noise).terms["information_z_s"]
    torch.testing.assert_close(found, discrepancy(first, other, median(z)))


class LogRatio(nn.Module):
    """The best critic of a and b = a + noise of variance 1, a standard normal: I = log(2) / 2."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        a, b = a[:, 0], b[:, 0]
        square = (a - b) ** 2 - b**2 / 2
        return -0.5 * square + 0.5 * math.log(2)


CHANNEL = """
model channel
observed x : real
latent   a : real ~ normal
latent   b : real ~ normal
q { x -> a -> b }
p { a, b -> x }
minimize KL(q || p) + I(a; b)
estimate I(a; b) with ESTIMATOR
"""


class Same(nn.Module):
    """A posterior of next to no variance at x, or of variance 1."""

    def __init__(self, log_var: float) -> None:
        super().__init__()
        self.log_var = log_var

    def forward(self, value: Tensor) -> Tensor:
        value = value.reshape(-1, 1)
        return torch.cat([value, torch.full_like(value, self.log_var)], dim=1)


class Column(nn.Module):
    """A critic of two columns, whatever their shape."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        ratio: Tensor = LogRatio()(a.reshape(-1, 1), b.reshape(-1, 1))
        return ratio


@pytest.mark.parametrize("estimator", ["adversary", "mine"])
def test_a_critic_that_is_the_log_ratio_gives_the_information(estimator: str) -> None:
    """I(a; b) = log(2) / 2 for a ~ N(0, 1) and b = a + N(0, 1)."""
    torch.manual_seed(0)
    networks = {"q(a|x)": Same(-40.0), "q(b|a)": Same(0.0), "critic(a,b)": Column()}
    objective = emitted_class(CHANNEL.replace("ESTIMATOR", estimator))(networks=networks)
    losses = objective({"x": torch.randn(200_000)})
    assert losses.terms["information_a_b"].item() == pytest.approx(math.log(2) / 2, abs=0.02)


@pytest.mark.parametrize("estimator", ["adversary", "mine"])
def test_each_player_trains_its_own_networks_alone(estimator: str) -> None:
    objective, batch, noise = made(estimator)
    losses, groups = objective(batch, noise), objective.parameter_groups()
    assert losses.players.keys() == groups.keys() == {"model", "critic"}
    for player, other in (("model", "critic"), ("critic", "model")):
        slopes = torch.autograd.grad(
            losses.players[player], groups[other], retain_graph=True, allow_unused=True
        )
        assert all(slope is None for slope in slopes)


@pytest.mark.parametrize(
    ("target", "estimator"),
    [("s", "mss"), ("x", "mss"), ("x, s", "mmd"), ("u | s", "mine"), ("u | x", "adversary")],
)
def test_what_does_not_fit_is_refused(target: str, estimator: str) -> None:
    text = SPEC.replace("TARGET", target).replace("ESTIMATOR", estimator)
    with pytest.raises(SpecError) as found:
        compile_spec(Source("a.mib", text))
    assert {one.code for one in found.value.diagnostics} == {"MIB501"}
