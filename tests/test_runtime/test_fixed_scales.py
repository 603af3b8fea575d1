"""Likelihoods of one fixed scale, against those of torch."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from graphdsl_runtime import Gaussian, Laplace, OutOfRange
from graphdsl_runtime.distributions.parameters import of_class
from tests.emitted import emitted_class

LAWS = [(Gaussian, torch.distributions.Normal), (Laplace, torch.distributions.Laplace)]


@pytest.mark.parametrize(("law", "exact"), LAWS)
@pytest.mark.parametrize("scale", [1e-3, 0.3, 1.0, 40.0])
def test_a_fixed_scale_is_that_of_torch(law: type, exact: type, scale: float) -> None:
    location, value = torch.randn(2, 5, 3, dtype=torch.float64)
    likelihood = law(location, scale=scale)
    assert_close(likelihood.log_prob(value), exact(location, scale).log_prob(value))
    moved = replace(likelihood, **{"mean" if law is Gaussian else "loc": value})
    assert_close(moved.nll(location), -exact(value, scale).log_prob(location))


@pytest.mark.parametrize(("law", "_exact"), LAWS)
def test_a_scale_is_given_once_and_is_positive(law: type, _exact: type) -> None:
    location = torch.zeros(2)
    for scale in (0.0, -0.5, math.inf, math.nan):
        with pytest.raises(OutOfRange):
            law(location, scale=scale)
    with pytest.raises(TypeError, match="give one of the two"):
        law(location)
    with pytest.raises(TypeError, match="give one of the two"):
        law(location, location, scale=1.0)


def test_autocast_does_not_round_the_scales_of_classes() -> None:
    table, classes = torch.randn(3, 4), torch.eye(3)[[2, 0]]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(of_class(table, classes), table[[2, 0]], rtol=0, atol=0)


def test_the_scales_of_classes_begin_alike_at_that_of_the_data() -> None:
    objective = emitted_class(
        """model grouped
observed x : real[3] ~ normal(scale = learned(each, g))
observed y[1..2] : real[3] ~ laplace(scale = learned(g))
given g : categorical(4)
latent z : real[2] ~ normal
q { x, y -> z via mlp(4) }
p { z, g -> x via mlp(4); z, g -> y[i] via mlp(4) for i in 1..2 }
minimize KL(q || p)
"""
    )()
    torch.manual_seed(0)
    spread = torch.tensor([1.0, 2.0, 4.0])
    batch = {"x": spread * torch.randn(500, 3), "y": spread * torch.randn(500, 2, 3)}
    objective.standardise({**batch, "g": torch.zeros(500, dtype=torch.long)})
    of_x = objective.get_parameter("log_var_p_x")
    expected = 2 * batch["x"].std(dim=0, correction=0).log()
    torch.testing.assert_close(of_x, expected.expand(4, 3), check_dtype=False)
    of_y = objective.get_parameter("log_scale_p_y")
    shared = batch["y"].var(dim=0, correction=0).mean(dim=1).sqrt().log()
    torch.testing.assert_close(of_y, shared[:, None].expand(4, 2, 1), check_dtype=False)
