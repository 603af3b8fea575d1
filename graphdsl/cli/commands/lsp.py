"""`graphdsl lsp`: a language server for editors."""

from __future__ import annotations

__all__ = ["command"]

import gc
import os
import sys
from contextlib import redirect_stdout

from graphdsl.cli.console import fail


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
    with (
        os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers,
        redirect_stdout(sys.stderr),  # nothing else gets among the answers
    ):
        serve(sys.stdin.buffer, answers)
