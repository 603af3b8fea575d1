"""A spec cut into its statements by their first words: how reading goes on after a mistake."""

from __future__ import annotations

__all__ = ["Chunk", "blank", "chunks", "opened_bracket"]

import re
from dataclasses import dataclass

_START = re.compile(
    r"^[ \t]*(?P<word>(?:model|const|param|observed|latent|network|minimize|maximize|estimate"
    r"|assert)\b|[qp](?=\s*\{)|[A-Za-z_]\w*(?=[ \t]+[A-Za-z_]))",
    re.MULTILINE,
)
_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Chunk:
    """The text of one statement, as its first word and the next statement's bound it."""

    word: str
    start: int
    end: int
    open_brace: int | None  #: where a brace stands that the statement never closes

    def words(self, text: str) -> set[str]:
        """Every word in it: names that it may have declared."""
        return set(_WORD.findall(text[self.start : self.end]))


def chunks(text: str) -> tuple[Chunk, ...]:
    """The statements of a text, whether they can be parsed or not; at least one."""
    bare = _without_comments(text)
    starts = [match for match in _START.finditer(bare) if _begins_statement(bare, match)]
    bounds = [match.start("word") for match in starts] + [len(text)]
    pieces = [
        Chunk(match["word"], start, end, _never_closed(bare, start, end))
        for match, start, end in zip(starts, bounds, bounds[1:], strict=False)
    ]
    if not pieces or bare[: bounds[0]].strip():
        first = len(bare) - len(bare.lstrip())
        end = bounds[0] if pieces else len(text)
        pieces.insert(0, Chunk("", first, end, _never_closed(bare, first, end)))
    return tuple(pieces)


def blank(text: str, chunk: Chunk) -> str:
    """The text without one statement, every other place unmoved."""
    gone = re.sub(r"[^\n]", " ", text[chunk.start : chunk.end])
    if not text[chunk.start : chunk.end].strip():
        return ""  # nothing but spacing was at fault: there is no more to read
    return text[: chunk.start] + gone + text[chunk.end :]


def opened_bracket(text: str, start: int, end: int) -> int | None:
    """Where the innermost parenthesis or bracket stands that is open at `end`."""
    stack: list[int] = []
    for offset, sign in enumerate(_without_comments(text)[start:end], start):
        if sign in "([":
            stack.append(offset)
        elif sign in ")]" and stack:
            stack.pop()
    return stack[-1] if stack else None


def _without_comments(text: str) -> str:
    return re.sub(r"#[^\n]*", lambda comment: " " * len(comment[0]), text)


def _begins_statement(text: str, match: re.Match[str]) -> bool:
    """Known first words always begin one; unknown words only outside braces and brackets."""
    known = re.fullmatch(
        r"model|const|param|observed|latent|network|minimize|maximize|estimate|assert|q|p",
        match["word"],
    )
    return bool(known) or _depth(text[: match.start("word")]) == 0


def _depth(text: str) -> int:
    return sum(text.count(sign) for sign in "{[(") - sum(text.count(sign) for sign in "}])")


def _never_closed(text: str, start: int, end: int) -> int | None:
    stack: list[int] = []
    for offset in range(start, end):
        if text[offset] == "{":
            stack.append(offset)
        elif text[offset] == "}" and stack:
            stack.pop()
    return stack[0] if stack else None
