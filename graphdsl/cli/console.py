"""Saying, failing, and writing: all that leaves a command."""

from __future__ import annotations

__all__ = ["fail", "reported", "say", "warn", "write"]

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn, TypeVar

import typer

from graphdsl.diagnostics import Diagnostic, Source, SpecError, render

Result = TypeVar("Result")


def say(message: str) -> None:
    """A message to the user, who may be piping results elsewhere."""
    print(message, file=sys.stderr)


def fail(message: str, code: int = 1) -> NoReturn:
    """Say why, and stop: with 1 if the spec or the run is at fault, with 2 for wrong usage."""
    say(message)
    raise typer.Exit(code)


def reported(source: Source, work: Callable[[], Result]) -> Result:
    """Do some work; if the spec is at fault, show every mistake and stop with code 1."""
    try:
        return work()
    except SpecError as found:
        _show(source, found.diagnostics)
        count = sum(one.severity == "error" for one in found.diagnostics)
        fail(f"{source.name}: {count} mistake{'s' if count > 1 else ''}")


def warn(source: Source, warnings: tuple[Diagnostic, ...], strict: bool) -> None:
    """Show warnings; under `--strict` any of them stops with code 1."""
    _show(source, warnings)
    if warnings and strict:
        fail(f"{source.name}: {len(warnings)} warnings, which --strict makes errors")


def write(text: str, target: Path) -> None:
    """Write a whole file or none: to a temporary name first, then renamed; - is stdout."""
    if str(target) == "-":
        sys.stdout.write(text)
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.part")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
    except OSError as problem:
        fail(f"graphdsl: {target} cannot be written: {problem.strerror}")


def _show(source: Source, diagnostics: Iterable[Diagnostic]) -> None:
    for one in diagnostics:
        say(render(one, source) + "\n")
