"""`graphdsl explain`: half a page on a code."""

from __future__ import annotations

__all__ = ["command"]

import sys
from typing import Annotated

import typer

from graphdsl.cli.console import fail
from graphdsl.diagnostics import explained, explanation, nearest


def command(
    code: Annotated[str, typer.Argument(help="Of a diagnostic, such as MIB204.")],
) -> None:
    """Explain a diagnostic by a wrong spec and a right one."""
    known = explained()
    if code.upper() not in known:
        close = nearest(code.upper(), known)
        hint = f"did you mean `{close}`?" if close else f"there are {known[0]} to {known[-1]}"
        fail(f"graphdsl: there is no diagnostic `{code}`; {hint}", code=2)
    text = explanation(code.upper()).text
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(text))
    else:
        sys.stdout.write(text)
