"""Critics' games: what they estimate at the best critic, and whom their gradients reach."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.testing import assert_close

from graphdsl_runtime import (
    Players,
    ShapeMismatch,
    adversarial_js,
    adversarial_js_non_saturating,
    adversarial_kl,
    conditional_information_critic,
    conditional_information_nce,
    critic,
    frozen,
    gradient_penalty_r1,
    information_club,
    information_critic,
    information_jsd,
    information_mine,
    information_nce,
    information_nwj,
    information_smile,
    permute_blocks,
    permute_within,
    total_correlation_critic,
)
from tests.test_runtime.words import Features, Predictor

GROUPS = torch.tensor([0, 1, 0, 1, 0, 1, 0, 1])
Game = Callable[[nn.Module, Tensor, Tensor], Players]

#: Every game as one of a critic and two encoded samples, of three columns together.
GAMES: dict[str, Game] = {
    "kl": lambda f, a, b: adversarial_kl(f, (a, b), (a.flip(0), b)),
    "js": lambda f, a, b: adversarial_js(f, (a, b), (a.flip(0), b)),
    "non_saturating": lambda f, a, b: adversarial_js_non_saturating(f, (a, b), (a.flip(0), b)),
    "total_correlation": lambda f, a, b: total_correlation_critic(f, torch.cat([a, b], dim=1)),
    "information": information_critic,
    "mine": lambda f, a, b: information_mine(f, a, b, torch.arange(8.0).flip(0)),
    "nce": lambda f, a, b: information_nce(Features(f), a, b),
    "nwj": lambda f, a, b: information_nwj(f, a, b, torch.arange(8.0).flip(0)),
    "smile": lambda f, a, b: information_smile(f, a, b, torch.arange(8.0).flip(0)),
    "jsd": lambda f, a, b: information_jsd(f, a, b, torch.arange(8.0).flip(0)),
    "club": lambda f, a, b: information_club(Predictor(f), a[:, :1], torch.cat([a, b], dim=1)),
    "conditional_nce": lambda f, a, b: conditional_information_nce(
        Features(f), a[:, :1], b, a[:, 1:], GROUPS
    ),
    "conditional": lambda f, a, b: conditional_information_critic(
        f, a[:, :1], b, a[:, 1:].round(), GROUPS
    ),
}


def encoded() -> tuple[nn.Module, Tensor, Tensor]:
    encoder = nn.Linear(4, 3)
    a, b = encoder(torch.randn(8, 4)).split([2, 1], dim=1)
    return encoder, a, b


def slopes(loss: Tensor, module: nn.Module) -> list[Tensor | None]:
    return list(
        torch.autograd.grad(loss, list(module.parameters()), allow_unused=True, retain_graph=True)
    )


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("spectral", [False, True])
def test_no_gradient_reaches_the_other_player(name: str, spectral: bool) -> None:
    encoder, a, b = encoded()
    network = critic([(3,)], (8,), spectral)
    players = GAMES[name](network, a, b)
    assert all(slope is None for slope in slopes(players.model, network))
    assert all(slope is None for slope in slopes(players.critic, encoder))
    assert all(slope is not None for slope in slopes(players.model, encoder))
    trained = slopes(players.critic, network)
    assert any(slope is not None and slope.abs().max() > 0 for slope in trained)


def test_a_sample_that_is_not_detached_would_be_noticed() -> None:
    """The mistake that ships elsewhere: the critic's loss as a function of the encoder."""
    encoder, a, b = encoded()
    network = critic([(3,)], (8,))
    leaky = functional.softplus(-network(a, b)).mean()
    leaked = slopes(leaky, encoder)
    assert all(slope is not None for slope in leaked)
    # It points against the model's term, which lowers what the critic scores high.
    model = slopes(adversarial_kl(network, (a, b), (a, b)).model, encoder)
    pairs = zip(leaked, model, strict=True)
    inner = [(one * other).sum() for one, other in pairs if one is not None and other is not None]
    assert torch.stack(inner).sum() < 0


@pytest.mark.parametrize("name", GAMES)
def test_the_models_gradient_is_right(name: str) -> None:
    network = critic([(3,)], (8,)).double()
    a, b = torch.randn(8, 2, dtype=torch.float64), torch.randn(8, 1, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda a, b: GAMES[name](network, a, b).model, [a.requires_grad_(), b.requires_grad_()]
    )


class LogRatio(nn.Module):
    """The best critic of two Gaussians N(mean, 1) and N(0, 1), one column."""

    def __init__(self, mean: float) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.tensor(mean, dtype=torch.float64))

    def forward(self, *samples: Tensor) -> Tensor:
        return samples[0][:, 0] * self.mean - 0.5 * self.mean.square()


def test_the_best_critic_gives_the_divergences() -> None:
    mean = 1.5
    q = torch.randn(200_000, 1, dtype=torch.float64) + mean
    p = torch.randn(200_000, 1, dtype=torch.float64)
    assert abs(adversarial_kl(LogRatio(mean), q, p).model - mean**2 / 2) < 0.02
    # JS by a fine sum over the line.
    grid = torch.linspace(-12, 12, 20_001, dtype=torch.float64)
    normal = torch.distributions.Normal(torch.zeros((), dtype=torch.float64), 1.0)
    log_q, log_p = (normal.log_prob(grid - shift) for shift in (mean, 0.0))  # type: ignore[no-untyped-call]
    middle = torch.logaddexp(log_q, log_p) - math.log(2)
    terms = 0.5 * (log_q.exp() * (log_q - middle) + log_p.exp() * (log_p - middle))
    exact = torch.trapezoid(terms, grid)
    game = adversarial_js(LogRatio(mean), q, p)
    assert abs(game.model - exact) < 0.005
    assert_close(game.critic, 2 * math.log(2) - 2 * game.model)
    for other in (0.5, 3.0):
        assert adversarial_js(LogRatio(other), q, p).model < game.model


def test_the_gradient_of_the_divergence_is_exact_at_the_best_critic() -> None:
    mean = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    q = torch.randn(200_000, 1, dtype=torch.float64) + mean
    model = adversarial_kl(LogRatio(mean.item()), q, torch.zeros(2, 1, dtype=torch.float64)).model
    (slope,) = torch.autograd.grad(model, mean)
    assert_close(slope, mean.detach())  # d (m^2 / 2) / dm


def test_gan_losses_are_the_published_ones() -> None:
    network = critic([(3,)], (8,))
    real, fake = torch.randn(6, 3), torch.randn(5, 3)
    on_real, on_fake = torch.sigmoid(network(real)), torch.sigmoid(network(fake))
    value = on_real.log().mean() + (1 - on_fake).log().mean()  # Goodfellow et al., eq. 1
    saturating = adversarial_js(network, real, fake)
    assert_close(saturating.critic, -value)
    assert_close(saturating.model, math.log(2) + value / 2)
    flipped = adversarial_js_non_saturating(network, real, fake)
    assert_close(flipped.critic, -value)
    constant = -(1 - on_real).log().mean()  # of the data: without gradient
    assert_close(flipped.model - constant, -on_fake.log().mean())


def test_factor_vaes_losses_are_the_published_ones() -> None:
    network, z, keys = critic([(4,)], (8,)), torch.randn(6, 4), torch.rand(6, 4)
    players = total_correlation_critic(network, z, keys)
    joint, permuted = network(z), network(permute_blocks(z, keys))
    probability = torch.sigmoid(joint)
    assert_close(players.model, (probability / (1 - probability)).log().mean())
    labels = torch.cat([torch.ones(6), torch.zeros(6)])
    entropy = functional.binary_cross_entropy_with_logits(torch.cat([joint, permuted]), labels)
    assert_close(players.critic, 2 * entropy)


class GaussianPair(nn.Module):
    """The best critic of two standard normals of a given correlation against their product."""

    def __init__(self, correlation: float) -> None:
        super().__init__()
        self.correlation = correlation

    def forward(self, *samples: Tensor) -> Tensor:
        x, y = torch.cat(samples, dim=1)[:, :2].unbind(1)
        r = self.correlation
        square = (r * r * (x * x + y * y) - 2 * r * x * y) / (1 - r * r)
        return -0.5 * (square + math.log(1 - r * r))


def correlated(rows: int, correlation: float) -> tuple[Tensor, Tensor]:
    x, noise = torch.randn(2, rows, 1, dtype=torch.float64)
    return x, correlation * x + math.sqrt(1 - correlation**2) * noise


def test_permuted_samples_give_informations() -> None:
    x, y = correlated(100_000, 0.8)
    exact = -0.5 * math.log(1 - 0.64)
    best = GaussianPair(0.8)
    z = torch.cat([x, y], dim=1)
    for game in (
        total_correlation_critic(best, z),
        information_critic(best, x, y),
        information_mine(best, x, y),
    ):
        assert abs(game.model - exact) < 0.02
        # The best critic's loss is the lowest: 2 log 2 - 2 JS, below that of its neighbours.
    for other in (0.7, 0.87):
        assert (
            total_correlation_critic(best, z, torch.rand(100_000, 2)).critic
            < total_correlation_critic(GaussianPair(other), z, torch.rand(100_000, 2)).critic
        )


def test_mine_is_what_it_is_written_as_and_no_critic_does_better_than_the_log_ratio() -> None:
    x, y = correlated(100_000, 0.8)
    keys = torch.rand(100_000)
    order, other = keys.argsort(), torch.empty_like(y)
    other[order] = y[order.roll(-1)]  # the row that comes next by its key
    score, apart = GaussianPair(0.8)(x, y), GaussianPair(0.8)(x, other)
    written = score.mean() - apart.exp().mean().log()
    game = information_mine(GaussianPair(0.8), x, y, keys)
    assert_close(game.model, written)
    assert_close(game.critic, -written)
    for correlation in (0.6, 0.9):
        assert information_mine(GaussianPair(correlation), x, y, keys).model < game.model


class SixteenPairs(GaussianPair):
    """The same of sixteen independent pairs: the log-ratios add up."""

    def forward(self, *samples: Tensor) -> Tensor:
        x, y = samples
        return super().forward(x.reshape(-1, 1), y.reshape(-1, 1)).reshape(x.shape).sum(1)


def test_mine_errs_upwards_because_no_row_is_its_own_company() -> None:
    """One pair of the joint among those of the product, and its ratio would outweigh them all."""
    best, true = SixteenPairs(0.6), -8 * math.log(1 - 0.36)
    ours, mistaken = [], []
    for _ in range(300):
        x, y = (each.reshape(32, 16) for each in correlated(32 * 16, 0.6))
        ours.append(information_mine(best, x, y).model)
        order = torch.randperm(32)  # one row stays where it is, on average
        mistaken.append(best(x, y).mean() - best(x, y[order]).exp().mean().log())
    surplus, missing = torch.stack(ours) - true, true - torch.stack(mistaken)
    assert surplus.mean() > -3 * surplus.std() / math.sqrt(300)
    assert missing.mean() > 3 * missing.std() / math.sqrt(300)


def test_a_conditional_critic_ignores_what_the_condition_explains() -> None:
    """The means of a and b are the group's: they share nothing given it, and much without it."""
    groups = torch.randint(2, (100_000,))
    shift = 4.0 * groups[:, None].double()
    x, y = correlated(100_000, 0.8)

    class Given(GaussianPair):
        def forward(self, *samples: Tensor) -> Tensor:
            a, b, c = samples
            return super().forward(a - 4.0 * c, b - 4.0 * c)

    c = groups[:, None].double()
    game = conditional_information_critic(Given(0.8), x + shift, y + shift, c, groups)
    assert abs(game.model + 0.5 * math.log(1 - 0.64)) < 0.02
    null = conditional_information_critic(Given(0.0), x + shift, y + shift, c, groups)
    assert abs(null.model) < 1e-12
    assert game.critic < null.critic


def test_permuting_keeps_every_block_and_breaks_their_company() -> None:
    z = torch.randn(500, 3, 2)
    z[:, 1] = z[:, 0]
    permuted = permute_blocks(z)
    for block in range(3):
        rows = permuted[:, block].tolist()
        assert sorted(rows) == sorted(z[:, block].tolist())  # two coordinates stay together
    together = torch.stack([permuted[:, 0, 0], permuted[:, 1, 0]])
    assert abs(torch.corrcoef(together)[0, 1]) < 0.15
    assert torch.corrcoef(torch.stack([z[:, 0, 0], z[:, 1, 0]]))[0, 1] > 0.999


def test_a_permutations_gradient_follows_the_rows() -> None:
    z = torch.randn(5, 3, dtype=torch.float64).requires_grad_()
    keys = torch.rand(5, 3)
    assert torch.autograd.gradcheck(lambda z: permute_blocks(z, keys), [z])
    assert torch.equal(permute_blocks(z, keys), permute_blocks(z, keys))


def test_permuting_within_groups_crosses_none_and_leaves_no_row_in_its_place() -> None:
    groups = torch.tensor([2, 0, 1, 0, 2, 2, 0, 7])
    values = torch.arange(8.0)
    alone = torch.tensor([2, 7])
    seen = set()
    for _ in range(100):
        permuted = permute_within(values, groups)
        assert torch.equal(groups[permuted.long()], groups)
        assert sorted(permuted.tolist()) == values.tolist()
        assert torch.equal((permuted == values).nonzero().flatten(), alone)
        seen.add(tuple(permuted.tolist()))
    assert len(seen) == 2 * 2  # both ways round of two groups of three


def test_every_other_row_of_a_group_is_as_likely() -> None:
    values, one_group = torch.arange(5), torch.zeros(5, dtype=torch.long)
    counts = torch.zeros(5, 5)
    for _ in range(4_000):
        counts[values, permute_within(values, one_group)] += 1
    expected = 1_000.0
    others = counts[~torch.eye(5, dtype=torch.bool)]
    statistic = ((others - expected).square() / expected).sum()
    assert statistic < 45.0  # chi squared of at most 15 degrees of freedom: beyond with p < 1e-4


def test_keys_and_groups_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeMismatch, match="keys has shape"):
        permute_blocks(torch.zeros(4, 2), torch.zeros(4))
    with pytest.raises(ShapeMismatch, match="groups has shape"):
        permute_within(torch.zeros(4, 2), torch.zeros(3, dtype=torch.long))
    with pytest.raises(ShapeMismatch, match="keys has shape"):
        permute_within(torch.zeros(4, 2), torch.zeros(4, dtype=torch.long), torch.zeros(3))


def test_the_slope_penalty_is_autograds() -> None:
    network = critic([(3,), (2,)], (8,))
    a, b = torch.randn(5, 3, requires_grad=True), torch.randn(5, 2, requires_grad=True)
    of_a, of_b = torch.autograd.grad(network(a, b).sum(), [a, b], create_graph=True)
    by_hand = 0.5 * (of_a.square().sum(1) + of_b.square().sum(1)).mean()
    ours = gradient_penalty_r1(network, a, b)
    assert_close(ours, by_hand)
    weights = list(network.parameters())[::2]  # biases move no slope of a piecewise linear map
    assert_close(torch.autograd.grad(ours, weights), torch.autograd.grad(by_hand, weights))
    again = gradient_penalty_r1(network, a, b)
    reached = torch.autograd.grad(again, [a, b], allow_unused=True)
    assert [slope is None for slope in reached] == [True, True]


def test_the_slope_penalty_takes_a_spectral_critic() -> None:
    network = critic([(3,)], (8,), spectral=True)
    penalty = torch.compile(gradient_penalty_r1, fullgraph=True, backend="aot_eager")
    x = torch.randn(5, 3)
    for _ in range(50):
        network(x)
    assert 0.0 < gradient_penalty_r1(network, x) <= 0.5 + 1e-3  # no steeper than 1
    assert_close(penalty(network, x), gradient_penalty_r1(network, x), rtol=1e-3, atol=1e-4)


def test_a_linear_critics_slope_is_its_weight() -> None:
    network = critic([(3,)], ())
    weight = next(network.parameters())
    assert_close(gradient_penalty_r1(network, torch.randn(7, 3)), 0.5 * weight.square().sum())


def test_a_spectral_critic_is_no_steeper_than_one() -> None:
    network = critic([(3,)], (16, 16), spectral=True)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(20.0)
    for _ in range(100):  # power iterations, one a call
        network(torch.randn(2, 3))
    network.eval()
    x = torch.randn(500, 3, requires_grad=True)
    (slope,) = torch.autograd.grad(network(x).sum(), x)
    assert slope.norm(dim=1).max() < 1.0 + 1e-4


def test_a_frozen_module_says_the_same_and_learns_nothing() -> None:
    layer = nn.Linear(3, 2)
    x = torch.randn(4, 3, requires_grad=True)
    assert torch.equal(frozen(layer)(x), layer(x))
    loss = frozen(layer)(x).sum()
    assert all(slope is None for slope in slopes(loss, layer))
    assert_close(torch.autograd.grad(loss, x)[0], layer.weight.detach().sum(0).expand(4, 3))


def test_training_the_critic_finds_the_divergence() -> None:
    """A few hundred steps of its loss, and the model's term is near the truth."""
    network = critic([(2,)], (32, 32))
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(400):
        x, y = correlated(256, 0.8)
        optimizer.zero_grad()
        information_critic(network, x.float(), y.float()).critic.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    x, y = correlated(20_000, 0.8)
    estimate = information_critic(network, x.float(), y.float()).model
    assert abs(estimate + 0.5 * math.log(1 - 0.64)) < 0.1
