"""`graphdsl suggest`: which lines would make the loss of a spec tighter."""

from __future__ import annotations

__all__ = ["command"]

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdsl.cli.console import reported, write
from graphdsl.cli.options import Consts, Out, Params, Spec
from graphdsl.cli.sources import open_source
from graphdsl.cli.values import values

if TYPE_CHECKING:
    from graphdsl.ir.suggestion import Advice


class Format(StrEnum):
    """How suggestions are written."""

    text = "text"
    markdown = "markdown"
    html = "html"
    latex = "latex"
    json = "json"


def command(
    spec: Spec,
    out: Out = None,
    format: Annotated[
        Format, typer.Option(help="How to write it; json has the text of each amended spec.")
    ] = Format.text,
    const: Consts = None,
    param: Params = None,
) -> None:
    """Say which lines would make the loss of SPEC tighter, with the gap before and after."""
    from graphdsl.suggesting import suggest

    source = open_source(spec)
    constants, parameters = values(source, const, param)
    advice = reported(source, lambda: suggest(source, constants, parameters))
    write(_written(format, advice), out or Path("-"))


def _written(format: Format, advice: Advice) -> str:
    from graphdsl.report import (
        advice_html,
        advice_json,
        advice_latex,
        advice_markdown,
        advice_text,
    )

    match format:
        case Format.json:
            return advice_json(advice)
        case Format.html:
            return advice_html(advice)
        case Format.latex:
            return advice_latex(advice)
        case Format.markdown:
            return advice_markdown(advice)
        case Format.text:
            return advice_text(advice)
