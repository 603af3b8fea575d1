"""Laws of positive numbers, against scipy's and differences."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats
from torch.autograd import gradcheck
from torch.testing import assert_close

from graphdsl_runtime import Gamma, LogNormal, OutOfRange
from tests.test_runtime.test_counts import every

pytestmark = pytest.mark.usefixtures("in_double_precision")

MEANS = torch.tensor([1e-3, 1.0, 500.0], dtype=torch.float64)
SHAPES = torch.tensor([0.1, 1.0, 31.9, 32.1, 1e4], dtype=torch.float64)
VALUES = torch.tensor([1e-6, 0.9, 3.0, 800.0], dtype=torch.float64)


def test_densities_are_those_of_scipy() -> None:
    mean, shape, value = every(MEANS, SHAPES, VALUES)
    gamma = stats.gamma.logpdf(value.numpy(), shape.numpy(), scale=(mean / shape).numpy())
    assert_close(Gamma(mean.log(), shape.log()).log_prob(value), torch.from_numpy(gamma))
    normal = stats.lognorm.logpdf(value.numpy(), shape.numpy(), scale=mean.numpy())
    assert_close(LogNormal(mean.log(), shape.log()).log_prob(value), torch.from_numpy(normal))


def test_means_and_entropies_are_those_of_scipy() -> None:
    mean, scale = every(MEANS, torch.tensor([0.1, 1.0, 2.0]))
    law = LogNormal(mean.log(), scale.log())
    theirs = stats.lognorm(scale.numpy(), scale=mean.numpy())
    assert_close(law.mean, torch.from_numpy(theirs.mean()))
    assert_close(law.entropy(), torch.from_numpy(theirs.entropy()))


def test_a_gamma_close_to_its_mean_keeps_its_digits_in_single_precision() -> None:
    value, shape = torch.tensor([1.0, 1.0001]).float(), torch.tensor(1e6).float()
    exact = stats.gamma.logpdf(value.double().numpy(), 1e6, scale=1e-6)
    found = Gamma(torch.zeros(2).float(), shape.log()).log_prob(value)
    assert_close(found.double(), torch.from_numpy(exact), atol=1e-4, rtol=0.0)


def test_draws_have_the_mean_and_the_variance() -> None:
    torch.manual_seed(0)
    law = Gamma(torch.full((20_000, 2), math.log(3.0)), torch.tensor([0.0, 2.0]))
    drawn = law.sample_data()
    variance = 9.0 / torch.tensor([0.0, 2.0]).exp()
    error = 6 * (drawn - 3.0).square().std(dim=0) / math.sqrt(len(drawn))
    assert ((drawn.var(dim=0) - variance).abs() < error).all()
    assert (Gamma(torch.zeros(99), shape=1e-3).sample_data() > 0).all()


def test_gradients_are_those_of_differences() -> None:
    torch.manual_seed(0)
    value = torch.tensor([0.01, 1.0, 7.0, 60.0])
    m, s = (torch.randn(4, requires_grad=True) for _ in range(2))
    far = (3.0 + torch.randn(4)).requires_grad_()  # either side of the series
    assert gradcheck(lambda a, b: Gamma(a, b).nll(value), (m, s))
    assert gradcheck(lambda a, b: Gamma(a, b).nll(value), (m, far))
    assert gradcheck(lambda a, b: LogNormal(a, b).nll(value), (m, s))


def test_a_shape_is_positive() -> None:
    with pytest.raises(OutOfRange, match="shape"):
        Gamma(torch.zeros(2), shape=0.0)
