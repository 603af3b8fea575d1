"""Likelihoods of one fixed scale, against those of torch."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from graphdsl_runtime import Gaussian, Laplace, OutOfRange

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
