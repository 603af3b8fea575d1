"""`audit --verify`: it agrees with the tests' own oracles, and what is wrong does not pass."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import typer

from graphdsl.auditing import OnTrial, on_trial, verification
from graphdsl.cli.commands import audit as audit_command
from graphdsl.compiler import Compiled, check_spec, derive, read
from graphdsl.diagnostics import Source, SpecError
from graphdsl.ir.audit import Audit
from graphdsl.ir.information import Entropy, Information, ProjectionDerivation, Term
from graphdsl.ir.networks import Network
from graphdsl.ir.symbols import NetworkName, Variable
from graphdsl.ir.verification import EmittedComparison, Unverified
from graphdsl.ir.weight import Weight
from graphdsl.report import audit_json, audit_schema, audit_text
from graphdsl.trials.verifying import compared, estimated, tried, verified
from graphdsl.verify import verify
from graphdsl.verify.normals import Normal
from graphdsl.verify.tables import Table
from tests.conftest import SPECS
from tests.corpus import Case, generated
from tests.docs.test_language import LANGUAGE, TUTORIAL, Spec, specs
from tests.laws.descended import with_small_networks
from tests.named import variables
from tests.oracles import discrete, gaussian
from tests.oracles.graphs import Graph
from tests.oracles.networks import random_pair

EXACT = 1e-10
by_name = pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)


def compiled(text: str) -> Compiled:
    return derive(check_spec(Source("verified.mib", text)), keep_refuted=True)


@cache
def shipped(name: str) -> Compiled:
    path = next(path for path in SPECS if path.stem == name)
    return with_small_networks(derive(check_spec(Source.read(path))))


Z1 = Variable("z1")

# ---- its numbers are those of the tests' own oracles ------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_tables_agree_with_the_oracle(seed: int) -> None:
    rng = np.random.default_rng((1, seed))
    pair = random_pair(rng, 5)
    joint = discrete.random_joint(pair.parents_q, pair.observed, 2, rng)
    table = Table(variables(joint.names), np.array(joint.table))
    network = network_of(pair.graph)
    exact = discrete.projection_divergence(joint, pair.graph)
    assert table.divergence(network) == pytest.approx(exact, abs=EXACT)
    some = [name for name in variables(joint.names) if rng.random() < 0.5]
    assert table.entropy(some) == pytest.approx(discrete.entropy(joint, some), abs=EXACT)
    given = variables(pair.parents_q["z1"])
    own = table.conditional((Z1,), given)
    model = rng.dirichlet(np.ones(2), size=own.shape[:-1])
    assert own == pytest.approx(discrete.posterior_model(joint, ["z1"], given))
    assert table.cross_entropy(Z1, given, np.log(model)) == pytest.approx(
        discrete.cross_entropy(joint, ["z1"], given, model), abs=EXACT
    )


@pytest.mark.parametrize("seed", range(20))
def test_normals_agree_with_the_oracle(seed: int) -> None:
    rng = np.random.default_rng((2, seed))
    pair = random_pair(rng, 5)
    joint = gaussian.random_linear_gaussian(pair.parents_q, pair.observed, 2, rng)
    dims = dict(zip(variables(joint.names), joint.dims, strict=True))
    normal = Normal(dims, np.zeros(sum(dims.values())), np.array(joint.covariance))
    exact = gaussian.projection_divergence(joint, pair.graph)
    assert normal.divergence(network_of(pair.graph)) == pytest.approx(exact, abs=EXACT)
    some = [name for name in variables(joint.names) if rng.random() < 0.5]
    assert normal.entropy(some) == pytest.approx(gaussian.entropy(joint, some), abs=EXACT)
    given = variables(pair.parents_q["z1"])
    model = normal.random_conditional(Z1, given, rng)
    centred = gaussian.Regression(weights=model.slope, noise=model.noise)
    shift = model.offset @ np.linalg.solve(model.noise, model.offset) / 2  # the oracle has none
    assert normal.cross_entropy(Z1, given, model) - shift == pytest.approx(
        gaussian.cross_entropy(joint, ["z1"], given, centred), abs=EXACT
    )


def test_a_copy_is_what_it_copies() -> None:
    rng = np.random.default_rng(3)
    joint = discrete.random_joint({"x": (), "z": ["x"]}, ["x"], 3, rng)
    chain: Graph = {("x",): (), ("z",): [("x",)], ("x'",): [("z",)]}
    exact = discrete.conditional_entropy(joint, ["x"], ["z"])
    found = Table(variables(joint.names), np.array(joint.table)).divergence(network_of(chain))
    assert found == pytest.approx(exact, abs=EXACT)


def network_of(graph: Graph) -> Network:
    nodes = tuple(graph)
    edges = tuple(
        (nodes.index(parent), place) for place, node in enumerate(nodes) for parent in graph[node]
    )
    return Network(
        name=NetworkName("g"), role="regularizer", nodes=tuple(map(variables, nodes)), edges=edges
    )


# ---- what is right is verified ----------------------------------------------------------------


@by_name
def test_every_spec_is_verified(path: Path) -> None:
    result = shipped(path.stem)
    audit = verified(result, read(result))
    found = audit.verification
    assert found is not None
    assert found.wrong == ()
    assert found.discrete is not None
    assert found.discrete.draws == 20
    assert found.discrete.values >= 20
    assert found.discrete.max_abs_error < EXACT
    assert all(one.agrees for one in found.emitted)
    assert found.emitted or any("emitted" in one.what for one in found.unverified)
    jsonschema.validate(json.loads(audit_json(audit)), json.loads(audit_schema()))
    assert "VERIFICATION" in audit_text(audit)


def test_most_specs_have_an_emitted_loss_whose_value_is_known() -> None:
    tried_ones = [
        path.stem
        for path in SPECS
        if any(isinstance(one, OnTrial) for one in trials(shipped(path.stem)))
    ]
    assert len(tried_ones) >= 0.8 * len(SPECS)


@pytest.mark.parametrize("spec", specs(LANGUAGE + TUTORIAL), ids=lambda spec: spec.name)
def test_every_spec_of_the_pages_is_verified(spec: Spec) -> None:
    try:
        result = derive(check_spec(spec.source), keep_refuted=True)
    except SpecError:
        return  # which the page shows
    result = with_small_networks(result)
    found = verified(result, read(result)).verification
    assert found is not None
    assert found.wrong == ()


@pytest.mark.parametrize("case", generated("verified", 16), ids=lambda case: case.name)
def test_every_generated_spec_is_verified(case: Case) -> None:
    """In values; `tests/laws/test_gradients.py` has the gradients of the same seeds."""
    try:
        result = derive(check_spec(case.source), keep_refuted=True)
    except SpecError:
        return  # not every one means something
    result = with_small_networks(result)
    assert compared(result, read(result)).wrong == ()


def trials(result: Compiled) -> tuple[OnTrial | Unverified, ...]:
    return on_trial(result, read(result))


def emitted(result: Compiled) -> EmittedComparison:
    (one,) = trials(result)
    assert isinstance(one, OnTrial), one
    assert one.of == "the spec"
    return tried(one.text, one.class_name, one.trial, one.of)


ESTIMATED = """
model estimated
param gain = 2
observed x : real[4]
latent u[1..3] : real ~ normal
q {{ x -> u }}
p {{ u -> x }}
minimize KL(q || p) {} gain * TC(u)
estimate TC(u) with loo
"""


@pytest.mark.parametrize(("sign", "relation"), [("+", "upper"), ("-", "lower")])
def test_an_estimate_is_on_the_side_that_is_claimed(sign: str, relation: str) -> None:
    """The estimator `loo` errs upwards, so that the other side is refuted."""
    result = compiled(ESTIMATED.format(sign))
    (one,) = trials(result)
    assert isinstance(one, OnTrial)
    (found,) = estimated(one.text, one.class_name, one.trial)
    assert found.relation == relation
    assert found.agrees
    turned = replace(found, relation="lower" if relation == "upper" else "upper")
    assert not turned.agrees
    audited = verified(result, read(result)).verification
    assert audited is not None
    assert audited.estimates == (found,)
    assert audited.wrong == ()
    assert replace(audited, estimates=(turned,)).wrong


PAIR = """
model pair
param beta = 2
param cross = 1 in 0..3
observed x[1..2] : real[3]
observed y : real
latent z : real[2] ~ normal
latent u[1..2] : real[2] ~ normal
"""
GAUSSIAN = {
    "a variational autoencoder": """
model plain
param beta = 4 in 1..inf
observed x : real[5]
latent u : real[3] ~ normal
q { x -> u }
p { u -> x }
minimize KL(q || p) + (beta - 1) * I(x; u)
""",
    "products of experts": PAIR
    + """
q { x -> z by poe; x[i], z -> u[i] for i in 1..2 }
p { z, u[i] -> x[i] for i in 1..2; z -> y }
minimize KL(q || p) + beta * I(x; z)
       + cross * sum(i, j in pairs(1..2)) D(q || {x[i] -> z; z, u[j] -> x[j]})
""",
    "hierarchies and conditional priors": """
model deep
observed x : real[3]
given w : real[2]
latent z[1..3] : real[2] ~ normal
q { x, w -> z[1]; z[t-1], w -> z[t] for t in 2..3 }
p { w -> z[3]; z[t+1] -> z[t] for t in 1..2; z[1] -> x }
minimize KL(q || p) + 0.3 * I(z[3]; x | w)
""",
    "scales that are fixed, and learned": """
model scales
observed x : real[2] ~ normal(scale = 0.3)
observed y : real[2, 2] ~ normal(scale = learned)
latent z : real[3] ~ normal
q { x, y -> z }
p { z -> x, y }
minimize KL(q || p) + 2 * H(y | z)
""",
    "several inference networks": PAIR
    + """
q { x -> z, u }
infer r(i) { x[i] -> z }
infer s(S) { x[S] -> z by poe; x -> u }
p { z, u -> x; z -> y }
minimize KL(q || p) + 0.1 * sum(i in 1..2) KL(q(z | x) || r(i)(z | x[i]))
       + mean(S in subsets(1..2)) KL(s(S) || p) + CE[r(1)](y | z) + I(u; y)
""",
    "posteriors at another network's samples": PAIR
    + """
q { x -> z; x, z -> u[j] for j in 1..2 }
infer r(i) { x[i] -> z; x[i], z -> u[j] for j in 1..2 }
p { z, u -> x; z -> y }
minimize KL(q || p) + sum(i in 1..2) KL(q(u | x, z) || r(i)(u | x[i], z))
       + KL(r(1)(u | x[1], z) || q(u | x, z)) + 0.5 * KL(r(1)(u | x[1], z) || r(2)(u | x[2], z))
""",
    "capacities": PAIR
    + """
q { x -> z, u }
p { z, u -> x; z -> y }
minimize CE(x | z, u) + beta * abs(KL(q(z | x) || p(z)) - 3) + CE(y | z)
       + sum(j in 1..2) max(KL(q(u[j] | x) || p(u[j])), 2)
""",
    "entropies that several projections ask for": """
model sets
observed x[1..3] : real[2]
latent z : real[2] ~ normal
latent u[1..3] : real[2] ~ normal
q { x -> z by poe; x[i] -> u[i] for i in 1..3 }
p { z, u[i] -> x[i] for i in 1..3 }
minimize KL(q || p) + expect(S in bipartitions(1..3)) D(q || {(x[S]) -> z -> (x[not S])})
""",
    "networks that are shared, and the caller's own": PAIR
    + """
q { x -> z via mine; x[i] -> u[i] via shared mlp for i in 1..2 }
p { z, u[i] -> x[i] via shared yours for i in 1..2; z -> y }
minimize KL(q || p) + beta * I(u[1]; u[2])
""",
    "experts that are shared": PAIR
    + """
q { x -> z via shared mlp by poe; x[i], z -> u[i] via shared mlp for i in 1..2 }
p { z, u[i] -> x[i] for i in 1..2; z -> y }
minimize KL(q || p) + beta * D(q || {x[1] -> z -> x[2]})
""",
    "a constraint": PAIR
    + """
q { x -> z, u }
p { z, u -> x; z -> y }
minimize KL(q || p)
subject to I(z; u) <= 0.1
""",
    "a predictor that plays against": PAIR
    + """
q { x -> z, u }
p { z, u -> x; z -> y }
minimize KL(q || p) - cross * CE(y | u)
""",
    "an information bottleneck": """
model bottleneck
observed x : real[4]
observed y : real[2]
latent t : real[3] ~ normal
q { x -> t }
minimize 0.1 * I(x; t) - 2 * I(t; y)
""",
    "a total correlation, and what is not estimated": """
model estimated
param beta = 6 in 1..inf
observed x : real[5]
latent u[1..12] : real ~ normal
q { x -> u }
p { u -> x }
minimize KL(q || p) + (beta - 1) * TC(u)
""",
}
DISCRETE = {
    "one category": """
model one
param beta = 3
observed x : binary[6]
latent c : categorical(5) ~ categorical
q { x -> c }
p { c -> x }
minimize KL(q || p) + beta * I(x; c)
""",
    "chains, and data of every kind": """
model kinds
param beta = 2
observed a : binary[2, 2]
observed b : count[2]
observed d : categorical(3)[2]
observed e : real[2] ~ laplace
observed f : real ~ normal(scale = 0.2)
given w : categorical(2)
latent c[1..3] : categorical(3) ~ categorical
q { a, b, w -> c[1]; c[t-1], e -> c[t] for t in 2..3 }
p { c[t-1] -> c[t] for t in 2..3; w, c[1] -> a, b; c -> d, e; c[3] -> f }
minimize KL(q || p) + beta * D(q || {a -> c[2] -> d}) + 0.5 * I(c[1]; a)
""",
    "a copy": """
model copied
observed x : categorical(4)
latent c : categorical(3) ~ categorical
q { x -> c }
p { c -> x }
minimize KL(q || p) + 2 * D(q || {x -> c -> x'})
""",
    "several variables in a category": """
model shaped
observed x[1..2] : binary[3]
latent c : categorical(2)[2] ~ categorical
latent k[1..2] : categorical(2) ~ categorical
q { x -> c; x[i], c -> k[i] for i in 1..2 }
p { c, k[i] -> x[i] for i in 1..2 }
minimize KL(q || p) + 0.7 * sum(i in 1..2) I(k[i]; c)
""",
}


@pytest.mark.parametrize("text", GAUSSIAN.values(), ids=GAUSSIAN)
def test_the_loss_of_real_variables_is_the_closed_form(text: str) -> None:
    found = emitted(compiled(text))
    assert found.kind == "gaussian"
    assert found.abs_error < 1e-7 * max(1, abs(found.exact))  # a multiplier is a float32
    if found.z_score is not None:
        assert found.samples == 30000
        assert abs(found.z_score) < 4
    assert found.agrees


@pytest.mark.parametrize("text", DISCRETE.values(), ids=DISCRETE)
def test_the_loss_of_categories_is_the_enumerated_value(text: str) -> None:
    found = emitted(compiled(text))
    assert found.kind == "discrete"
    assert found.abs_error < 1e-9
    assert found.agrees


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("observed x : binary\nlatent z : real ~ normal", "z is real and x is binary"),
        ("observed x : real\nlatent z : real ~ laplace", "not normal"),
        ("observed x : real[500]\nlatent z : real ~ normal", "--const"),
        ("observed x : binary\nlatent z : categorical(3)[9] ~ categorical", "states"),
    ],
)
def test_what_has_no_value_that_is_known_says_why(text: str, why: str) -> None:
    result = compiled(f"model m\n{text}\nq {{ x -> z }}\np {{ z -> x }}\nminimize KL(q || p)")
    reason, twin = trials(result)
    assert isinstance(reason, Unverified)
    assert why in reason.why
    assert isinstance(twin, OnTrial)
    assert tried(twin.text, twin.class_name, twin.trial, twin.of).agrees


NO_INFORMATION = """
model no_information
observed x[1..2] : real[2]
given c : real
latent z : real[2] ~ normal
q {{ x -> z }}
p {{ c -> z; z -> x }}
minimize {}
"""


@pytest.mark.parametrize(
    ("terms", "without"),
    [
        ("cost(x | z, huber) + KL(q(z | x) || p(z | c))", {"huber_cost_x"}),
        ("KL(q || p) with iwae(k = 4) + 0.3 * I(x; z)", {"importance"}),
        ("KL(q(x[1], z) || p(x[1], z | c)) with iwae(k = 4) + I(x; z)", {"importance"}),
    ],
)
def test_what_has_no_closed_form_is_left_out_and_the_rest_is_held(
    terms: str, without: set[str]
) -> None:
    result = compiled(NO_INFORMATION.format(terms))
    assert verification(result, read(result)).mistakes == ()
    found = emitted(result)
    assert found.agrees
    assert set(found.left_out) == without


def test_a_loss_that_is_a_number_is_compared_too() -> None:
    """Nothing varies, so that there is no score; the numbers are the same."""
    text = "model m\nobserved x : real\nlatent z : real ~ normal\nq { x -> z }\nminimize H(z | x)"
    found = emitted(compiled(text))
    assert found.z_score is None
    assert found.agrees


SETS = """
model sets
observed x[1..12] : binary[2]
latent z : real[2] ~ normal
q { x -> z by poe }
infer r(S) { x[S] -> z by poe }
p { z -> x[i] for i in 1..12 }
minimize KL(q || p)
    + expect(S in bipartitions(1..12)) D(q || {(x[S]) -> z -> (x[not S])})
    + expect(S in subsets(1..12)) KL(r(S) || p)
assert expect(S in bipartitions(1..12)) D(q || {(x[S]) -> z -> (x[not S])}) >= 0
"""


def test_means_over_sets_are_verified_as_means() -> None:
    result = compiled(SETS)
    found = verify(read(result))
    assert found.mistakes == ()
    assert found.discrete is not None
    assert ("the loss as a whole", "a set is drawn in every row") in [
        (one.what, one.why) for one in found.unverified
    ]


ASSERTED = """
model asserted
param beta = 2 in 1..inf
observed x[1..2] : binary[8]
latent u : real[4] ~ normal
latent z : real[4] ~ normal
q {{ x -> u; x[1] -> z }}
p {{ u, z -> x }}
minimize KL(q || p)
assert {assertion}
"""


@pytest.mark.parametrize(
    "assertion",
    [
        "I(u; z) <= I(x[1]; z)",
        "I(x; u) <= H(x)",
        "beta * I(x; u) >= I(x[1]; u)",
        "I(x[1]; u) >= I(x[2]; u)",
        "I(x; u) >= beta * I(u; z)",
        "I(x; u) <= H(u)",  # refuted by a density
        "D(q || {u; z; x}) == TC(u; z)",
        "I[p](u; z) == 0",
    ],
)
def test_verdicts_are_verified(assertion: str) -> None:
    result = compiled(ASSERTED.format(assertion=assertion))
    assert result.proofs[0].status in ("proved", "refuted")
    assert verification(result, read(result)).mistakes == ()


# ---- what is wrong is caught ------------------------------------------------------------------

DOUBLE = Weight.number(2)
Change = Callable[[ProjectionDerivation], ProjectionDerivation]


def doubled(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    return (Term(terms[0].weight * DOUBLE, terms[0].atom), *terms[1:])


def pruned_too_far(one: ProjectionDerivation) -> ProjectionDerivation:
    """A condition left out, as if the data were independent."""
    wrong = [
        Term(term.weight, replace(term.atom, given=term.atom.given[1:]))
        if isinstance(term.atom, Information | Entropy)
        else term
        for term in one.simplified
    ]
    return replace(one, simplified=tuple(wrong))


WRONG: dict[str, tuple[Change, str]] = {
    "a term less": (lambda one: replace(one, simplified=one.simplified[1:]), "named form"),
    "a condition less": (pruned_too_far, "named form"),
    "another order": (
        lambda one: replace(one, local_markov=doubled(one.local_markov)),
        "local Markov form",
    ),
    "no observed edges (Sec. 3.5)": (
        lambda one: replace(one, multi_information=one.multi_information[1:]),
        "multi-information form",
    ),
    "a wrong step": (
        lambda one: replace(
            one, steps=(replace(one.steps[0], after=doubled(one.steps[0].after)), *one.steps[1:])
        ),
        "step 1",
    ),
    "a step less": (lambda one: replace(one, steps=one.steps[1:]), "the steps do not end"),
}


@pytest.mark.parametrize(("change", "said"), WRONG.values(), ids=WRONG)
def test_a_corrupted_derivation_is_caught(change: Change, said: str) -> None:
    result = shipped("wyner")
    audit = read(result)
    wrong = replace(audit, projections=(change(audit.projections[0]), *audit.projections[1:]))
    mistakes = verification(result, wrong).mistakes
    assert any(said in one for one in mistakes), mistakes
    assert all("through_z(1,2)" in one for one in mistakes)
    assert verification(result, audit).mistakes == ()


def test_a_mixture_without_its_selector_is_caught() -> None:
    """T7: what is derived for a factorised encoder is wrong for a mixture of such encoders."""
    text = """
model factors
observed x[1..2] : binary
latent u[1..2] : real ~ normal
q { x[1], x[2] -> u by mixture }
p { u -> x }
minimize KL(q || p) + D(q || {(x); u})
"""
    right, factorised = (read(compiled(one)) for one in (text, text.replace("mixture", "joint")))
    assert verify(right).mistakes == ()
    assert verify(factorised).mistakes == ()
    wrong = replace(right, projections=factorised.projections)
    assert any("named form" in one for one in verify(wrong).mistakes)


@pytest.mark.parametrize(
    "assertion",
    ["D(q || G(p)) <= H(x | w)", "I(u[1]; u[2] | w) <= 0", "TC(u) <= I(u[1]; w)",
     "I(u[1]; u[2]) <= I(u[1]; w, x)"],
)  # fmt: skip
def test_children_of_a_mixture_may_depend_on_each_other_in_a_counterexample(assertion: str) -> None:
    """They share an expert: whatever w and x are, u[1] still tells of u[2]."""
    text = f"""
model siblings
observed x : binary
given w : binary
latent u[1..3] : real ~ normal
q {{ w, x -> u by mixture }}
p {{ u -> x }}
minimize KL(q || p)
assert {assertion}
"""
    audit = read(compiled(text))
    (found,) = (proof.counterexample for proof in audit.proofs)
    assert found is not None
    assert any("u[1]" in one.given for one in found.tables)
    assert verify(audit).mistakes == ()


@pytest.mark.parametrize("asked", ["CE(x | z, u)", "CE(x | u, z)", "I(x; z, u) + CE(x | z, u)"])
@pytest.mark.parametrize("latents", [("z", "u"), ("u", "z")], ids="-".join)
def test_a_model_is_one_however_its_parents_are_ordered(
    latents: tuple[str, str], asked: str
) -> None:
    """r(x | z, u) is r(x | u, z): the loss prints it by its declarations."""
    declared = "".join(f"latent {one} : real ~ normal\n" for one in latents)
    text = f"""
model ordered
observed x : real
{declared}q {{ x -> z; x -> u }}
p {{ u -> x; z }}
minimize KL(q || p) + {asked}
"""
    result = compiled(text)
    found = verified(result, read(result)).verification
    assert found is not None
    assert found.wrong == ()
    assert any(one.agrees for one in found.emitted)


@pytest.mark.parametrize("latent", ["z : real", "z[1..2] : real"])
def test_an_entropy_is_bounded_by_the_density_of_a_mixture(latent: str) -> None:
    """-H(z | x[1]) <= -H(z | x[1], x[2]): the model is q's own, and the gap is no less than 0."""
    text = f"""
model bounded
observed x[1..2] : real
latent {latent} ~ normal
q {{ x -> z by mixture }}
p {{ z -> x[i] for i in 1..2 }}
minimize KL(q || p) + I(z; x[1])
"""
    assert verify(read(compiled(text))).mistakes == ()


@pytest.mark.parametrize("name", ["constants", "terms"])
def test_a_loss_that_lost_something_is_caught(name: str) -> None:
    result = shipped("wyner")
    audit = read(result)
    less = replace(audit.module, **{name: getattr(audit.module, name)[1:]})
    mistakes = verify(replace(audit, module=less)).mistakes
    assert [one for one in mistakes if "the loss's terms" in one]


def test_a_false_verdict_is_caught() -> None:
    for assertion, status in (
        ("I(x[1]; u) >= I(x[2]; u)", "proved"),
        ("D(q || {u; z; x}) == TC(u; z)", "proved"),
        ("I(u; z) <= I(x[1]; z)", "refuted"),
    ):
        result = compiled(ASSERTED.format(assertion=assertion))
        audit = read(result)
        (proof,) = audit.proofs
        assert proof.status != status
        if status == "proved":
            claimed = replace(proof, status="proved", certificate=None, counterexample=None)
            found = [replace(audit, proofs=(claimed,))]
        else:
            other = compiled(ASSERTED.format(assertion="I(x[1]; u) >= I(x[2]; u)")).proofs[0]
            example = other.counterexample
            assert example is not None
            claimed = replace(proof, status="refuted", certificate=None, counterexample=example)
            found = [replace(audit, proofs=(claimed,))]
        for one in found:
            assert any("assert" in each for each in verify(one).mistakes)


def test_a_counterexample_that_does_not_follow_g_q_is_caught() -> None:
    result = compiled(ASSERTED.format(assertion="I(x[1]; u) >= I(x[2]; u)"))
    audit = read(result)
    (proof,) = audit.proofs
    example = proof.counterexample
    assert example is not None
    backwards = [replace(one, given=(Variable("z"),) * len(one.given)) for one in example.tables]
    for wrong in (
        replace(example, value=((Fraction(-1), 3),)),
        replace(example, tables=tuple(backwards)),
    ):
        broken = replace(audit, proofs=(replace(proof, counterexample=wrong),))
        assert [one for one in verify(broken).mistakes if "refuted" in one]


def lost(text: str, old: str, new: str) -> str:
    assert text.count(old) >= 1, f"{old} is not in the emitted text"
    return text.replace(old, new)


#: What an emitted Wyner module may get wrong, one thing each.
SLIPS = {
    "a weight": ("(1 + self.common) * rate_z", "self.common * rate_z"),
    "a sign": ("+ self.cross * rate_z_each", "- self.cross * rate_z_each"),
    "a term": ("+ self.cross * rate_z_each", ""),
    "arguments exchanged": ("q_z[:, None].kl(q_z_each)", "q_z_each.kl(q_z[:, None])"),
    "a posterior for an expert": ("q_z_each = each_expert(experts_z)", "q_z_each = experts_z"),
    "the prior left out": (
        "q_z = product_of_experts(experts_z)",
        "q_z = product_of_experts(Gaussian(experts_z.mean[:, :1], experts_z.log_var[:, :1]))",
    ),
    "no noise": ('u = q_u.sample(noise["u"])', "u = q_u.mean"),
    "a mean over views": ("expect(p_x.nll(x))", "expect(p_x.nll(x)) / 2"),
    "the printed eq. 13": (
        "q_z = product_of_experts(experts_z)",
        "q_z = product_of_experts(experts_z)\n        "
        "q_z = Gaussian(q_z.mean * torch.exp(-2 * q_z.log_var), q_z.log_var)",
    ),
}


@pytest.mark.parametrize(("old", "new"), SLIPS.values(), ids=SLIPS)
def test_a_corrupted_loss_is_caught(old: str, new: str) -> None:
    text = """
model wyner
param common = 0.1
param cross = 1
observed x[1..2] : real[3]
latent z : real[2] ~ normal
latent u[1..2] : real[2] ~ normal
q { x -> z by poe; x[i], z -> u[i] for i in 1..2 }
p { z, u[i] -> x[i] for i in 1..2 }
minimize KL(q || p) + common * I(x; z)
       + cross * sum(i, j in pairs(1..2)) D(q || {x[i] -> z; z, u[j] -> x[j]})
"""
    (one,) = trials(compiled(text))
    assert isinstance(one, OnTrial)
    assert tried(one.text, one.class_name, one.trial, one.of).agrees
    found = tried(lost(one.text, old, new), one.class_name, one.trial, one.of)
    assert found.abs_error > 1e-3
    assert not found.agrees


def test_a_corrupted_loss_of_categories_is_caught() -> None:
    (one,) = trials(compiled(DISCRETE["one category"]))
    assert isinstance(one, OnTrial)
    for old, new in (
        ("expect(p_x.nll(x))", "expect(p_x.nll(x).mean(-1))"),
        ("* rate_c", "* 2 * rate_c"),
    ):
        found = tried(lost(one.text, old, new), one.class_name, one.trial, one.of)
        assert not found.agrees


def test_a_sample_is_needed_beside_the_cubature() -> None:
    """What is wrong off the points of the cubature alone is caught by the samples."""
    found = EmittedComparison(of="", kind="gaussian", rows=1, exact=1.0, loss=1.0, z_score=4.5)
    assert not found.agrees
    assert replace(found, z_score=-3.9).agrees
    assert not replace(found, z_score=None, loss=float("nan")).agrees
    assert not replace(found, z_score=None, loss=1.0 + 1e-5).agrees


def run(spec: Path, **options: object) -> None:
    audit_command.command([str(spec)], **options)  # type: ignore[arg-type]


def test_the_command_says_what_it_saw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "plain.mib"
    spec.write_text(GAUSSIAN["a variational autoencoder"])
    run(spec, verify=True)
    text = capsys.readouterr().out
    assert "by enumeration of discrete distributions: largest error" in text
    assert "the loss emitted for the spec: error" in text
    assert "standard errors from it over" in text
    run(spec)
    assert "VERIFICATION" not in capsys.readouterr().out


@pytest.mark.parametrize("what", ["derivation", "loss"])
def test_the_command_fails_where_something_is_wrong(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import graphdsl.codegen
    import graphdsl.compiler

    real_read, real_render = graphdsl.compiler.read, graphdsl.codegen.render_module

    def wrong_read(result: Compiled) -> Audit:
        audit = real_read(result)
        (one,) = audit.projections
        return replace(audit, projections=(replace(one, simplified=doubled(one.simplified)),))

    def wrong_render(*arguments: object) -> str:
        return lost(real_render(*arguments), "* rate_u", "* 2 * rate_u")  # type: ignore[arg-type]

    if what == "derivation":
        monkeypatch.setattr(graphdsl.compiler, "read", wrong_read)
    else:
        monkeypatch.setattr(graphdsl.codegen, "render_module", wrong_render)
    spec = tmp_path / "plain.mib"
    spec.write_text(GAUSSIAN["a variational autoencoder"].replace("I(x; u)", "D(q || {x; u})"))
    with pytest.raises(typer.Exit) as stopped:
        run(spec, verify=True)
    assert stopped.value.exit_code == 1
    seen = capsys.readouterr()
    assert "WRONG" in seen.out
    assert "things are wrong" in seen.err
