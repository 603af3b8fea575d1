"""`graphdsl fmt`: specs in their canonical layout."""

from __future__ import annotations

__all__ = ["command"]

import os
from difflib import unified_diff
from pathlib import Path
from typing import Annotated

import typer

from graphdsl.cli.console import fail, print_lines, reported, say, write
from graphdsl.cli.options import Out, Specs
from graphdsl.cli.sources import open_source
from graphdsl.diagnostics import Source
from graphdsl_files import shown


def command(
    specs: Specs,
    out: Out = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; stop with 1 if a layout would change.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Write nothing; show what would change.")
    ] = False,
) -> None:
    """Lay each SPEC out in columns, in place; comments stay, and so does what it says."""
    if out is not None and (check or diff or len(specs) > 1):
        fail("graphdsl: -o takes one spec, and neither --check nor --diff", code=2)
    writes = not (check or diff)
    if writes and out is None:
        _be_in_place(specs)
    codes = [_attempt(spec, out, writes, diff) for spec in specs]
    if "refused" in codes or (check and "changed" in codes):
        raise typer.Exit(1)


def _be_in_place(specs: list[str]) -> None:
    for spec in specs:
        if spec == "-":
            fail(
                "graphdsl: - is standard input, and has no place to write; -o says where to", code=2
            )
        if not os.path.exists(spec):  # noqa: PTH110  # no error for a long name
            source = open_source(spec)
            fail(f"graphdsl: {source.name} ships, and stays as it is; -o says where to", code=2)


def _attempt(spec: str, out: Path | None, writes: bool, diff: bool) -> str:
    """Format one spec; the mistakes of one do not keep the others from it."""
    from graphdsl.fmt import format_spec

    source = open_source(spec)
    try:
        text = reported(source, lambda: format_spec(source))
    except typer.Exit:
        return "refused"
    if out is not None:
        write(text, out)
        return "written"
    if text == source.text:
        return "unchanged"
    if diff:
        _show(source, text)
    if writes:
        write(text, Path(spec))
    say(f"{shown(spec)}: {'formatted' if writes else 'would change'}")
    return "changed"


def _show(source: Source, text: str) -> None:
    before, after = source.text.split("\n"), text.split("\n")
    print_lines(unified_diff(before, after, source.name, source.name, lineterm=""))
