"""The command line run inside the test's own process: what it prints, and how it ends."""

from __future__ import annotations

__all__ = ["Ended", "run"]

import contextlib
import io
from dataclasses import dataclass

from graphdsl.cli import program


@dataclass(frozen=True)
class Ended:
    """How a command line ended."""

    code: int
    out: str
    err: str


def run(*words: object) -> Ended:
    """Run `graphdsl WORDS`, in the current folder."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = program([str(word) for word in words])
    return Ended(code, out.getvalue(), err.getvalue())
