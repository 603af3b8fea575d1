"""Saying, failing, and writing: all that leaves a command."""

from __future__ import annotations

__all__ = [
    "fail",
    "print_lines",
    "reported",
    "say",
    "silence_stdout",
    "warn",
    "write",
    "write_bytes",
]

import contextlib
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn, TypeVar

import typer

from graphdsl.diagnostics import Diagnostic, Source, SpecError, render
from graphdsl_files import shown, visible, write_whole

Result = TypeVar("Result")


def say(message: str) -> None:
    """A message to the user, who may be piping results elsewhere."""
    with contextlib.suppress(BrokenPipeError):  # nobody reads messages: the results still count
        print(visible(message), file=sys.stderr, flush=True)


def print_lines(lines: Iterable[str]) -> None:
    """Results on standard output, one line each, whatever text they quote."""
    for line in lines:
        print(visible(line, keep=""))


def fail(message: str, code: int = 1) -> NoReturn:
    """Say why, and stop: with 1 if the spec or the run is at fault, with 2 for wrong usage."""
    say(message)
    raise typer.Exit(code)


def reported(source: Source, work: Callable[[], Result]) -> Result:
    """Do some work; if the spec is at fault, show every mistake and stop with code 1."""
    try:
        return work()
    except SpecError as problem:
        _show(source, problem.diagnostics)
        count = sum(diagnostic.severity == "error" for diagnostic in problem.diagnostics)
        fail(f"{source.name}: {count} mistake{'s' if count > 1 else ''}")


def warn(source: Source, warnings: tuple[Diagnostic, ...], strict: bool) -> None:
    """Show warnings; under `--strict` any of them stops with code 1."""
    _show(source, warnings)
    if warnings and strict:
        fail(f"{source.name}: {len(warnings)} warnings, which --strict makes errors")


def write(text: str, target: Path) -> None:
    """Write a whole file or none; - is standard output, where a terminal gets no controls."""
    try:
        if str(target) == "-":
            sys.stdout.write(visible(text) if sys.stdout.isatty() else text)
            sys.stdout.flush()
        else:
            write_whole(target, text.encode("utf-8"))
    except OSError as problem:
        if str(target) == "-":
            silence_stdout()
            if isinstance(problem, BrokenPipeError):
                raise  # who reads has read enough
        _cannot_write("standard output" if str(target) == "-" else shown(target), problem)


def write_bytes(content: bytes, target: Path) -> None:
    """Write a whole file that is no text, or none."""
    try:
        write_whole(target, content)
    except OSError as problem:
        _cannot_write(shown(target), problem)


def silence_stdout() -> None:
    """Let what is left in the buffer go nowhere: Python flushes it once more at the end."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _cannot_write(name: str, problem: OSError) -> NoReturn:
    fail(f"graphdsl: {name} cannot be written: {(problem.strerror or str(problem)).lower()}")


def _show(source: Source, diagnostics: Iterable[Diagnostic]) -> None:
    for diagnostic in diagnostics:
        say(render(diagnostic, source) + "\n")
