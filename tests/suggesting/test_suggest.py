"""`graphdsl suggest`: each suggestion compiles, means the same, and is no looser."""

from __future__ import annotations

import json
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphdsl.comparing import same_objective
from graphdsl.compiler import Checked, check_spec, derive
from graphdsl.diagnostics import CompilerBug, Source, Span
from graphdsl.ir.suggestion import Advice, Suggestion
from graphdsl.notation.gaps import bound_text, folded_gaps, gap_texts
from graphdsl.report.latex import latex_text
from graphdsl.suggesting import suggest
from graphdsl.suggesting.amendments import Amendment
from tests.command_line import run
from tests.conftest import ROOT

NAMES = ("beta_tcvae", "fair_direct", "fair_mmd", "gan", "jmvae", "mmvae", "ood", "vfae")

LOOSE = """model loose
const s = 1
param beta = 3 in 0..5
observed x[1..2] : binary[4]
latent   z : real[2] ~ normal
q { x[1], x[2] -> z  by joint }
p { z -> x[i]  for i in 1..2 }
infer half { x[1] -> z }
minimize KL(q || p) + (beta - 1) * I(z; x[2] | x[1])
"""


def advised(name: str) -> tuple[Source, Advice]:
    source = Source.read(ROOT / "specs" / f"{name}.mib")
    return source, suggest(source, {}, {})


def every(advice: Advice) -> list[Suggestion]:
    return [one for weak in advice.weaknesses for one in weak.suggestions]


def gaps_of(text: str) -> set[str]:
    """Every gap of a spec's loss, as the audit's text sums them up."""
    module = derive(check_spec(Source("spec.mib", text)), keep_refuted=True).module
    bounds = [one for term in module.terms for one in term.bounds]
    summed = (gap for term in module.terms for gap in gap_texts(term))
    return {*map(bound_text, bounds), *folded_gaps(bounds), *summed}


@pytest.mark.parametrize("name", NAMES)
def test_every_suggestion_compiles_and_means_the_same(name: str) -> None:
    source, advice = advised(name)
    found = every(advice)
    assert found
    before = check_spec(source)
    for one in found:
        amended = Source("amended.mib", one.text)
        compiled = derive(check_spec(amended), keep_refuted=True)
        assert compiled.module.relation == one.relation
        assert {line for line in one.added} <= {line.strip() for line in amended.lines}
        assert not {line for line in one.removed} & {line.strip() for line in amended.lines}
        own = "with iwae" in one.text or "JS(" in one.text  # whose method is part of the objective
        assert own or same_objective(before, compiled.checked)


@pytest.mark.parametrize("name", ["fair_direct", "jmvae", "ood"])
def test_both_gaps_are_those_of_the_audits(name: str) -> None:
    source, advice = advised(name)
    own = gaps_of(source.text)
    for one in every(advice):
        assert {*one.before} <= own
        assert {*one.after} <= gaps_of(one.text)
        assert one.before != one.after


def test_what_is_exact_needs_nothing() -> None:
    assert advised("vae")[1].weaknesses == ()
    assert "nothing can be tighter" in run("suggest", "vae").out


def test_an_estimate_becomes_a_bound_before_it_becomes_a_game() -> None:
    (weak,) = advised("fair_mmd")[1].weaknesses
    assert [one.relation for one in weak.suggestions] == ["upper", "upper", "estimate", "saddle"]
    (weak,) = advised("beta_tcvae")[1].weaknesses
    assert [one.added for one in weak.suggestions] == [("estimate TC(u) with loo",)]


def test_an_estimate_of_negative_weight_gets_no_bound_from_below() -> None:
    first, *others = advised("hfvae")[1].weaknesses
    assert [one.added for one in first.suggestions] == [("estimate TC(u) with loo",)]
    assert [one.suggestions for one in others] == [(), ()]
    assert all(one.because for one in others)


def test_a_model_that_reads_less_than_it_may_is_said_to_lose_an_information() -> None:
    weak = next(one for one in advised("fair_direct")[1].weaknesses if one.term == "rate_z")
    first, named = weak.suggestions
    assert first.added == ("estimate H(z | x) with new",)
    assert "reads x as well, without which the gap is never below I(z; x)." in first.known
    assert named.added == ("infer s { x -> z }", "estimate H(z | x) with s")
    assert named.after == ("beta_1 E_q KL(q*(z | x) || s(z | x))",)


def test_the_least_gap_of_a_model_that_reads_less_is_that_information() -> None:
    """Min over r of E KL(q(v|s,t) || r(v|t)) = I(v; s | t), and no r is below it."""
    random = np.random.default_rng(0)
    q = random.dirichlet(np.ones(24)).reshape(2, 3, 4)  # of s, t and v
    given_all = q / q.sum(2, keepdims=True)
    given_t = q.sum(0) / q.sum((0, 2))[:, None]

    def gap(model: np.ndarray[Any, np.dtype[np.float64]]) -> float:
        return float((q * np.log(given_all / model[None])).sum())

    joint, least = q.sum(2, keepdims=True), gap(given_t)
    information = (q * np.log(q * q.sum((0, 2))[None, :, None] / (joint * q.sum(0)[None]))).sum()
    assert least == pytest.approx(information, abs=1e-14)
    assert all(gap(random.dirichlet(np.ones(4), size=3)) >= least for _ in range(50))


def test_a_range_is_cut_where_the_sign_of_a_weight_changes() -> None:
    found = every(suggest(Source("loose.mib", LOOSE), {}, {}))
    cut = [one for one in found if one.removed == ("param beta = 3 in 0..5",)]
    assert {one.added for one in cut} == {("param beta = 3 in 1..5",)}
    assert {one.relation for one in cut} == {"upper"}
    below = suggest(Source("loose.mib", LOOSE.replace("= 3 in", "= 0.5 in")), {}, {})
    assert not [one for one in every(below) if one.relation == "upper" and "in 1..5" in one.text]


def test_a_name_that_is_taken_is_not_given_again() -> None:
    text = LOOSE.replace("0..5", "1..5")
    named = [one for one in every(suggest(Source("loose.mib", text), {}, {})) if len(one.added) > 1]
    assert [one.added[0] for one in named] == ["infer s1 { x[1] -> z }"]


@pytest.mark.parametrize(
    "added", [("estimate TC(u) with mws",), ("estimate TC(u) with no_such_word",), ("param b = 1",)]
)
def test_what_does_not_compile_or_help_is_not_suggested(
    monkeypatch: pytest.MonkeyPatch, added: tuple[str, ...]
) -> None:
    text = (ROOT / "specs" / "beta_tcvae.mib").read_text(encoding="utf-8")
    text = text.replace("estimate TC(u) with mss", "")

    def proposed(*_: object) -> list[Amendment]:
        return [Amendment(added=added, known="")]

    room = import_module("graphdsl.suggesting.suggest")
    monkeypatch.setattr(room, "for_estimates", proposed)
    monkeypatch.setattr(room, "for_bounds", lambda *_: [])
    assert every(suggest(Source("spec.mib", text), {}, {})) == []


def test_a_loss_of_another_objective_is_not_suggested(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a rate instead of its total correlation the loss is exact, and of another model."""
    source = Source.read(ROOT / "specs" / "beta_tcvae.mib")
    part = " + (beta - 1) * D(q || G(p))"
    line = next(place for place, text in enumerate(source.lines, 1) if part in text)
    span = Span.at(line, source.line(line).index(part) + 1, len(part))
    estimate = next(place for place, text in enumerate(source.lines, 1) if "estimate" in text)
    whole = Span.at(estimate, 1, len(source.line(estimate)))
    rate = " + (beta - 1) * KL(q(u | x) || p(u))"
    other = Amendment(edits=((span, rate), (whole, "")), known="")
    room = import_module("graphdsl.suggesting.suggest")
    monkeypatch.setattr(room, "for_estimates", lambda *_: [other])
    assert every(suggest(source, {}, {})) == []
    monkeypatch.setattr(room, "same_objective", lambda *_: True)
    assert [one.relation for one in every(suggest(source, {}, {}))] == ["equal"]


def test_an_amendment_that_the_compiler_stumbles_over_is_not_suggested(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room = import_module("graphdsl.suggesting.suggest")

    def stumble(source: Source, *values: object) -> Checked:
        if source.name == "amended":
            raise CompilerBug("it cannot be")
        return check_spec(source)

    def renamed(source: Source, amendment: Amendment) -> tuple[Source, tuple[()], tuple[()]]:
        return Source("amended", source.text), (), ()

    monkeypatch.setattr(room, "check_spec", stumble)
    monkeypatch.setattr(room, "amended", renamed)
    assert every(suggest(Source.read(ROOT / "specs" / "ood.mib"), {}, {})) == []


def test_every_dress_says_the_same(tmp_path: Path) -> None:
    content = json.loads(run("suggest", "ood", "--format", "json").out)
    assert content["schema"] == "graphdsl.advice/1"
    text, page = run("suggest", "ood").out, run("suggest", "ood", "--format", "markdown").out
    assert max(map(len, text.splitlines())) <= 100
    html, latex = (run("suggest", "ood", "--format", one).out for one in ("html", "latex"))
    suggested = [one for term in content["terms"] for one in term["suggestions"]]
    assert suggested
    assert html.count('<th scope="row">gap after</th>') == len(suggested)
    assert latex.startswith(r"\documentclass")
    for one in suggested:
        for line in one["added"]:
            assert f"+ {line}" in text
            assert f"+ {line}" in page
            assert f"<code>{escape(line)}</code>" in html
            assert rf"\texttt{{{latex_text(line)}}}" in latex
    (tmp_path / "amended.mib").write_text(suggested[0]["spec"], encoding="utf-8")
    assert run("check", tmp_path / "amended.mib").code == 0


def test_a_spec_that_does_not_compile_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wrong.mib").write_text("model wrong\n", encoding="utf-8")
    done = run("suggest", tmp_path / "wrong.mib")
    assert (done.code, done.out) == (1, "")
    assert run("suggest", "vae", "--param", "b=1").code == 2
