"""Listings of the page: the spec and the emitted code, with the terms of each line."""

from __future__ import annotations

__all__ = ["code_lines", "spec_lines"]

import re
from collections.abc import Iterator, Mapping, Sequence

from graphdsl.diagnostics import Source
from graphdsl.ir.loss import LossTerm
from graphdsl.report.html import visible_text
from graphdsl.report.page_views import Line


def spec_lines(source: Source, terms: Sequence[LossTerm]) -> Iterator[Line]:
    """The lines of the spec, each with the terms that it asks for."""
    asked: dict[int, list[str]] = {}
    for term in terms:
        for number in term.lines:
            asked.setdefault(number, []).append(term.name)
    for number, text in enumerate(source.lines, start=1):
        yield Line(visible_text(text), " ".join(asked.get(number, ())))


def code_lines(code: str, names: Sequence[str]) -> Iterator[Line]:
    """The emitted code, each line with the terms that it names; so is a comment above it."""
    lines = code.splitlines()
    words = [set(re.findall(r"\w+", line)) for line in lines]
    body = next((k for k, line in enumerate(lines) if line.startswith("    def forward")), 0)
    listed: Mapping[int, list[str]] = {
        k: [name for name in names if name in words[k]] if k > body else []
        for k in range(len(lines))
    }
    for k, line in enumerate(lines):
        terms = listed[k]
        if line.lstrip().startswith("#"):
            after = next(
                (n for n in range(k, len(lines)) if not lines[n].lstrip().startswith("#")), k
            )
            terms = listed[after]
        yield Line(line, " ".join(terms))
