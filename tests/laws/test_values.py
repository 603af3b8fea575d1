"""The expected loss is the objective plus its gaps, of generated specs and of games."""

from __future__ import annotations

from itertools import chain

import pytest

from graphdsl.compiler import compile_spec
from graphdsl.diagnostics import Source
from tests.corpus import Case, compiling, fewer, generated
from tests.laws.games import games
from tests.laws.test_missing_rows import disagreements
from tests.laws.tries import disagreeing

pytestmark = pytest.mark.usefixtures("in_double_precision")

_EVERY: int | None = None  #: pattern of what rows lack


def test_the_loss_of_every_spec_is_its_objective_and_its_gaps() -> None:
    """By enumeration or in closed form, in each pattern of rows: of many specs, in two."""
    trials = 0
    cases = chain(games("values", 12), generated("values", 12))
    for case, _ in compiling((one.without_assertions() for one in cases), at_least=0.2):
        found, wrong = disagreements(case, fewer(_EVERY, 2))
        trials += found
        assert not wrong
    assert trials > 5


UNDER_P = """
model under_p
observed x[1..2] : real[2] optional
latent u : real[2] ~ normal
latent z : real[2] ~ normal
q { x -> u by poe; x -> z }
p { u, z -> x[i] for i in 1..2; u; z }
minimize KL(q || p) + I[p](x; u)
"""


FROZEN = """
model frozen
observed x[1..2] : real[2]
latent u : real[2] ~ normal
q { x -> u }
p { u -> x[i] for i in 1..2 }
minimize -1 * KL(q || p) - 1 * KL(q(x, u) || frozen(p(x, u)))
"""


def test_a_decoder_that_plays_and_the_same_frozen_are_two_terms() -> None:
    """Both have one value and one weight: as members of one term one of them was left out."""
    trials, wrong = disagreements(Case("frozen", FROZEN))
    assert trials
    assert not wrong


ZERO = """
model rows
param alpha = 2
observed x[1..2] : real[3]
observed y : binary optional
observed a : binary
given e : categorical(2)
latent u : real[2] ~ normal
latent z : real[2] ~ laplace
q { x -> u; x -> z }
p { u, z -> x }
minimize KL(q || p) - 2 * KL(q(x, u, z) || frozen(p(x, u, z))) for q, predictors
minimize KL(q || p) + cost(y | u, squared) for p
"""


def test_a_loss_that_is_zero_row_by_row_is_zero() -> None:
    """Its rows differ by rounding alone, of which no standard error is known."""
    for seed in range(6):
        found, wrong = disagreeing(compile_spec(Source("n.mib", ZERO)).compiled, seed, 2)
        assert found
        assert not wrong


def test_samples_of_p_lack_nothing_in_rows_that_do() -> None:
    trials, wrong = disagreements(Case("under_p", UNDER_P))
    assert trials > 3
    assert not wrong
