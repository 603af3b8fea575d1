"""Many coins' negative log-likelihood is torch's own, in value, slope and curvature."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)
from torch.testing import assert_close

from graphdsl_runtime.distributions import coins
from graphdsl_runtime.distributions.coins import coin_nll

Nll = Callable[[Tensor, Tensor], Tensor]


def torchs(logits: Tensor, value: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, value, reduction="none")


@pytest.fixture
def every_batch_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coins, "_LARGE", 0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("grey", [False, True])
def test_large_batches_cost_what_small_ones_do(dtype: torch.dtype, grey: bool) -> None:
    logits = (40 * torch.randn(600, 1, 900, dtype=dtype)).requires_grad_()
    value = torch.rand(1, 2, 900, dtype=dtype)
    value = value if grey else value.round()
    small = torch.cat([coin_nll(logits[k : k + 100], value) for k in range(0, 600, 100)])
    whole = coin_nll(logits, value)
    assert whole.numel() >= coins._LARGE > small.numel() // 6  # one is apart from the other
    assert_close(whole, small, rtol=1e-6, atol=200 * torch.finfo(dtype).eps)
    weights = torch.rand_like(whole)
    slopes = [torch.autograd.grad((weights * one).sum(), logits)[0] for one in (whole, small)]
    assert_close(*slopes)


@pytest.mark.usefixtures("every_batch_is_large")
def test_it_is_differentiable_twice_and_forward() -> None:
    logits, value = (torch.randn(2, 5, 3, dtype=torch.float64)).unbind(0)
    inputs = (logits.requires_grad_(), value.sigmoid().requires_grad_())
    assert torch.autograd.gradcheck(coin_nll, inputs, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(coin_nll, inputs)


@pytest.mark.usefixtures("every_batch_is_large")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_is_exact_where_the_value_is_all_but_certain(dtype: torch.dtype) -> None:
    logits = torch.tensor([-1e4, -60.0, -25.0, 0.0, 25.0, 60.0, 1e4], dtype=dtype)
    logits.requires_grad_()
    zeros, ones = torch.zeros_like(logits), torch.ones_like(logits)
    exact = F.softplus(logits.double(), threshold=1e3).to(dtype)
    eps = torch.finfo(dtype).eps
    assert_close(coin_nll(logits, zeros), exact, rtol=2 * eps, atol=0.0)
    tails = F.softplus(-logits.double(), threshold=1e3).to(dtype)
    assert_close(coin_nll(logits, ones), tails, rtol=2 * eps, atol=60 * eps)
    (slope,) = torch.autograd.grad(coin_nll(logits, ones).sum(), logits)
    assert_close(slope, torch.sigmoid(logits.detach()) - 1.0)


@pytest.mark.usefixtures("every_batch_is_large")
def test_gradients_of_rows_and_curvatures_are_torchs() -> None:
    """What `torch.func` makes of it: a gradient for each row, a Hessian, values side by side."""
    weight, x = torch.randn(3, dtype=torch.float64), torch.randn(7, 3, dtype=torch.float64)

    def loss(nll: Nll) -> Callable[[Tensor, Tensor], Tensor]:
        return lambda w, row: nll(row * w, (row > 0).double()).sum()

    for ours, theirs in (
        tuple(torch.func.vmap(torch.func.grad(loss(one)), (None, 0))(weight, x) for one in PAIR),
        tuple(torch.func.hessian(loss(one))(weight, x[0]) for one in PAIR),
        tuple(torch.func.vmap(one, (None, 0))(weight, x.sigmoid()) for one in PAIR),
    ):
        assert_close(ours, theirs)


PAIR: tuple[Nll, Nll] = (coin_nll, torchs)


@pytest.mark.usefixtures("every_batch_is_large")
def test_half_precision_and_compiled_code_take_torchs() -> None:
    logits, value = torch.randn(4, 3, requires_grad=True), torch.rand(4, 3)
    for one in (logits.bfloat16(), logits):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert coin_nll(one, value.to(one.dtype)).dtype == torch.float32
    compiled = torch.compile(coin_nll, fullgraph=True, backend="aot_eager")
    slopes = [
        torch.autograd.grad(one(logits, value).sum(), logits)[0] for one in (compiled, coin_nll)
    ]
    assert_close(*slopes)
