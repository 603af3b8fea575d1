"""Ordered classes: the intervals of a logistic number between learned thresholds."""

from __future__ import annotations

import pytest
import torch

from graphdsl_runtime import Ordinal
from tests.emitted import emitted_class

pytestmark = pytest.mark.usefixtures("in_double_precision")


def thresholds_of(numbers: torch.Tensor) -> torch.Tensor:
    """The thresholds that any numbers stand for, from their definition."""
    first, *gaps = numbers.tolist()
    found = [first - 0.5 * len(gaps)]
    for gap in gaps:
        found.append(found[-1] + torch.tensor(gap).exp().item())
    return torch.tensor(found)


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_probabilities_are_those_of_the_intervals(classes: int) -> None:
    torch.manual_seed(0)
    location, numbers = 2 * torch.randn(50), torch.randn(classes - 1)
    up_to = torch.sigmoid(thresholds_of(numbers) - location[:, None])
    ends = torch.cat([torch.zeros(50, 1), up_to, torch.ones(50, 1)], dim=1)
    found = Ordinal.of_thresholds(location, numbers)
    torch.testing.assert_close(found.logits.exp(), ends.diff(dim=1))
    torch.testing.assert_close(found.mean.sum(dim=1), torch.ones(50))


@pytest.mark.parametrize("extreme", [80.0, -80.0, 1e4, -1e4])
def test_extreme_numbers_have_finite_logarithms_and_slopes(extreme: float) -> None:
    location = torch.tensor([0.0, extreme], dtype=torch.float32, requires_grad=True)
    numbers = torch.tensor([0.5, extreme, -1.0], dtype=torch.float32, requires_grad=True)
    for value in range(4):
        cost = Ordinal.of_thresholds(location, numbers).nll(torch.tensor([value, value]))
        assert torch.isfinite(cost).all()
        for slope in torch.autograd.grad(cost.sum(), [location, numbers]):
            assert torch.isfinite(slope).all()


def test_thresholds_of_a_group_are_those_of_the_class_of_the_row() -> None:
    torch.manual_seed(0)
    objective = emitted_class(
        """model answers
observed x[1..2] : categorical(4)[3] ~ ordinal(thresholds = learned(site))
given site : categorical(5)
latent z : real[2] ~ normal
q { x -> z via mlp(4) }
p { z, site -> x[i] via mlp(4) for i in 1..2 }
minimize KL(q || p)
"""
    )()
    table = objective.get_parameter("thresholds_p_x")
    assert table.shape == (5, 2, 3, 3)
    table.data.normal_()
    answers: list[torch.Tensor] = []
    objective.get_submodule("p_x").register_forward_hook(lambda *call: answers.append(call[-1]))
    x, site = torch.randint(0, 4, (6, 2, 3)), torch.arange(6) % 5
    found = objective({"x": x, "site": site}).terms["reconstruction_x"]
    assert answers[-1].shape == (6, 2, 3)  # one number for each, whatever classes there are
    expected = torch.zeros(())
    for place in torch.cartesian_prod(torch.arange(6), torch.arange(2), torch.arange(3)).tolist():
        row, member, k = place
        theta = thresholds_of(table[site[row], member, k].detach())
        up_to = torch.sigmoid(theta - answers[-1][row, member, k].detach())
        ends = torch.cat([torch.zeros(1), up_to, torch.ones(1)])
        expected -= ends.diff()[x[row, member, k]].log()
    torch.testing.assert_close(found, expected / 6)
