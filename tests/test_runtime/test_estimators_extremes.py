"""Every estimator: its gradient, the ends of its range, compilation, and autocast."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck
from torch.testing import assert_close

from graphdsl_runtime import (
    ESTIMATORS,
    Mine,
    OutOfRange,
    conditional_hsic,
    conditional_mmd_between,
    critic,
    hsic,
    mmd,
    mmd_between,
    sliced_wasserstein,
    total_correlation_critic,
)
from tests.corpus import fuzz, some
from tests.test_runtime.words import (
    COLUMNS,
    GAMES,
    NEEDS_COMPANY,
    OF_THE_CRITIC,
    WORDS,
    Case,
    both,
    drawn,
)

#: No gradient goes through the median that a bandwidth is by default.
AT_A_BANDWIDTH: Mapping[str, Callable[[Case], Tensor]] = {
    "hsic": lambda c: hsic(c.z, c.mean, bandwidths=(0.8, 1.3)),
    "conditional_hsic": lambda c: conditional_hsic(
        c.z, c.mean, c.groups // 2, bandwidths=(0.8, 1.3)
    ),
    "conditional_mmd_between": lambda c: conditional_mmd_between(
        c.z, c.groups > 0, c.groups * 0, bandwidth=0.8
    ),
    "mmd": lambda c: mmd(c.z, c.mean, bandwidth=0.8) + mmd(c.z, c.mean, "imq", (0.5, 2.0), 1.0),
    "mmd_between": lambda c: mmd_between(c.z, c.groups > 0, bandwidth=0.8),
}


def test_every_estimator_is_tried() -> None:
    elsewhere = {"monte_carlo_kl"}  # a word of the distributions, tried with them
    assert set(WORDS) == set(ESTIMATORS) - elsewhere


@pytest.mark.parametrize("name", WORDS)
def test_gradients_are_right(name: str) -> None:
    """In samples and parameters of their posterior; of a game, each player's in what is its own."""
    network = critic([(COLUMNS,)], (8,)).double()
    case = drawn(network, 1.0, torch.float64)
    weights = tuple(network.parameters())
    samples = tuple(one.detach().requires_grad_() for one in (case.z, case.mean, case.log_var))

    def at(*tensors: Tensor) -> Case:
        z, mean, log_var = tensors
        return replace(case, z=z, mean=mean, log_var=log_var)

    if name in GAMES:
        assert gradcheck(lambda *tensors: GAMES[name](at(*tensors)).model, samples)
        # The critic's weights are moved where they stand.
        assert gradcheck(lambda *_: GAMES[name](at(*samples)).critic, weights)
    elif name in OF_THE_CRITIC:
        assert gradcheck(lambda *_: WORDS[name](at(*samples)), weights)
    else:
        word = AT_A_BANDWIDTH.get(name, WORDS[name])
        assert gradcheck(lambda *tensors: word(at(*tensors)), samples)


@pytest.mark.parametrize("name", WORDS)
def test_extremes_are_finite(name: str) -> None:
    """Log-variances of -60 to 60; a few rows, and a row alone where that means something."""
    network = critic([(COLUMNS,)], (8,))
    for draw in range(fuzz(300)):
        alone = draw % 10 == 0 and name not in NEEDS_COMPANY
        case = drawn(network, 60.0, rows=1 if alone else 4 + draw % 3)
        value = WORDS[name](case)
        assert torch.isfinite(value), draw
        reached = [case.mean, case.log_var, *network.parameters()]
        for slope in torch.autograd.grad(value, reached, allow_unused=True):
            assert slope is None or torch.isfinite(slope).all(), draw


@pytest.mark.parametrize("name", NEEDS_COMPANY)
def test_a_row_alone_is_refused_where_it_says_nothing(name: str) -> None:
    with pytest.raises(OutOfRange, match=NEEDS_COMPANY[name]):
        WORDS[name](drawn(critic([(COLUMNS,)], (8,)), 1.0, rows=1))


@pytest.mark.parametrize("name", some("graphs of estimators", list(WORDS), 6))
def test_it_compiles_without_a_break(name: str) -> None:
    torch.compiler.reset()
    word, network = WORDS[name], critic([(COLUMNS,)], (8,)).double()
    case = drawn(network, 1.0, torch.float64)
    ours, theirs = torch.compile(word, fullgraph=True, backend="aot_eager")(case), word(case)
    assert_close(ours, theirs)
    reached: list[Tensor] = [*network.parameters()] if name in OF_THE_CRITIC else [case.mean]
    assert_close(
        torch.autograd.grad(ours, reached, allow_unused=True, retain_graph=True),
        torch.autograd.grad(theirs, reached, allow_unused=True),
    )


@pytest.mark.parametrize("name", WORDS)
def test_autocast_changes_no_more_than_its_digits(name: str) -> None:
    case = drawn(critic([(COLUMNS,)], (8,)), 1.0)
    theirs = WORDS[name](case)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        ours = WORDS[name](case)
    assert_close(ours.float(), theirs, rtol=2e-2, atol=2e-2)


def test_noise_drawn_inside_compiles_too() -> None:
    case = drawn(critic([(COLUMNS,)], (8,), spectral=True), 1.0)

    def loss(case: Case) -> Tensor:
        game = both(total_correlation_critic(case.critic, case.z))
        return game + sliced_wasserstein(case.z, case.mean)

    assert torch.isfinite(torch.compile(loss, fullgraph=True, backend="aot_eager")(case))


def test_mines_state_moves_under_compilation() -> None:
    plain, compiled = Mine(), Mine()
    step = torch.compile(compiled, fullgraph=True, backend="aot_eager")
    for _ in range(3):
        joint, product = torch.randn(5), torch.randn(5)
        assert_close(step(joint, product), plain(joint, product))
    assert_close(dict(compiled.state_dict()), dict(plain.state_dict()))
