"""Tokens with what stands around them: comments, blank lines, and the author's line breaks."""

from __future__ import annotations

__all__ = ["Note", "Piece", "has_comments_inside", "read_pieces"]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graphdsl.syntax.tokens import Token, read_tokens

_SPACE = " \t\f\r"


@dataclass(frozen=True, slots=True)
class Note:
    """A comment on a line of its own, or a blank line where it has no text."""

    text: str = ""
    indented: bool = False  #: by the author, at all


@dataclass(frozen=True, slots=True)
class Piece:
    """A token with what stands around it, and how it is set."""

    kind: str  #: its terminal in the grammar
    text: str
    above: tuple[Note, ...] = ()  #: between the token before and this one
    behind: str = ""  #: a comment at the end of the line that this token ends
    on_new_line: bool = False  #: in the author's text
    begins_line: bool = False  #: of a network, another line before it
    depth: int = 0  #: how many brackets it stands in
    space: int = 0  #: before it, where it does not begin a line
    is_sign: bool = False  #: between two operands: no minus of one

    @property
    def has_comments_above(self) -> bool:
        """Whether it must begin a line, since comments stand above it."""
        return any(note.text for note in self.above)


def read_pieces(text: str) -> tuple[Piece, ...]:
    """The pieces of a text without mistakes; the last one is the end of the text."""
    kept, ends_line = _without_separators(read_tokens(text))
    gaps = list(_gaps(text, kept))
    behinds = [_behind(gap) for gap in gaps[1:]] + [""]
    return tuple(
        Piece(
            kind=token.kind,
            text=" ".join(token.text.split()),  # `subject  to`
            above=_above(gap),
            behind=behind,
            on_new_line="\n" in gap,
            begins_line=begins,
        )
        for token, gap, behind, begins in zip(kept, gaps, behinds, ends_line, strict=True)
    )


def has_comments_inside(pieces: Sequence[Piece]) -> bool:
    """Whether a comment breaks the line that the pieces would make."""
    return any(piece.has_comments_above for piece in pieces[1:]) or any(
        piece.behind for piece in pieces[:-1]
    )


def _without_separators(tokens: Sequence[Token]) -> tuple[list[Token], list[bool]]:
    """The tokens that stay, the end among them, and which ones a line's end was before."""
    kept: list[Token] = []
    begins: list[bool] = []
    brackets: list[str] = []
    separated = False
    for token in tokens:
        if token.kind == "_NEWLINE" or (token.text == ";" and brackets[-1:] == ["{"]):
            separated = True
            continue
        if token.text in ("(", "[", "{"):
            brackets.append(token.text)
        elif token.text in (")", "]", "}"):
            brackets.pop()
        kept.append(token)
        begins.append(separated and token.text != "}")
        separated = False
    return [*kept, Token("END", "", -1, -1)], [*begins, False]


def _gaps(text: str, kept: Sequence[Token]) -> Iterator[str]:
    """What stands before each token."""
    end = 0
    for token in kept:
        first = "" if end else "\n"  # a text begins on a new line
        yield first + (text[end : token.start] if token.text else text[end:] + "\n")
        end = token.end


def _behind(gap: str) -> str:
    rest = gap.partition("\n")[0]
    return rest[rest.index("#") :].rstrip(_SPACE) if "#" in rest else ""


def _above(gap: str) -> tuple[Note, ...]:
    notes: list[Note] = []
    for line in gap.split("\n")[1:-1]:
        before, sign, comment = line.partition("#")
        if sign:
            notes.append(Note(f"#{comment}".rstrip(_SPACE), before != ""))
        elif not line.strip(_SPACE) and notes[-1:] != [Note()]:
            notes.append(Note())
    return tuple(notes)
