"""Specs: those that a user names by a path, and those that ship."""

from __future__ import annotations

__all__ = ["named", "open_source", "shipped"]

import os
import sys
from pathlib import Path

from graphdsl.api.sources import shipped
from graphdsl.cli.console import fail
from graphdsl.diagnostics import Source, nearest
from graphdsl_files import TooLarge, shown


def open_source(spec: str) -> Source:
    """The spec at a path, on standard input for -, or the one of that name that ships.

    Stops with code 2 if there is none, and with 1 if it is no text.
    """
    path = Path(spec)
    if spec != "-" and path.suffix != ".mib" and path.name == spec and not os.path.exists(spec):  # noqa: PTH110  # no error for a long name
        path = _shipped_by_name(spec)
    try:
        return Source.read_from("stdin", sys.stdin.buffer) if spec == "-" else Source.read(path)
    except OSError as problem:
        why = (problem.strerror or str(problem)).lower()
        fail(f"graphdsl: {shown(spec)} cannot be read: {why}", code=2)
    except UnicodeDecodeError as problem:
        fail(f"graphdsl: {shown(spec)} is no text in UTF-8: see byte {problem.start + 1}")
    except TooLarge as problem:
        fail(f"graphdsl: {shown(spec)} is no spec: {problem}")


def named(spec: str, source: Source) -> str:
    """A spec by the path that the user gave, which tells it apart; else by the name of its file."""
    return shown(spec) if Path(spec).suffix or Path(spec).name != spec else source.name


def _shipped_by_name(name: str) -> Path:
    known = {one.stem: one for one in shipped()}
    if name not in known:
        close = nearest(name, known)
        hint = f"did you mean `{close}`?" if close else f"there are {', '.join(known)}"
        fail(f"graphdsl: no spec `{shown(name)}` ships; {hint}", code=2)
    return known[name]
