"""How a message writes shapes, names, rows and guesses."""

from __future__ import annotations

__all__ = ["guess", "listed_names", "listed_rows", "shape_text", "support_text", "with_article"]

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

_SHOWN = 5  # rows that a message names
_SUPPORTS = {
    "binary": (
        "a binary value is 0 or 1, or between; divide pixels of 0..255 by 255, and write 0 for -1"
    ),
    "count": "a count is a whole number, 0 or more; declare `real` what is measured",
    "unit": "a unit value is from 0 to 1; divide pixels of 0..255 by 255",
    "interior": (
        "under `beta` it is above 0 and below 1; declare `~ continuous_bernoulli`, which has a "
        "density at both, or move the ends inside: (x (n - 1) + 0.5) / n, of n rows"
    ),
    "positive": "a positive number is above 0; declare `real` what may be 0 or below",
    "flag": "it is true or false",
}


def support_text(kind: str, classes: int | None) -> str:
    """Say what values a kind has, and what the commonest slip is."""
    if kind in _SUPPORTS:
        return _SUPPORTS[kind]
    range_ = "classes are whole numbers" if classes is None else f"classes are 0 to {classes - 1}"
    return (
        f"{range_}; where labels count from 1, take 1 away, and where -1 means none, declare the "
        "variable `optional` and pass `seen(...)`"
    )


def with_article(word: str) -> str:
    """Put an article before a word."""
    return f"{'an' if word[0].lower() in 'aeiou' else 'a'} {word}"


def listed_rows(rows: Sequence[int]) -> str:
    """List the first few rows."""
    shown = ", ".join(map(str, rows[:_SHOWN])) + (", ..." if len(rows) > _SHOWN else "")
    return f"row{'s' if len(rows) > 1 else ''} {shown}"


def shape_text(shape: Sequence[int | str]) -> str:
    """Write a shape as torch does."""
    inner = ", ".join(str(size) for size in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def listed_names(names: Iterable[str]) -> str:
    """List names as code."""
    return ", ".join(f"`{name}`" for name in names)


def guess(name: str, known: Sequence[str]) -> str:
    """Suggest the nearest known name; nothing where none is near."""
    # Without case: `X` for `x` is the commonest slip, and difflib calls it no match at all.
    folded = {other.lower(): other for other in known}
    close = get_close_matches(name.lower(), folded, n=1)
    return f" (did you mean `{folded[close[0]]}`?)" if close else ""
