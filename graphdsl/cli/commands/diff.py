"""`graphdsl diff`: what changes from one spec to another, and whether they mean the same."""

from __future__ import annotations

__all__ = ["command"]

from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdsl.cli.console import fail, reported, write
from graphdsl.cli.options import Consts, Out, Params, Spec
from graphdsl.cli.sources import named, open_source
from graphdsl.cli.values import values_of_each
from graphdsl.diagnostics import Source

if TYPE_CHECKING:
    from graphdsl.comparing import Side
    from graphdsl.ir.comparison import Comparison


class Format(StrEnum):
    """How a comparison is written."""

    text = "text"
    markdown = "markdown"
    json = "json"
    html = "html"
    latex = "latex"


def command(
    before: Spec,
    after: Spec,
    out: Out = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.text,
    const: Consts = None,
    param: Params = None,
) -> None:
    """Show what changes from BEFORE to AFTER, and prove it if they mean the same.

    Both are paths, or names of specs that ship. Exits with 0 if they mean the same, with 1 if not,
    and with 2 if one of them does not compile.
    """
    from graphdsl.comparing import compare

    if (before, after) == ("-", "-"):
        fail("graphdsl: - is standard input, which can be read once", code=2)
    try:
        comparison = compare(*_sides((before, after), const, param))
    except typer.Exit as end:
        raise typer.Exit(2) from end
    write(_written(format, comparison), out or Path("-"))
    if not comparison.equal:
        raise typer.Exit(1)


def _sides(
    specs: tuple[str, str], const: list[str] | None, param: list[str] | None
) -> tuple[Side, Side]:
    """Both specs compiled, with the values of what each declares; the mistakes of both are said."""
    sources = [open_source(spec) for spec in specs]
    given = values_of_each(sources, const, param)
    sides, code = [], 0
    for spec, source, values in zip(specs, sources, given, strict=True):
        try:
            sides.append(_side(named(spec, source), source, *values))
        except typer.Exit as end:
            code = end.exit_code
    if code:
        raise typer.Exit(code)
    one, other = sides
    return one, other


def _side(
    name: str, source: Source, constants: Mapping[str, Fraction], parameters: Mapping[str, Fraction]
) -> Side:
    from graphdsl.comparing import Side
    from graphdsl.compiler import check_spec

    def compiled() -> Side:
        checked = check_spec(source, constants, parameters)
        side = Side(
            name=name, source=source, checked=checked, constants=constants, parameters=parameters
        )
        _ = side.loss  # whatever cannot be bounded is said here
        return side

    return reported(source, compiled)


def _written(format: Format, comparison: Comparison) -> str:
    from graphdsl.report import (
        comparison_html,
        comparison_json,
        comparison_latex,
        comparison_markdown,
        comparison_text,
    )

    match format:
        case Format.json:
            return comparison_json(comparison)
        case Format.markdown:
            return comparison_markdown(comparison)
        case Format.html:
            return comparison_html(comparison)
        case Format.latex:
            return comparison_latex(comparison)
        case Format.text:
            return comparison_text(comparison)
