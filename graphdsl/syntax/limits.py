"""What costs more to read than any spec is worth, and is refused before it does."""

from __future__ import annotations

__all__ = ["DEEPEST", "LONGEST", "deepest_bracket", "long_number", "too_deep"]

import re

from lark import Token, Tree

DEEPEST = 200  # brackets in brackets, and operators in operators
LONGEST = 40  # digits of a number


def deepest_bracket(text: str, start: int = 0, end: int | None = None) -> int | None:
    """The place of a bracket that stands in too many others."""
    depth = 0
    for mark in re.finditer(r"[()\[\]{}]", text[start:end]):
        depth += 1 if mark[0] in "([{" else -1
        if depth > DEEPEST:
            return start + mark.start()
    return None


def long_number(text: str, start: int = 0, end: int | None = None) -> tuple[int, int] | None:
    """The bounds of a number of absurd size; digits that end a name are no number.

    >>> long_number("minimize 1e999999999 * KL(q || p)")
    (9, 14)
    >>> long_number("observed v1e999 : real")
    """
    end = len(text) if end is None else end
    digits = rf"(?<!\w)(?:[0-9]{{{LONGEST + 1},}}|[0-9]+[eE][+-]?[0-9]{{3}})"
    match = re.compile(digits).search(text, start, end)
    return None if match is None else match.span()


def too_deep(statement: Tree[Token] | Token) -> Tree[Token] | None:
    """What in a statement stands deeper than it may; no recursion, since that is the point."""
    level = [statement]
    for _ in range(DEEPEST):
        level = [child for tree in level if isinstance(tree, Tree) for child in tree.children]
    return next((tree for tree in level if isinstance(tree, Tree)), None)
