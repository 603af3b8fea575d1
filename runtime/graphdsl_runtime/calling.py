"""`MODULE:FUNCTION`: what a function of the user's own returns."""

from __future__ import annotations

__all__ = ["CannotCall", "call_named", "is_named_function"]

import importlib
import re
import sys
from pathlib import Path
from typing import Any

from graphdsl_runtime.errors import ObjectiveError

_NAMED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_SHOWN = 200  # letters of what code that is not ours says


class CannotCall(ObjectiveError):  # noqa: N818  # named after the mistake, like its siblings
    """A function of the user's own cannot be imported, or raised; ``said`` says what."""

    def __init__(self, source: str, said: str) -> None:
        super().__init__(f"{source} {said}")
        self.said = said


def is_named_function(source: str) -> bool:
    """Whether a text names a function as ``MODULE:FUNCTION``.

    >>> is_named_function("lab.nets:make"), is_named_function("nets.py")
    (True, False)
    """
    return _NAMED.fullmatch(source) is not None


def call_named(source: str) -> Any:  # noqa: ANN401  # it is anything
    """Import a module, from the working folder too, and call its function without arguments.

    This runs code: such a module is to be trusted like a program.
    Raises `CannotCall` with what the module or the function raised.

    >>> call_named("os:getpid") > 0
    True
    """
    if not is_named_function(source):
        raise CannotCall(source, "names no function: write MODULE:FUNCTION, such as nets:make")
    module, _, name = source.partition(":")
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        function: Any = importlib.import_module(module)
        for part in name.split("."):
            function = getattr(function, part)
        return function()
    except Exception as problem:  # of code that is not ours
        words = " ".join(f"{type(problem).__name__}: {problem}".split())[:_SHOWN]
        raise CannotCall(source, f"raised {words}") from None
    finally:
        if added:
            sys.path.remove(here)
