"""Student's t, against scipy's and the normal that it goes to."""

from __future__ import annotations

import pytest
import torch
from scipy import stats
from torch.autograd import gradcheck
from torch.testing import assert_close

from graphdsl_runtime import Gaussian, StudentT
from tests.test_runtime.test_counts import every

pytestmark = pytest.mark.usefixtures("in_double_precision")

DEGREES = torch.tensor([0.3, 1.0, 4.0, 63.9, 64.1, 1e5], dtype=torch.float64)
VALUES = torch.tensor([-1e6, -3.0, 0.0, 0.2, 50.0], dtype=torch.float64)


def test_density_and_entropy_are_those_of_scipy() -> None:
    df, value = every(DEGREES, VALUES)
    law = StudentT(torch.full_like(df, 0.7), torch.full_like(df, -0.4), df.log())
    scale = torch.tensor(-0.4).exp().item()
    theirs = stats.t(df.numpy(), loc=0.7, scale=scale)
    exact = torch.from_numpy(theirs.logpdf(value.numpy()))
    assert_close(law.log_prob(value), exact, rtol=1e-9, atol=1e-9)
    assert_close(law.entropy(), torch.from_numpy(theirs.entropy()), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_many_degrees_of_freedom_are_a_normal_in_every_precision(dtype: torch.dtype) -> None:
    value = torch.linspace(-6.0, 6.0, 25).to(dtype)
    loc, scale = torch.zeros_like(value), torch.full_like(value, 0.3)
    law, normal = StudentT(loc, scale, torch.full_like(value, 40.0)), Gaussian(loc, 2 * scale)
    assert_close(law.nll(value), normal.nll(value), rtol=1e-5, atol=1e-5)
    assert_close(law.entropy(), normal.entropy(), rtol=1e-5, atol=1e-5)


def test_draws_have_the_distribution() -> None:
    torch.manual_seed(0)
    law = StudentT(torch.full((4000,), 2.0), torch.full((4000,), 0.5), df=1.5)
    standard = (law.sample_data() - 2.0) / torch.tensor(0.5).exp()
    assert stats.kstest(standard.numpy(), stats.t(1.5).cdf).pvalue > 1e-4


def test_gradients_are_those_of_differences() -> None:
    torch.manual_seed(0)
    m, s, d = (torch.randn(4, requires_grad=True) for _ in range(3))
    far = (4.1 + torch.randn(4)).requires_grad_()  # either side of the series
    value = torch.tensor([-3.0, 0.0, 1.0, 40.0])
    for log_df in (d, far):
        assert gradcheck(lambda a, b, c: StudentT(a, b, c).nll(value), (m, s, log_df))
        assert gradcheck(lambda b, c: StudentT(0 * b, b, c).entropy(), (s, log_df))
