"""The language server, by a client that talks to it over its pipes, as an editor does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import get_args

import pytest

pytest.importorskip("pygls")  # the extra `editor`

from pygls.exceptions import JsonRpcException

from graphdsl.catalog.laws import LAWS
from graphdsl.catalog.methods import METHODS
from graphdsl.compiler import compile_spec
from graphdsl.diagnostics import Source, explanation
from graphdsl.fmt import format_spec
from graphdsl.lsp.analysis import analysed, derived
from graphdsl.lsp.completions import proposals
from graphdsl.lsp.fixes import _EDITS, applied, fixes
from graphdsl.lsp.names import GLOBAL, occurrences
from graphdsl.lsp.renames import Refused, rename
from graphdsl.syntax import declarations, parse
from tests.conftest import ROOT, SPECS
from tests.editor_client import Client

WYNER = Source.read(ROOT / "specs" / "wyner.mib").text
VAE = """model vae
param beta = 1
observed x : binary[4]
latent z : real[2] ~ normal
q { x -> z }
p { z -> x }
minimize KL(q || p) + beta * I(x; z)
"""
FRESH = count()
#: Specs with every kind of name; `make slow` renames those of all others.
FEW = ("structural_mib", "wyner")
RENAMED = [
    path if path.stem in FEW else pytest.param(path, marks=pytest.mark.slow) for path in SPECS
]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    running = Client()
    running.start()
    running.open(VAE)
    running.settle(1)
    yield running
    assert running.messages == []  # no bug of ours
    assert running.stop() == 0


def fresh(text: str) -> str:
    """A text that the server has not seen."""
    return f"{text}# {next(FRESH)}\n"


# ---- diagnostics ---------------------------------------------------------------------------------


def test_every_mistake_is_shown_at_once_with_its_place_and_its_hint(client: Client) -> None:
    text = VAE.replace("real[2] ~ normal", "rael[2] ~ normal").replace("x -> z }", "x -> w }", 1)
    found = client.type(fresh(text))
    assert {one.code for one in found} >= {"MIB201", "MIB206"}
    first = next(one for one in found if one.code == "MIB206")
    assert (first.range.start.line, first.range.start.character) == (3, 11)
    assert "Hint: write `real`" in first.message


def test_places_are_counted_in_the_units_of_the_protocol(client: Client) -> None:
    """A letter outside of the first plane has two units: `𝔼` before a mistake moves it by two."""
    text = VAE.replace("q { x -> z }", "q { x -> w } # ")
    text = text.replace("model vae", "model vae # 𝔼𝔼") + "# 𝔼\n"
    found = client.type(text.replace("minimize", "# 𝔼\nassert /* 𝔼 */ minimize"))
    assert all(one.range.start.line < len(text.split("\n")) for one in found)
    (unknown,) = (
        one for one in client.type("model a # 𝔼\nobserved 𝔼x : real\n") if one.code == "MIB106"
    )
    assert (unknown.range.start.character, unknown.range.end.character) == (9, 11)


def test_a_derivation_finds_what_only_it_can_find(client: Client) -> None:
    before = client.derivations
    first = client.type(fresh(f"{VAE}assert I(x; z) == 0\n"))
    assert first == []
    client.settle(before + 1)
    (refuted,) = client.shown[-1].diagnostics
    assert refuted.code == "MIB411"


def test_a_keystroke_costs_one_derivation_at_most(client: Client) -> None:
    """Typing a word derives its last letter alone; the same text, or a cursor, derives nothing."""
    before = client.derivations
    final = fresh(VAE)
    for letters in range(1, 6):
        client.send(f"{final}# note"[: len(final) + letters])
    client.settle(before + 1)
    assert client.derivations == before + 1
    typed = f"{final}# note"[: len(final) + 5]
    client.hover(typed, "KL")
    client.hover(typed, "z", behind="latent")
    client.definition(typed, "z", behind="q {")
    client.completions(typed, len(final) - 3)
    client.format(typed)
    client.send(typed)
    client.type(fresh("model broken\n"))
    client.send(typed)  # undone
    client.hover(typed, "I(x")
    assert client.derivations == before + 1


# ---- hover ---------------------------------------------------------------------------------------


def test_a_functional_shows_its_derivation_its_bound_and_its_gap(client: Client) -> None:
    client.type(fresh(WYNER))
    shown = client.hover(WYNER, "D(q", behind="cross  *")
    assert "D(q || through_z(1,2)), weight cross" in shown
    assert "= I(u[2]; x[1], z) + I(x[2]; x[1] | u[2], z)" in shown
    assert "(multi-information, eq. 1)" in shown
    assert "rate_z_each = sum_i E_q KL(q(z | x) || q(z | x[i]))" in shown
    assert "relation    upper" in shown
    assert "gap         sum(i in 1..2) cross E_q KL(q̄(z | x[i]) || q(z | x[i]))" in shown


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("I(x; z)", "`I(A; B | C) = H(A | C) - H(A | B, C)`"),
        ("H(z | x)", "`H(A | C) = -E log q(A | C)`"),
        ("CE(x | z)", "It is at least `H(A | C)`"),
        ("KL(q(z | x) || p(z))", "`KL(q || p) = E log q - E log p`"),
        ("MMD(q(z) || p(z))", "Maximum mean discrepancy"),
    ],
)
def test_a_single_functional_shows_its_meaning_its_bound_and_its_relation(
    client: Client, written: str, means: str
) -> None:
    sign = "-" if written.startswith("H") else "+"
    text = fresh(VAE.replace("+ beta * I(x; z)", f"{sign} beta * {written}"))
    client.type(text)
    shown = client.hover(text, written[:3], behind="beta *")
    assert means in shown
    assert "The loss has for line" in shown
    assert "relation    " in shown
    assert "stands for  " in shown or "gap  " in shown


def test_every_functional_has_a_meaning() -> None:
    from graphdsl.ir import objective
    from graphdsl.lsp import meanings

    by_case = {"MultiInformation", "PredictiveEntropy", "Distance", "InvariancePenalty", "Wrapped"}
    always = {one.__name__ for one in meanings._ALWAYS}
    assert always | by_case == {one.__name__ for one in get_args(objective.Functional)}


def test_a_variable_shows_its_shape_its_law_and_its_networks(client: Client) -> None:
    client.type(fresh(WYNER))
    shown = client.hover(WYNER, "u", behind="latent   u")
    assert "u: latent, 2 members of 8 real numbers" in shown
    assert "law: normal, over real numbers" in shown
    assert "q: x[i], z -> u[i] via mlp(400, 400) for i in 1..2" in shown


def test_a_code_shows_its_page(client: Client) -> None:
    text = fresh(VAE.replace("x -> z }", "x -> w }", 1))
    client.type(text)
    shown = client.hover(text, "w", behind="q {")
    assert explanation("MIB201").meaning in shown


def test_an_assertion_shows_its_proof(client: Client) -> None:
    client.type(fresh(WYNER))
    assert "**proved**" in client.hover(WYNER, "assert")


@pytest.mark.parametrize("word", [*METHODS, *dict.fromkeys(one.word for one in LAWS)])
def test_words_of_the_records_show_what_they_are(word: str) -> None:
    from graphdsl.lsp.hovers import hover

    written = f"estimate TC(u) with {word}" if word in METHODS else f"latent z : real ~ {word}"
    analysis = analysed(Source("a.mib", f"model a\n{written}\n"))
    shown = hover(analysis, None, 2, len(written))
    assert f"**{word}" in shown


def test_nothing_of_a_spec_is_markup(client: Client) -> None:
    """Comments are never shown, and what is shown of a spec stands between fences."""
    hostile = "![x](http://evil/a.png) <script>alert(1)</script> ```\x1b]0;title\x07\u202e"
    text = fresh(
        VAE.replace("normal", f"normal # {hostile}").replace("model vae", f"# {hostile}\nmodel vae")
    )
    client.type(text)
    for word in ("z", "real", "normal", "KL", "x"):
        shown = client.hover(text, word, behind="latent")
        outside = "".join(shown.split("```")[::2])
        assert "evil" not in shown
        assert "<script" not in shown
        assert "![" not in outside


# ---- names ---------------------------------------------------------------------------------------


def test_a_name_leads_to_its_declaration(client: Client) -> None:
    client.type(fresh(WYNER))
    declared = client.definition(WYNER, "through_z", behind="assert")
    assert [line.partition("#")[0].strip() for line in declared] == ["network through_z(i, j) {"]
    (bound,) = client.definition(WYNER, "j", behind="z, u[")
    assert bound.startswith("network through_z(i, j)")
    (summed,) = client.definition(WYNER, "j", behind="through_z(i, j))")
    assert "pairs(1..2)" in summed


@pytest.mark.parametrize("path", RENAMED, ids=lambda path: path.stem)
def test_renaming_changes_names_alone(path: Path) -> None:
    """Each declared name renamed, and renamed back: the same text; and in between the same spec."""
    text = Source.read(path).text
    for name in _own_names(text):
        analysis = analysed(Source("a.mib", text))
        here = next(one for one in analysis.occurrences if (one.name, one.scope) == (name, GLOBAL))
        edits = rename(analysis, here.span.line, here.span.column, "fresh_name")
        after = applied(analysis.source, edits)
        other = analysed(after)
        assert other.checked is not None
        assert name not in declarations(other.spec)
        assert [one.name for one in occurrences(other.spec)] == [
            "fresh_name" if (one.name, one.scope) == (name, GLOBAL) else one.name
            for one in analysis.occurrences
        ]
        there = next(one for one in other.occurrences if one.name == "fresh_name")
        back = rename(other, there.span.line, there.span.column, name)
        assert applied(after, back).text == text


def _own_names(text: str) -> list[str]:
    return [one for one in declarations(parse(Source("a.mib", text))[0]) if one not in ("q", "p")]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("z", "`z` was declared before"),
        ("q", "has a meaning in the language"),
        ("latent", "is a word of the language"),
        ("1st", "a name begins with a letter"),
        ("i", "cannot be the name"),
    ],
)
def test_a_rename_that_changes_the_meaning_is_refused(
    client: Client, name: str, reason: str
) -> None:
    client.type(fresh(WYNER))
    with pytest.raises(JsonRpcException, match=reason):
        client.rename(WYNER, "u", name, behind="latent   u")


def test_words_that_are_no_names_stay(client: Client) -> None:
    client.type(fresh(WYNER))
    for word, behind in (("KL", ""), ("normal", ""), ("q", "q {"), ("poe", "")):
        with pytest.raises(JsonRpcException):
            client.rename(WYNER, word, "other", behind=behind)
    broken = fresh(VAE.replace("x -> z }", "x z }", 1))
    client.type(broken)
    with pytest.raises(JsonRpcException, match="syntax errors"):
        client.rename(broken, "z", "w", behind="latent")


def test_a_setting_of_a_network_is_no_name() -> None:
    """A constant that is called like an activation function is renamed alone."""
    text = VAE.replace("x -> z }", "x -> z via mlp(gelu, act = gelu) }", 1)
    text = text.replace("observed x", "const gelu = 8\nobserved x", 1)
    analysis = analysed(Source("a.mib", text))
    (declared,) = (one for one in analysis.occurrences if one.declares and one.name == "gelu")
    edits = rename(analysis, declared.span.line, declared.span.column, "width")
    after = applied(analysis.source, edits).text
    assert "via mlp(width, act = gelu)" in after
    assert "const width = 8" in after


def test_an_index_and_a_variable_of_other_scopes_stay() -> None:
    text = WYNER.replace("minimize", "param k = 1\nminimize k *")
    analysis = analysed(Source("a.mib", text))
    lines = text.split("\n")
    line = next(number for number, one in enumerate(lines, 1) if "through_z(i, j) {" in one)
    edits = rename(analysis, line, lines[line - 1].index("j") + 1, "m")
    changed = applied(analysis.source, edits).text.split("\n")
    assert [number for number, one in enumerate(lines, 1) if changed[number - 1] != one] == [
        line,
        line + 2,
    ]
    with pytest.raises(Refused):
        rename(analysis, line, lines[line - 1].index("j") + 1, "i")


def test_renaming_over_the_wire_gives_the_same_loss(client: Client) -> None:
    client.type(fresh(WYNER))
    text = client.rename(WYNER, "z", "shared_code", behind="latent   z")
    assert "shared_code" in text
    assert "through_z" in text  # longer names that hold the name stay
    module = compile_spec(Source("wyner.mib", text)).compiled.module
    same = compile_spec(Source("wyner.mib", WYNER)).compiled.module
    assert [one.weight for one in module.terms] == [one.weight for one in same.terms]


# ---- completion ----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["observed", "latent"])
@pytest.mark.parametrize("kind", ["real", "binary", "count", "categorical(3)"])
def test_proposed_laws_are_those_that_compile(role: str, kind: str) -> None:
    """Every law after `~` of a declaration, written there: proposed if and only if it fits."""
    head = f"model a\n{role} v : {kind} ~ "
    analysis = analysed(Source("a.mib", head))
    proposed = {one.text for one in proposals(analysis, len(head)) if one.what == "law"}
    fits = set()
    for law in LAWS:
        found = analysed(Source("a.mib", f"{head}{law.written}\n")).diagnostics
        if not {one.code for one in found} & {"MIB206", "MIB207", "MIB262", "MIB282"}:
            fits.add(law.written)
    assert proposed == fits


@pytest.mark.parametrize(
    "term",
    [
        "TC(u)", "TC(z; u[1])", "TC(z; u[1]; u[2])", "I(x; z)", "KL(q || p)", "KL(q(z) || p(z))",
        "JS(q(z) || p(z))", "MMD(q(z) || p(z))", "KL(q(x, z) || p(x, z))", "CE(x | z)",
    ],
)  # fmt: skip
def test_proposed_estimators_are_those_that_fit(term: str) -> None:
    """Every estimator behind a term: proposed if and only if the term may have it."""
    head = """model a
observed x : binary[4]
latent z : real[2] ~ normal
latent u[1..2] : real ~ normal
q { x -> z
    x -> u }
p { z, u -> x }
minimize KL(q || p) + """
    text = f"{head}{term} with "
    proposed = {one.text for one in proposals(analysed(Source("a.mib", text)), len(text))}
    fits = set()
    for method in METHODS.values():
        written = method.word if () in method.settings else f"{method.word}{method.example}"
        found = analysed(Source("a.mib", f"{text}{written}\n")).diagnostics
        if not {one.code for one in found} & {"MIB273", "MIB275", "MIB276", "MIB285", "MIB286"}:
            fits.add(written)
        of_parts = method.is_of_parts and term in ("TC(u)", "TC(z; u[1]; u[2])")
        if of_parts or (method.word == "adversary" and term == "KL(q || p)"):
            fits.discard(written)  # which only a derivation refuses
    assert proposed == fits


@pytest.mark.parametrize(
    ("behind", "words"),
    [
        ("via ", {"linear", "resnet", "mlp", "conv"}),
        ("via mlp(", {"act", "norm", "dropout", "width"}),
        ("via mlp(8, norm = ", {"none", "layer", "batch"}),
        ("via resnet(8, blocks = ", {"width"}),
    ],
)
def test_completion_knows_the_settings_of_networks(behind: str, words: set[str]) -> None:
    text = f"const width = 8\nobserved x : real\nlatent z : real ~ normal\nq {{ x -> z {behind}"
    proposed = {one.text for one in proposals(analysed(Source("a.mib", text)), len(text))}
    assert words <= proposed
    assert "x" not in proposed


def test_completion_knows_the_grammar_and_the_names(client: Client) -> None:
    text = fresh(f"{VAE}estimate I(x; z) with ")
    client.type(text)
    end = text.index("# ")
    known = [one.word for one in METHODS.values() if "information" in one.targets]
    assert client.completions(text, end) == known
    assert {"latent", "minimize", "assert"} <= set(client.completions(text, text.index("param")))
    assert client.completions(text, text.index("x -> z")) == ["x", "z"]
    assert client.completions(text, len(text) - 1) == []  # a comment


# ---- edits ---------------------------------------------------------------------------------------


def test_formatting_is_that_of_the_command(client: Client) -> None:
    text = VAE.replace("latent z : real[2] ~ normal", "latent   z:real[2]~normal # 𝔼")
    client.type(text)
    assert client.format(text) == format_spec(Source("a.mib", text))
    client.type("model a ,\n")
    assert client.format("model a ,\n") == "model a ,\n"


def test_a_hint_is_an_edit_away(client: Client) -> None:
    text = fresh(VAE.replace("x -> z }", "x z }", 1))
    (mistake,) = client.type(text)
    assert client.fixes(text, mistake) == {"Insert `,`": text.replace("x z }", "x, z }")}


BAD = sorted((ROOT / "tests" / "bad").glob("*/*.mib"))


def test_fixes_remove_the_mistake_that_they_are_for() -> None:
    """Of the first wrong spec of each code; a number of codes have an edit."""
    fixed = set()
    for path in _one_of_each_code():
        analysis = analysed(Source.read(path))
        for mistake in analysis.diagnostics:
            for fix in fixes(analysis, mistake):
                after = analysed(applied(analysis.source, fix.edits)).diagnostics
                codes = [one.code for one in analysis.diagnostics].count(mistake.code)
                assert [one.code for one in after].count(mistake.code) < codes
                fixed.add(mistake.code)
    assert len(fixed) >= 15


def _one_of_each_code() -> Iterator[Path]:
    seen = set()
    for path in BAD:
        (code, *_) = re.findall(r"MIB\d{3}", path.with_suffix(".err").read_text(encoding="utf-8"))
        if code not in seen and code in _EDITS:
            seen.add(code)
            yield path


def test_a_wrong_edit_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    from graphdsl.lsp import fixes as room

    analysis = analysed(Source("a.mib", VAE.replace("x -> z }", "x -> w }", 1)))
    mistake = next(one for one in analysis.diagnostics if one.code == "MIB201")
    monkeypatch.setattr(
        room,
        "_EDITS",
        {"MIB201": lambda *_: iter([room.Fix("Worse", (room.Edit(mistake.span, "v"),))])},
    )
    assert fixes(analysis, mistake) == ()


# ---- robustness ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", BAD[::40], ids=lambda path: path.stem)
def test_every_place_of_a_wrong_spec_has_an_answer(path: Path) -> None:
    from graphdsl.lsp.hovers import hover

    source = Source.read(path)
    analysis = analysed(source)
    found = derived(analysis)
    for number, line in enumerate(source.text.split("\n"), 1):
        for column in (1, len(line) // 2 + 1, len(line) + 1):
            hover(analysis, found, number, column)
    for offset in range(0, len(source.text) + 1, 7):
        proposals(analysis, offset)


def test_a_signal_ends_the_server_while_it_waits() -> None:
    """An editor that goes may leave the pipe open."""
    client = Client()
    client.start()
    server = client._client._server
    assert server is not None
    server.terminate()
    assert client.wait(server.wait()) == 143
    client.wait(client._client.stop())  # type: ignore[no-untyped-call]  # pygls has no type there
    client.loop.close()
