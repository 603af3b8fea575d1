"""Laws of counts beyond the Poisson, against scipy's and their own limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.autograd import gradcheck
from torch.testing import assert_close

from graphdsl_runtime import (
    NegativeBinomial,
    OutOfRange,
    Poisson,
    ShapeMismatch,
    ZeroInflatedNegativeBinomial,
    ZeroInflatedPoisson,
)

pytestmark = pytest.mark.usefixtures("in_double_precision")

MEANS = torch.tensor([1e-3, 0.3, 2.0, 40.0, 3e3], dtype=torch.float64)
DISPERSIONS = torch.tensor([1e-2, 0.5, 3.0, 31.9, 32.1, 1e4], dtype=torch.float64)
COUNTS = torch.tensor([0.0, 1.0, 2.0, 17.0, 900.0, 1e5], dtype=torch.float64)


def every(*axes: Tensor) -> list[Tensor]:
    """All combinations of some values, side by side."""
    return [one.flatten() for one in torch.meshgrid(*axes, indexing="ij")]


def test_a_negative_binomial_has_the_probabilities_of_scipy() -> None:
    mean, r, value = every(MEANS, DISPERSIONS, COUNTS)
    ours = NegativeBinomial(mean.log(), r.log()).log_prob(value)
    theirs = stats.nbinom.logpmf(value.numpy(), r.numpy(), (r / (r + mean)).numpy())
    assert_close(ours, torch.from_numpy(theirs), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_large_dispersion_is_a_poisson_in_every_precision(dtype: torch.dtype) -> None:
    log_mean, value = every(MEANS[:4].log(), COUNTS[:5])
    log_mean, value = log_mean.to(dtype), value.to(dtype)
    exact = Poisson(log_mean).nll(value)
    # The first term that is left out is (v (v - 1) - 2 v m + m^2) / 2 r.
    for log_r in (25.0, 40.0, 60.0):
        found = NegativeBinomial(log_mean, torch.full_like(log_mean, log_r)).nll(value)
        assert_close(found, exact, rtol=1e-5, atol=1e-5)


def test_variance_and_draws_are_those_of_the_law() -> None:
    torch.manual_seed(0)
    law = NegativeBinomial(torch.full((20_000, 2), math.log(3.0)), torch.tensor([0.0, 1.0]))
    drawn = law.sample_data()
    assert_close(law.variance[0], 3.0 + 9.0 / torch.tensor([1.0, math.e]))
    error = 6 * (drawn - 3.0).square().std(dim=0) / math.sqrt(len(drawn))
    assert ((drawn.var(dim=0) - law.variance[0]).abs() < error).all()


@pytest.mark.parametrize("share", [0.01, 0.5, 0.98])
def test_inflated_counts_are_a_mixture_with_zero(share: float) -> None:
    logit = math.log(share / (1 - share))
    mean, r, value = every(MEANS[1:4], DISPERSIONS[1:4], COUNTS[:4])
    logits = torch.full_like(mean, logit)
    pairs = (
        (ZeroInflatedNegativeBinomial(mean.log(), logits, r.log()),
         stats.nbinom.pmf(value.numpy(), r.numpy(), (r / (r + mean)).numpy())),
        (ZeroInflatedPoisson(mean.log(), logits), stats.poisson.pmf(value.numpy(), mean.numpy())),
    )  # fmt: skip
    for law, counts in pairs:
        expected = np.log(share * (value.numpy() == 0) + (1 - share) * counts)
        assert_close(law.log_prob(value), torch.from_numpy(expected), rtol=1e-9, atol=1e-9)
        assert_close(law.mean, (1 - share) * mean)


def test_gradients_are_those_of_differences() -> None:
    torch.manual_seed(0)
    value = torch.tensor([0.0, 1.0, 7.0, 60.0])
    m, s, r = (torch.randn(4, requires_grad=True) for _ in range(3))
    far = (torch.full((4,), 3.0) + torch.randn(4)).requires_grad_()  # either side of the series
    assert gradcheck(lambda a, b: NegativeBinomial(a, b).nll(value), (m, r))
    assert gradcheck(lambda a, b: NegativeBinomial(a, b).nll(value), (m, far))
    assert gradcheck(lambda a, b, c: ZeroInflatedNegativeBinomial(a, b, c).nll(value), (m, s, r))
    assert gradcheck(lambda a, b: ZeroInflatedPoisson(a, b).nll(value), (m, s))


def test_outputs_are_cut_into_the_parameters() -> None:
    output, shared = torch.randn(5, 24), torch.randn(3, 4)
    both = ZeroInflatedNegativeBinomial.of_dispersion(output, shared, (3, 4))
    assert torch.equal(both.log_mean, output[:, :12].reshape(5, 3, 4))
    assert torch.equal(both.zero_logits, output[:, 12:].reshape(5, 3, 4))
    assert torch.equal(both.log_dispersion, shared.expand(5, 3, 4))
    assert torch.equal(NegativeBinomial.split(output).log_dispersion, output[:, 12:])
    with pytest.raises(ShapeMismatch, match="a zero-inflated negative binomial's parameters"):
        ZeroInflatedNegativeBinomial.split(output[:, :7])
    with pytest.raises(OutOfRange, match="dispersion"):
        NegativeBinomial(output, dispersion=0.0)
