"""Long expressions over several lines, as formatters break them."""

from __future__ import annotations

__all__ = ["WIDTH", "broken"]

from collections.abc import Iterator

WIDTH = 88  #: of emitted lines
_CLOSING = {")": "(", "]": "["}


def broken(code: str, indent: int, before: int = 0) -> str:
    """A call on one line, or its arguments on a line of their own, or on one line each.

    Args:
        code: The expression.
        indent: Of the line that it begins on.
        before: How much stands before it on that line; what stands behind it counts as well.
    """
    opening = _last_opening(code)
    if indent + before + len(code) <= WIDTH or opening is None:
        return code
    head, inner, tail = code[: opening + 1], code[opening + 1 : -1], code[-1]
    deep, outer = " " * (indent + 4), " " * indent
    if indent + 4 + len(inner) <= WIDTH:
        return f"{head}\n{deep}{inner}\n{outer}{tail}"
    parts = (f"{deep}{broken(part, indent + 4, 1)},\n" for part in _parts(inner))
    return f"{head}\n{''.join(parts)}{outer}{tail}"


def _last_opening(code: str) -> int | None:
    """Where the bracket opens that closes at the end."""
    if code[-1:] not in _CLOSING:
        return None
    depth = 0
    for place in range(len(code) - 1, -1, -1):
        depth += (code[place] in _CLOSING) - (code[place] in _CLOSING.values())
        if depth == 0:
            return place
    return None


def _parts(inner: str) -> Iterator[str]:
    """The arguments between brackets."""
    depth, start = 0, 0
    for place, sign in enumerate(inner):
        depth += (sign in _CLOSING.values()) - (sign in _CLOSING)
        if sign == "," and depth == 0:
            yield inner[start:place].strip()
            start = place + 1
    yield inner[start:].strip()
