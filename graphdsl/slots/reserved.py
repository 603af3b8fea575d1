"""Names that a spec may not give away, for what they mean in it or in the emitted Python."""

from __future__ import annotations

__all__ = ["What", "why_reserved"]

import keyword
from typing import Literal, TypeAlias

from graphdsl.slots.inherited import OF_THE_CLASS
from graphdsl.slots.words import OF_THE_RUNTIME

_OF_THE_LANGUAGE = frozenset(
    """
    q p G KL D I H TC CE JS MMD W inf mean expect abs square max min ramp cycle frozen information
    cost irm vrex dro sparsity
    """.split()
)

#: What a constructor is written in, and what people look for under the name of a loss.
_OF_THE_CONSTRUCTOR = frozenset(("loss", "networks", "range", "self", "super"))

#: Who plays, and what a new network is called, where a spec says so.
_PLAYERS = frozenset(("critic", "model", "multiplier", "new", "predictors", "structure"))

#: What a spec gives names to.
What: TypeAlias = Literal["constant", "parameter", "variable", "mask", "network"]


def why_reserved(name: str, what: What) -> str:
    """Why a name is refused; empty if it may be used.

    Variables, masks, networks and constants may have any name that the language leaves free: what
    emitted code calls them is up to the compiler. A parameter is an attribute of the emitted class
    and an argument of its constructor, both by the name that the spec gives it.

    >>> why_reserved("lambda", "parameter"), why_reserved("lambda", "variable")
    ('it is a keyword of Python', '')
    """
    if name in _OF_THE_LANGUAGE:
        return "it has a meaning in the language"
    if what == "network" and name in _PLAYERS:
        return "the language knows a player or a network of that name"
    return _why_no_attribute(name) if what == "parameter" else ""


def _why_no_attribute(name: str) -> str:
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "it is a keyword of Python"
    if name in OF_THE_CLASS or name in _OF_THE_CONSTRUCTOR:
        return "the emitted module has an attribute of that name"
    if name in OF_THE_RUNTIME:
        return "the emitted code uses a word of that name"
    if name.startswith("_"):
        return "names that begin with `_` are private to the emitted module"
    return ""
