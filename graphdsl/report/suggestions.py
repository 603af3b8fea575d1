"""What would make a loss tighter, as text, Markdown, HTML, LaTeX and JSON."""

from __future__ import annotations

__all__ = ["advice_html", "advice_json", "advice_latex", "advice_markdown", "advice_text"]

import json
from collections.abc import Iterator

from graphdsl.ir.suggestion import Advice, Suggestion, Weakness
from graphdsl.report.lines import WIDEST, filled, laid
from graphdsl.report.markdown import code_text, markdown_text
from graphdsl.report.tables import Cell, Document, Table, code, prose, tables_html, tables_latex
from graphdsl.report.terms import Json

_MOST = 6  #: lines of an amendment that text shows
_WEAK = {
    "upper": "a bound with a gap",
    "lower": "a bound from below",
    "estimate": "an estimate, which is no bound",
    "saddle": "the value of a game",
    "surrogate": "a surrogate, which has no direction",
}


def advice_text(advice: Advice, *, width: int = WIDEST) -> str:
    """Each term that is not exact, and below it the lines that mend it, with both gaps."""
    blocks = [
        [
            *filled(
                "", f"{advice.name}: the loss is {advice.relation}. {_sentence(advice)}", 2, width
            )
        ]
    ]
    for weak in advice.weaknesses:
        title = f"{weak.term} = {weak.formula}"
        blocks.append([*filled("", title, 4, width), *filled("  ", _said(weak), 4, width)])
        blocks += [[*_suggestion(suggestion, width)] for suggestion in weak.suggestions]
    return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"


def advice_markdown(advice: Advice) -> str:
    """The same with headings, and amendments as differences."""
    parts = [
        f"# What would make {code_text(advice.name)} tighter",
        markdown_text(f"The loss is {advice.relation}. {_sentence(advice)}"),
    ]
    for weak in advice.weaknesses:
        parts.append(f"## {code_text(weak.term)}: {code_text(weak.formula)}")
        parts.append(markdown_text(_said(weak)))
        for suggestion in weak.suggestions:
            lines = [
                *(f"- {line}" for line in suggestion.removed),
                *(f"+ {line}" for line in suggestion.added),
            ]
            parts.append("```diff\n" + "\n".join(lines) + "\n```")
            parts.append(
                "\n".join(
                    (
                        f"- gap before: {code_text(' + '.join(suggestion.before))}",
                        f"- gap after: {code_text(' + '.join(suggestion.after))}",
                        f"- the loss is then {suggestion.relation}",
                        f"- {markdown_text(suggestion.known)}",
                    )
                )
            )
    return "\n\n".join(parts) + "\n"


def advice_html(advice: Advice) -> str:
    """The same as a page, with a table for each suggestion."""
    return tables_html(_document(advice))


def advice_latex(advice: Advice) -> str:
    """The same as a document that pdflatex compiles."""
    return tables_latex(_document(advice))


def advice_json(advice: Advice) -> str:
    """The same in the schema `graphdsl.advice/1`, with the text of each amended spec."""
    content: Json = {
        "schema": "graphdsl.advice/1",
        "spec": advice.name,
        "relation": advice.relation,
        "terms": [
            {
                "name": weak.term,
                "loss": weak.formula,
                "relation": weak.relation,
                "because": weak.because or None,
                "suggestions": [
                    {
                        "removed": list(suggestion.removed),
                        "added": list(suggestion.added),
                        "gap_before": list(suggestion.before),
                        "gap_after": list(suggestion.after),
                        "relation": suggestion.relation,
                        "known": suggestion.known,
                        "spec": suggestion.text,
                    }
                    for suggestion in weak.suggestions
                ],
            }
            for weak in advice.weaknesses
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _document(advice: Advice) -> Document:
    tables = []
    for weak in advice.weaknesses:
        tables.append(
            Table(
                weak.term, (), ((code("="), code(weak.formula)), (prose("it"), prose(_said(weak))))
            )
        )
        tables += [Table("", (), tuple(_rows(suggestion))) for suggestion in weak.suggestions]
    paragraph = f"The loss is {advice.relation}. {_sentence(advice)}"
    return Document(f"What would make {advice.name} tighter", (paragraph,), tuple(tables))


def _rows(one: Suggestion) -> Iterator[tuple[Cell, Cell]]:
    """The rows of a suggestion, each with its title."""
    if one.removed:
        yield prose("remove"), code(*one.removed, style="removed")
    yield prose("write"), code(*one.added, style="added")
    yield prose("gap before"), code(*_summed(one.before))
    yield prose("gap after"), code(*_summed(one.after))
    yield prose("the loss is then"), prose(one.relation)
    yield prose("because"), prose(one.known)


def _summed(gaps: tuple[str, ...]) -> Iterator[str]:
    first, *others = gaps
    yield first
    yield from (f"+ {gap}" for gap in others)


def _sentence(advice: Advice) -> str:
    if not advice.weaknesses:
        return "Every term is exact: nothing can be tighter."
    count = len(advice.weaknesses)
    subject = "One term is" if count == 1 else f"{count} terms are"
    return f"{subject} not exact. Each suggestion is by itself, and was compiled."


def _said(weak: Weakness) -> str:
    end = f"; nothing is suggested: {weak.because}" if weak.because else ""
    return f"It is {_WEAK.get(weak.relation, weak.relation)}{end}."


def _suggestion(one: Suggestion, width: int) -> Iterator[str]:
    for sign, lines in (("-", one.removed), ("+", one.added)):
        for line in lines[:_MOST]:
            yield from filled(f"  {sign} ", line, 6, width)
        if len(lines) > _MOST:
            yield f"  {sign} ... and {len(lines) - _MOST} more alike: `--format json` has them all"
    for label, gaps in (("before", one.before), ("after", one.after)):
        yield from laid(f"      {label:8}", tuple(_summed(gaps)), 14, width)
    yield from filled("      loss    ", one.relation, 14, width)
    yield from filled("      known   ", one.known, 14, width)
