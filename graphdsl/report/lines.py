"""Lines of text that are not too wide: sums break between summands, and hang."""

from __future__ import annotations

__all__ = ["WIDEST", "filled", "laid", "outer_summands"]

import re
from collections.abc import Iterable, Iterator
from textwrap import wrap

WIDEST = 100  #: columns


def laid(first: str, pieces: Iterable[str], hang: int, width: int = WIDEST) -> Iterator[str]:
    """Pieces behind a beginning: as many a line as fit, a longer one broken behind its commas.

    >>> print(*laid("  gap  ", ["H(x)", "+ H(y)"], 7, 14), sep="|")
      gap  H(x)|       + H(y)
    """
    line, start = first, True
    for piece in pieces:
        for part in _parts(piece, width - hang):
            if not start and len(line) + 1 + len(part) > width:
                yield line
                line, start = " " * hang, True
            line = f"{line}{'' if start else ' '}{part}"
            start = False
    yield line.rstrip()


def filled(first: str, text: str, hang: int, width: int = WIDEST) -> Iterator[str]:
    """Prose behind a beginning, its words in lines that hang."""
    lines = wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=" " * hang,
        break_on_hyphens=False,
        break_long_words=False,
    )
    for line in lines or [first.rstrip()]:
        if len(line) <= width:
            yield line
        else:
            indent = len(line) - len(line.lstrip())
            yield from laid(line[:indent], _parts(line.strip(), width - hang), hang, width)


def outer_summands(text: str) -> list[str]:
    """A sum in its summands, each but the first with its sign.

    >>> outer_summands("KL(q || p) + 2 (a - b) - c")
    ['KL(q || p)', '+ 2 (a - b)', '- c']
    """
    summands, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if depth == 0 and text[place : place + 3] in (" + ", " - "):
            summands.append(text[start:place])
            start = place + 1
    return [*summands, text[start:]]


def _parts(piece: str, room: int) -> list[str]:
    """A piece whole where it fits; otherwise in parts that end with a comma or a space."""
    if len(piece) <= room:
        return [piece]
    parts: list[str] = []
    for word in re.findall(r"(?:\[[^\[\]\s]*\]|[^,; ])*(?:[,;] ?| |$)", piece):
        if parts and len(parts[-1]) + len(word.rstrip()) <= room:
            parts[-1] += word
        elif word:
            parts.append(word)
    return [part.rstrip() for part in parts]
