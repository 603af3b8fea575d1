"""Tables of several specs, comparisons and suggestions: what a spec says is text in each dress."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from html.parser import HTMLParser

import pytest

from graphdsl import report
from graphdsl.comparing import Side, compare
from graphdsl.compiler import check_spec, derive
from graphdsl.diagnostics import Source
from graphdsl.report.latex import latex_text
from graphdsl.suggesting import suggest
from tests.report.test_dresses import tokens
from tests.report.test_pages import HOSTILE

SPEC = """# {text}
model loose   # {text}
param beta = 3   # {text}
observed x[1..2] : binary[4]
latent   z : real[2] ~ normal
q {{ x[1], x[2] -> z  by joint }}
p {{ z -> x[i]  for i in 1..2 }}
minimize KL(q || p) + beta * I(z; x[1])  # {text}
"""
#: Besides those of pages, what ends a cell, a row, a fence or a link.
TEXTS = (*HOSTILE, "a | b & c \\\\ d", "``` [x](http://y) ![z](//w)", "\u2066\u202e\u200b\ufeff")


def plain_of(text: str) -> str:
    """One line, as a comment is."""
    return text.replace("\n", " ").replace("\x00", "")


def side(text: str, replaced: str = "") -> Side:
    spec = SPEC.format(text=plain_of(text)).replace("beta * I", replaced or "beta * I")
    source = Source(f"{text}.mib", spec)
    return Side(
        name=source.name, source=source, checked=check_spec(source), constants={}, parameters={}
    )


def several(text: str) -> list[report.UnifiedRow]:
    one = side(text)
    compiled = derive(one.checked)
    row = report.unified_row(one.name, compiled.checked.model, compiled.module, one.source.text)
    return [row, row]


@cache
def written(text: str) -> Mapping[str, str]:
    """Each output that has a title of a spec in it."""
    comparison = compare(side(text), side(text, "2 * I"))
    advice = suggest(side(text).source, {}, {})
    rows = several(text)
    assert comparison.sections
    assert any(one.suggestions for one in advice.weaknesses)
    return {
        "diff.html": report.comparison_html(comparison),
        "diff.latex": report.comparison_latex(comparison),
        "diff.markdown": report.comparison_markdown(comparison),
        "suggest.html": report.advice_html(advice),
        "suggest.latex": report.advice_latex(advice),
        "suggest.markdown": report.advice_markdown(advice),
        "several.html": report.unified_html(rows),
        "several.latex": report.unified_latex(rows),
        "several.markdown": report.unified_markdown(rows),
    }


class Elements(HTMLParser):
    """The tags of a page in their order, with the names of their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def commands(page: str) -> set[str]:
    return set(re.findall(r"\\[A-Za-z]+", page))


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_no_text_of_a_spec_is_more_than_text(text: str) -> None:
    harmless, hostile = written("plain"), written(text)
    assert harmless.keys() == hostile.keys()
    for name, page in hostile.items():
        assert all(one.isprintable() or one == "\n" for one in page), name
        if name.endswith("markdown"):
            types = {one.type for one in tokens(page)}
            assert types <= {one.type for one in tokens(harmless[name])}, name
        if name.endswith("html"):
            assert Elements(page).found == Elements(harmless[name]).found, name
        if name.endswith("latex"):
            ours = commands(harmless[name]) | commands(latex_text(text + "\\"))
            assert commands(page) <= ours, name
            assert {row.count(" & ") for row in page.splitlines() if row.endswith(r"\\")} == {
                row.count(" & ") for row in harmless[name].splitlines() if row.endswith(r"\\")
            }
