"""Text that a terminal shows and does not obey, and the names of files in messages."""

from __future__ import annotations

__all__ = ["refusal", "shown", "visible"]

import os
import unicodedata
from pathlib import Path

_LONGEST = 200  # letters of a name that a message repeats


def visible(text: str, keep: str = "\n") -> str:
    r"""Escape control characters, marks of writing direction and lone surrogates.

    A spec, a file name or an exception can hold sequences that move the cursor, retitle the window
    or print a line backwards. Spaces of every width stay as they are.

    >>> print(visible("\x1b[31mred\u202e"))
    \x1b[31mred\u202e
    >>> visible("two\nlines"), visible("two\nlines", keep="")
    ('two\nlines', 'two\\nlines')
    """
    if text.isprintable():
        return text
    return "".join(one if one in keep or _harmless(one) else _escaped(one) for one in text)


def shown(name: str | Path) -> str:
    """A file's name in a message of one line, shortened where it is absurdly long."""
    whole = visible(str(name), keep="")
    return whole if len(whole) <= _LONGEST else f"{whole[: _LONGEST // 2]}..."


def refusal(problem: OSError) -> str:
    """Why the system refused, and for which file where it says so: half a sentence."""
    why = (problem.strerror or str(problem) or type(problem).__name__).lower()
    return why if problem.filename is None else f"{shown(os.fsdecode(problem.filename))}: {why}"


def _harmless(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
