"""The language as text: its grammar, its newlines, and how reading goes on after a mistake."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from graphdsl.compiler import check_spec, compile_spec, derive
from graphdsl.diagnostics import Diagnostic, Source, Span, SpecError, render
from graphdsl.ir.weight import ONE
from graphdsl.syntax import ast, parse
from graphdsl.syntax.errors import LongNumber, LostComma, NestedTooDeep, UnclosedBrace
from graphdsl.syntax.slips import SLIPS, Slip
from graphdsl.syntax.tables import build_parser, load_parser, make_tables
from graphdsl.syntax.tree import to_statements
from graphdsl_grammar import tables_path
from tests.conftest import SPECS

WYNER = """
# Wyner VAE (Ryu et al., 2020): what two views share, and what each keeps to itself.
model wyner

const pixels = 32                 # half an 8 x 8 digit
param common = 0.1                # parameters are >= 0 unless they say otherwise
param cross  = 1

observed x[1..2] : binary[pixels]
latent   z       : real[16] ~ normal
latent   u[1..2] : real[8]  ~ normal

q {                               # inference network, G^q
    x[1], x[2] -> z     by poe
    x[i], z    -> u[i]  for i in 1..2
}
p {                               # generation network, G^p
    z, u[i] -> x[i]     for i in 1..2
}
network through_z(i, j) {         # x_i reaches x_j only through z
    x[i]    -> z
    z, u[j] -> x[j]
}

minimize
    KL(q || p)
  + common * I(x; z)
  + cross  * sum(i, j in pairs(1..2)) D(q || through_z(i, j))

assert D(q || through_z(1, 2)) == I(u[2]; x[1], z) + I(x[1]; x[2] | z, u[2])
"""

BETA_TCVAE = """
# beta-TCVAE (Chen et al., 2018)
model beta_tcvae

param beta = 6 in 1..inf

observed x       : binary[1, 28, 28]
latent   u[1..10] : real ~ normal

q { x -> u  via conv }            # a bare name is the whole family
p { u -> x  via conv }

minimize KL(q || p) + (beta - 1) * D(q || G(p))
estimate TC(u) with mss

assert D(q || G(p)) == TC(u)
"""


def plain(node: object) -> object:
    """A piece of syntax without its places: what it says, whatever its layout."""
    if isinstance(node, Span):
        return "somewhere"
    if isinstance(node, tuple):
        return tuple(plain(one) for one in node)
    if is_dataclass(node):
        held = {field.name: plain(getattr(node, field.name)) for field in fields(node)}
        return type(node).__name__, tuple(held.items())
    return node


def read(text: str) -> tuple[ast.Statement, ...]:
    spec, mistakes = parse(Source("test.mib", text))
    assert mistakes == (), [one.message for one in mistakes]
    return spec.statements


def mistakes_in(text: str) -> tuple[Diagnostic, ...]:
    return parse(Source("test.mib", text))[1]


def said(text: str) -> object:
    return plain(read(text))


def expression(text: str) -> ast.Expression:
    (goal,) = read(f"minimize {text}")
    assert isinstance(goal, ast.Goal)
    return goal.expression


# ---- the grammar and its tables ------------------------------------------------------------------


def test_grammar_has_no_conflicts() -> None:
    build_parser(strict=True)


def test_tables_are_made_for_the_grammar() -> None:
    """Byte for byte they differ from run to run; what they read does not (see below)."""
    made, shipped = json.loads(make_tables()), json.loads(tables_path().read_text(encoding="utf-8"))
    assert made["made_for"]["grammar"] == shipped["made_for"]["grammar"], (
        "run `python -m graphdsl.syntax`"
    )


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_tables_read_as_the_grammar_does(spec: Path) -> None:
    text = Source.read(spec).text
    built, loaded = build_parser(), load_parser()
    assert to_statements(built.parse(text)) == to_statements(loaded.parse(text))


def test_words_end_where_they_end() -> None:
    for joined in ("latentz : real", "modelvae", "minimizeH(x)", "q { x -> z bypoe }"):
        assert mistakes_in(joined) != ()


# ---- newlines ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("x,\n y -> z", "x, y -> z"),
        ("x ->\n z", "x -> z"),
        ("x\n -> z", "x -> z"),
        ("x\n , y -> z", "x, y -> z"),
        ("x -> z\n by poe", "x -> z by poe"),
        ("x -> z\n via conv", "x -> z via conv"),
        ("x -> z\n\n # with a comment\n via mlp(4,\n 5)", "x -> z via mlp(4, 5)"),
        ("x[i] -> z\n for i in 1..2", "x[i] -> z for i in 1..2"),
        ("x[i] -> z for i in 1\n .. 2", "x[i] -> z for i in 1..2"),
        ("(x,\n y)\n -> z", "(x, y) -> z"),
        ("x[\n1\n] -> z", "x[1] -> z"),
        ("x\f\n\f-> z", "x -> z"),
        ("\n\nx -> z\n\n", "x -> z"),
        ("x -> z;", "x -> z"),
    ],
)
def test_a_line_goes_on(broken: str, whole: str) -> None:
    assert said(f"q {{ {broken} }}") == said(f"q {{ {whole} }}")


@pytest.mark.parametrize(
    "two_lines",
    [
        "x -> z\ny -> z",
        "x -> z; y -> z",
        "x -> z   # and\n\n  # then\n  y -> z",
        "x -> z;\n y -> z",
        "x -> z\r\ny -> z",
        "x -> z\f\ny -> z",
        "x -> z\n\f\n\fy -> z",
        "x -> z \f# and\n\f\ty -> z",
    ],
)
def test_a_line_ends(two_lines: str) -> None:
    assert said(f"q {{ {two_lines} }}") == said("q { x -> z; y -> z }")


def test_subject_is_a_name_where_no_to_follows() -> None:
    """As of whom the data are: `subject -> z`; `subject to` begins constraints."""
    text = WYNER.replace("p {", "p {\n    subject -> z").replace(
        "latent   z ", "given    subject : categorical(9)\nlatent   z "
    )
    both = text + "\nsubject to I(x; z) <= 0.1\n"
    assert {one.name for one in check_spec(Source("a.mib", both)).model.families} > {"subject"}
    with pytest.raises(SpecError) as found:
        check_spec(Source("a.mib", both.replace("minimize", "minimise")))
    assert "MIB103" not in {one.code for one in found.value.diagnostics}  # no brace is lost


@pytest.mark.parametrize("body", ["x -> z\n[1]", "x\n[1] -> z", "x -> z via mlp\n(4)"])
def test_brackets_on_the_next_line_go_on_with_nothing(body: str) -> None:
    with pytest.raises(SpecError) as found:
        check_spec(Source("a.mib", WYNER.replace("x[1], x[2] -> z     by poe", body)))
    assert [(one.code, one.span.line) for one in found.value.diagnostics] == [("MIB112", 15)]


def test_a_block_on_the_next_line_is_not_an_argument() -> None:
    assert said("network g { x\n (y, z) }") == said("network g { x; (y, z) }")
    after_range = "network g { x[i] for i in 1..N\n (y, z) }"
    assert said(after_range) == said("network g { x[i] for i in 1..N; (y, z) }")
    assert said("network g { x -> z via conv\n (y) }") == said("network g { x -> z via conv; (y) }")


def test_newlines_are_spacing_elsewhere() -> None:
    assert said("latent\n z\n :\n real\n [\n 3\n ]\n ~\n normal") == said(
        "latent z : real[3] ~ normal"
    )
    assert said("minimize\n 2\n *\n KL\n (\n q\n ||\n p\n )") == said("minimize 2 * KL(q || p)")
    assert said("model a q { x } p { x }") == said("model a\nq\n{ x }\np\n{ x }")


# ---- a lost comma is never another model ---------------------------------------------------------


@pytest.mark.parametrize(
    "lost",
    [
        "q { x[1] x[2] -> z }",
        "q { x y -> z }",
        "q { (x) y -> z }",
        "q { x (y) -> z }",
        "q { x -> z u }",
        "p { x[1], x[2] -> z[1] z[2] }",
        "network g(i j) { x -> z }",
        "network g { (x y) -> z }",
        "q { x -> z via mlp(400 400) }",
        "latent z : real[1 28 28]",
        "minimize I(x y; z)",
        "minimize I(x[1] x[2]; z)",
        "minimize I(x; z | a b)",
        "minimize KL(q(x y) || p(x, y))",
        "minimize D(q || g(1 2))",
        "minimize sum(i j in pairs(1..2)) H(x)",
    ],
)
def test_a_lost_comma_is_said(lost: str) -> None:
    assert [type(one) for one in mistakes_in(lost)] == [LostComma]


# ---- expressions ---------------------------------------------------------------------------------


def test_sum_binds_a_whole_product() -> None:
    total = expression("sum(i in 1..2) a * H(x) * 2 + H(z)")
    assert isinstance(total, ast.Sum)
    assert [sign for sign, _ in total.others] == ["+"]
    assert isinstance(total.first, ast.Total)
    assert plain(total.first.body) == plain(expression("a * H(x) * 2"))
    assert plain(expression("b * sum(i in 1..2) a * H(x)")) == plain(
        expression("b * (sum(i in 1..2) (a * H(x)))")
    )
    assert plain(expression("-sum(i in 1..2) H(x) - H(z)")) == plain(
        expression("(-(sum(i in 1..2) H(x))) - H(z)")
    )


def test_signs_bind_as_in_mathematics() -> None:
    assert plain(expression("a - b - c")) == plain(expression("(a - b) - c"))
    assert plain(expression("a + b * c / d")) == plain(expression("a + ((b * c) / d)"))
    assert plain(expression("-a * b")) == plain(expression("(-a) * b"))


def test_numbers_are_exact() -> None:
    assert plain(expression("0.1")) != plain(expression("0.1000000000000000055"))
    assert plain(expression("1e-1")) == plain(expression("0.1"))


# ---- the specs of the design ---------------------------------------------------------------------


@pytest.mark.parametrize("text", [WYNER, BETA_TCVAE], ids=["wyner", "beta_tcvae"])
def test_specs_of_the_design_compile(text: str) -> None:
    module = compile_spec(Source("test.mib", text))
    assert [proof.status for proof in module.compiled.proofs] == ["proved"]


DESIGNED = """
# The paper's own multi-modal model, with its structure learned (Sec. 4.2, Alg. 1)
model structured_mm

const N = 3
observed x[1..N] : binary[784] optional             # any view may be missing in any row
latent   z[1..8] : real[4] ~ normal
latent   u[1..N] : real[8] ~ normal
mask     Mq[1..N, 1..8] : learned bernoulli(0.5)
mask     Mp[1..N, 1..8] : learned bernoulli(0.5)

q {
    x[i] -> z     if Mq[i]  by poe  for i in 1..N     # N networks for all 2^(8N) structures
    x[i] -> u[i]                    for i in 1..N
}
p {
    z    -> x[i]  if Mp[i]          for i in 1..N
    u[i] -> x[i]                    for i in 1..N
}

minimize KL(q || p)
       + expect(S in bipartitions(1..N)) D(q || {(x[S]) -> (z) -> (x[not S])})
       + 0.01 * sparsity(Mq, Mp)
"""


def test_the_third_spec_of_the_design_compiles_as_written() -> None:
    compiled = derive(check_spec(Source("structured.mib", DESIGNED)))
    assert compiled.module.relation == "upper"
    assert [one.name for one in compiled.module.masks] == ["Mq", "Mp"]
    named = [term.formula for term in compiled.module.terms if term.weight != ONE]
    assert any("KL(q(z | x if Mq) || q(z | x[S] if Mq))" in one for one in named)


# ---- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slip", "example"),
    [(slip, example) for slip in SLIPS for example in slip.examples],
    ids=lambda one: one if isinstance(one, str) else one.label.__name__,
)
def test_slips_are_what_their_examples_say(slip: Slip, example: str) -> None:
    assert [type(one) for one in mistakes_in(example)] == [slip.label]


def test_reading_goes_on_behind_a_mistake() -> None:
    text = "model a\nlatent z real\nq { x y -> z\n x -> z }\nminimize KL(q || p"
    spec, mistakes = parse(Source("test.mib", text))
    assert [one.span.line for one in mistakes] == [2, 3, 5]
    assert spec.broken
    assert plain(spec.statements) == said("model a q { x -> z }")


@pytest.mark.parametrize("end", ["", "\n", "  # the end", "\n\n# the end\n"])
def test_a_lost_brace_loses_no_line(end: str) -> None:
    spec, mistakes = parse(Source("test.mib", f"model a\nq {{\n x -> z{end}\np {{ z -> x }}"))
    assert [type(one) for one in mistakes] == [UnclosedBrace]
    assert plain(spec.statements) == said("model a q { x -> z } p { z -> x }")


DEEP = 5_000


@pytest.mark.parametrize(
    "text",
    [
        "minimize " + "(" * DEEP + "H(x)" + ")" * DEEP,
        "minimize " + "-" * DEEP + "H(x)",
        "minimize " + "(H(x) + " * DEEP + "H(x)" + ")" * DEEP,
        "minimize " + "2 * (" * DEEP + "H(x)" + ")" * DEEP,
        "minimize " + "sum(i in 1..1) " * DEEP + "H(x)",
        "network g { " + "(" * DEEP + "x" + ")" * DEEP + " }",
        "latent z : real[" + "(" * DEEP + "1" + ")" * DEEP + "]",
        "const a = " + "-" * DEEP + "1",
        "minimize " + "D(q || {" * DEEP,
    ],
    ids=range(9),
)
def test_deep_nesting_is_refused(text: str) -> None:
    source = Source("test.mib", text)
    (mistake,) = parse(source)[1]
    assert isinstance(mistake, NestedTooDeep)
    assert max(map(len, render(mistake, source).splitlines())) < 250


@pytest.mark.parametrize(
    "text",
    [
        "minimize H(x)" + " + H(x)" * DEEP,
        "minimize H(x)" + " + H(x) - H(z)" * DEEP,
        "minimize (H(x)" + " + H(x)" * DEEP + ")",
        "minimize H(x)" + " + (H(z))" * DEEP,
        "minimize 2 * (H(x)" + " - 2 * (H(z))" * DEEP + ")",
        "minimize H(x)" + " * 2 / 2" * DEEP,
        "minimize 2" + " * 2 / 2" * DEEP + " * sum(i in 1..2) H(x)",
        "minimize H(x" + ", x" * DEEP + ")",
        "minimize TC(x" + "; x" * DEEP + ")",
        "minimize KL(q || p) for q" + ", q" * DEEP,
        "subject to H(x) <= 1" + ", H(x) <= 1" * DEEP,
        "assert H(x)" + " + H(x)" * DEEP + " >= H(x)" + " - H(x)" * DEEP,
        "const a = 1" + " + 1 - 1" * DEEP,
        "param a = 1" + " * 2 / 2" * DEEP,
        "latent z : real[1" + ", 1" * DEEP + "]",
        "latent z[1..1" + " + 0" * DEEP + "] : real",
        "q { x" + ", x" * DEEP + " -> z }",
        "q { x[1" + " + 0" * DEEP + "] -> z for i in 1" + " + 0" * DEEP + "..2 }",
        "q { " + "x -> z; " * DEEP + "}",
    ],
    ids=range(19),
)
def test_length_is_no_nesting(text: str) -> None:
    """However many terms, factors or names stand side by side: the syntax is as deep as before."""
    spec, mistakes = parse(Source("test.mib", text))
    assert mistakes == ()
    assert len(repr(spec)) > DEEP  # no recursion that goes as deep as the text is long


@pytest.mark.parametrize("number", ["1e999999999", "1e-999999999", "9" * 5_000, "0." + "1" * 5_000])
def test_monstrous_numbers_are_refused(number: str) -> None:
    assert [type(one) for one in mistakes_in(f"param a = {number}")] == [LongNumber]


def test_garbage_is_refused_at_once() -> None:
    assert 0 < len(mistakes_in("@ # $ \\ \n" * 50_000)) <= 20


# ---- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        WYNER.replace("\n", "\r\n").encode(),
        WYNER.replace("\n", "\r").encode(),
        b"\xef\xbb\xbf" + WYNER.encode(),
        WYNER.replace("    ", "\t").encode(),
    ],
    ids=["windows", "old macintosh", "byte order mark", "tabs"],
)
def test_files_as_they_come(written: bytes, tmp_path: Path) -> None:
    path = tmp_path / "wyner.mib"
    path.write_bytes(written)
    assert said(Source.read(path).text) == said(WYNER)


def test_line_ends_do_not_change_the_hash() -> None:
    assert Source("a", WYNER).sha256 == Source("b", WYNER.replace("\n", "\r\n")).sha256
    assert Source("a", WYNER).sha256 != Source("a", WYNER + "# more\n").sha256


def test_strange_line_ends_are_no_lines() -> None:
    text = "model a  # one\u2028line, \x0c and \x85 another\nparam b"
    (mistake,) = mistakes_in(text)
    assert mistake.span.line == 2
    assert "param b" in render(mistake, Source("test.mib", text))
