"""D(q || G) comes out in the form that theory.md, section 2, prints, up to symmetry alone."""

from __future__ import annotations

import re

import pytest

from graphdsl.compiler import canonical_forms, check_spec
from graphdsl.diagnostics import Source
from graphdsl.graphs import topological_orders
from graphdsl.ir.information import (
    Atom,
    Entropy,
    Information,
    ProjectionDerivation,
    Term,
    TotalCorrelation,
)
from graphdsl.ir.symbols import P, Q
from graphdsl.ir.weight import ONE
from graphdsl.symbolic import derive_projection
from tests.named import variables

VAE = """
observed x : binary
latent u[1..3] : real ~ normal
q { x -> u }
p { u -> x }
"""
INFOGAN = """
observed x : binary
latent c : categorical(3) ~ categorical
latent e : real ~ normal
p { c, e -> x }
minimize JS(q(x) || p(x))
"""
HFVAE = """
observed x : binary
latent u[1..2, 1..2] : real ~ normal
q { x -> u }
p { u -> x }
"""
VCCA = """
observed x[1..2] : binary
latent z : real ~ normal
q { x[1] -> z }
p { z -> x }
"""
JMVAE = VCCA.replace("x[1] -> z", "x -> z")
WYNER = """
observed x : binary
observed y : binary
latent z : real ~ normal
latent u : real ~ normal
latent v : real ~ normal
q { x, y -> z; x, z -> u; y, z -> v }
p { z, u -> x; z, v -> y }
"""
DIVA = """
observed x : binary
observed y : binary
observed d : binary
latent zy : real ~ normal
latent zd : real ~ normal
latent zx : real ~ normal
q { x -> zy, zd, zx }
p { y -> zy; d -> zd; zy, zd, zx -> x }
"""
COREX = """
observed x[1..3] : binary
latent z[1..3] : real ~ normal
q { x -> z }
p { z -> x }
"""
IVAE = """
observed x : binary
given w : binary
latent z[1..3] : real ~ normal
q { x, w -> z }
p { w -> z; z -> x }
"""
FAIR = """
observed x : binary
observed a : binary
latent z : real ~ normal
latent u : real ~ normal
q { x, a -> z; x -> u }
p { z, u -> x; z -> a }
"""
FFVAE = """
observed x : binary
observed a[1..2] : binary
latent z : real ~ normal
latent b[1..2] : real ~ normal
q { x -> z, b }
p { z, b -> x; b[i] -> a[i] for i in 1..2 }
"""
LMIFR = """
observed x : binary
observed s : binary
latent z : real ~ normal
q { x, s -> z }
p { z, s -> x }
"""
OOD = """
observed x : binary
observed y : binary
observed e : binary
latent z : real ~ normal
q { x, e, y -> z }
p { z -> x, y, e }
"""
VIEWS = """
observed x[1..3] : binary
latent z : real ~ normal
latent u[1..3] : real ~ normal
q { x -> z; x[i] -> u[i] for i in 1..3 }
p { z, u[i] -> x[i] for i in 1..3 }
"""

#: By the section of theory.md: a model, a network, and the form that is printed there.
FORMS = {
    "2.3 InfoGAN": (INFOGAN, "{c -> x; e}", "I(x; e | c)"),
    "2.4 beta-VAE, one node": (VAE, "{x; (u)}", "I(x; u[1], u[2], u[3])"),
    "2.4 beta-VAE, by factors": (VAE, "{x; u}", "I(x; u[1]) + I(x; u[2]) + I(x; u[3])"),
    "2.4 beta-VAE, complete on u": (
        VAE,
        "{u[1] -> u[2]; u[1], u[2] -> u[3]; x}",
        "I(x; u[1], u[2], u[3])",
    ),
    "2.5 beta-TCVAE": (VAE, "G(p)", "TC(u[1]; u[2]; u[3])"),
    "2.7 HFVAE": (HFVAE, "G(p)", "TC(u[1,1]; u[1,2]; u[2,1]; u[2,2])"),
    "2.7 HFVAE, groups": (
        HFVAE,
        "{u[1,1] -> u[1,2]; u[2,1] -> u[2,2]; u -> x}",
        "I(u[1,1], u[1,2]; u[2,1], u[2,2])",
    ),
    "2.11 VCCA": (VCCA, "G(p)", "I(x[1]; x[2] | z)"),
    "2.12 JMVAE, cross": (JMVAE, "{x[1] -> z -> x[2]}", "I(x[1]; x[2] | z)"),
    "2.12 JMVAE, the other way": (JMVAE, "{x[2] -> z -> x[1]}", "I(x[1]; x[2] | z)"),
    "2.12 JMVAE, sufficiency": (JMVAE, "{x[1] -> x[2]; x[1] -> z}", "I(z; x[2] | x[1])"),
    "2.15 Wyner": (WYNER, "{x -> z; z -> y; v -> y}", "I(v; x, z) + I(x; y | z, v)"),
    "2.15 Wyner, common information": (WYNER, "{x -> y; z}", "I(x, y; z)"),
    "2.15 Wyner, private": (WYNER, "{z, u -> x}", "I(z; u)"),
    "2.16 DIVA": (
        DIVA,
        "G(p)",
        "I(zy; d | y) + I(zd; y, zy | d) + I(zx; y, d, zy, zd) + I(x; y, d | zy, zd, zx)",
    ),
    "2.16 DIVA, classifier": (DIVA, "{x -> zy -> y}", "I(x; y | zy)"),
    "2.16 DIVA, weight": (DIVA, "{y -> x; y -> zy}", "I(zy; x | y)"),
    "2.17 CorEx": (
        COREX,
        "G(p)",
        "TC(z[1]; z[2]; z[3]) + TC(x[1]; x[2]; x[3] | z[1], z[2], z[3])",
    ),
    "2.18 iVAE": (IVAE, "G(p)", "TC(z[1]; z[2]; z[3] | w) + I(x; w | z[1], z[2], z[3])"),
    "2.19 fair, invariant": (FAIR, "{z, u -> a; z, u, a -> x}", "I(z; u)"),
    "2.19 fair, informative": (FAIR, "{z -> x, a}", "I(x; a | z)"),
    # Printed as I(z; u) + I(a; u | z) + I(x; a | z, u); the last two are I(a; x | z).
    "2.19 fair, G^p": (FAIR, "G(p)", "I(z; u) + I(a; x | z)"),
    "2.19 fair, directly": (FAIR, "{a; u}", "I(a; u)"),
    "2.20 FFVAE": (FFVAE, "{z; b}", "TC(z; b[1]; b[2])"),
    "2.20 FFVAE, attribute": (FFVAE, "{x -> b[1] -> a[1]}", "I(x; a[1] | b[1])"),
    "2.21 L-MIFR": (LMIFR, "{z; s}", "I(z; s)"),
    "2.21 L-MIFR, isolated": (LMIFR, "{z; (x, s)}", "I(z; x, s)"),
    "2.21 L-MIFR, given s": (LMIFR, "{s -> x; s -> z}", "I(x; z | s)"),
    "2.23 OOD, N1": (OOD, "{x -> z; x -> y; x, y -> e}", "I(z; e, y | x)"),
    "2.23 OOD, N2": (OOD, "{z -> x, y, e}", "TC(x; e; y | z)"),
    "2.23 OOD, N3": (OOD, "{z -> e; z -> y; z, e, y -> x}", "I(y; e | z)"),
    "2.25 OURS-MM": (VIEWS, "{(x[1..2]) -> z -> (x[3])}", "I(x[1], x[2]; x[3] | z)"),
    "P15 a copy": (VCCA, "{x[1] -> z -> x'[1]}", "I(x[1]; x'[1] | z)"),
}


@pytest.mark.parametrize(("model", "network", "printed"), FORMS.values(), ids=FORMS)
def test_the_named_form_is_the_printed_one(model: str, network: str, printed: str) -> None:
    assert form(model, network) == expected(printed)


def test_a_part_that_is_nought_is_told_and_licensed() -> None:
    """I(e; c, x) = I(e; c) + I(e; x | c), and the code is independent of the noise."""
    found = derivation(INFOGAN, "{c -> x; e}")
    (step,) = [one for one in found.steps if one.rule.startswith("d-separation")]
    assert step.because == "c _||_ e"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("I(x; y | z)", "I(y; x | z)"),
        ("TC(x; y; z)", "TC(z; x; y)"),
        ("I(x; y) + I(z; u | y, x)", "I(u; z | x, y) + I(y; x)"),
    ],
)
def test_symmetric_forms_are_one(first: str, second: str) -> None:
    assert expected(first) == expected(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("I(x; y | z)", "I(x; y)"),
        ("I(x; y, z)", "I(x, y; z)"),
        ("I(x; y) + I(x; z | y)", "I(x; y, z)"),  # equal, and another form
    ],
)
def test_other_forms_are_not(first: str, second: str) -> None:
    assert expected(first) != expected(second)


#: A form without its order: of the terms, and of the sides of each.
Form = list[tuple[list[tuple[str, ...]], tuple[str, ...]]]


def form(model: str, network: str) -> Form:
    found = derivation(model, network)
    return sorted(_sides(term) for term in (*found.simplified, *_open(found.constant, network)))


def listed(text: str) -> tuple[str, ...]:
    """The names in a list of them: a comma between brackets is part of a name."""
    return tuple(re.findall(r"[^,\[]+(?:\[[^\]]*\])?", text))


def derivation(model: str, network: str) -> ProjectionDerivation:
    under = Q if "q {" in model else P
    minimize = "" if "minimize" in model else "minimize KL(q || p)\n"
    text = f"model m\n{model}{minimize}assert D({under} || {network}) >= 0\n"
    checked = check_spec(Source("form.mib", text))
    one = checked.model.projections[-1]
    orders = topological_orders(one.network, checked.model)
    return derive_projection(one.network, orders, one.weight, canonical_forms(checked)[under])


def _open(constant: tuple[Term, ...], network: str) -> tuple[Term, ...]:
    """What depends on the data alone counts, but where p leaves two observed roots apart."""
    return () if network == "G(p)" else constant


def expected(printed: str) -> Form:
    return sorted(_sides(Term(ONE, _atom(text))) for text in printed.split(" + "))


def _atom(text: str) -> Atom:
    found = re.fullmatch(r"(I|TC)\((.*?)(?: \| (.*))?\)", text)
    assert found is not None
    parts = [variables(listed(part.replace(" ", ""))) for part in found[2].split(";")]
    given = variables(listed((found[3] or "").replace(" ", "")))
    if found[1] == "I":
        return Information(parts[0], parts[1], given)
    return TotalCorrelation(tuple(parts), given)


def _sides(term: Term) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    assert term.weight == ONE
    match term.atom:
        case Information(left, right, given):
            parts: tuple[tuple[str, ...], ...] = (left, right)
        case TotalCorrelation(several, given):
            parts = several
        case Entropy() | _:
            raise AssertionError(f"{term.atom} is no named form")
    return sorted(tuple(sorted(part)) for part in parts), tuple(sorted(given))
