"""Audits as pages: they are whole, fetch nothing, and show no text of a spec as markup."""

from __future__ import annotations

import ast
import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from html import unescape
from html.parser import HTMLParser
from itertools import chain
from pathlib import Path

import pytest

from graphdsl.cli.app import program
from graphdsl.compiler import Compiled, compile_spec, read
from graphdsl.diagnostics import Source
from graphdsl.draw import drawable
from graphdsl.ir.audit import Audit
from graphdsl.ir.information import Term
from graphdsl.notation.formula import UnknownSignError, latex, parsed
from graphdsl.notation.gaps import gap_latex, lasting_gaps
from graphdsl.notation.mathematics import mathml, summands
from graphdsl.report import audit_html, audit_text
from graphdsl.report.alike import alike
from graphdsl.report.terms import latex_sum
from tests.conftest import SPECS
from tests.corpus import Case, compiling, generated, shipped, some

by_name = pytest.mark.parametrize("path", some("pages", SPECS, 12), ids=lambda path: path.stem)
ROOT = Path(__file__).parents[2]
VOID = {"meta", "br", "input"}  #: elements without an end


class Reader(HTMLParser):
    """What a browser makes of a page: its elements, their attributes, and their text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.inside: dict[str, list[str]] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self.open:
            self.inside.setdefault(self.open[-1], []).append(data)

    def attributes(self, name: str) -> list[str]:
        return [found[name] for _, found in self.elements if name in found]


def page_of(source: Source) -> tuple[Audit, str]:
    module = compile_spec(source)
    audit = read(module.compiled)
    return audit, audit_html(audit, source, module.text)


@cache
def page(path: Path) -> tuple[Audit, str, Reader]:
    audit, text = page_of(Source.read(path))
    return audit, text, Reader(text)


@by_name
def test_a_page_fetches_nothing_and_runs_its_own_script_alone(path: Path) -> None:
    _, text, found = page(path)
    assert not found.open
    assert not [name for _, given in found.elements for name in given if name.startswith("on")]
    assert not found.attributes("style")
    assert not found.attributes("src")
    assert all(one.startswith("#") for one in found.attributes("href"))
    assert "url(" not in text
    assert "@import" not in text
    policy = next(given["content"] for _, given in found.elements if "http-equiv" in given)
    for tag in ("script", "style"):
        (content,) = found.inside[tag]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")


@by_name
def test_ways_lead_somewhere_and_names_are_single(path: Path) -> None:
    _, _, found = page(path)
    keys = found.attributes("id")
    assert len(keys) == len(set(keys))
    sections = [given["id"] for tag, given in found.elements if tag == "section"]
    assert [one.removeprefix("#") for one in found.attributes("href")] == sections
    sliders = [given["id"] for tag, given in found.elements if tag == "input"]
    assert found.attributes("for") == [one for one in sliders for _ in ("label", "output")]


@by_name
def test_a_term_lights_its_lines_and_its_nodes(path: Path) -> None:
    """What points where: each term to the lines that ask for it, to code, and to its variables."""
    audit, _, found = page(path)
    nodes = {name for one in found.attributes("data-variables") for name in one.split("|")}
    lines = [given.get("data-terms", "") for tag, given in found.elements if tag == "li"]
    spec_length = len(Source.read(path).lines)
    steps = len(lines) - spec_length - len(compile_spec(Source.read(path)).text.splitlines())
    spec = lines[steps : steps + spec_length]
    code = lines[steps + spec_length :]
    drawn = {name for one in drawable(audit.model) for name in one.variables}
    for term in audit.module.terms:
        lit = tuple(number for number, one in enumerate(spec, 1) if term.name in one.split())
        assert lit == tuple(sorted(set(term.lines)))
        assert any(term.name in one.split() for one in code)
        row = next(given for _, given in found.elements if given.get("data-term") == term.name)
        variables = {one for one in row["data-variables"].split("|") if one}
        assert variables & nodes & drawn, term.name


@by_name
def test_every_term_constant_and_assertion_is_told(path: Path) -> None:
    audit, _, found = page(path)
    said = "".join(found.text)
    terms = [given["data-term"] for _, given in found.elements if "data-term" in given]
    assert terms == [one.name for one in audit.module.terms]
    for proof in audit.proofs:
        assert proof.assertion.text in said
    for term in audit.module.terms:
        for told in (term.estimator, term.rows, *lasting_gaps(term), term.relation):
            assert told in said
    for line in Source.read(path).lines:
        assert line in said


# ---- texts of a spec -----------------------------------------------------------------------------

PLAIN = """# {title}
# Published: {remark}
model plain
observed x : binary[4]  # {comment}
latent z : real[2] ~ normal
q {{ x -> z }}
p {{ z -> x }}
minimize KL(q || p)
assert I(x; z) >= 0
"""
HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "<!-- --><a href='javascript:alert(1)'>x</a>",
    "\x1b]0;title\x07\x1b[31mred\x00\u202e",
    "{{ 7 * 7 }} {% raw %} ${alert(1)}",
    r"\input{/etc/passwd}\immediate\write18{rm} %",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_spec_becomes_markup(text: str) -> None:
    harmless = PLAIN.format(title="A title", remark="nothing", comment="a comment")
    hostile = PLAIN.format(title=text, remark=text, comment=text)
    _, plain = page_of(Source("plain.mib", harmless))
    _, page = page_of(Source(f"{text[:40].replace('/', '')}.mib", hostile))
    before, after = Reader(plain), Reader(page)
    shapes = [  # the emitted header may have more lines
        [(tag, sorted(given)) for tag, given in one.elements if tag != "li"]
        for one in (before, after)
    ]
    assert shapes[0] == shapes[1]
    assert {name for tag, given in after.elements if tag == "li" for name in given} == {
        "data-terms"
    }
    assert before.inside["script"] == after.inside["script"]
    said = "".join(after.text)
    shown = "".join(one if one.isprintable() else "\ufffd" for one in text)
    assert said.count(shown) >= 2  # in the listing of the spec, and above it
    assert all(one.isprintable() or one in "\n\t" for one in said)


# ---- formulas ------------------------------------------------------------------------------------


def audits(law: str, share: int) -> Iterator[tuple[Case, Compiled, Audit]]:
    cases = (case.without_assertions() for case in some(law, [*shipped()], 14))
    for case, module in compiling(chain(cases, generated(law, share)), at_least=0.3):
        yield case, module.compiled, read(module.compiled)


def formulas(audit: Audit) -> Iterator[str]:
    yield audit.module.objective
    for term in audit.module.terms:
        yield from (term.latex, latex_sum(term.stands_for), *gap_latex(term))
    for one in audit.projections:
        yield from (latex_sum(one.multi_information), latex_sum(one.simplified))
        for step in one.steps:
            yield latex_sum(step.after)


def test_formulas_are_read_without_loss_and_mathml_says_the_same() -> None:
    """A tree is written as what it was read from, and MathML has every letter of it."""
    for case, _, audit in audits("formulas", share=8):
        for written in formulas(audit):
            tree = parsed(written)
            assert latex(tree).replace(" ", "") == written.replace(" ", ""), str(case)
            pieces = "".join(latex(one) for one in summands(tree))
            assert pieces.replace(" ", "") == written.replace(" ", "")
            element = mathml(tree)
            assert not Reader(element).open
            shown = re.sub(r"<annotation.*?</annotation>", "", element)
            told = Counter(unescape(re.sub(r"<[^>]*>", "", shown)))
            names = re.sub(r"\\mathrm|\\bar|\\t?frac|\\bigl?|\\(?:left|right)\b", "", written)
            for digit in "0123456789":
                assert told[digit] == names.count(digit)
            for letter in "zHIK":
                assert told[letter] == re.sub(r"\\[A-Za-z]+", "", names).count(letter)


def test_every_command_that_we_write_is_read() -> None:
    """The commands in the texts of the rooms that write formulas: none is for others to find."""
    rooms = ("notation", "ir", "bound", "lower", "report/terms.py")
    written = set()
    for room in rooms:
        place = ROOT / "graphdsl" / room
        for path in [place] if place.suffix else place.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    written |= set(re.findall(r"\\[A-Za-z]{2,}", node.value))
    assert len(written) > 20
    takes = {r"\mathrm": "{a}", r"\mathbb": "{E}", r"\text": "{a}", r"\bar": "{q}"}
    takes |= {r"\frac": "{1}{2}", r"\tfrac": "{1}{2}"}
    takes |= dict.fromkeys((r"\bigl", r"\bigr", r"\left", r"\right"), "(")
    for command in sorted(written):
        assert latex(parsed(command + takes.get(command, ""))).startswith(command)


@pytest.mark.parametrize(
    "text", [r"\href{x}", "{x", "x}", "x_", r"\mathrm{x", "#", r"\bigl x", "é"]
)
def test_what_is_no_formula_of_ours_is_refused(text: str) -> None:
    with pytest.raises(UnknownSignError):
        parsed(text)


# ---- what a page claims --------------------------------------------------------------------------


def test_terms_and_constants_are_the_objective_and_a_lost_one_is_seen() -> None:
    from graphdsl.compiler import canonical_forms
    from graphdsl.symbolic import leftover

    seen = 0
    for case, compiled, audit in audits("balance", share=8):
        assert not audit.leftover, str(case)
        if audit.model.players:
            continue
        checked, module = compiled.checked, compiled.module
        stands = [one.stands_for for one in module.terms if not one.within]
        terms = [term for one in (*stands, module.constants) for term in one]
        informations = [
            one for one in terms if type(one.atom).__name__ in ("Entropy", "Information")
        ]
        for lost in informations[:2]:
            rest = [one for one in terms if one is not lost]
            left = leftover(checked.model, checked.dags, canonical_forms(checked), rest)
            assert left, f"{case}\n{lost}"
            seen += 1
    assert seen > 10


GAME = """model game
param a = 1
param b = 2
observed x : binary[4]
latent   z : real[2] ~ normal
latent   u : real[2] ~ normal
q { x -> z; x -> u }
p { z, u -> x }
"""


@pytest.mark.parametrize(
    "asked",
    [
        "minimize KL(q || p) for p\nminimize KL(q || p) + a * I(z; x) for q",
        "minimize KL(q || p) for p\nminimize KL(q || p) + b * abs(I(z; x) - 1) for q",
        "minimize KL(q || p) + b * abs(I(z; x) - 1) + a * max(I(u; x), 1)",
        "minimize KL(q || p)\nsubject to I(z; x) <= 0.5",
    ],
)
def test_players_and_signs_are_balanced_each_and_a_lost_term_is_seen(asked: str) -> None:
    from graphdsl.compiler import canonical_forms
    from graphdsl.symbolic import imbalance

    compiled = compile_spec(Source("game.mib", f"{GAME}{asked}\n")).compiled
    checked, module = compiled.checked, compiled.module
    canons = canonical_forms(checked)
    assert imbalance(checked.model, module, checked.dags, canons) == ()
    assert "Checked: what the terms" in " ".join(audit_text(read(compiled)).split())
    seen = 0
    for place, term in enumerate(module.terms):
        if not (term.within or term.player) or not term.stands_for:
            continue
        less = replace(term, stands_for=term.stands_for[1:])
        terms = (*module.terms[:place], less, *module.terms[place + 1 :])
        other = replace(module, terms=terms)
        assert imbalance(checked.model, other, checked.dags, canons), term.name
        seen += 1
    assert seen >= 2 - ("subject" in asked)


def test_alike_is_the_same_value_under_exchanged_names() -> None:
    """Of two projections that are one, neither is told by its own names alone."""
    groups = 0
    several = [Case("wyner", (ROOT / "specs" / "wyner.mib").read_text(encoding="utf-8"))]
    for audit in (read(made.compiled) for _, made in compiling([*several, *shipped()][::3])):
        found = alike(audit.projections, audit.model)
        assert sum(1 + len(one.others) for one in found) == len(audit.projections)
        for group in found:
            for other in group.others:
                groups += 1
                for form in ("simplified", "multi_information", "local_markov", "entropies"):
                    mine, its = getattr(group.shown, form), getattr(other, form)
                    assert shape(mine) == shape(its)
    assert groups


def shape(terms: tuple[Term, ...]) -> Counter[str]:
    """A sum without its indices."""
    return Counter(re.sub(r"\d+", "", "".join(sorted(str(one.atom)))) for one in terms)


def test_what_differs_is_not_alike() -> None:
    text = """
    model two
    observed x[1..3] : binary[2]
    latent z : real ~ normal
    q { x -> z }
    p { z -> x[i] for i in 1..3 }
    minimize KL(q || p)
      + D(q || {x[1] -> z -> x[2]}) + D(q || {x[2] -> z -> x[3]})
      + 2 * D(q || {x[1] -> z -> x[3]}) + D(q || {z -> x[1]; z -> x[2]})
    """
    audit = read(compile_spec(Source("two.mib", text)).compiled)
    found = alike(audit.projections, audit.model)
    assert [len(one.others) for one in found] == [1, 0, 0]


def test_the_command_writes_a_page(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    assert program(["audit", "wyner", "--format", "html", "-o", str(target)]) == 0
    assert (
        target.read_text(encoding="utf-8")
        == page(next(one for one in SPECS if one.stem == "wyner"))[1]
    )
