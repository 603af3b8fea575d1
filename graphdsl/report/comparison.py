"""A comparison of two specs as text, Markdown, JSON, HTML and LaTeX."""

from __future__ import annotations

__all__ = [
    "comparison_html",
    "comparison_json",
    "comparison_latex",
    "comparison_markdown",
    "comparison_text",
]

import json
from collections.abc import Iterable, Iterator

from graphdsl.ir.comparison import Comparison, Share
from graphdsl.ir.notation import factor_text, weight_text
from graphdsl.notation.folding import fold_sum, in_ranges, text_binder
from graphdsl.report.lines import WIDEST, filled, laid
from graphdsl.report.markdown import code_text, markdown_text
from graphdsl.report.tables import Document, Table, code, tables_html, tables_latex
from graphdsl.report.terms import Json


def comparison_text(comparison: Comparison, *, width: int = WIDEST) -> str:
    """What it comes to, the proof, and each change with what was before and what is after."""
    one, other = comparison.names
    blocks = [[f"- {one}", f"+ {other}"]]
    blocks.append([line for said in comparison.sentences for line in filled("", said, 2, width)])
    if comparison.renamed:
        blocks.append([*filled("", f"Names: {_names(comparison)}.", 2, width)])
    for title, shares in _sums(comparison):
        blocks.append([title, *laid("  ", _summands(shares), 4, width)])
    for section in comparison.sections:
        lines = [section.title.upper()]
        for change in section.changes:
            lines += filled("  ", change.subject, 4, width)
            for sign, text in (("-", change.before), ("+", change.after)):
                lines += filled(f"    {sign} ", text, 6, width) if text else ()
        blocks.append(lines)
    return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"


def comparison_markdown(comparison: Comparison) -> str:
    """The same as headings and tables."""
    one, other = map(code_text, comparison.names)
    parts = [f"# {one} and {other}", *map(markdown_text, comparison.sentences)]
    if comparison.renamed:
        parts.append(f"Names: {markdown_text(_names(comparison))}.")
    for title, shares in _sums(comparison):
        parts.append(f"{markdown_text(title)}\n\n```text\n{' '.join(_summands(shares))}\n```")
    head = f"| | {' | '.join(map(_in_cell, comparison.names))} |"
    for section in comparison.sections:
        rows = [f"## {section.title}\n", head, "| --- | --- | --- |"]
        for each in section.changes:
            cells = (_in_cell(text) for text in (each.subject, each.before, each.after))
            rows.append(f"| {' | '.join(cells)} |")
        parts.append("\n".join(rows))
    return "\n\n".join(parts) + "\n"


def comparison_html(comparison: Comparison) -> str:
    """The same as a page."""
    return tables_html(_document(comparison))


def comparison_latex(comparison: Comparison) -> str:
    """The same as a document that pdflatex compiles."""
    return tables_latex(_document(comparison))


def _document(comparison: Comparison) -> Document:
    one, other = comparison.names
    paragraphs = [*comparison.sentences]
    if comparison.renamed:
        paragraphs.append(f"Names: {_names(comparison)}.")
    sums = [
        Table(title, (), ((code("="), code(*_summands(shares))),))
        for title, shares in _sums(comparison)
    ]
    changes = [
        Table(
            section.title,
            ("what", one, other),
            tuple(
                (
                    code(each.subject),
                    code(each.before, style="removed"),
                    code(each.after, style="added"),
                )
                for each in section.changes
            ),
        )
        for section in comparison.sections
    ]
    return Document(f"{one} and {other}", tuple(paragraphs), (*sums, *changes))


def comparison_json(comparison: Comparison) -> str:
    """The same in the schema `graphdsl.diff/1`."""
    content: Json = {
        "schema": "graphdsl.diff/1",
        "specs": list(comparison.names),
        "equal": comparison.equal,
        "objectives": comparison.sameness,
        "because": list(comparison.sentences),
        "names": {one: other for one, other in comparison.renamed},
        "canonical": [
            {
                "player": objective.player,
                "first": _shares(objective.common),
                "second_minus_first": rest,
            }
            for objective in comparison.objectives
            for rest in [_shares(objective.rest)]
        ],
        "changes": [
            {
                "of": section.title.lower(),
                "what": each.subject,
                "before": each.before or None,
                "after": each.after or None,
                "trains": section.trains,
            }
            for section in comparison.sections
            for each in section.changes
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _names(comparison: Comparison) -> str:
    return ", ".join(f"{other} is called {one}" for one, other in comparison.renamed)


def _sums(comparison: Comparison) -> Iterator[tuple[str, tuple[Share, ...]]]:
    """The canonical form that both have, or what is left of the second minus the first."""
    for objective in comparison.objectives:
        whose = f", for {objective.player}" if objective.player else ""
        if any(not share.constant for share in objective.rest):
            yield f"The second objective minus the first{whose}:", objective.rest
        elif comparison.sameness == "same":
            yield f"Both objectives in canonical form{whose}:", objective.common


def _summands(shares: Iterable[Share]) -> list[str]:
    """The summands with their signs, families folded."""
    listed = tuple(shares)
    summands: list[str] = []
    quantities = [in_ranges(one.quantity) for one in listed]
    for one in fold_sum(quantities, [share.weight for share in listed]):
        weight = listed[one.place].weight
        negative = len(weight.terms) == 1 and weight.terms[0][1] < 0
        sign = "-" if negative else "+" * bool(summands)
        text = f"{factor_text(-weight if negative else weight)}{text_binder(one)}{one.pattern}"
        summands.append(f"{sign} {text}" if summands else f"{sign}{text}")
    return summands or ["0"]


def _shares(shares: Iterable[Share]) -> Json:
    return [
        {"coefficient": weight_text(one.weight), "of": str(one.quantity), "constant": one.constant}
        for one in shares
    ]


def _in_cell(text: str) -> str:
    return code_text(text).replace("|", "\\|") if text else ""
