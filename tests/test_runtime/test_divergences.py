"""Divergences between all kinds: against quadrature and sums, and at the edges of the numbers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from graphdsl_runtime import (
    Bernoulli,
    Beta,
    Categorical,
    ContinuousBernoulli,
    Gamma,
    Gaussian,
    Laplace,
    LogNormal,
    NegativeBinomial,
    Poisson,
    StandardLaplace,
    StandardNormal,
    StudentT,
    ZeroInflatedPoisson,
    expect,
    monte_carlo_kl,
    standard_laplace,
    standard_normal,
    uniform_categorical,
)
from tests.test_runtime.integration import integral, mean_of_counts

Real: TypeAlias = Gaussian | Laplace
Prior: TypeAlias = StandardNormal | StandardLaplace

REAL: dict[str, Callable[[Tensor, Tensor], Real]] = {"gaussian": Gaussian, "laplace": Laplace}
PRIORS: dict[str, Prior] = {"normal": standard_normal, "standard laplace": standard_laplace}


@dataclass(frozen=True)
class Word:
    """Something elementwise of some parameters, with the range in which these may lie."""

    name: str
    of: Callable[..., Tensor]
    ranges: tuple[float, ...]  #: of each parameter, from minus that to that
    classes: int | None = None

    def parameters(self, count: int, dtype: torch.dtype, within: float = 1e4) -> list[Tensor]:
        shape = (count,) if self.classes is None else (count, self.classes)
        return [
            (min(limit, within) * (2 * torch.rand(shape, dtype=torch.float64) - 1))
            .to(dtype)
            .requires_grad_()
            for limit in self.ranges
        ]


def real_words() -> list[Word]:
    """Everything that is said of two real-valued variables, or of one."""
    place, wide = 10.0, 60.0
    words = []
    for name, q in REAL.items():
        words += [
            Word(f"{name} entropy", lambda m, s, q=q: q(m, s).entropy(), (place, wide)),
            Word(f"{name} nll", lambda m, s, v, q=q: q(m, s).nll(v), (place, wide, place)),
            Word(f"{name} sample", lambda m, s, e, q=q: q(m, s).sample(e), (place, wide, 6.0)),
        ]
        for other, p in REAL.items():
            words += [
                Word(
                    f"{name} to {other}, {what}",
                    lambda a, b, c, d, q=q, p=p, w=what: getattr(q(a, b), w)(p(c, d)),
                    (place, wide, place, wide),
                )
                for what in ("kl", "cross_entropy")
            ]
        for other, prior in PRIORS.items():
            words += [
                Word(
                    f"{name} to {other}, {what}",
                    lambda a, b, q=q, p=prior, w=what: getattr(q(a, b), w)(p),
                    (place, wide),
                )
                for what in ("kl", "cross_entropy")
            ]
    return words


def discrete_words() -> list[Word]:
    far, wide = 1e4, 60.0
    return [
        Word("coin entropy", lambda a: Bernoulli(a).entropy(), (far,)),
        Word("coin kl", lambda a, b: Bernoulli(a).kl(Bernoulli(b)), (far, far)),
        Word("coin ce", lambda a, b: Bernoulli(a).cross_entropy(Bernoulli(b)), (far, far)),
        Word("coin relaxed", lambda a, e: Bernoulli(a).relaxed_sample(e, 0.1), (far, 6.0)),
        Word("coin hard", lambda a, e: Bernoulli(a).relaxed_sample(e, 0.1, hard=True), (far, 6.0)),
        Word("class entropy", lambda a: Categorical(a).entropy(), (far,), 5),
        Word("class kl", lambda a, b: Categorical(a).kl(Categorical(b)), (far, far), 5),
        Word("class ce", lambda a, b: Categorical(a).cross_entropy(Categorical(b)), (far, far), 5),
        Word("class to uniform", lambda a: Categorical(a).kl(uniform_categorical), (far,), 5),
        Word("class nll", lambda a, v: Categorical(a).nll(v), (far, 1.0), 5),
        Word("class relaxed", lambda a, e: Categorical(a).relaxed_sample(e, 0.1), (far, 6.0), 5),
        Word("class hard", lambda a, e: Categorical(a).relaxed_sample(e, 1.0, True), (far, 6.0), 5),
        Word("count kl", lambda a, b: Poisson(a).kl(Poisson(b)), (wide, wide)),
        Word("count nll", lambda a, v: Poisson(a).nll(v.square()), (wide, 30.0)),
        Word(
            "dispersed", lambda a, r, v: NegativeBinomial(a, r).nll(v.square()), (wide, wide, 30.0)
        ),
        Word("gamma", lambda a, r, v: Gamma(a, r).nll(v.exp()), (wide, wide, 20.0)),
        Word("log-normal", lambda a, r, v: LogNormal(a, r).nll(v.exp()), (wide, wide, 20.0)),
        Word("grey", lambda a, v: ContinuousBernoulli(a).nll(v.sigmoid()), (far, 30.0)),
        Word("grey entropy", lambda a: ContinuousBernoulli(a).entropy(), (far,)),
        Word("beta", lambda a, n, v: Beta(a, n).nll(v.sigmoid()), (wide, wide, 3.0)),
        Word("t", lambda m, s, d, v: StudentT(m, s, d).nll(v), (1e4, wide, wide, 1e4)),
        Word("t entropy", lambda s, d: StudentT(0 * s, s, d).entropy(), (wide, wide)),
        Word("zeros", lambda a, s: ZeroInflatedPoisson(a, s).nll(0.0 * a), (wide, far)),
        Word("inflated", lambda a, s: ZeroInflatedPoisson(a, s).nll(0.0 * a + 9), (wide, far)),
    ]


WORDS = [*real_words(), *discrete_words()]
#: A straight-through gradient is not that of its value, and means not to be.
SMOOTH = [word for word in WORDS if "hard" not in word.name]
#: The corners of logits are one-hot, as most of a thousand are.
WITH_CORNERS = [word for word in WORDS if word.classes is None]


def of_every(words: list[Word]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("word", words, ids=[word.name for word in words])


@of_every(WORDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_thousand_extreme_inputs_stay_finite(word: Word, dtype: torch.dtype) -> None:
    parameters = word.parameters(1000, dtype)
    value = word.of(*parameters)
    slopes = torch.autograd.grad(value.sum(), parameters, allow_unused=True)
    for tensor in (value, *slopes):
        assert tensor is None or torch.isfinite(tensor).all()


@of_every(WITH_CORNERS)
def test_the_corners_stay_finite(word: Word) -> None:
    corners = torch.tensor(list(itertools.product((-1.0, 0.0, 1.0), repeat=len(word.ranges))))
    parameters = [
        (limit * column).requires_grad_()
        for limit, column in zip(word.ranges, corners.T, strict=True)
    ]
    value = word.of(*parameters)
    slopes = torch.autograd.grad(value.sum(), parameters, allow_unused=True)
    for tensor in (value, *slopes):
        assert tensor is None or torch.isfinite(tensor).all()


@of_every(SMOOTH)
def test_gradients_are_right(word: Word) -> None:
    parameters = word.parameters(7, torch.float64, within=3.0)
    assert torch.autograd.gradcheck(word.of, parameters)


@of_every(WORDS)
def test_single_precision_is_exact_where_it_can_be(word: Word) -> None:
    # Log-variances and log-scales within 21 of 0: a Laplace's variance is then at most 1e18.
    parameters = [p.detach() for p in word.parameters(1000, torch.float32, within=21.0)]
    single = word.of(*parameters)
    double = word.of(*(p.double() for p in parameters))
    assert_close(single.double(), double, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", REAL)
@pytest.mark.parametrize("other", [*REAL, *PRIORS])
@pytest.mark.parametrize("scales", [(-60.0, 0.0), (60.0, 0.0), (0.0, -60.0), (0.0, 60.0)])
def test_extreme_scales_stay_exact(kind: str, other: str, scales: tuple[float, float]) -> None:
    # Log-variances; a Laplace has half of that for a log-scale.
    ours, theirs = (
        scale / 2 if name == "laplace" else scale
        for name, scale in zip((kind, other), scales, strict=True)
    )

    def nats(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        means = torch.tensor([[0.0, 3.0, 3.0], [0.0, -5.0, 3.0]], dtype=dtype)
        q = REAL[kind](means[0], torch.full((3,), ours, dtype=dtype))
        if other in PRIORS:
            return q.kl(PRIORS[other]), q.cross_entropy(PRIORS[other])
        p = REAL[other](means[1], torch.full((3,), theirs, dtype=dtype))
        return q.kl(p), q.cross_entropy(p)

    for single, double in zip(nats(torch.float32), nats(torch.float64), strict=True):
        assert_close(single.double(), double, rtol=1e-5, atol=1e-5)


def real(kind: str, *shape: int) -> Real:
    return REAL[kind](
        torch.randn(shape, dtype=torch.float64), 0.7 * torch.randn(shape, dtype=torch.float64)
    )


@pytest.mark.parametrize("kind", REAL)
@pytest.mark.parametrize("other", [*REAL, *PRIORS])
def test_real_divergences_are_the_integrals_they_stand_for(kind: str, other: str) -> None:
    q = real(kind, 6)
    p = PRIORS[other] if other in PRIORS else real(other, 6)
    kinks = [q.mean, p.mean if isinstance(p, Gaussian | Laplace) else torch.zeros_like(q.mean)]

    def mean(value: Callable[[Tensor], Tensor]) -> Tensor:
        return integral(lambda z: q.log_prob(z).exp() * value(z), kinks)

    assert_close(mean(torch.ones_like), torch.ones_like(q.mean))
    assert_close(q.entropy(), mean(lambda z: -q.log_prob(z)))
    assert_close(q.cross_entropy(p), mean(lambda z: -p.log_prob(z)))
    assert_close(q.kl(p), mean(lambda z: q.log_prob(z) - p.log_prob(z)))
    assert_close(q.kl(p), mean(lambda z: monte_carlo_kl(q, p, z)))


@pytest.mark.parametrize("kind", REAL)
def test_a_prior_is_the_distribution_it_is_named_after(kind: str) -> None:
    q, value = real(kind, 6), torch.randn(6, dtype=torch.float64)
    for prior, family in ((standard_normal, Gaussian), (standard_laplace, Laplace)):
        same = family(0 * value, 0 * value)
        assert_close(q.kl(prior), q.kl(same))
        assert_close(q.cross_entropy(prior), q.cross_entropy(same))
        assert_close(prior.log_prob(value), same.log_prob(value))


def test_monte_carlo_agrees_with_the_closed_form() -> None:
    q, p = Laplace(torch.tensor([0.5]), torch.tensor([0.3])), Gaussian.unit(torch.tensor([1.0]))
    log_ratios = monte_carlo_kl(q, p, q.sample(torch.randn(100_000, 1)))
    error = log_ratios.std() / 100_000**0.5
    assert (expect(log_ratios) - q.kl(p)).abs() < 4 * error


def test_binary_divergences_are_sums_over_two_values() -> None:
    q, p = (Bernoulli(4 * torch.randn(50, dtype=torch.float64)) for _ in range(2))
    values = torch.tensor([0.0, 1.0], dtype=torch.float64)[:, None].expand(2, 50)
    weights = torch.stack([1 - q.mean, q.mean])
    assert_close(q.entropy(), -(weights * q.log_prob(values)).sum(0))
    assert_close(q.cross_entropy(p), -(weights * p[None].log_prob(values)).sum(0))
    assert_close(q.kl(p), (weights * (q.log_prob(values) - p.log_prob(values))).sum(0))


def test_categorical_divergences_are_sums_over_the_classes() -> None:
    q, p = (Categorical(2 * torch.randn(50, 5, dtype=torch.float64)) for _ in range(2))
    uniform = Categorical(torch.zeros(50, 5, dtype=torch.float64))
    every_class = torch.arange(5)[:, None].expand(5, 50)
    weights = q.mean.T
    log_q, log_p = q.log_prob(every_class), p.log_prob(every_class)
    assert_close(weights, log_q.exp())
    assert_close(q.entropy(), -(weights * log_q).sum(0))
    assert_close(q.cross_entropy(p), -(weights * log_p).sum(0))
    assert_close(q.kl(p), (weights * (log_q - log_p)).sum(0))
    assert_close(q.kl(uniform_categorical), q.kl(uniform))
    assert_close(q.cross_entropy(uniform_categorical), q.cross_entropy(uniform))


def test_a_coin_has_two_classes() -> None:
    a, b = torch.randn(2, 50, dtype=torch.float64)
    coins = Bernoulli(a).kl(Bernoulli(b))
    classes = [Categorical(torch.stack([0 * logit, logit], dim=-1)) for logit in (a, b)]
    assert_close(coins, classes[0].kl(classes[1]))
    assert_close(Bernoulli(a).entropy(), classes[0].entropy())


def test_count_divergences_are_sums_over_the_counts() -> None:
    q, p = (Poisson(torch.randn(20, dtype=torch.float64)) for _ in range(2))
    assert_close(mean_of_counts(q.log_prob, torch.ones_like), torch.ones(20, dtype=torch.float64))
    assert_close(mean_of_counts(q.log_prob, lambda v: v), q.mean)
    assert_close(mean_of_counts(q.log_prob, lambda v: q.log_prob(v) - p.log_prob(v)), q.kl(p))


def test_equals_are_at_no_distance() -> None:
    for q in (real("laplace", 50), real("gaussian", 50)):
        assert torch.equal(q.kl(q), torch.zeros(50, dtype=torch.float64))
    logits = 10 * torch.randn(50, 4)
    assert torch.equal(Bernoulli(logits).kl(Bernoulli(logits)), torch.zeros(50, 4))
    assert torch.equal(Categorical(logits).kl(Categorical(logits)), torch.zeros(50))
    assert torch.equal(Poisson(logits).kl(Poisson(logits)), torch.zeros(50, 4))


def test_a_small_kl_of_scales_or_rates_keeps_its_digits() -> None:
    step = torch.tensor([1e-3, -1e-3, 1e-2])
    exact = torch.expm1(step.double()) - step.double()
    zero = torch.zeros(3)
    # KL(Poisson(1) || Poisson(e^d)) is that of Laplace(0, e^d) and Laplace(0, 1): both e^d - 1 - d.
    for nats in (Laplace(zero, step).kl(standard_laplace), Poisson(zero).kl(Poisson(step))):
        assert_close(nats.double(), exact, rtol=1e-3, atol=0.0)


def test_far_classes_have_exact_divergences() -> None:
    sure, other = torch.tensor([[1e4, 0.0, 0.0]]), torch.tensor([[0.0, 1e4, 0.0]])
    assert_close(Categorical(sure).kl(Categorical(other)), torch.tensor([1e4]))
    assert_close(Categorical(sure).kl(uniform_categorical), torch.tensor([3.0]).log())
    assert_close(Bernoulli(torch.tensor(1e4)).kl(Bernoulli(torch.tensor(-1e4))), torch.tensor(1e4))
    assert torch.equal(
        Bernoulli(torch.tensor(1e4)).kl(Bernoulli(torch.tensor(9e3))), torch.tensor(0.0)
    )


def test_every_word_compiles_into_one_graph() -> None:
    def everything(*parameters: Tensor) -> list[Tensor]:
        given = iter(parameters)
        return [word.of(*(next(given) for _ in word.ranges)) for word in WORDS]

    parameters = [p for word in WORDS for p in word.parameters(4, torch.float32, within=3.0)]
    compiled = torch.compile(everything, fullgraph=True, backend="aot_eager")
    for ours, theirs in zip(everything(*parameters), compiled(*parameters), strict=True):
        assert_close(ours, theirs)
