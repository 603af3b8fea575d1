"""Audits: the JSON contract, and what the issue's models must come out as."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from graphdsl.compiler import Compiled, check_spec, derive, read
from graphdsl.diagnostics import Source, SpecError
from graphdsl.ir.notation import weight_text
from graphdsl.ir.weight import ONE
from graphdsl.notation.gaps import gap_latex
from graphdsl.report import audit_json, audit_schema, audit_text
from tests.conftest import SPECS

ROOT = Path(__file__).parents[2]
by_name = pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)


def shipped(name: str) -> Compiled:
    return derive(check_spec(Source.read(ROOT / "specs" / f"{name}.mib")))


def inline(text: str) -> Compiled:
    return derive(check_spec(Source("inline.mib", text)))


def content(result: Compiled) -> dict[str, Any]:  # JSON, as a reader of it has it
    loaded: dict[str, Any] = json.loads(audit_json(read(result)))
    return loaded


def terms(result: Compiled) -> dict[str, tuple[str, str, str]]:
    return {
        term.name: (weight_text(term.weight), term.formula, term.relation)
        for term in result.module.terms
    }


@by_name
def test_json_follows_its_schema(path: Path) -> None:
    schema = json.loads(audit_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(content(shipped(path.stem)), schema)


def test_schema_can_fail() -> None:
    broken = content(shipped("vae"))
    broken["objective"]["relation"] = "roughly"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, json.loads(audit_schema()))


@by_name
def test_projections_use_entropies_informations_and_total_correlations_alone(path: Path) -> None:
    for one in content(shipped(path.stem))["projections"]:
        for form in ("multi_information", "local_markov", "simplified", "constant"):
            for term in one[form]:
                assert term["atom"]["type"] in ("H", "I", "TC")
                assert float(term["coefficient"])  # rational, without parameters


def test_beta_vae_needs_no_estimator() -> None:
    result = shipped("beta_vae")
    assert terms(result) == {
        "reconstruction_x": ("1", "E_q[-log p(x | u)]", "equal"),
        "rate_u": ("beta", "E_q KL(q(u | x) || p(u))", "equal"),
    }
    assert not any(term.estimator for term in result.module.terms)
    assert result.module.relation == "equal"


def test_beta_tcvae_is_rate_and_stratified_total_correlation() -> None:
    result = shipped("beta_tcvae")
    assert terms(result) == {
        "reconstruction_x": ("1", "E_q[-log p(x | u)]", "equal"),
        "rate_u": ("1", "sum_i E_q KL(q(u[i] | x) || p(u[i]))", "equal"),
        "total_correlation_u": ("beta - 1", "TC(u)", "estimate"),
    }
    assert result.module.terms[-1].estimator == "minibatch stratified sampling"


def test_jmvae_compares_with_single_view_posteriors() -> None:
    found = terms(shipped("jmvae"))
    assert found["rate_z_each"] == ("alpha", "sum_i E_q KL(q(z | x) || q(z | x[i]))", "upper")


def test_wyner_collects_over_the_whole_objective() -> None:
    assert {name: weight for name, (weight, _, _) in terms(shipped("wyner")).items()} == {
        "reconstruction_x": "1 + cross",
        "rate_z": "1 + common",
        "rate_z_each": "cross",
        "rate_u": "1 + cross",
    }


PAIR = """
model pair
param beta = 2 in 1..inf
observed x : binary[4]
observed y : binary[4]
latent z : real ~ normal
q {{ x, y -> z }}
p {{ z -> x; z -> y }}
minimize {objective}
"""


def test_equal_terms_meet_before_they_are_bounded() -> None:
    """I - I is nothing at all, not the sum of an upper and a lower bound (P11)."""
    result = inline(PAIR.format(objective="KL(q || p) + I(x; z) - I(x; z)"))
    assert terms(result).keys() == {"reconstruction_x", "reconstruction_y", "rate_z"}
    assert result.module.relation == "equal"


def test_the_cross_network_keeps_its_reconstruction() -> None:
    """D(x -> z -> y) = I(x; y | z): H(y | z) is bounded by the decoder, not dropped (D4)."""
    result = inline(PAIR.format(objective="KL(q || p) + beta * D(q || {x -> z -> y})"))
    found = terms(result)
    assert found["reconstruction_y"][0] == "1 + beta"
    assert found["reconstruction_x"][0] == "1"
    assert result.module.relation == "upper"


CANCELLED = {
    "a cross-entropy": (
        "- 0.5 * KL(q(u | x) || p(u))",
        "0.5\\,\\mathbb{E}_q\\,\\mathrm{KL}(\\bar{q}(u \\mid x) \\,\\|\\, p(u))",
    ),
    "an encoder's entropy": ("- 0.5 * I(z; u | x)", "0.5\\,I(u; z \\mid x)"),
}


@pytest.mark.parametrize(("term", "gap"), CANCELLED.values(), ids=CANCELLED)
def test_a_bound_that_cancels_is_still_a_bound(term: str, gap: str) -> None:
    """Nothing is left of the term in the loss, and that is no equality: its gap is told."""
    text = f"""
    model cancelled
    observed x : real
    latent z : real ~ normal
    latent u : real ~ normal
    q {{ x -> z; x, z -> u }}
    p {{ z, u -> x; u -> z }}
    minimize CE(x | z, u) {term}
    """
    module = inline(text).module
    assert module.relation == "upper"
    assert [one.name for one in module.terms] == ["reconstruction_x"]
    assert " + ".join(gap_latex(module.terms[0])) == gap


def test_information_is_maximised_by_a_decoder() -> None:
    """-I(y; z) = H(y | z) - H(y): Barber and Agakov's bound."""
    text = """
    model bottleneck
    param beta = 5
    observed x : binary[4]
    observed y : binary[4]
    latent z : real[2] ~ normal
    q { x -> z }
    p { z -> y }
    minimize I(x; z) - beta * I(z; y)
    """
    found = terms(inline(text))
    assert found["reconstruction_y"] == ("beta", "E_q[-log p(y | z)]", "upper")
    assert found["rate_z"] == ("1", "E_q KL(q(z | x) || p(z))", "upper")


def test_a_bound_without_a_model_makes_one() -> None:
    """H(y | x, z) has no decoder here: a network r is made for it, and named."""
    text = """
    model auxiliary
    observed x : binary[4]
    observed y : binary[4]
    latent z : real[2] ~ normal
    q { x, y -> z }
    minimize I(x, y; z) + 3 * H(y | z)
    """
    result = inline(text)
    assert "r(y|z)" in [name for slot in result.module.networks for name in slot.names]
    assert result.module.relation == "upper"


def test_a_network_that_nothing_speaks_of_may_be_the_bound() -> None:
    """Rule 4: of `infer r(i)`, that whose parents are what the entropy is given."""
    text = """
    model further
    observed x[1..2] : binary
    latent z : real ~ normal
    q { x -> z }
    infer r(i) { x[i] -> z }
    p { z -> x[i] for i in 1..2 }
    minimize KL(q || p) + sum(i in 1..2) D(q || {x[i] -> x[not i]; x[i] -> z})
    """
    formulas = {formula for _, formula, _ in terms(inline(text)).values()}
    assert {f"E_q KL(q(z | x) || r(z | x[{i}]))" for i in (1, 2)} <= formulas


def test_a_weight_that_changes_its_sign_costs_the_certificate() -> None:
    text = PAIR.replace(" in 1..inf", " in 0..inf").format(
        objective="KL(q || p) + (beta - 1) * I(x, y; z)"
    )
    result = inline(text)
    assert result.module.relation == "surrogate"
    assert [one.code for one in result.warnings] == ["MIB402"]


def test_refuted_assertion_is_an_error() -> None:
    with pytest.raises(SpecError, match="MIB411"):
        inline(PAIR.format(objective="KL(q || p)") + "assert D(q || {x -> z -> y}) == I(x; y)\n")


def test_total_correlation_without_its_conditions_is_refused() -> None:
    text = """
    model chained
    param beta = 2 in 1..inf
    observed x : binary[4]
    latent u[1..2] : real ~ normal
    q { x -> u[1]; x, u[1] -> u[2] }
    p { u -> x }
    minimize KL(q || p) + (beta - 1) * D(q || {u[1]; u[2]})
    estimate TC(u) with mss
    """
    with pytest.raises(SpecError, match="MIB501"):
        inline(text)


def test_constants_are_of_the_data_alone() -> None:
    for name in ("vae", "beta_vae", "beta_tcvae", "jmvae", "wyner"):
        result = shipped(name)
        data = result.checked.model.observed()
        for term in result.module.constants:
            atom = term.atom
            assert set(getattr(atom, "of", ())) <= data


def test_a_network_with_a_copy_is_derived() -> None:
    """D(q || x -> z -> x') = H(x | z), in the form of multi-informations too (P15)."""
    (projection,) = read(shipped("anchor_vae")).projections
    assert str(projection.multi_information[0].atom).startswith("TC(x; z[1], z[2], z[3], z[4]; x')")


def test_text_shows_steps_gaps_and_verdicts() -> None:
    text = audit_text(read(shipped("wyner")))
    for part in ("I(u[2]; x[1], z)", "local Markov form", "gap", "tight when", "proved  D(q ||"):
        assert part in text


def test_the_constant_of_several_given_variables_is_of_their_joint() -> None:
    """KL(q || p) conditioned on w and y is the loss less H(x | w, y), whatever w tells of y."""
    result = inline("""model conditional
observed x : real[3]
given w : categorical(3)
given y : categorical(2)
latent z : real[2] ~ normal
q { x, w, y -> z }
p { z, w, y -> x }
minimize KL(q || p)
""")
    constants = {str(term.atom): term.weight for term in result.module.constants}
    assert constants == {"H(w, x, y)": -ONE, "H(w, y)": ONE}


GRADIENTS = {
    "gan": ["surrogate: of the loss with flipped labels, and not of JS"],
    "wae_mmd": ["surrogate: the kernel's width, a median of the batch's distances, is held"],
    "diva": ["straight-through: relaxed samples of y have the gradient, hard ones the value"],
    "m2": [],  # sums over the classes
    "vae": [],
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_that_are_no_derivatives_are_named(name: str) -> None:
    """An exact gradient is not mentioned, in text or in JSON."""
    audit = read(shipped(name))
    data = json.loads(audit_json(audit))
    jsonschema.validate(data, json.loads(audit_schema()))
    terms = data["objective"]["terms"]
    assert [one["gradient"] for one in terms if "gradient" in one] == GRADIENTS[name]
    lines = [one.strip() for one in audit_text(audit).splitlines()]
    told = [one.partition("gradient")[2].strip() for one in lines if one.startswith("gradient ")]
    assert told == GRADIENTS[name]
