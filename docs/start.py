"""The first page of the site: a spec, its drawing, its derivation and its loss, in one screen."""

from __future__ import annotations

__all__ = ["start_page"]

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from graphdsl.compiler import compile_spec, read
from graphdsl.diagnostics import Source
from graphdsl.ir.audit import Audit
from graphdsl.ir.information import Term
from graphdsl.notation.formula import parsed
from graphdsl.notation.gaps import gap_latex
from graphdsl.notation.mathematics import mathml
from graphdsl.report.collected import collected
from graphdsl.report.header import read_header
from graphdsl.report.terms import latex_factor, latex_summands

_SPEC = Path(__file__).parent.parent / "specs" / "mib.mib"
_LEAD = """\
---
title: Start
hide: [toc]
---

# graphdsl

Write a latent-variable model as Bayesian networks. graphdsl derives its training loss, says of
every term whether it is exact, a bound or an estimate, and writes the loss as a PyTorch module."""
_CAPTION = "The networks of mib: q, p, and one that an assertion speaks of"
_NEXT = """\
```console
$ graphdsl audit mib
$ graphdsl train mib --data digits
```

[A model in ten minutes](tutorial.md) · [Gallery](gallery.md) · [The language](language.md) ·
[From a paper to a spec](how-to/from-a-paper.md) · [Your data](your-data.md) ·
[In an editor](editor.md) · [About the project](overview.md)"""


def start_page() -> str:
    """The Markdown of the page; formulas are MathML, which needs no script."""
    source = Source.read(_SPEC)
    module = compile_spec(source)
    audit = read(module.compiled)
    body = re.sub(r" *#.*", "", read_header(source.text).body)
    body = re.sub(r"\n*assert .*", "", body).strip()
    columns = (
        ("You write a spec", _block("mib", body)),
        (
            "It draws the networks",
            f"![{_CAPTION}](models/mib.svg)",
        ),
        ("It derives the loss", "\n".join(_derivation(audit))),
        ("It writes PyTorch", _block("python", _loss(module.text))),
    )
    boxes = "\n\n".join(
        f'<div class="box" markdown>\n\n**{title}**\n\n{content}\n\n</div>'
        for title, content in columns
    )
    return f'{_LEAD}\n\n<div class="start" markdown>\n\n{boxes}\n\n</div>\n\n{_NEXT}\n'


def _derivation(audit: Audit) -> Iterator[str]:
    """The objective, what it is in entropies, and the terms that bound it, with their gaps."""
    module = audit.module
    yield '<div class="derivation">'
    yield from _line("minimise", (module.objective,))
    yield from _line("equals", _sum(collected(audit)))
    for place, term in enumerate(module.terms):
        factor = latex_factor(term.weight, first=place == 0)
        yield from _line("at most" if place == 0 else "", (f"{factor}{term.latex}",))
    for term in module.terms:
        yield from _line(f"gap of {term.name}", gap_latex(term))
    yield from _line("and a constant of the data", _sum(module.constants))
    yield "</div>"


def _line(label: str, pieces: Iterable[str]) -> Iterator[str]:
    shown = " ".join(f"<span>{mathml(parsed(one))}</span>" for one in pieces)
    yield f"<p><em>{label}</em> {shown}</p>"


def _sum(terms: Iterable[Term]) -> tuple[str, ...]:
    return latex_summands(terms)


def _loss(code: str) -> str:
    """What `forward` computes."""
    start = code.index("        q_t = ")
    lines = code[start : code.index("        return Losses(")].splitlines()
    return "\n".join(line.removeprefix("        ") for line in lines).strip()


def _block(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"
