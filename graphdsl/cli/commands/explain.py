"""`graphdsl explain`: half a page on a code."""

from __future__ import annotations

__all__ = ["command"]

import sys
from collections.abc import Sequence
from operator import ne
from typing import Annotated

import typer

from graphdsl.cli.completing import completed_code
from graphdsl.cli.console import fail, print_lines
from graphdsl.diagnostics import explained, explanation, nearest
from graphdsl_files import shown


def command(
    code: Annotated[
        str | None,
        typer.Argument(
            help="A code, such as MIB204; without one, all codes are listed.",
            autocompletion=completed_code,
        ),
    ] = None,
) -> None:
    """Explain a diagnostic by a wrong spec and a right one."""
    known = explained()
    if code is None:
        print_lines(f"{one}  {explanation(one).title}" for one in known)
        return
    if code.upper() not in known:
        close = _closest(code.upper(), known)
        hint = f"did you mean `{close}`?" if close else f"there are {known[0]} to {known[-1]}"
        fail(f"graphdsl: there is no diagnostic `{shown(code)}`; {hint}", code=2)
    text = explanation(code.upper()).text
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(text))
    else:
        sys.stdout.write(text)


def _closest(code: str, known: Sequence[str]) -> str:
    """The code with the same digits in another order, or one other; else the likest."""
    apart = {one: sum(map(ne, one, code)) for one in known if len(one) == len(code)}
    turned = [one for one in apart if sorted(one) == sorted(code)]
    close = turned or [one for one, places in apart.items() if places == 1]
    if apart:
        return min(close, key=apart.__getitem__, default="")
    return nearest(code, known)
