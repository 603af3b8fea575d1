"""Every estimator at the ends of its range, under compilation, and under autocast."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from graphdsl_runtime import (
    ESTIMATORS,
    Gaussian,
    Mine,
    OutOfRange,
    Sample,
    adversarial_js,
    adversarial_js_non_saturating,
    adversarial_kl,
    barber_agakov,
    bernoulli_information,
    club,
    conditional_information_by_difference,
    conditional_information_critic,
    contrast,
    critic,
    donsker_varadhan,
    energy_distance,
    gradient_penalty_r1,
    hsic,
    info_nce,
    infogan_bound,
    information_critic,
    information_leave_in,
    information_loo,
    irm_penalty,
    jensen_shannon_information,
    log_aggregate_mss,
    mmd,
    mmd_between,
    nwj,
    sliced_wasserstein,
    smile,
    total_correlation_critic,
    total_correlation_loo,
    total_correlation_mss,
    total_correlation_mws,
)

ROWS, COLUMNS = 6, 3
KEYS = torch.rand(ROWS, COLUMNS, generator=torch.Generator().manual_seed(0))
GROUPS = torch.tensor([0, 1, 0, 1, 0, 1])
Word = Callable[[nn.Module, Tensor, Tensor, Tensor], Tensor]


def both(players: tuple[Tensor, Tensor]) -> Tensor:
    return players[0] + players[1]


def mine(_: nn.Module, z: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    estimate: Tensor = Mine()(z[:, 0], (mean + log_var)[:, 0])
    return estimate


def pairs(left: Tensor, right: Tensor) -> tuple[Sample, Sample]:
    return (left, right), (left.flip(0), right)


#: Every estimator as a function of a critic of three columns, a sample, and its posterior.
WORDS: dict[str, Word] = {
    "Mine": mine,
    "adversarial_js": lambda f, z, mean, log_var: both(adversarial_js(f, z, mean)),
    "adversarial_js_non_saturating": lambda f, z, mean, log_var: both(
        adversarial_js_non_saturating(f, z, mean)
    ),
    "adversarial_kl": lambda f, z, mean, log_var: both(
        adversarial_kl(f, *pairs(z[:, :2], mean[:, :1]))
    ),
    "barber_agakov": lambda f, z, mean, log_var: barber_agakov(Gaussian(mean, log_var).nll(z)),
    "bernoulli_information": lambda f, z, mean, log_var: bernoulli_information(z).sum(),
    "club": lambda f, z, mean, log_var: club(z, Gaussian(mean, log_var)),
    "conditional_information_by_difference": lambda f, z, mean, log_var: (
        conditional_information_by_difference(
            information_loo(z, Gaussian(mean, log_var)),
            information_leave_in(z[:, :2], Gaussian(mean, log_var)[:, :2]),
        )
    ),
    "conditional_information_critic": lambda f, z, mean, log_var: both(
        conditional_information_critic(f, z[:, :1], mean[:, :1], log_var[:, :1], GROUPS, KEYS[:, 0])
    ),
    "donsker_varadhan": lambda f, z, mean, log_var: donsker_varadhan(*contrast(z, mean)[::2]),
    "energy_distance": lambda f, z, mean, log_var: energy_distance(z, mean),
    "gradient_penalty_r1": lambda f, z, mean, log_var: gradient_penalty_r1(f, z),
    "hsic": lambda f, z, mean, log_var: hsic(z, mean),
    "info_nce": lambda f, z, mean, log_var: info_nce(*contrast(z, mean)[:2]),
    "infogan_bound": lambda f, z, mean, log_var: infogan_bound(z, GROUPS),
    "information_critic": lambda f, z, mean, log_var: both(
        information_critic(f, z[:, :1], mean[:, 1:], KEYS[:, 0])
    ),
    "information_leave_in": lambda f, z, mean, log_var: information_leave_in(
        z, Gaussian(mean, log_var)
    ),
    "information_loo": lambda f, z, mean, log_var: information_loo(z, Gaussian(mean, log_var)),
    "irm_penalty": lambda f, z, mean, log_var: irm_penalty(z, GROUPS, GROUPS, environments=2),
    "jensen_shannon_information": lambda f, z, mean, log_var: jensen_shannon_information(z, mean),
    "log_aggregate_mss": lambda f, z, mean, log_var: log_aggregate_mss(
        z, Gaussian(mean, log_var), 100
    )[1].sum(),
    "mmd_between": lambda f, z, mean, log_var: mmd_between(z, GROUPS > 0),
    "mmd": lambda f, z, mean, log_var: mmd(z, mean) + mmd(z, mean, "imq", (0.5, 2.0), 1.0),
    "nwj": lambda f, z, mean, log_var: nwj(*contrast(z, mean)[::2]),
    "sliced_wasserstein": lambda f, z, mean, log_var: sliced_wasserstein(z, mean, KEYS.T),
    "smile": lambda f, z, mean, log_var: smile(z, mean),
    "total_correlation_critic": lambda f, z, mean, log_var: both(
        total_correlation_critic(f, z, KEYS)
    ),
    "total_correlation_loo": lambda f, z, mean, log_var: total_correlation_loo(
        z, Gaussian(mean, log_var)
    ),
    "total_correlation_mss": lambda f, z, mean, log_var: total_correlation_mss(
        z, Gaussian(mean, log_var), 100
    ),
    "total_correlation_mws": lambda f, z, mean, log_var: total_correlation_mws(
        z, Gaussian(mean, log_var), 100
    ),
}
#: What says something of a row's company, and refuses a row alone.
NEEDS_COMPANY = {
    "club",
    "conditional_information_by_difference",
    "energy_distance",
    "hsic",
    "information_loo",
    "log_aggregate_mss",
    "mmd",
    "total_correlation_loo",
    "total_correlation_mss",
}
#: What has no gradient in the sample: it is the critic's alone.
OF_THE_CRITIC = {"gradient_penalty_r1"}


def drawn(spread: float, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    """Give a sample of posteriors, their means and their log-variances within +- spread."""
    mean = torch.randn(ROWS, COLUMNS, dtype=dtype)
    log_var = (2 * torch.rand(ROWS, COLUMNS, dtype=dtype) - 1) * spread
    mean, log_var = mean.requires_grad_(), log_var.requires_grad_()
    z = Gaussian(mean, log_var).sample(torch.randn(ROWS, COLUMNS, dtype=dtype))
    return z, mean, log_var


def test_every_estimator_is_tried() -> None:
    elsewhere = {"monte_carlo_kl"}  # a word of the distributions, tried with them
    assert set(WORDS) == set(ESTIMATORS) - elsewhere


@pytest.mark.parametrize("name", WORDS)
def test_extremes_are_finite(name: str) -> None:
    network = critic([(COLUMNS,)], (8,))
    for _ in range(40):
        z, mean, log_var = drawn(60.0)
        value = WORDS[name](network, z, mean, log_var)
        assert torch.isfinite(value)
        for slope in torch.autograd.grad(value, [mean, log_var], allow_unused=True):
            assert slope is None or torch.isfinite(slope).all()


@pytest.mark.parametrize("name", WORDS)
def test_a_batch_of_one_is_finite_or_refused(name: str) -> None:
    network = critic([(COLUMNS,)], (8,))
    z, mean, log_var = (tensor[:1] for tensor in drawn(1.0))
    noise = {"KEYS": KEYS[:1], "GROUPS": GROUPS[:1]}
    with pytest.MonkeyPatch.context() as patch:
        for key, tensor in noise.items():
            patch.setitem(globals(), key, tensor)
        if name == "sliced_wasserstein":
            value = sliced_wasserstein(z, mean)
        elif name in NEEDS_COMPANY:
            with pytest.raises(OutOfRange, match="batch size = 1"):
                WORDS[name](network, z, mean, log_var)
            return
        else:
            value = WORDS[name](network, z, mean, log_var)
    assert not torch.isnan(value)


@pytest.mark.parametrize("name", WORDS)
def test_it_compiles_without_a_break(name: str) -> None:
    torch.compiler.reset()
    word, network = WORDS[name], critic([(COLUMNS,)], (8,)).double()
    z, mean, log_var = drawn(1.0, torch.float64)
    compiled = torch.compile(word, fullgraph=True, backend="eager")
    ours, theirs = compiled(network, z, mean, log_var), word(network, z, mean, log_var)
    assert_close(ours, theirs)
    reached: list[Tensor] = [*network.parameters()] if name in OF_THE_CRITIC else [mean]
    assert_close(
        torch.autograd.grad(ours, reached, allow_unused=True, retain_graph=True),
        torch.autograd.grad(theirs, reached, allow_unused=True),
    )


@pytest.mark.parametrize("name", WORDS)
def test_autocast_changes_no_more_than_its_digits(name: str) -> None:
    network = critic([(COLUMNS,)], (8,))
    z, mean, log_var = drawn(1.0)
    theirs = WORDS[name](network, z, mean, log_var)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        ours = WORDS[name](network, z, mean, log_var)
    assert_close(ours.float(), theirs, rtol=2e-2, atol=2e-2)


def test_noise_drawn_inside_compiles_too() -> None:
    z, mean, _ = drawn(1.0)
    network = critic([(COLUMNS,)], (8,), spectral=True)

    def loss(z: Tensor, mean: Tensor) -> Tensor:
        game = both(total_correlation_critic(network, z))
        return game + sliced_wasserstein(z, mean)

    assert torch.isfinite(torch.compile(loss, fullgraph=True, backend="eager")(z, mean))


def test_mines_state_moves_under_compilation() -> None:
    plain, compiled = Mine(), Mine()
    step = torch.compile(compiled, fullgraph=True, backend="eager")
    for _ in range(3):
        joint, product = torch.randn(5), torch.randn(5)
        assert_close(step(joint, product), plain(joint, product))
    assert_close(dict(compiled.state_dict()), dict(plain.state_dict()))
