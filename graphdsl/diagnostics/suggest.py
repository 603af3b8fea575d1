"""Nearest-name suggestions."""

from __future__ import annotations

__all__ = ["nearest", "one_of"]

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that `word` most likely stands for, or nothing."""
    from difflib import get_close_matches  # only a mistake pays for it

    candidates = sorted(known)
    by_case = [name for name in candidates if name.lower() == word.lower()]
    matches = by_case or get_close_matches(word, candidates, n=1, cutoff=0.5)
    return matches[0] if matches else ""


def one_of(known: Iterable[str]) -> str:
    """A readable list: `a`, `b` or `c`."""
    names = [f"`{name}`" for name in known]
    if not names:
        return "nothing"
    head = ", ".join(names[:-1])
    return f"{head} or {names[-1]}" if head else names[-1]
