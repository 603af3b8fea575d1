"""Laws of numbers from 0 to 1, against those of torch and scipy, and at their limits."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats
from torch.autograd import gradcheck
from torch.testing import assert_close

from graphdsl_runtime import Beta, ContinuousBernoulli, OutOfRange, OutsideSupport
from tests.emitted import emitted_class
from tests.test_runtime.test_counts import every

pytestmark = pytest.mark.usefixtures("in_double_precision")

#: Either side of where the series of the normaliser ends, and far from it.
LOGITS = torch.tensor(
    [-9.0, -0.2501, -0.2499, -1e-3, 0.0, 1e-8, 0.1, 0.2499, 0.2501, 3.0], dtype=torch.float64
)
VALUES = torch.tensor([0.0, 0.2, 0.9, 1.0], dtype=torch.float64)


def test_a_continuous_bernoulli_integrates_to_one_and_has_its_moments() -> None:
    nodes = torch.linspace(0.0, 1.0, 20_001)
    law = ContinuousBernoulli(LOGITS[:, None])
    density = law.log_prob(nodes).exp()
    assert_close(torch.trapezoid(density, nodes), torch.ones(len(LOGITS)), rtol=1e-7, atol=1e-8)
    assert_close(torch.trapezoid(density * nodes, nodes), law.mean[:, 0], rtol=1e-7, atol=1e-8)
    entropy = torch.trapezoid(-density * law.log_prob(nodes), nodes)
    assert_close(law.entropy()[:, 0], entropy, rtol=1e-7, atol=1e-8)


def test_a_continuous_bernoulli_is_that_of_torch() -> None:
    logits, value = every(LOGITS, VALUES)
    theirs = torch.distributions.ContinuousBernoulli(logits=logits)
    # Near 1/2 theirs is a series of two terms.
    log_prob: torch.Tensor = theirs.log_prob(value)  # type: ignore[no-untyped-call]  # torch's own gap
    assert_close(ContinuousBernoulli(logits).log_prob(value), log_prob, rtol=1e-6, atol=1e-6)


def test_single_precision_keeps_its_digits_near_even_chances() -> None:
    logits = torch.linspace(-0.5, 0.5, 1001)
    exact = ContinuousBernoulli(logits)
    found = ContinuousBernoulli(logits.float())
    half = torch.full_like(logits, 0.5)
    assert_close(found.nll(half.float()).double(), exact.nll(half), rtol=0.0, atol=5e-7)
    assert_close(found.mean.double(), exact.mean, rtol=0.0, atol=2e-6)


def test_draws_of_a_continuous_bernoulli_have_its_distribution() -> None:
    torch.manual_seed(0)
    for logit in (-20.0, -1.0, 0.0, 3.0):
        drawn = ContinuousBernoulli(torch.full((4000,), logit)).sample_data()

        below = drawn if logit == 0 else torch.expm1(logit * drawn) / math.expm1(logit)
        assert stats.kstest(below.numpy(), "uniform").pvalue > 1e-4


def test_a_beta_is_that_of_scipy() -> None:
    means = torch.tensor([0.01, 0.5, 0.9], dtype=torch.float64)
    precisions = torch.tensor([0.2, 2.0, 60.0, 1e5], dtype=torch.float64)
    mean, n, value = every(means, precisions, torch.tensor([1e-4, 0.3, 0.99]).double())
    theirs = stats.beta.logpdf(value.numpy(), (n * mean).numpy(), (n * (1 - mean)).numpy())
    law = Beta(mean.logit(), n.log())
    assert_close(law.log_prob(value), torch.from_numpy(theirs), rtol=1e-8, atol=1e-8)
    assert_close(law.mean, mean)


def test_draws_of_a_beta_have_its_variance_and_stay_inside() -> None:
    torch.manual_seed(0)
    drawn = Beta(torch.full((20_000,), 1.0), precision=3.0).sample_data()
    mean = 1 / (1 + math.exp(-1))
    error = 6 * (drawn - mean).square().std() / math.sqrt(len(drawn))
    assert abs(drawn.var() - mean * (1 - mean) / 4) < error
    edge = Beta(torch.zeros(999), precision=1e-3).sample_data()
    assert ((edge > 0) & (edge < 1)).all()
    with pytest.raises(OutOfRange, match="precision"):
        Beta(torch.zeros(2), precision=0.0)


def test_gradients_are_those_of_differences() -> None:
    torch.manual_seed(0)
    value = torch.tensor([0.01, 0.4, 0.7, 0.999])
    m, n = (torch.randn(4, requires_grad=True) for _ in range(2))
    far = (4.0 + torch.randn(4)).requires_grad_()  # either side of the series
    near = (0.2 * torch.randn(4)).requires_grad_()
    assert gradcheck(lambda a, b: Beta(a, b).nll(value), (m, n))
    assert gradcheck(lambda a, b: Beta(a, b).nll(value), (m, far))
    for logits in (m, near, torch.zeros(4, requires_grad=True)):
        assert gradcheck(lambda a: ContinuousBernoulli(a).nll(value), (logits,))
        assert gradcheck(lambda a: ContinuousBernoulli(a).entropy(), (logits,))


@pytest.mark.parametrize(
    ("law", "value", "said"),
    [
        ("continuous_bernoulli", 255.0, "divide pixels of 0..255 by 255"),
        ("continuous_bernoulli", 1.0, ""),
        ("beta", 1.0, "under `beta` it is above 0 and below 1"),
        ("beta", 0.0, "under `beta` it is above 0 and below 1"),
    ],
)
def test_values_outside_the_support_are_refused(law: str, value: float, said: str) -> None:
    objective = emitted_class(
        f"model m\nobserved x : unit[2] ~ {law}\nlatent z : real ~ normal\n"
        "q { x -> z via mlp(2) }\np { z -> x via mlp(2) }\nminimize KL(q || p)\n"
    )()
    batch = {"x": torch.tensor([[0.5, 0.5], [0.5, value]])}
    if not said:
        assert objective(batch).loss.isfinite()
        return
    with pytest.raises(OutsideSupport, match=f"x is {value} in row 1, at") as found:
        objective(batch)
    assert said in str(found.value)
