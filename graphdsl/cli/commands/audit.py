"""`graphdsl audit`: what the objective is, and what is known of it."""

from __future__ import annotations

__all__ = ["command"]

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdsl.cli.auditing import Format, audit_several, audited, refuse_refuted
from graphdsl.cli.console import fail, write
from graphdsl.cli.dress import at_terminal, columns, in_unicode
from graphdsl.cli.options import Consts, Out, Params, Specs, Strict
from graphdsl.cli.sources import open_source
from graphdsl.cli.values import values
from graphdsl_files import visible

if TYPE_CHECKING:
    from graphdsl.compiler import Compiled
    from graphdsl.diagnostics import Source
    from graphdsl.ir.audit import Audit


def command(
    specs: Specs,
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
    """Derive and prove the objective of SPEC, before a GPU hour is spent.

    Several specs come as one table: networks, objectives, losses and what they are to each other.
    """
    if len(specs) > 1:
        if verify or full:
            fail("graphdsl: --verify and --full are for one spec", code=2)
        audit_several(specs, out, format, strict, const, param)
        return
    from graphdsl.report import audit_text

    source = open_source(specs[0])
    derived, audit = audited(source, *values(source, const, param), strict)
    if verify:
        from graphdsl.trials.verifying import verified

        audit = verified(derived, audit)
    target = out or Path("-")
    if format is Format.text and str(target) == "-" and sys.stdout.isatty():
        at_terminal(in_unicode(visible(audit_text(audit, width=columns(), full=full))))
    else:
        write(_written(format, audit, derived, source, full), target)
    wrong = audit.verification.wrong if audit.verification is not None else ()
    if wrong:
        fail("\n".join((*wrong, f"{source.name}: verified, and {len(wrong)} things are wrong")))
    refuse_refuted([(source, audit)])


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
