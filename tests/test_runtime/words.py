"""Every estimator as a function of one kind of argument: for laws that hold of all of them."""

from __future__ import annotations

__all__ = [
    "COLUMNS",
    "GAMES",
    "NEEDS_COMPANY",
    "OF_THE_CRITIC",
    "ROWS",
    "WORDS",
    "Case",
    "both",
    "drawn",
]

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from graphdsl_runtime import (
    Gaussian,
    Mine,
    Players,
    Sample,
    adversarial_js,
    adversarial_js_non_saturating,
    adversarial_kl,
    barber_agakov,
    bernoulli_information,
    club,
    conditional_hsic,
    conditional_information_by_difference,
    conditional_information_critic,
    conditional_information_nce,
    conditional_mmd_between,
    contrast,
    donsker_varadhan,
    energy_distance,
    gradient_penalty_r1,
    hsic,
    importance_of_experts,
    importance_weighted,
    info_nce,
    infogan_bound,
    information_club,
    information_critic,
    information_jsd,
    information_leave_in,
    information_loo,
    information_mine,
    information_nce,
    information_nwj,
    information_smile,
    irm_penalty,
    jensen_shannon_information,
    log_aggregate_mss,
    mmd,
    mmd_between,
    nwj,
    risk_variance,
    sliced_wasserstein,
    smile,
    standard_normal,
    total_correlation_critic,
    total_correlation_loo,
    total_correlation_mss,
    total_correlation_mws,
    worst_risk,
)

ROWS, COLUMNS = 6, 3
DIRECTIONS = torch.randn(COLUMNS, 7, generator=torch.Generator().manual_seed(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A batch that every estimator can make something of."""

    critic: nn.Module  #: of as many columns, to one number a row
    features: nn.Module  #: of two samples, by that critic
    predictor: nn.Module  #: of one sample from another, by that critic
    z: Tensor  #: a sample of q, ``(B, COLUMNS)``
    mean: Tensor  #: of q
    log_var: Tensor  #: of q
    keys: Tensor  #: noise of permutations, ``(B, COLUMNS)``
    groups: Tensor  #: zeros and ones, ``(B,)``

    @property
    def q(self) -> Gaussian:
        """Give the posterior."""
        return Gaussian(self.mean, self.log_var)


def drawn(
    critic: nn.Module, spread: float, dtype: torch.dtype = torch.float32, rows: int = ROWS
) -> Case:
    """Draw posteriors with log-variances within +- spread, leaves of the graph, and samples."""
    mean = torch.randn(rows, COLUMNS, dtype=dtype)
    log_var = (2 * torch.rand(rows, COLUMNS, dtype=dtype) - 1) * spread
    mean, log_var = mean.requires_grad_(), log_var.requires_grad_()
    z = Gaussian(mean, log_var).sample(torch.randn(rows, COLUMNS, dtype=dtype))
    keys, groups = torch.rand(rows, COLUMNS), torch.arange(rows) % 2
    return Case(
        critic=critic,
        features=Features(critic),
        predictor=Predictor(critic),
        z=z,
        mean=mean,
        log_var=log_var,
        keys=keys,
        groups=groups,
    )


def both(players: Players) -> Tensor:
    """Add the losses of two players, so that gradients of both are looked at."""
    return players[0] + players[1]


def mine(c: Case) -> Tensor:
    """Estimate with a Mine of its own."""
    estimate: Tensor = Mine().to(c.z.device)(c.z[:, 0], (c.mean + c.log_var)[:, 0])
    return estimate


def pairs(left: Tensor, right: Tensor) -> tuple[Sample, Sample]:
    """Give a sample of pairs, and another."""
    return (left, right), (left.sin(), right)


class Predictor(nn.Module):
    """A normal of one number: the critic's answer is its mean, and minus that its log-variance."""

    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.critic = critic

    def forward(self, *inputs: Tensor) -> Tensor:
        """Give the parameters side by side."""
        answer = self.critic(*inputs)
        return torch.stack([answer, -answer], dim=1)


class Features(nn.Module):
    """Features of two samples, by a critic of both that sees one at a time."""

    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.critic = critic

    def forward(self, a: Tensor, b: Tensor, *rest: Tensor) -> tuple[Tensor, Tensor]:
        """Give two numbers of a row of each."""
        left = self.critic(a, torch.zeros_like(b), *rest)
        right = self.critic(torch.zeros_like(a), b, *rest)
        return torch.stack([left, left.sin()], dim=1), torch.stack([right, right.cos()], dim=1)


#: Game -> its two losses on a case.
GAMES: Mapping[str, Callable[[Case], Players]] = {
    "adversarial_js": lambda c: adversarial_js(c.critic, c.z, c.mean),
    "adversarial_js_non_saturating": lambda c: adversarial_js_non_saturating(c.critic, c.z, c.mean),
    "adversarial_kl": lambda c: adversarial_kl(c.critic, *pairs(c.z[:, :2], c.mean[:, :1])),
    "conditional_information_critic": lambda c: conditional_information_critic(
        c.critic, c.z[:, :1], c.mean[:, :1], c.log_var[:, :1], c.groups, c.keys[:, 0]
    ),
    "conditional_information_nce": lambda c: conditional_information_nce(
        c.features, c.z[:, :1], c.mean[:, :1], c.log_var[:, :1], c.groups
    ),
    "information_critic": lambda c: information_critic(
        c.critic, c.z[:, :1], c.mean[:, 1:], c.keys[:, 0]
    ),
    "information_mine": lambda c: information_mine(
        c.critic, c.z[:, :1], c.mean[:, 1:], c.keys[:, 0]
    ),
    "information_nce": lambda c: information_nce(c.features, c.z[:, :1], c.mean[:, 1:]),
    "information_nwj": lambda c: information_nwj(c.critic, c.z[:, :1], c.mean[:, 1:], c.keys[:, 0]),
    "information_smile": lambda c: information_smile(
        c.critic, c.z[:, :1], c.mean[:, 1:], c.keys[:, 0]
    ),
    "information_jsd": lambda c: information_jsd(c.critic, c.z[:, :1], c.mean[:, 1:], c.keys[:, 0]),
    "information_club": lambda c: information_club(c.predictor, c.z[:, :1], c.mean),
    "total_correlation_critic": lambda c: total_correlation_critic(c.critic, c.z, c.keys),
}
#: Games in which the players pay the opposite of each other, so that their sum is 0.
OF_ONE_VALUE = (
    "conditional_information_nce",
    "information_mine",
    "information_nce",
    "information_nwj",
)


def of_both(game: Callable[[Case], Players]) -> Callable[[Case], Tensor]:
    """Give what both players pay."""
    return lambda c: both(game(c))


def of_difference(game: Callable[[Case], Players]) -> Callable[[Case], Tensor]:
    """Give what the model pays less what the critic does: of a bound, whose sum is 0."""

    def difference(case: Case) -> Tensor:
        players = game(case)
        return players.model - players.critic

    return difference


#: Estimator -> its value on a case; of a game, what both players pay.
WORDS: Mapping[str, Callable[[Case], Tensor]] = {
    **{name: of_both(game) for name, game in GAMES.items()},
    **{name: of_difference(GAMES[name]) for name in OF_ONE_VALUE},
    "Mine": mine,
    "barber_agakov": lambda c: barber_agakov(c.q.nll(c.z)),
    "bernoulli_information": lambda c: bernoulli_information(c.z.T).mean(),
    "club": lambda c: club(c.z, c.q),
    "conditional_information_by_difference": lambda c: conditional_information_by_difference(
        information_loo(c.z, c.q), information_leave_in(c.z[:, :2], c.q[:, :2])
    ),
    "conditional_hsic": lambda c: conditional_hsic(c.z, c.mean, c.groups // 2),
    "conditional_mmd_between": lambda c: conditional_mmd_between(c.z, c.groups > 0, c.groups * 0),
    "donsker_varadhan": lambda c: donsker_varadhan(*contrast(c.z, c.mean)[::2]),
    "energy_distance": lambda c: energy_distance(c.z, c.mean),
    "gradient_penalty_r1": lambda c: gradient_penalty_r1(c.critic, c.z),
    "hsic": lambda c: hsic(c.z, c.mean),
    "importance_weighted": lambda c: importance_weighted(
        [standard_normal.log_prob(c.z)], [c.q.log_prob(c.z)], samples=1
    ).mean(),
    "importance_of_experts": lambda c: importance_of_experts(
        [standard_normal.log_prob(c.z)],
        [c.q.log_prob(c.z)],
        samples=1,
        log_weights=c.z.new_zeros(1),
    ).mean(),
    "info_nce": lambda c: info_nce(*contrast(c.z, c.mean)[:2]),
    "infogan_bound": lambda c: infogan_bound(c.z, c.groups),
    "information_leave_in": lambda c: information_leave_in(c.z, c.q),
    "information_loo": lambda c: information_loo(c.z, c.q),
    "risk_variance": lambda c: risk_variance(c.z.sum(-1), c.groups, 2),
    "worst_risk": lambda c: worst_risk(c.z.sum(-1), c.groups, 2),
    "irm_penalty": lambda c: irm_penalty(c.z, c.groups, c.groups, environments=2),
    "jensen_shannon_information": lambda c: jensen_shannon_information(c.z, c.mean),
    "log_aggregate_mss": lambda c: log_aggregate_mss(c.z, c.q, 100)[1].mean(),
    "mmd": lambda c: mmd(c.z, c.mean) + mmd(c.z, c.mean, "imq", (0.5, 2.0), 1.0),
    "mmd_between": lambda c: mmd_between(c.z, c.groups > 0),
    "nwj": lambda c: nwj(*contrast(c.z, c.mean)[::2]),
    "sliced_wasserstein": lambda c: sliced_wasserstein(c.z, c.mean, DIRECTIONS.to(c.z)),
    "smile": lambda c: smile(c.z, c.mean),
    "total_correlation_loo": lambda c: total_correlation_loo(c.z, c.q),
    "total_correlation_mss": lambda c: total_correlation_mss(c.z, c.q, 100),
    "total_correlation_mws": lambda c: total_correlation_mws(c.z, c.q, 100),
}
#: What says something of a row's company -> what it says of a row alone, which it refuses.
NEEDS_COMPANY = {
    "club": "batch size = 1",
    "conditional_information_by_difference": "batch size = 1",
    "donsker_varadhan": "number of scores = 0",
    "energy_distance": "batch size = 1",
    "hsic": "batch size = 1",
    "information_club": "batch size = 1",
    "information_loo": "batch size = 1",
    "log_aggregate_mss": "batch size = 1",
    "mmd": "batch size = 1",
    "nwj": "number of scores = 0",
    "total_correlation_loo": "batch size = 1",
    "total_correlation_mss": "batch size = 1",
}
#: What has no gradient in the sample: it is the critic's alone.
OF_THE_CRITIC = {"gradient_penalty_r1"}
