"""Text that a terminal shows and does not obey."""

from __future__ import annotations

__all__ = ["visible"]

import unicodedata


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


def _harmless(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
