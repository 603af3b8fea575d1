"""Audits of one spec or of several, as the command line gives them."""

from __future__ import annotations

__all__ = ["Format", "audit_several", "audited", "refuse_refuted"]

import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import typer

from graphdsl.cli.console import fail, reported, warn, write
from graphdsl.cli.sources import named, open_source
from graphdsl.cli.values import Numbers, values_of_each
from graphdsl.diagnostics import Source

if TYPE_CHECKING:
    from graphdsl.compiler import Compiled
    from graphdsl.ir.audit import Audit
    from graphdsl.report import UnifiedRow

    Audited: TypeAlias = tuple[Source, Audit]


class Format(StrEnum):
    """How an audit is written."""

    text = "text"
    html = "html"
    latex = "latex"
    markdown = "markdown"
    json = "json"


def audited(
    source: Source, constants: Numbers, parameters: Numbers, strict: bool
) -> tuple[Compiled, Audit]:
    """A spec derived, and all that is known of it; its mistakes are shown, and stop with 1."""
    from graphdsl.compiler import check_spec, derive, read

    derived = reported(
        source, lambda: derive(check_spec(source, constants, parameters), keep_refuted=True)
    )
    warn(source, derived.warnings, strict)
    return derived, read(derived)


def audit_several(
    specs: Sequence[str],
    out: Path | None,
    format: Format,
    strict: bool,
    const: list[str] | None,
    param: list[str] | None,
) -> None:
    """Write one table of several specs; the mistakes of all of them are shown, and stop with 1."""
    if specs.count("-") > 1:
        fail("graphdsl: - is standard input, which can be read once", code=2)
    sources = [open_source(spec) for spec in specs]
    names = [_title(spec, source) for spec, source in zip(specs, sources, strict=True)]
    audits: list[Audited] = []
    refused = False
    given = values_of_each(sources, const, param)
    for source, (constants, parameters) in zip(sources, given, strict=True):
        try:
            audits.append((source, audited(source, constants, parameters, strict)[1]))
        except typer.Exit:
            refused = True
    if refused:
        raise typer.Exit(1)
    write(_table(format, names, audits), out or Path("-"))
    refuse_refuted(audits)


def refuse_refuted(audits: Iterable[Audited]) -> None:
    """Stop with 1 where an assertion is refuted, and say of which spec."""
    lines = []
    for source, audit in audits:
        refuted = sum(proof.status == "refuted" for proof in audit.proofs)
        if refuted:
            lines.append(f"{source.name}: {refuted} assertion{'s' if refuted > 1 else ''} refuted")
    if lines:
        fail("\n".join(lines))


def _title(spec: str, source: Source) -> str:
    """The name of a model in the table: that of a spec that ships, else the path."""
    name = named(spec, source)
    return name if name != source.name or spec == "-" else name.removesuffix(".mib")


def _table(format: Format, names: Sequence[str], audits: Sequence[Audited]) -> str:
    from graphdsl.report import (
        audit_json,
        unified_html,
        unified_latex,
        unified_markdown,
        unified_text,
    )

    if format is Format.json:
        content = [json.loads(audit_json(audit)) for _, audit in audits]
        whole = {"schema": "graphdsl.audits/1", "audits": content}
        return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
    rows = [_row(name, *one) for name, one in zip(names, audits, strict=True)]
    match format:
        case Format.html:
            return unified_html(rows)
        case Format.latex:
            return unified_latex(rows)
        case Format.markdown:
            return unified_markdown(rows)
        case _:
            return unified_text(rows)


def _row(name: str, source: Source, audit: Audit) -> UnifiedRow:
    from graphdsl.report import unified_row

    return unified_row(name, audit.model, audit.module, source.text)
