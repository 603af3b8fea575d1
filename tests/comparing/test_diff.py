"""`graphdsl diff`: what is the same is proved to be, what is not is what was changed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from graphdsl.comparing import Side, compare
from graphdsl.compiler import check_spec
from graphdsl.diagnostics import Source
from graphdsl.ir.comparison import Comparison
from graphdsl.syntax import declared, parse
from tests.command_line import run
from tests.conftest import SPECS

#: One spec of each kind that a comparison has rules of its own for.
KINDS = (
    "bivcca "
    "corex fair_mmd gan hfvae infogan irm ivae lmifr m2 mmvae mvae structured_mm vcca_private"
).split()

VIEWS = """model views
param beta = 2
param gamma = 1
observed x[1..2] : binary[4]
latent   z : real[2] ~ normal
latent   u : real[3] ~ normal
q { x[1], x[2] -> z  by joint
    x[1], x[2] -> u  by joint }
p { z, u -> x[i]  for i in 1..2 }
"""
ASKED = VIEWS + "minimize KL(q || p) + beta * D(q || {z; u}) + gamma * I(x[1]; z)\n"


def side(text: str, name: str = "spec.mib") -> Side:
    source = Source(name, text)
    return Side(name=name, source=source, checked=check_spec(source), constants={}, parameters={})


def compared(before: str, after: str) -> Comparison:
    return compare(side(before, "before.mib"), side(after, "after.mib"))


def left_over(comparison: Comparison) -> dict[str, str]:
    return {
        str(one.quantity): str(one.weight.terms)
        for each in comparison.objectives
        for one in each.rest
        if not one.constant
    }


def with_other_names(text: str) -> str:
    """Every name that a spec declares, exchanged for one that does not say what it is."""
    for place, name in enumerate(declared(parse(Source("spec.mib", text))[0])):
        text = re.sub(rf"(?<![\w#]){name}(?!\w)", f"n{place * 7 % 31}_{place}", text)
    return text


@pytest.mark.parametrize("name", KINDS)
def test_a_spec_by_other_names_means_the_same(name: str) -> None:
    text = next(path for path in SPECS if path.stem == name).read_text(encoding="utf-8")
    found = compared(text, with_other_names(text))
    assert (found.sameness, found.sections) == ("same", ())
    assert found.renamed


@pytest.mark.slow
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_spec_by_other_names_means_the_same(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert compared(text, with_other_names(text)).equal


@pytest.mark.parametrize(
    ("asked", "proved"),
    [  # what G^q says of z and u, which the data alone infer, independently
        ("KL(q || p) + beta * I(z; u) + gamma * I(x[1]; z)", True),
        ("KL(q || p) + beta * (H(z) - H(z | u)) + gamma * (H(z) - H(z | x[1]))", True),
        ("KL(q || p) + beta * (I(z, u; x) - I(z; x | u) - I(u; x | z)) + gamma * I(x[1]; z)", True),
        ("KL(q || p) + beta * (H(z) + H(u) - H(z | x) - H(u | x) - I(z, u; x)) "
         "+ gamma * I(x[1]; z)", True),
        ("KL(q || p) + beta * I(z; u) + gamma * I(x[1]; z) + H(x[2] | x[1])", True),
        ("KL(q || p) + beta * I(z; u | x[1]) + gamma * I(x[1]; z)", False),
        ("KL(q || p) + beta * I(z; u) + gamma * I(x[2]; z)", False),
        ("KL(q || p) + 2 * beta * I(z; u) + gamma * I(x[1]; z)", False),
    ],
)  # fmt: skip
def test_what_the_independences_prove_is_proved(asked: str, proved: bool) -> None:
    found = compared(ASKED, f"{VIEWS}minimize {asked}\n")
    assert found.sameness == ("same" if proved else "different")
    assert bool(left_over(found)) is not proved


def test_what_is_left_is_what_was_added() -> None:
    found = compared(ASKED, ASKED.replace("gamma * I", "3 * gamma * I"))
    assert left_over(found) == {
        "H(z)": "((('gamma',), Fraction(2, 1)),)",
        "H(z | x[1])": "((('gamma',), Fraction(-2, 1)),)",
    }


def test_equal_but_for_a_constant_says_which() -> None:
    found = compared(ASKED, ASKED.replace("\nminimize", "\nminimize H(x[1]) +"))
    assert found.equal
    assert found.sentences[1].endswith("up to a constant of the data: H(x[1]).")


def test_an_estimator_changes_the_loss_and_not_the_objective() -> None:
    found = compared(ASKED, ASKED + "estimate I(z; u) with adversary\n")
    assert found.sameness == "same"
    assert not found.equal
    changes = {one.title: {each.subject: each for each in one.changes} for one in found.sections}
    assert changes["Loss"]["relation"].before == "upper"
    assert changes["Loss"]["relation"].after == "saddle"
    assert changes["Terms"]["I(z; u)"].after.startswith("weight beta, saddle")
    assert "H(u)" in changes["Bounds and gaps"]


def test_networks_that_differ_are_not_compared_by_their_objectives() -> None:
    found = compared(ASKED, ASKED.replace("x[1], x[2] -> u  by joint", "x[1] -> u"))
    assert (found.sameness, found.objectives) == ("apart", ())
    changes = {one.title: one.changes for one in found.sections}
    (edge,) = changes["Edges"]
    assert (edge.subject, edge.before, edge.after) == ("q", "x[2] -> u", "")


def test_sizes_and_computations_are_told() -> None:
    after = ASKED.replace("u : real[3]", "u : real[5]").replace(
        "for i in 1..2 }", "via mlp(7) for i in 1..2 }"
    )
    found = compared(ASKED, after)
    said = {one.subject: (one.before, one.after) for each in found.sections for one in each.changes}
    assert said["u"] == ("latent real[3] ~ normal", "latent real[5] ~ normal")
    assert said["p(x[1]), p(x[2])"] == ("by joint, via mlp(400, 400)", "by joint, via mlp(7)")
    assert (found.sameness, found.equal) == ("same", False)


def test_signs_that_are_not_linear_leave_a_doubt() -> None:
    before = f"{VIEWS}minimize KL(q || p) + abs(I(z; u) - 1)\n"
    assert compared(before, before.replace("I(z; u)", "D(q || {z; u})")).equal
    found = compared(before, before.replace("I(z; u) - 1", "1 - I(z; u)"))  # which are equal
    assert found.sameness == "unknown"
    assert "is not known" in found.sentences[0]
    assert compared(before, before.replace("I(z; u)", "I(z; u | x[1])")).sameness == "unknown"


def test_names_that_are_exchanged_are_found_out() -> None:
    swapped = re.sub(r"\b[zu]\b", lambda name: {"z": "u", "u": "z"}[name[0]], ASKED)
    found = compared(ASKED, swapped)
    assert found.renamed == (("u", "z"), ("z", "u"))
    assert found.equal


def test_an_index_that_has_a_name_that_is_given_away_is_none_of_it() -> None:
    """`x` is called `i` in the first spec, and `i` is an index of the second."""
    before = ASKED.replace("i]", "k]").replace("for i", "for k").replace("x[", "i[")
    found = compared(before, ASKED)
    assert found.equal
    assert ("i", "x") in found.renamed


def test_players_are_compared_each() -> None:
    text = next(path for path in SPECS if path.stem == "ali").read_text(encoding="utf-8")
    assert compared(text, text).equal
    text = VIEWS + "minimize KL(q || p) for p\nminimize KL(q || p) + beta * I(z; u) for q\n"
    found = compared(text, text.replace("beta * I", "3 * I"))
    assert [one.player for one in found.objectives if one.rest] == ["q"]


def test_exit_codes_are_those_of_diff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("wrong.mib").write_text(ASKED.replace("beta = 2", "beta = "))
    same = run("diff", "beta_vae", "vae", "--param", "beta=1")
    other = run("diff", "beta_vae", "vae")
    assert (same.code, other.code) == (0, 1)
    assert "They mean the same." in same.out
    assert "(1 - beta) E[-log p(u)] + (beta - 1) H(u | x)" in other.out
    for line in ("vae wrong.mib", "vae none.mib", "- -", "vae vae --param b=1"):
        assert run("diff", *line.split()).code == 2


def test_every_dress_says_the_same() -> None:
    words = ("diff", "fair_tc", "fair_mmd", "--format")
    content = json.loads(run(*words, "json").out)
    assert content["schema"] == "graphdsl.diff/1"
    assert (content["equal"], content["objectives"]) == (False, "same")
    for dress in ("text", "markdown", "html"):
        written = " ".join(run(*words, dress).out.split())
        for one in content["changes"]:
            for text in (one["what"], one["before"], one["after"]):
                escaped = (text or "").replace("'", "&#39;") if dress == "html" else text or ""
                assert escaped.replace(">", "&gt;" if dress == "html" else ">") in written


def test_no_line_of_the_text_is_wider_than_a_hundred_columns() -> None:
    done = run("diff", "fair_mmd", "structured_mm")
    assert max(map(len, done.out.splitlines())) <= 100


def test_a_page_runs_nothing_of_a_spec() -> None:
    before = side(ASKED, "<script>alert(1)</script>.mib")
    from graphdsl.report import comparison_html, comparison_markdown

    page = comparison_html(compare(before, side(ASKED)))
    assert "<script" not in page
    assert "default-src &#39;none&#39;" in page
    written = comparison_markdown(compare(before, side(ASKED)))
    assert re.findall(".<script", written) == ["`<script"] * written.count("<script")
