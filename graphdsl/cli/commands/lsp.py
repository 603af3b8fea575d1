"""`graphdsl lsp`: a language server for editors."""

from __future__ import annotations

__all__ = ["command"]

import gc
import os
import signal
import sys
from contextlib import redirect_stdout
from functools import partial
from typing import NoReturn

from graphdsl.cli.console import fail
from graphdsl.cli.ending import INTERRUPTED, TERMINATED


def command() -> None:
    """Serve an editor by the language server protocol, on standard input and output.

    Editors start this command themselves. It needs the extra `editor`.
    """
    try:
        from graphdsl.lsp import serve
    except ImportError:
        fail("graphdsl: the language server needs pygls: pip install 'graphdsl[editor]'")
    gc.enable()  # it runs for hours, unlike a compilation
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)  # one text makes many objects, and few circles
    for number, code in ((signal.SIGTERM, TERMINATED), (signal.SIGINT, INTERRUPTED)):
        signal.signal(number, partial(_leave, code))
    with (
        os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers,
        redirect_stdout(sys.stderr),  # nothing else gets among the answers
    ):
        serve(sys.stdin.buffer, answers)


def _leave(code: int, *_: object) -> NoReturn:
    """Go at once: a thread waits for standard input, and would hold up any other way out."""
    os._exit(code)
