"""A spec cut into its statements by their first words: how reading goes on after a mistake."""

from __future__ import annotations

__all__ = ["STATEMENTS", "Chunk", "blank", "chunks", "innermost_open", "without_comments"]

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

#: The words that statements begin with.
STATEMENTS = (
    "model", "const", "param", "observed", "latent", "given", "mask", "q", "p", "infer", "network",
    "minimize", "maximize", "subject", "turns", "estimate", "assert",
)  # fmt: skip

_START = re.compile(
    r"^[ \t]*(?:(?P<word>(?:model|const|param|observed|latent|given|mask|infer|network|minimize"
    r"|maximize|subject(?=\s+to\b)|turns|estimate|assert)\b|[qp](?=\s*\{))"
    r"|(?P<likely>[qp](?=[ \t\r]*$)|[A-Za-z_]\w*(?=[ \t]+[A-Za-z_])))",
    re.MULTILINE,
)
_WORD = re.compile(r"[A-Za-z_]\w*")
#: Words of declarations that are not what they declare.
_COMMON = {*STATEMENTS, "real", "binary", "normal", "bernoulli", "in", "inf"} - {"q", "p"}
_CLOSING = {")": "(", "]": "[", "}": "{"}

#: What a line of a network goes on with after a newline: the grammar's newline says the same.
_GOES_ON = re.compile(r"\s*(?:->|,|;|~|\||\.\.|[-+*/\])}]|(?:by|via|if|for|in)\b)")


@dataclass(frozen=True, slots=True)
class Chunk:
    """The text of one statement, as its first word and the next statement's bound it."""

    word: str
    start: int
    end: int
    open_brace: int | None  #: where a brace stands that the statement never closes


def chunks(bare: str) -> tuple[Chunk, ...]:
    """The statements of a text without comments, whether they can be parsed or not; at least one.

    >>> [chunk.word for chunk in chunks("model a q { x -> z } foo b")]
    ['model']
    """
    depth = [0, *accumulate((sign in "{[(") - (sign in "}])") for sign in bare)]
    # Known words always begin a statement; others only outside of braces and brackets.
    starts = [
        match
        for match in _START.finditer(bare)
        if match["word"] or depth[match.start("likely")] <= 0
    ]
    words = [one["word"] or one["likely"] for one in starts]
    bounds = [one.end() - len(word) for one, word in zip(starts, words, strict=True)]
    if not bounds or bare[: bounds[0]].strip():
        words, bounds = ["", *words], [len(bare) - len(bare.lstrip()), *bounds]
    return tuple(
        Chunk(word, start, end, _never_closed(bare, start, end))
        for word, start, end in zip(words, bounds, [*bounds[1:], len(bare)], strict=True)
    )


def blank(text: str, bare: str, chunk: Chunk, at: int) -> tuple[str, frozenset[str]]:
    """The text without what is at fault, every other place unmoved.

    In the body of a network that is one line; everywhere else it is the statement.

    Returns:
        The text, and the names that were perhaps declared in what it lost.
    """
    opening = bare.find("{", chunk.start, chunk.end)
    if chunk.word in ("q", "p", "infer", "network") and 0 <= opening < at:
        start, end = _line_around(bare, opening + 1, chunk.end, at)
        if bare[start:end].strip("; \t\r\n"):
            return _without(text, start, end), frozenset()
    names = [word for word in _WORD.findall(bare, chunk.start, chunk.end) if word not in _COMMON]
    if chunk.word in ("network", "infer"):
        names = names[:1]
    elif not chunk.word and opening >= 0:
        names += ["q", "p"]  # one of them may have been meant
    return _without(text, chunk.start, chunk.end), frozenset(names)


def innermost_open(bare: str, start: int, end: int) -> int | None:
    """Where the innermost bracket or brace stands that is open at `end`."""
    stack: list[int] = []
    for offset in range(start, end):
        sign = bare[offset]
        if sign in "([{":
            stack.append(offset)
        elif sign in ")]}" and stack and bare[stack[-1]] == _CLOSING[sign]:
            stack.pop()
    return stack[-1] if stack else None


def without_comments(text: str) -> str:
    """The text with spaces for its comments."""
    return re.sub(r"#[^\n]*", lambda comment: " " * len(comment[0]), text)


def _never_closed(bare: str, start: int, end: int) -> int | None:
    stack: list[int] = []
    for offset in (match.start() for match in re.finditer(r"[{}]", bare[start:end])):
        if bare[start + offset] == "{":
            stack.append(start + offset)
        elif stack:
            stack.pop()
    return stack[0] if stack else None


def _line_around(bare: str, start: int, end: int, at: int) -> tuple[int, int]:
    """The bounds of a network's line; of the one before, where only a sign ends it at `at`."""
    close = bare.rfind("}", start, end)
    end = close if close >= at else end
    inside = at
    if at >= end or bare[at] in "; \t\r\n":
        inside = start + len(bare[start:at].rstrip("; \t\r\n")) - 1
    for stop in _line_ends(bare, start, end):
        if stop > inside:
            return start, stop
        start = stop
    return start, end


def _line_ends(bare: str, start: int, end: int) -> Iterator[int]:
    """Just past each sign that ends a line of a network."""
    for mark in re.finditer("[;\n]", bare[start:end]):
        place = start + mark.start()
        before = bare[start:place].rstrip()
        goes_on = before.endswith((",", "->")) or _GOES_ON.match(bare, place)
        if mark[0] == ";" or not goes_on:
            yield place + 1


def _without(text: str, start: int, end: int) -> str:
    gone = re.sub(r"[^\n]", " ", text[start:end])
    return text[:start] + gone + text[end:]
