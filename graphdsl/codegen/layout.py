"""Code on lines. Where a line is broken is decided here alone, and from structure.

An expression is text, or text that ends in a bracket together with what the bracket holds. Only
such a bracket is ever broken, and only between the items that it was made from: nothing searches
printed text for a comma, and a comment is no part of a line of code until both are laid out.
"""

from __future__ import annotations

__all__ = [
    "WIDTH",
    "Assignment",
    "Bracket",
    "Code",
    "broken",
    "call",
    "commented",
    "entry",
    "laid_out",
]

import textwrap
from dataclasses import dataclass
from typing import TypeAlias

WIDTH = 88  #: of emitted lines


@dataclass(frozen=True, slots=True)
class Bracket:
    """An expression that ends in a bracket with items, between which a line may be broken.

    >>> str(Bracket("x.log_prob(", ("value", Bracket("[", ("a", "b"), "]"))))
    'x.log_prob(value, [a, b])'
    """

    head: str  #: what precedes the items: the bracket that opens, and all before it
    items: tuple[Code, ...]
    tail: str = ")"

    def __str__(self) -> str:
        """The expression on one line."""
        return f"{self.head}{self.inner}{self.tail}"

    @property
    def inner(self) -> str:
        """The items on one line."""
        return ", ".join(map(str, self.items))


Code: TypeAlias = str | Bracket  #: text that is never broken, or an expression that may be


@dataclass(frozen=True, slots=True)
class Assignment:
    """A line of an emitted method: names, what they are assigned, and what that is in words."""

    targets: str
    value: Code
    comment: str = ""


def call(function: str, *arguments: Code) -> Bracket:
    """A call, whose arguments may be laid out on several lines."""
    return Bracket(f"{function}(", arguments)


def broken(code: Code, indent: int, before: int = 0) -> str:
    """An expression on one line, its items on a line for them all, or on one line each.

    Args:
        code: The expression.
        indent: Of the line that it begins on.
        before: How many characters of that line the expression has to leave to others.
    """
    if isinstance(code, str) or not code.items or indent + before + len(str(code)) <= WIDTH:
        return str(code)
    deep, outer = " " * (indent + 4), " " * indent
    if indent + 4 + len(code.inner) <= WIDTH:
        return f"{code.head}\n{deep}{code.inner}\n{outer}{code.tail}"
    items = "".join(f"{deep}{broken(one, indent + 4, 1)},\n" for one in code.items)
    return f"{code.head}\n{items}{outer}{code.tail}"


def laid_out(line: Assignment, indent: int = 8) -> str:
    """An assignment, its comment behind it where both fit, and above it where they do not."""
    flat = f"{line.targets} = {line.value}"
    if line.comment and indent + len(flat) + len(line.comment) + 4 <= WIDTH:
        return f"{flat}  # {line.comment}"
    code = f"{line.targets} = {broken(line.value, indent, len(line.targets) + 3)}"
    space = " " * indent
    return "".join(f"{one}\n{space}" for one in commented(line.comment, indent)) + code


def commented(text: str, indent: int = 8) -> tuple[str, ...]:
    """A comment as lines of its own."""
    width = WIDTH - indent - 2
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return tuple(f"# {one}" for one in lines)


def entry(name: str, value: Code, indent: int = 12) -> str:
    """An entry of a dictionary, without the comma behind it."""
    return f'"{name}": {broken(value, indent, len(name) + 5)}'
