"""Numbers that some rows know: there a rate is -log p of them, and nothing else is in it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from graphdsl_runtime import (
    Bernoulli,
    Gaussian,
    Labelled,
    Laplace,
    Objective,
    Variable,
    detached,
    expect,
    repeated,
    standard_laplace,
    standard_normal,
    uniform_bernoulli,
)

ROWS, SIZE = 6, 2
SEEN = torch.tensor([True, False, True, False, False, True])
of_either = pytest.mark.parametrize(
    ("kind", "prior", "model"),
    [
        (Gaussian, standard_normal, Gaussian),
        (Laplace, standard_laplace, Laplace),
        (Gaussian, standard_laplace, Gaussian),
    ],
    ids=["normal", "laplace", "normal under laplace"],
)


def parameters() -> Tensor:
    torch.manual_seed(0)
    return torch.randn(2, ROWS, SIZE, dtype=torch.float64, requires_grad=True)


def label(fill: float = math.nan) -> Tensor:
    torch.manual_seed(1)
    known = torch.randn(ROWS, SIZE, dtype=torch.float64)
    return torch.where(SEEN[:, None], known, fill)


@of_either
def test_a_row_counts_what_it_knows_or_what_is_inferred(
    kind: type[Gaussian] | type[Laplace], prior: object, model: type[Gaussian] | type[Laplace]
) -> None:
    own, other = parameters(), parameters().detach().flip(1)
    inferred, value = kind(*own), label()
    q = inferred.or_known(SEEN, value)
    there = SEEN[:, None].expand(ROWS, SIZE)
    for against in (prior, model(*other)):
        rate = q.kl(against)  # type: ignore[arg-type]  # each to its own
        expected = inferred.kl(against)  # type: ignore[arg-type]
        safe = torch.nan_to_num(value)
        known = -against.log_prob(safe)  # type: ignore[attr-defined]
        assert_close(rate, torch.where(there, known, expected))
        assert_close(q.cross_entropy(against) - q.entropy(), rate)  # type: ignore[arg-type]
        (slope,) = torch.autograd.grad(expect(rate), own, retain_graph=True)
        assert torch.isfinite(slope).all()
        assert not slope[:, SEEN].any()
        assert slope[0, ~SEEN].all()
    assert_close(q.entropy(), torch.where(there, 0.0, inferred.entropy()))
    noise = torch.randn(ROWS, SIZE, dtype=torch.float64)
    sample = q.sample(noise)
    assert torch.equal(sample[SEEN], value[SEEN])
    assert torch.equal(sample[~SEEN], inferred.sample(noise)[~SEEN])
    assert_close(q.log_prob(sample), torch.where(there, 0.0, inferred.log_prob(sample)))
    assert torch.equal(q.draw({"y": noise}, "y"), sample)
    assert torch.equal(q.draw(None, "y"), q.mean)


def test_a_rate_is_the_mean_of_what_samples_cost() -> None:
    """Of rows that know nothing, KL = E log q - log p; of the rest, -log p itself."""
    q = Gaussian(*parameters().detach()).or_known(SEEN, label())
    torch.manual_seed(2)
    noise = torch.randn(20_000, ROWS, SIZE, dtype=torch.float64)
    sample = q.sample(noise)
    cost = q.log_prob(sample) - standard_normal.log_prob(sample)
    error = cost.std(0) / math.sqrt(len(cost))
    assert_close(cost[:, SEEN].mean(0), q.kl(standard_normal)[SEEN])
    apart = (cost.mean(0) - q.kl(standard_normal))[~SEEN] / error[~SEEN]
    assert apart.abs().max() < 4


def test_what_is_not_seen_leaves_no_trace() -> None:
    found = []
    for fill in (0.0, math.nan, math.inf, 1e30):
        own = parameters()
        q = Gaussian(*own).or_known(SEEN, label(fill))
        value = expect(q.kl(standard_normal)) + q.sample(torch.zeros(ROWS, SIZE)).sum()
        found.append((value.detach(), *torch.autograd.grad(value, own)))
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            assert torch.isfinite(one).all()
            assert torch.equal(one, two)


def test_it_is_cut_and_joined_as_other_distributions_are() -> None:
    q = Gaussian(*parameters().detach()).or_known(SEEN, label())
    rate = q.kl(standard_normal)
    assert torch.equal(q[2:5].kl(standard_normal), rate[2:5])
    assert torch.equal(q[:, None].kl(standard_normal), rate[:, None])
    assert torch.equal(repeated(q, 2).kl(standard_normal), rate.repeat_interleave(2, 0))
    assert torch.equal(Labelled.stack([q, q]).kl(standard_normal)[:, 1], rate)
    trained = Gaussian(*parameters()).or_known(SEEN, label())
    assert trained.kl(standard_normal).requires_grad
    assert not detached(trained).kl(standard_normal).requires_grad
    assert torch.equal(detached(trained).kl(standard_normal), rate)
    members = Gaussian(*parameters().detach()).or_known(
        torch.stack([SEEN, ~SEEN], 1), torch.zeros(ROWS, SIZE)
    )  # a family: one label known, the other not
    assert torch.equal(members.mean[SEEN, 0], torch.zeros(int(SEEN.sum())).double())
    assert torch.equal(members.mean[SEEN, 1], parameters()[0, SEEN, 1].detach())


def test_a_fair_coin_is_a_prior() -> None:
    """KL to it is log 2 less the entropy, of a coin that is known log 2."""
    coin = Bernoulli(torch.linspace(-30, 30, 7, dtype=torch.float64))
    fair = Bernoulli(torch.zeros(7, dtype=torch.float64))
    assert_close(coin.kl(uniform_bernoulli), coin.kl(fair))
    assert_close(coin.cross_entropy(uniform_bernoulli), coin.cross_entropy(fair))
    known = coin.or_known(torch.ones(7, dtype=torch.bool), torch.ones(7))
    assert_close(known.kl(uniform_bernoulli), torch.full((7,), math.log(2)).double())
    torch.manual_seed(0)
    drawn = uniform_bernoulli.sample(torch.randn(40_000))
    assert abs(drawn.mean().item() - 0.5) < 4 * 0.5 / math.sqrt(40_000)


def test_what_is_given_of_a_draw_stays() -> None:
    class Labels(Objective):
        variables = (
            Variable("y", role="observed", kind="categorical", classes=3, inferred=True),
            Variable("w", role="observed", kind="real", members=2, shape=(2,), inferred=True),
        )

    objective = Labels()
    y, w = torch.eye(3)[[0, 1, 2]], torch.zeros(3, 2, 2)
    assert torch.equal(objective.or_given({}, "y", y), y)
    given = {"y": torch.tensor([2.0, math.nan, 1.0])}
    assert torch.equal(objective.or_given(given, "y", y), torch.eye(3)[[2, 1, 1]])
    part = objective.or_given({"w[2]": torch.ones(3, 2)}, "w", w)
    assert torch.equal(part[:, 0], w[:, 0])
    assert torch.equal(part[:, 1], torch.ones(3, 2))
    assert {one: noise.shape[1:] for one, noise in objective.draw_noise(y).items()} == {
        "y": (3,),
        "w": (2, 2),
    }
