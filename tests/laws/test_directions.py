"""A bound is a bound of the side that it is said to be: under both signs, over whole ranges."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import product
from random import Random
from typing import NamedTuple

import pytest
import torch

from graphdsl.catalog.methods import ESTIMATORS, METHODS, UNREACHABLE, Method
from graphdsl.compiler import check_spec, derive
from graphdsl.diagnostics import Source, SpecError
from graphdsl.ir.loss import LossModule
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Interval, Parameter
from graphdsl.ir.weight import ZERO, Weight
from graphdsl.resolve import choices
from graphdsl.signs import sign
from graphdsl_runtime import RELATIONS
from tests.corpus import Case, compiling, documented, generated, shipped
from tests.emitted import emitted_class
from tests.laws.directions import STAND_INS, false_directions, weights_over_the_range
from tests.laws.signed import signed_spec

HEAD = """
model directed
param up   = 2
param down = -2 in -inf..0
param gain = 1 in -1..1
observed x : real[4]
observed s : binary
given    y : categorical(3)
latent u[1..3] : real ~ normal
latent z : real ~ normal
latent v : real ~ normal
q {{ x -> u, z, v }}
p {{ u, z, v -> x }}
minimize KL(q || p) {}
"""
WEIGHTS = {
    "+ 2 *": "positive",
    "- 2 *": "negative",
    "+ up *": "positive",
    "- up *": "negative",
    "+ down *": "negative",
    "- down * up *": "positive",
    "+ gain *": "changing",
    "+ (gain + 1) *": "positive",
    "+ (gain - 1) *": "negative",
    "+ (1 - gain * gain) *": "positive",
    "+ (up - 1) *": "changing",
}
FEW = ("+ 2 *", "- up *", "+ gain *")
OWN = {name: one.relation for name, one in ESTIMATORS.items()}
_INFORMATIONS = [one for one in METHODS.values() if "information" in one.targets]
ESTIMATED = {
    "TC(u)": [one.word for one in _INFORMATIONS if one.factors is not None],
    "I(z; v)": [one.word for one in _INFORMATIONS if one.parts is not None],
    "I(z; s)": [one.word for one in _INFORMATIONS if not one.needs_densities],
    "I(x; z)": [one.word for one in _INFORMATIONS if one.encoded is not None],
    "I(z; v | y)": [one.word for one in _INFORMATIONS if one.within is not None],
    "I(z; s | y)": [one.word for one in _INFORMATIONS if one.within is not None],
}
DISTANCES = (
    "MMD(q(z) || p(z))",
    "W(q(z) || p(z))",
    "KL(q(z) || p(z)) with adversary",
    "KL(q(z) || p(z)) with adversary(r1 = 1)",
    "JS(q(z) || p(z))",
    "JS(q(z) || p(z)) with non_saturating",
)
#: One spec for each method of a joint that an estimator of the runtime serves.
OF_JOINTS = [
    f"""
model joints
observed x[1..2] : real[4]
latent z : real ~ normal
q {{ x[i] -> z by {by} for i in 1..2 }}
p {{ z -> x[i] for i in 1..2 }}
minimize KL(q || p) with {one.word}{one.example}
"""
    for one in METHODS.values()
    for by, fits in (("poe", one.joint), ("mixture", one.of_experts))
    if fits is not None
]
PENALTIES_SPEC = """
model invariant
observed x : real[4]
observed y : binary
observed e : categorical(3)
latent z : real[2]
q { x -> z }
p { z -> y }
minimize CE(y | z) + irm(y | z, e) + vrex(y | z, e) + dro(y | z, e)
"""
SIGNS = ("max({}, 1)", "abs({} - 1)")
TURNED = {"upper": "lower", "lower": "upper"}


def _is_below(method: Method) -> bool:
    return method.parts is not None and method.parts.relation == "lower"


class Lowered(NamedTuple):
    """A spec, its loss, and the codes of what is warned of."""

    model: Model
    module: LossModule
    codes: list[str]


@cache
def lowered(text: str) -> Lowered:
    return _lowered(text)


def _lowered(text: str) -> Lowered:
    """The same anew, for tests that plant a record."""
    checked = check_spec(Source("inline.mib", text))
    compiled = derive(checked)
    codes = [one.code for one in (*checked.warnings, *compiled.warnings)]
    return Lowered(checked.model, compiled.module, codes)


def signed() -> Iterator[tuple[str, str, str, str]]:
    """Each estimator with each weight: the spec, its own direction, the weight's sign, its word."""
    for what, estimators in ESTIMATED.items():
        for estimator in estimators:
            for weight in WEIGHTS if (what, estimator) == ("TC(u)", "loo") else FEW:
                text = HEAD.format(f"{weight} {what}\nestimate {what} with {estimator}")
                yield text, estimator, WEIGHTS[weight], what
    for what, weight in product(DISTANCES, FEW):
        yield HEAD.format(f"{weight} {what}"), what, WEIGHTS[weight], what


def test_every_word_has_the_direction_of_the_runtime() -> None:
    """One table: that of the registry, but that kernels stand in for informations."""
    kernels = dict.fromkeys(STAND_INS, "estimate")
    assert {name: RELATIONS[name] for name in OWN} == {**OWN, **kernels}


def test_the_direction_of_an_estimator_turns_with_the_sign_of_its_weight() -> None:
    for text, estimator, kept, what in signed():
        model, module, codes = lowered(text)
        (term,) = [one for one in module.terms if one.estimator and one.code.word in OWN]
        own = OWN[term.code.word] if term.slope is None else "surrogate"
        expected = TURNED.get(own, own) if kept == "negative" else own
        expected = "surrogate" if kept == "changing" else expected
        assert term.relation == expected, (estimator, what, kept)
        assert ("MIB402" in codes) == (kept == "changing"), text
        assert ("MIB416" in codes) == (expected == "lower"), text
        assert list(false_directions(module, model)) == []


def test_a_sign_that_is_not_linear_turns_with_its_weight() -> None:
    """|E| and max(E, c) of a batch lie above those of the expectation: a minus turns that."""
    insides = ("KL(q(z | x) || p(z))", "I(z; v)", "TC(u)", "-TC(u)")
    for inside, shape, weight in product(insides, SIGNS, FEW):
        kept = WEIGHTS[weight]
        text = HEAD.format(f"{weight} {shape.format(inside)}\nestimate TC(u) with loo")
        model, module, codes = lowered(text)
        assert list(false_directions(module, model)) == [], text
        (group,) = module.groups
        within = {one.relation for one in module.terms if one.name in group.terms}
        one_sided = inside.startswith("KL") or (inside == "TC(u)" and shape.startswith("max"))
        one_sided |= inside == "I(z; v)" and shape.startswith("max")
        assert within == {
            "surrogate"
            if not one_sided or kept == "changing"
            else {"positive": "upper", "negative": "lower"}[kept]
        }, text
        assert ("MIB402" in codes) == (kept == "changing"), text


def test_bounds_from_both_sides_leave_none() -> None:
    """+ I(z; v), bounded from above, and -2 TC(u) by an estimate that errs upwards."""
    _, module, codes = lowered(HEAD.format("+ I(z; v) - 2 * TC(u)\nestimate TC(u) with loo"))
    assert {"upper", "lower"} <= {one.relation for one in module.terms}
    assert module.relation == "surrogate"
    assert "can only be too large" in module.reason
    assert "too small" in module.reason
    assert "MIB416" in codes


def test_an_upper_estimate_alone_makes_an_upper_bound() -> None:
    _, module, _ = lowered(HEAD.format("+ 2 * TC(u)\nestimate TC(u) with loo"))
    assert module.relation == "upper"
    assert "can only be too large" in module.reason
    _, module, _ = lowered(HEAD.format("- 2 * TC(u)\nestimate TC(u) with loo"))
    assert module.relation == "lower"


# ---- every spec ----------------------------------------------------------------------------------


def every_spec(share: int) -> Iterator[Case]:
    """What ships, what the pages show, and generated objectives with weights of every sign."""
    yield from shipped()
    yield from documented()
    yield from generated("signed", share, signed_spec)
    yield from generated("directions", share)


def test_every_claimed_direction_is_borne_out() -> None:
    for case, made in compiling(every_spec(60)):
        module, model = made.compiled.module, made.compiled.checked.model
        assert list(false_directions(module, model)) == [], str(case)


# ---- signs of weights ----------------------------------------------------------------------------


def test_the_sign_of_a_weight_is_that_of_its_values() -> None:
    """Random polynomials over random ranges: a sign is never claimed that some value refutes."""
    rng = Random(0)
    ends = [Fraction(one, 2) for one in (-4, -2, 0, 1, 2, 6)]
    told = 0
    for _ in range(400):
        parameters = []
        for name in ("a", "b")[: rng.randint(1, 2)]:
            low, high = sorted(rng.sample(ends, 2))
            interval = Interval(
                low=rng.choice([low, low, None]), high=rng.choice([high, high, None])
            )
            parameters.append(Parameter(name=name, value=low, range=interval))
        weight = ZERO
        for _ in range(rng.randint(1, 4)):
            factor = Weight.number(Fraction(rng.choice((-2, -1, 1, 1, 3))))
            for one in rng.choices(parameters, k=rng.randint(0, 2)):
                factor = factor * Weight.parameter(one.name)
            weight = weight + factor
        values = weights_over_the_range(weight, parameters)
        found = sign(weight, parameters)
        told += found != "unknown"
        assert found != "nonnegative" or min(values) >= 0, (weight, parameters)
        assert found != "nonpositive" or max(values) <= 0, (weight, parameters)
        assert found != "zero" or not any(values)
        linear = all(len(set(monomial)) == len(monomial) for monomial, _ in weight)
        if linear and min(values) >= 0:
            assert found in ("nonnegative", "zero"), (weight, parameters)
    assert told > 100


def test_every_estimator_of_the_runtime_is_reached_or_says_why_not() -> None:
    assert not ESTIMATORS.keys() & UNREACHABLE.keys()
    assert ESTIMATORS.keys() | UNREACHABLE.keys() == RELATIONS.keys()


def test_every_method_has_what_its_targets_ask_for() -> None:
    for word, one in METHODS.items():
        assert one.word == word
        assert ("information" in one.targets) == (one.parts is not None), word
        assert (one.factors is None) == (one.is_of_parts or one.parts is None), word
        assert {name for name, _ in one.distances} == {"KL", "JS"}.intersection(one.targets), word
        joint = one.joint is not None
        assert joint == (one.settings != ((),) and "joint" in one.targets), word
        assert joint == any(one.average), word
        assert not joint or "k" in one.settings[0], word
        named = {name for taken in one.settings for name in taken}
        assert named - {"k", "r1"} == {each.name for each in one.numbers}, word
        assert bool(named) == bool(one.example), word


def test_a_surrogate_says_why_it_is_no_bound() -> None:
    for one in ESTIMATORS.values():
        assert (one.relation == "surrogate") == bool(one.surrogate), one.word


def test_a_bound_of_an_information_says_what_closes_it() -> None:
    for method in _INFORMATIONS:
        for one in (method.factors, method.parts, method.within):
            assert one is None or (one.relation in TURNED) == bool(one.closes), method.word


def test_every_method_is_compiled_for_each_of_its_targets() -> None:
    reached = set()
    for text in (*(text for text, *_ in signed()), *OF_JOINTS, PENALTIES_SPEC):
        reached |= {term.code.word for term in lowered(text).module.terms}
    assert ESTIMATORS.keys() <= reached


@pytest.mark.parametrize("word", [one.word for one in METHODS.values() if _is_below(one)])
def test_a_lower_bound_is_said_to_be_one(word: str) -> None:
    for weight, relation in (("+ 2 *", "lower"), ("- up *", "upper")):
        text = HEAD.format(f"{weight} I(z; v)\nestimate I(z; v) with {word}")
        _, module, _ = lowered(text)
        (term,) = [one for one in module.terms if one.estimator]
        assert (term.relation, module.relation) == (relation, relation)
        warned = [one.message for one in derive(check_spec(Source("a.mib", text))).warnings]
        wrong = [one for one in warned if "estimated from below, and its weight is 2" in one]
        assert bool(wrong) == (relation == "lower")
        if relation == "lower":
            assert module.reason.endswith("bounded from below, and the weight is nowhere negative")


@pytest.mark.usefixtures("in_double_precision")
@pytest.mark.parametrize("word", [one.word for one in METHODS.values() if one.joint is not None])
def test_every_method_of_a_joint_bounds_the_likelihood(word: str) -> None:
    """With p's own posterior every importance weight is p(x); with another the bound is above."""
    text = f"""
model linear
observed x : real[2]
latent z : real[1] ~ normal
q {{ x -> z via encoder }}
p {{ z -> x via decoder }}
minimize KL(q || p) with {word}{METHODS[word].example}
"""
    torch.manual_seed(0)
    decoder, encoder = torch.nn.Linear(1, 2), torch.nn.Linear(2, 2)
    slope, offset = decoder.weight.detach(), decoder.bias.detach()
    variance = 1 / (1 + slope.square().sum())
    with torch.no_grad():
        encoder.weight.copy_(torch.cat([variance * slope.T, torch.zeros(1, 2)]))
        encoder.bias.copy_(torch.cat([-variance * slope.T @ offset, variance.log()[None]]))
    networks: dict[str, torch.nn.Module] = {"q(z|x)": encoder, "p(x|z)": decoder}
    objective = emitted_class(text)(networks=networks)
    x = torch.randn(1, 2).expand(500, 2)
    covariance, apart = slope @ slope.T + torch.eye(2), x[0] - offset
    square = apart @ torch.linalg.solve(covariance, apart)
    exact = (square + torch.logdet(2 * math.pi * covariance)) / 2
    with torch.no_grad():
        assert objective({"x": x}).loss.item() == pytest.approx(exact.item(), abs=1e-9)
        encoder.bias.add_(0.7)
        found = torch.stack([objective({"x": x}).loss for _ in range(8)])
    assert found.mean() > exact + 3 * found.std()


def test_a_method_without_an_estimator_of_mixtures_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (text,) = [text for text in OF_JOINTS if "by mixture" in text and "iwae" in text]
    planted = replace(METHODS["iwae"], of_experts=None)
    monkeypatch.setattr(choices, "METHODS", {**METHODS, "iwae": planted})
    with pytest.raises(SpecError) as caught:
        _lowered(text)
    (mistake,) = caught.value.diagnostics
    assert mistake.code == "MIB505"
    assert "no bound for a posterior that is a mixture" in mistake.message
