"""The cell magic ``%%mib``: a spec in a notebook, compiled where it stands."""

from __future__ import annotations

__all__ = ["mib", "register"]

import sys
from collections.abc import Callable, MutableMapping
from typing import Any, Protocol

from graphdsl.api.compiled import Compiled, compile
from graphdsl.api.numbers import WrongValue
from graphdsl.diagnostics import Source, SpecError, render
from graphdsl_files import visible


class Shell(Protocol):
    """What IPython hands to an extension."""

    user_ns: MutableMapping[str, Any]

    def register_magic_function(
        self, func: Callable[..., object], magic_kind: str, magic_name: str
    ) -> None:
        """Make a function a magic."""


def register(shell: Shell) -> None:
    """Give a shell the cell magic ``%%mib``."""

    def magic(line: str, cell: str) -> object:
        return mib(line, cell, shell.user_ns)

    shell.register_magic_function(magic, "cell", "mib")


def mib(line: str, cell: str, names: MutableMapping[str, Any]) -> object:
    r"""Compile a cell, and give its audit; the notebook has the `Compiled` under a name.

    ``%%mib NAME constant=value ...``: without NAME, it is the name of the model. Mistakes are
    printed with their places, and the name stays what it was.

    >>> names = {}
    >>> cell = "model m\nconst k = 2\nobserved x : real[k]\nlatent z : real ~ normal\n"
    >>> cell += "q { x -> z }\np { z -> x }\nminimize KL(q || p)\n"
    >>> audit = mib("small k=3", cell, names)
    >>> names["small"]
    <compiled m, k=3: M>
    >>> mib("k", cell.replace("minimize", "maximise"), {}) is None
    True
    """
    words = line.split()
    given = [word.partition("=") for word in words if "=" in word]
    named = [word for word in words if "=" not in word]
    source = Source("cell", cell)
    if len(named) > 1 or not all(map(str.isidentifier, named)):
        _say("usage: %%mib NAME constant=value ...")
        return None
    try:
        compiled: Compiled = compile(source, **{name: value for name, _, value in given})
    except SpecError as error:
        _say("\n\n".join(render(diagnostic, source) for diagnostic in error.diagnostics))
        return None
    except WrongValue as problem:
        _say(str(problem))
        return None
    for warning in compiled.diagnostics:
        _say(render(warning, source))
    names[named[0] if named else compiled.module.compiled.checked.model.name] = compiled
    return compiled.audit


def _say(message: str) -> None:
    print(visible(message), file=sys.stderr)
