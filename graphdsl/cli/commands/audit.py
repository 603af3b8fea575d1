"""`graphdsl audit`: what the objective is, and what is known of it."""

from __future__ import annotations

__all__ = ["command"]

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdsl.cli.compiling import checked
from graphdsl.cli.console import fail, reported, warn, write
from graphdsl.cli.dress import at_terminal, columns, in_unicode
from graphdsl.cli.options import Consts, Out, Params, Spec, Strict
from graphdsl.cli.sources import open_source
from graphdsl_files import visible

if TYPE_CHECKING:
    from graphdsl.compiler import Compiled
    from graphdsl.diagnostics import Source
    from graphdsl.ir.audit import Audit


class Format(StrEnum):
    """How an audit is written."""

    text = "text"
    html = "html"
    latex = "latex"
    markdown = "markdown"
    json = "json"


def command(
    spec: Spec,
    out: Out = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.text,
    full: Annotated[
        bool, typer.Option("--full", help="Text: write out what is alike, and every projection.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Hold it, and the emitted loss, against numbers.")
    ] = False,
    strict: Strict = False,
    const: Consts = None,
    param: Params = None,
) -> None:
    """Derive and prove the objective of SPEC, before a GPU hour is spent."""
    from graphdsl.compiler import derive, read
    from graphdsl.report import audit_text

    source = open_source(spec)
    derived = reported(source, lambda: derive(checked(source, const, param), keep_refuted=True))
    warn(source, derived.warnings, strict)
    audit = read(derived)
    if verify:
        from graphdsl.cli.verifying import verified

        audit = verified(derived, audit)
    target = out or Path("-")
    if format is Format.text and str(target) == "-" and sys.stdout.isatty():
        at_terminal(in_unicode(visible(audit_text(audit, width=columns(), full=full))))
    else:
        write(_written(format, audit, derived, source, full), target)
    wrong = audit.verification.wrong if audit.verification is not None else ()
    if wrong:
        fail("\n".join((*wrong, f"{source.name}: verified, and {len(wrong)} things are wrong")))
    refuted = sum(proof.status == "refuted" for proof in audit.proofs)
    if refuted:
        fail(f"{source.name}: {refuted} assertion{'s' if refuted > 1 else ''} refuted")


def _written(format: Format, audit: Audit, derived: Compiled, source: Source, full: bool) -> str:
    from graphdsl.report import audit_html, audit_json, audit_latex, audit_markdown, audit_text

    match format:
        case Format.json:
            return audit_json(audit)
        case Format.latex:
            return audit_latex(audit)
        case Format.markdown:
            return audit_markdown(audit)
        case Format.html:
            from graphdsl.codegen import render_module

            code = render_module(derived.module, derived.checked.model.constants)
            return audit_html(audit, source, code)
        case Format.text:
            return audit_text(audit, full=full)
