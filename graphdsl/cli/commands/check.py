"""`graphdsl check`: is anything wrong?"""

from __future__ import annotations

__all__ = ["command"]

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from graphdsl.cli.compiling import checked
from graphdsl.cli.console import fail, reported, say, warn, write
from graphdsl.cli.options import Consts, Out, Params, Specs, Strict
from graphdsl.cli.sources import named, open_source
from graphdsl.cli.watching import changes
from graphdsl.diagnostics import Checkup, SpecError, as_github, as_json, as_sarif
from graphdsl_files import shown


class Format(StrEnum):
    """How diagnostics are written."""

    text = "text"
    json = "json"
    github = "github"
    sarif = "sarif"


def command(
    specs: Specs,
    format: Annotated[
        Format,
        typer.Option(help="Text is for you, github for annotations, json and sarif for programs."),
    ] = Format.text,
    out: Out = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Check again whenever a SPEC is saved; Ctrl-C ends it.")
    ] = False,
    strict: Strict = False,
    const: Consts = None,
    param: Params = None,
) -> None:
    """Only say what is wrong with each SPEC; - is standard input."""
    if out is not None and format is Format.text:
        fail("graphdsl: -o is for --format json, github or sarif; text goes to stderr", code=2)
    if specs.count("-") > 1:
        fail("graphdsl: - is standard input, which can be read once", code=2)
    if not watch:
        _end(_check(specs, format, out, strict, const, param))
        return
    if "-" in specs:
        fail("graphdsl: --watch is for files, and - is standard input", code=2)
    _check(specs, format, out, strict, const, param)
    for saved in changes([Path(spec) for spec in specs]):
        say(f"\n{', '.join(map(shown, saved))} changed")
        _check(specs, format, out, strict, const, param)


def _check(
    specs: list[str],
    format: Format,
    out: Path | None,
    strict: bool,
    const: list[str] | None,
    param: list[str] | None,
) -> int:
    """Check every spec, whatever is wrong with the others, and give the worst exit code."""
    if format is Format.text:
        return max(_told(spec, strict, const, param) for spec in specs)
    codes, checkups = [0], []
    for spec in specs:
        try:
            checkups.append(_checkup(spec, const, param))
        except typer.Exit as end:
            codes.append(end.exit_code)
    write(_written(format, checkups), out or Path("-"))
    wrong = any(checkup.diagnostics if strict else checkup.mistakes for checkup in checkups)
    return max(*codes, int(wrong))


def _told(spec: str, strict: bool, const: list[str] | None, param: list[str] | None) -> int:
    """Say what is wrong with a spec, as text."""
    from graphdsl.compiler import derive

    try:
        source = open_source(spec)
        derived = reported(source, lambda: derive(checked(source, const, param)))
        warn(source, derived.warnings, strict)
    except typer.Exit as end:
        return end.exit_code
    say(f"{source.name}: no mistakes")
    return 0


def _checkup(spec: str, const: list[str] | None, param: list[str] | None) -> Checkup:
    """Everything that is wrong with a spec, its file named as the user did."""
    from graphdsl.compiler import derive

    source = open_source(spec)
    name = named(spec, source)
    try:
        return Checkup(name, derive(checked(source, const, param)).warnings)
    except SpecError as problem:
        return Checkup(name, problem.diagnostics)


def _written(format: Format, checkups: list[Checkup]) -> str:
    match format:
        case Format.json:
            return as_json(checkups)
        case Format.github:
            return as_github(checkups)
        case _:
            from importlib.metadata import version

            return as_sarif(checkups, version("graphdsl"))


def _end(code: int) -> None:
    if code:
        raise typer.Exit(code)
