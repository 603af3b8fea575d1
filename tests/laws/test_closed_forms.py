"""Every method of an information, beside the closed form of correlated Gaussians.

For a and b of correlation r in each coordinate, I(a; b) = -D/2 log(1 - r^2). Both are inferred from
data alone, so that every method may estimate it. A method's record says what its mean has to be.
Given y, which shifts both, they have the same information; without it they would have more.
"""

from __future__ import annotations

import math
from functools import cache
from statistics import mean, stdev

import pytest
import torch
from torch import Tensor, nn

from graphdsl.catalog.methods import METHODS
from graphdsl.compiler import check_spec, derive
from graphdsl.diagnostics import Source
from graphdsl.ir.loss import LossTerm
from graphdsl_runtime import Objective, critic, separable_critic
from tests.emitted import emitted_class

SPEC = """
model gaussians
observed x[1..2] : real[2]
given    y : categorical(2)
latent a : real[2] ~ normal
latent b : real[2] ~ normal
q {{ x[1] -> a; x[2] -> b }}
p {{ a, b -> x[i] via linear for i in 1..2 }}
minimize KL(q || p) {sign} 2 * I(a; b{bar})
estimate I(a; b{bar}) with {word}
"""
DIMENSIONS, NOISE, ROWS, BATCHES = 2, 0.1, 128, 30
CORRELATION = 0.8
ERRORS = 4.0  #: standard errors that a mean may be off by chance
SHIFT = 2.0  #: of both variables, where y is 1
OF_PARTS = {word: one.parts for word, one in METHODS.items() if one.parts is not None}
WITHIN = {f"{word} | y": one.within for word, one in METHODS.items() if one.within is not None}
CASES = {**OF_PARTS, **WITHIN}
BOUNDS = [case for case, one in CASES.items() if one.relation in ("upper", "lower")]
SADDLES = [case for case, one in CASES.items() if one.relation == "saddle"]
SURROGATES = [case for case, one in CASES.items() if one.relation == "surrogate"]
TURNED = {"upper": "lower", "lower": "upper"}


class Encoder(nn.Module):
    """A posterior of variance NOISE around its data, scaled so that its sample has variance 1."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x * math.sqrt(1 - NOISE), torch.full_like(x, math.log(NOISE))], dim=1)


class Ratio(nn.Module):
    """log q(a, b) / (q(a) q(b)); times and plus something it is not the best critic."""

    def __init__(self, correlation: float, times: float = 1.0, plus: float = 0.0) -> None:
        super().__init__()
        self.correlation, self.times, self.plus = correlation, times, plus


class LogRatio(Ratio):
    """The score of each row."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        r = self.correlation
        square = (r * r * (a * a + b * b) - 2 * r * a * b) / (1 - r * r)
        ratio = -0.5 * (square + math.log(1 - r * r)).sum(dim=1)
        return self.times * ratio + self.plus


class Features(Ratio):
    """Features, whose inner product scores a pair: but for a constant, which InfoNCE lacks."""

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        r = self.correlation
        left = torch.cat([-r * r * a * a, torch.ones_like(a), 2 * r * a], dim=1)
        right = torch.cat([torch.ones_like(b), -r * r * b * b, b], dim=1)
        return self.times * 0.5 / (1 - r * r) * left, right


class Conditional(nn.Module):
    """q(a | b), as its mean and its log-variance."""

    def __init__(self, correlation: float) -> None:
        super().__init__()
        self.correlation = correlation

    def forward(self, b: Tensor) -> Tensor:
        log_var = torch.full_like(b, math.log(1 - self.correlation**2))
        return torch.cat([self.correlation * b, log_var], dim=1)


class Within(nn.Module):
    """A critic that takes off the shift that y is, and tells rows of another y by their features.

    Within a group that adds a constant; across groups it would find what y says of itself.
    """

    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.critic = critic

    def forward(self, a: Tensor, b: Tensor, y: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        shift = SHIFT * math.sqrt(1 - NOISE) * y[:, 1:]
        scores: Tensor | tuple[Tensor, Tensor] = self.critic(a - shift, b - shift)
        if isinstance(scores, Tensor):
            return scores
        left, right = scores
        return torch.cat([left, 3 * y], dim=1), torch.cat([right, y], dim=1)


def best_critic(word: str, correlation: float) -> nn.Module:
    """What the other player of a method plays at its best."""
    match CASES[word].critic:
        case "predictor":
            return Conditional(correlation)
        case "features":
            return Features(correlation)
        case _:
            return LogRatio(correlation, plus=float(word == "nwj"))


def other_critics(word: str) -> list[nn.Module]:
    """Critics that are not the best; none where there is no critic."""
    played = CASES[word].critic
    if not played:
        return []
    ratio: type[Ratio] = Features if played == "features" else LogRatio
    made = separable_critic if played == "features" else critic
    untrained = made([(DIMENSIONS,), (DIMENSIONS,)], (8,))
    return [ratio(CORRELATION, times=0.5, plus=0.3), ratio(-CORRELATION, times=0.2), untrained]


def information(correlation: float) -> float:
    return -0.5 * DIMENSIONS * math.log(1 - correlation**2)


@cache
def compiled(word: str, sign: str) -> tuple[type[Objective], LossTerm]:
    """The class of a spec, and the term that its method computes."""
    method, bar, _ = word.partition(" | y")
    text = SPEC.format(sign=sign, word=method, bar=bar)
    module = derive(check_spec(Source("a.mib", text))).module
    (term,) = [one for one in module.terms if one.code.word == CASES[word].word]
    return emitted_class(text), term


def estimated(word: str, sign: str, correlation: float, other: nn.Module) -> tuple[float, float]:
    """The mean over batches of the method's own value, and four standard errors of it."""
    made, term = compiled(word, sign)
    given: dict[str, nn.Module] = {"q(a|x[1])": Encoder(), "q(b|x[2])": Encoder()}
    estimator = CASES[word]
    if word in WITHIN and estimator.critic:
        given["critic(a,b,y)"] = Within(other)
    elif estimator.critic:
        given["critic(a|b)" if estimator.critic == "predictor" else "critic(a,b)"] = other
    objective = made(networks=given)
    objective.rows = ROWS
    values = []
    of_data = correlation / (1 - NOISE)
    for _ in range(BATCHES):
        first, noise = torch.randn(ROWS, DIMENSIONS), torch.randn(ROWS, DIMENSIONS)
        second = of_data * first + math.sqrt(1 - of_data**2) * noise
        x, y = torch.stack([first, second], dim=1), torch.randint(2, (ROWS,))
        if word in WITHIN:
            x = x + SHIFT * y[:, None, None]
        with torch.no_grad():
            losses = objective({"x": x, "y": y})
        values.append(losses.terms[term.name].item())
    return mean(values), ERRORS * stdev(values) / math.sqrt(BATCHES)


@pytest.mark.parametrize("sign", ["+", "-"])
@pytest.mark.parametrize("word", BOUNDS)
def test_a_bound_is_on_its_side_with_every_critic(word: str, sign: str) -> None:
    """Times its weight: below the information that is added, and above minus one."""
    torch.manual_seed(0)
    _, term = compiled(word, sign)
    weight, own = float(f"{sign}2"), CASES[word].relation
    assert term.relation == (own if weight > 0 else TURNED[own])
    for other in (best_critic(word, CORRELATION), *other_critics(word)):
        value, slack = estimated(word, sign, CORRELATION, other)
        surplus = weight * (value - information(CORRELATION))
        slack *= abs(weight)
        assert surplus <= slack if term.relation == "lower" else surplus >= -slack, other


@pytest.mark.parametrize("word", [one for one in BOUNDS if CASES[one].critic])
def test_a_bound_is_near_with_the_best_critic(word: str) -> None:
    torch.manual_seed(0)
    value, slack = estimated(word, "-", CORRELATION, best_critic(word, CORRELATION))
    assert value >= 0.9 * information(CORRELATION) - slack
    worse, _ = estimated(word, "-", CORRELATION, other_critics(word)[0])
    assert worse < value


@pytest.mark.parametrize("sign", ["+", "-"])
@pytest.mark.parametrize("word", SADDLES)
def test_a_game_gives_the_information_with_the_best_critic(word: str, sign: str) -> None:
    torch.manual_seed(0)
    _, term = compiled(word, sign)
    assert term.relation == "saddle"
    value, slack = estimated(word, sign, CORRELATION, best_critic(word, CORRELATION))
    assert value == pytest.approx(information(CORRELATION), abs=slack + 0.05)


@pytest.mark.parametrize("word", SURROGATES)
def test_a_surrogate_is_zero_where_the_information_is(word: str) -> None:
    torch.manual_seed(0)
    _, term = compiled(word, "-")
    assert term.relation == "surrogate"
    value, slack = estimated(word, "-", 0.0, best_critic(word, 0.0))
    assert abs(value) <= slack + 1e-6
    value, slack = estimated(word, "-", CORRELATION, best_critic(word, CORRELATION))
    assert value > 4 * slack


def test_club_is_the_contrast_of_the_true_conditional() -> None:
    """I(a; b) + KL(q(a) q(b) || q(a, b)), which is r^2 / (1 - r^2) in each coordinate."""
    torch.manual_seed(0)
    value, slack = estimated("club", "+", CORRELATION, Conditional(CORRELATION))
    exact = DIMENSIONS * CORRELATION**2 / (1 - CORRELATION**2)
    assert value == pytest.approx(exact, abs=slack)
    assert value - slack > information(CORRELATION)


ENCODED = """
model encoded
observed x : real[2]
latent a : real[2] ~ normal
q {{ x -> a }}
p {{ a -> x via linear }}
minimize KL(q || p) {sign} 2 * I(x; a)
estimate I(x; a) with {word}
"""


@pytest.mark.parametrize("sign", ["+", "-"])
@pytest.mark.parametrize("word", [word for word, one in METHODS.items() if one.encoded is not None])
def test_a_bound_of_what_a_code_holds_is_on_its_side(word: str, sign: str) -> None:
    """I(x; a) = -D/2 log NOISE."""
    torch.manual_seed(0)
    text, own = ENCODED.format(sign=sign, word=word), METHODS[word].encoded
    assert own is not None
    module = derive(check_spec(Source("a.mib", text))).module
    (term,) = [one for one in module.terms if one.code.word == own.word]
    assert term.relation == (own.relation if sign == "+" else TURNED[own.relation])
    objective = emitted_class(text)(networks={"q(a|x)": Encoder()})
    with torch.no_grad():
        passes = [objective({"x": torch.randn(ROWS, DIMENSIONS)}) for _ in range(BATCHES)]
    values = [one.terms[term.name].item() for one in passes]
    surplus = mean(values) + 0.5 * DIMENSIONS * math.log(NOISE)
    slack = ERRORS * stdev(values) / math.sqrt(BATCHES)
    assert surplus >= -slack if own.relation == "upper" else surplus <= slack
    assert abs(surplus) < 0.3 + slack


def test_every_method_of_two_variables_is_here() -> None:
    """`mss` and `mws` estimate without a direction: what they err by is in the registry."""
    held = {*BOUNDS, *SADDLES, *SURROGATES}
    assert {*CASES} - held == {"mss", "mws"}
    assert {"hsic | y", "mmd | y", "adversary | y", "infonce | y"} == {*WITHIN}
