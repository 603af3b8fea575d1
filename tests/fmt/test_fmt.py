"""Formatting: one layout for each spec, the same meaning, and every comment in its place."""

from __future__ import annotations

import os
import re
from pathlib import Path
from random import Random
from typing import get_args

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from graphdsl.compiler import compile_spec
from graphdsl.diagnostics import CompilerBug, Source, SpecError
from graphdsl.fmt import format_spec
from graphdsl.syntax import ast, parse
from tests.conftest import ROOT, SPECS
from tests.corpus import fuzz
from tests.layouts import scramble, weave
from tests.syntax.test_fuzz_specs import SLIPS, Slip
from tests.syntax.test_syntax import plain

TEMPLATES = tuple(sorted((ROOT / "graphdsl" / "cli" / "templates").glob("*.mib")))
BAD = tuple(
    spec
    for spec in sorted((ROOT / "tests" / "bad").glob("*/*.mib"))
    if not parse(Source.read(spec))[1]
)

#: Every construct of the language, once.
EVERYTHING = """\
# everything
model all

const N = 3
param beta = ramp(0, 4, steps = 2000) in 0..4

observed x[1..N]       : binary[784] optional
observed y             : categorical(10)
observed m[1]          : real[3, 64, 64] ~ normal(scale = learned)
given    e             : categorical(2)
latent   z[1..8]       : real[4]         ~ normal
latent   w[1..2, 1..3] : real            ~ laplace
latent   c             : categorical(5)  ~ categorical

mask     Mq[1..N, 1..8] : learned bernoulli(0.5)
mask     F[1..2, 1..2]  : fixed(1, 0; 0, 1)
mask     G[1..2, 1..2]  : fixed(
    1, 0;                         # the first
    0, 1
)

q {
    x[i]   -> z     if Mq[i]  by poe  via shared mlp(400)  for i in 1..N, j in 1..2
    x      -> c     ~ categorical
    z[t-1] -> z[t]                                         for t in 2..8
}

p {
    z, e -> x[i]  for i in 1..N
    z    -> y
}
infer r(S) { x[S] -> z  by poe }
network g(i) { x[i] -> z -> x[not i]; x'; y' }

minimize                          # all of it
    # what is bounded
    KL(q || p) with iwae(k = 16)
  + expect(S in bipartitions(1..N)) D(q || {(x[S]) -> (z) -> (x[not S])})
  # what is weighted
  + 0.01     * sparsity(Mq)       # edges
  + beta / 2 * abs(I(x; z) - 3)

  + max(H[p](x | z), 2)
  + KL(r(1) || frozen(p))
  + KL(q(z | x) || p(z))
  + sum(i in 1..2, j in not S) MMD(q(z[i]) || p(z[i]))
  + CE[r(i)](x[1] | z)
  + cost(x | z, squared)
  - mean(i in S) TC(z[1..2]; z[not i] | y)
  + irm(y | z, e)
  + information(q)
  + KL(frozen(q(z | x)) || p(z))
  # + I(x; e)

subject to
    D(q || {z; e}) <= 0.05,       # never more
    I(x; z)        >= 1
subject to I(x; z) >= 1, -I(x; y) <= (-1 + 2) * 3
turns critic = 5, model = N - 1
estimate H(z | x[1]) with r(1)
assert I[p](x; z) == 0
assert
    D(q || {x; z})
 == I(x; z)
"""

#: One line each, where the tests with comments and newlines want it short.
SMALL = (
    "q { x -> z }",
    "q { x; y, z' -> w ; w'[2] -> x }",
    "q {}",
    "minimize -I(x; z) - -sum(i in 1..N-1) -2 * (a - b) * H(x[N-i*2])",
    "minimize KL(r(1)(z | x) || q)\nminimize sum(i in 1..2) (H(x) + H(y))",
    "maximize 2 * I(x; z) + 10 * sum(i in not S) D(q || {x[i] -> z  by poe; (x, y) -> z; z})",
    "assert I[{x -> z; y}](x[z-1]) <= max(abs(H(x)), 2)",
    "mask M[1..2, 1..2] : fixed(1, 0; 0, 1)",
    "turns q = 2, p = 3 q { x -> z }\nturns model = n model a",
    "model a const b = 2 param c = 1 in 0..(b - 1) given d : real[2 * b]",
)

TEXTS = (
    *(Source.read(path).text for path in (*SPECS, *TEMPLATES, *BAD)),
    EVERYTHING,
    *SMALL,
)
GOLDEN = (*(Source.read(path).text for path in (*SPECS, *TEMPLATES)), EVERYTHING)

by_path = pytest.mark.parametrize("path", [*SPECS, *BAD, *TEMPLATES], ids=lambda path: path.stem)
many = settings(
    max_examples=fuzz(120),
    deadline=None,
    derandomize="FUZZ" not in os.environ,
    phases=[Phase.explicit, Phase.generate],  # a seed cannot be shrunk to anything simpler
    suppress_health_check=[HealthCheck.too_slow],
)


def formatted(text: str) -> str:
    return format_spec(Source("test.mib", text))


def said(text: str) -> object:
    spec, mistakes = parse(Source("test.mib", text))
    assert mistakes == (), (text, mistakes)
    return plain(spec.statements)


def holds_the_laws(text: str) -> None:
    """Of formatting: the same meaning, the same comments, and nothing left to do."""
    once = formatted(text)
    assert formatted(once) == once
    assert said(once) == said(text)
    assert weave(once) == weave(text)
    assert all(line == line.rstrip(" \t") for line in once.split("\n"))
    assert "\n\n\n" not in once
    assert not once.startswith("\n")
    assert once == "" or (once.endswith("\n") and not once.endswith("\n\n"))


# ---- the golden form -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*SPECS, *TEMPLATES], ids=lambda path: path.stem)
def test_what_ships_is_in_golden_form(path: Path) -> None:
    text = Source.read(path).text
    assert formatted(text) == text


def test_everything_is_in_golden_form() -> None:
    kinds = {type(one) for one in parse(Source("all.mib", EVERYTHING))[0].statements}
    assert kinds == set(get_args(ast.Statement))
    assert formatted(EVERYTHING) == EVERYTHING


@by_path
def test_the_laws_hold(path: Path) -> None:
    holds_the_laws(Source.read(path).text)


@many
@given(text=st.sampled_from(TEXTS), seed=st.integers(0, 10**6))
def test_the_laws_hold_in_any_layout(text: str, seed: int) -> None:
    scrambled = scramble(text, Random(seed))
    assert said(scrambled) == said(text)
    holds_the_laws(scrambled)


@many
@given(text=st.sampled_from(GOLDEN), seed=st.integers(0, 10**6))
def test_another_layout_comes_back_to_the_golden_form(text: str, seed: int) -> None:
    scrambled = scramble(text, Random(seed), wild=False)
    assert said(scrambled) == said(text)
    assert formatted(scrambled) == text


@many
@given(text=st.sampled_from(TEXTS), slips=st.lists(SLIPS, min_size=1, max_size=2))
def test_a_slip_is_refused_or_formatted(text: str, slips: list[Slip]) -> None:
    for slip in slips:
        text = slip.apply(text)
    if parse(Source("test.mib", text))[1]:
        with pytest.raises(SpecError):
            formatted(text)
    else:
        holds_the_laws(text)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_same_module_comes_of_it(path: Path) -> None:
    source = Source.read(path)
    title, model, rest = re.split(r"^(model .*\n)", source.text, flags=re.MULTILINE)
    again = formatted(title + model + scramble(rest, Random(0)))  # the title is in the module
    assert again != source.text
    assert _module(again) == _module(source.text)


def _module(text: str) -> str:
    """The emitted module without the hash of the spec and the numbers of its lines."""
    emitted = compile_spec(Source("test.mib", text)).text
    plain_hash = re.sub(r"sha256 [0-9a-f]{64}", "sha256 ...", emitted)
    return re.sub(r"spec lines?[0-9, \n#]+\n", "spec line ...\n", plain_hash)


# ---- a choice each -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "golden"),
    [
        ("", ""),
        ("\n \n# only this\n\n\n# and this", "# only this\n\n# and this\n"),
        ("model a\n\n\n\nconst b=1", "model a\n\nconst b = 1\n"),
        ("q{x->z}", "q { x -> z }\n"),
        ("q{x->z;y->z ;}", "q { x -> z; y -> z }\n"),
        ("q{\n x->z}", "q {\n    x -> z\n}\n"),
        ("q{\n\n}", "q {}\n"),
        ("q{ # none\n\n}", "q {                               # none\n}\n"),
        ("q {\n\n  x -> z\n\n\n  y\n\n}", "q {\n    x -> z\n\n    y\n}\n"),
        (
            "q { x -> z # c\n by poe }",
            "q {\n    x -> z                        # c\n        by poe\n}\n",
        ),
        ("q {\n x # c\n ;;y }", "q {\n    x                             # c\n    y\n}\n"),
        ("q {\nx; by'; y}", "q {\n    x;\n    by'\n    y\n}\n"),
        ("q {\nx via a by b\ny by c via d}", "q {\n    x  via a  by b\n    y  by c  via d\n}\n"),
        ("minimize I(x;z)+\nH(x)", "minimize\n    I(x; z)\n  + H(x)\n"),
        (
            "minimize I(x;z)+ # rate\n # next\n H(x)",
            "minimize\n    I(x; z)                       # rate\n  # next\n  + H(x)\n",
        ),
        ("minimize\nI(x;\nz)", "minimize I(x; z)\n"),
        (
            "minimize\n  H(x)\n  + H(z)\n # + H(y)\n# check\nmodel a",
            "minimize\n    H(x)\n  + H(z)\n  # + H(y)\n# check\nmodel a\n",
        ),
        ("assert H(x)\n>=0", "assert\n    H(x)\n >= 0\n"),
        ("mask A[1..1,1..2] : fixed(1;\n0)", "mask     A[1..1, 1..2] : fixed(\n    1;\n    0\n)\n"),
        ("param a = -1 in 0 .. (2 - 1)", "param a = -1 in 0..(2-1)\n"),
        ("minimize sum(i in 1..2) (-2)*H(z[i - 1])", "minimize sum(i in 1..2) (-2) * H(z[i-1])\n"),
        ("latent z : real # a\r\n", "latent   z : real                 # a\n"),
    ],
)  # fmt: skip
def test_choices(text: str, golden: str) -> None:
    assert formatted(text) == golden
    holds_the_laws(text)


def test_long_lines_are_broken() -> None:
    name = "a_rather_long_name_of_something"
    long = ", ".join(f"{name}_{number}" for number in range(12))
    text = f"""
        q {{ {long} -> z by poe via mlp({long}) for i in 1..2 }}
        minimize D(q || {{ {long} -> z; z -> {long} }})
        subject to I({long}; z) <= 1, H({long}) >= 2
        estimate H({long}) with mss
        observed x[{long}] : real
    """
    holds_the_laws(text)
    assert max(map(len, formatted(text).split("\n"))) <= 100


def test_a_layout_that_would_say_something_else_is_our_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("model b\n# c\n", "model a\n", "model\n"):
        monkeypatch.setattr("graphdsl.fmt.format.set_in_columns", lambda _, text=wrong: text)
        with pytest.raises(CompilerBug):
            formatted("model a # c")
