"""A page of tables in three dresses: HTML, LaTeX and Markdown."""

from __future__ import annotations

__all__ = ["Cell", "Document", "Table", "code", "prose", "tables_html", "tables_latex"]

from collections.abc import Iterator
from dataclasses import dataclass, replace

from markupsafe import Markup

from graphdsl.notation.formula import latex, parsed
from graphdsl.notation.mathematics import mathml
from graphdsl.report.html import environment, policy, resource, visible_text
from graphdsl.report.latex import latex_text


@dataclass(frozen=True, slots=True)
class Cell:
    """Lines of text, or of code; each perhaps as a formula, where that can be set."""

    lines: tuple[str, ...]
    is_code: bool = False
    formulas: tuple[str, ...] = ()  #: in LaTeX, one for each line; none where it is text alone
    style: str = ""  #: `added` or `removed`


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under the titles of their columns; without titles, the first cell is that of its row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[float, ...] = ()  #: of the columns, as fractions; else the first is narrow


@dataclass(frozen=True, slots=True)
class Document:
    """A title, what is said first, and tables."""

    title: str
    paragraphs: tuple[str, ...]
    tables: tuple[Table, ...]


def prose(*lines: str) -> Cell:
    """A cell of words."""
    return Cell(lines)


def code(*lines: str, style: str = "") -> Cell:
    """A cell of code."""
    return Cell(tuple(filter(None, lines)), is_code=True, style=style)


def tables_html(document: Document) -> str:
    """One page that fetches nothing and runs no script."""
    style = resource("page.css")
    guests = {
        "policy": policy(style, ""),
        "style": Markup(style),  # our own file
        "title": visible_text(document.title),
        "paragraphs": [visible_text(paragraph) for paragraph in document.paragraphs],
        "tables": [_visible(table) for table in document.tables],
        "shown": _shown,
    }
    return environment().get_template("tables.html.j2").render(guests) + "\n"


def tables_latex(document: Document) -> str:
    """A document that pdflatex compiles, each table over as many pages as it needs."""
    lines = [_PREAMBLE, r"\begin{document}", rf"\section*{{{latex_text(document.title)}}}"]
    lines += [latex_text(paragraph) + "\n" for paragraph in document.paragraphs]
    for table in document.tables:
        lines += _latex_table(table)
    return "\n".join([*lines, r"\end{document}"]) + "\n"


_PREAMBLE = r"""\documentclass[10pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage[margin=15mm,landscape]{geometry}
\usepackage{amsmath,amssymb,array,longtable}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.4em}
\emergencystretch=3em
"""


def _visible(table: Table) -> Table:
    """Show the signs of titles that a page would not."""
    columns = tuple(visible_text(column) for column in table.columns)
    return replace(table, title=visible_text(table.title), columns=columns)


def _shown(cell: Cell) -> list[Markup]:
    """The lines of a cell; whatever a spec says stays text."""
    if cell.formulas:
        return [Markup(mathml(parsed(formula))) for formula in cell.formulas]
    if cell.is_code:
        return [Markup("<code>{}</code>").format(visible_text(line)) for line in cell.lines]
    return [Markup("{}").format(visible_text(line)) for line in cell.lines]


def _latex_table(table: Table) -> Iterator[str]:
    count = len(table.columns) or 2
    widths = table.widths or (0.16, *[0.84 / (count - 1)] * (count - 1))
    ragged = r">{\raggedright\arraybackslash}"
    columns = "".join(rf"{ragged}p{{{0.9 * width:.3f}\linewidth}}" for width in widths)
    if table.title:
        yield rf"\subsection*{{{latex_text(table.title)}}}"
    yield rf"\begin{{longtable}}{{{columns}}}"
    if table.columns:
        yield " & ".join(map(latex_text, table.columns)) + r" \\ \hline"
    for row in table.rows:
        yield " & ".join(map(_latex_cell, row)) + r" \\"
    yield r"\end{longtable}"


def _latex_cell(cell: Cell) -> str:
    if cell.formulas:
        return r" \newline ".join(f"${latex(parsed(formula))}$" for formula in cell.formulas)
    written = map(latex_text, cell.lines)
    if cell.is_code:
        return r" \newline ".join(rf"\texttt{{{line}}}" for line in written)
    return r" \newline ".join(written)
