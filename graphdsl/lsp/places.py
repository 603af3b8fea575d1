"""Places of a spec, in lines and letters from one, and of an editor, in code units from zero."""

from __future__ import annotations

__all__ = ["Places"]

from collections.abc import Sequence

from lsprotocol.types import Position, Range
from pygls.workspace import PositionCodec

from graphdsl.diagnostics import Source, Span


class Places:
    """The places of one text in both counts."""

    def __init__(self, source: Source, codec: PositionCodec) -> None:
        self._lines: Sequence[str] = source.text.split("\n")
        self._units = codec.client_num_units

    def range(self, span: Span) -> Range:
        """A stretch of the spec as an editor has it; it holds one letter at least."""
        end = max((span.end_line, span.end_column), (span.line, span.column + 1))
        return Range(start=self.position(span.line, span.column), end=self.position(*end))

    def exact(self, span: Span) -> Range:
        """The same for an edit, which may be of no letter."""
        return Range(
            start=self.position(span.line, span.column),
            end=self.position(span.end_line, span.end_column),
        )

    def position(self, line: int, column: int) -> Position:
        """A place of the spec as an editor has it; past the end it is the end."""
        if line > len(self._lines):
            line, column = len(self._lines), len(self._lines[-1]) + 1
        letters = self._lines[line - 1][: max(0, column - 1)]
        return Position(line=line - 1, character=self._units(letters))

    def place(self, position: Position) -> tuple[int, int]:
        """A place of an editor as line and column of the spec."""
        line = min(position.line, len(self._lines) - 1)
        text, left, column = self._lines[line], position.character, 0
        while column < len(text) and self._units(text[column]) <= left:
            left -= self._units(text[column])
            column += 1
        return line + 1, column + 1

    def offset(self, position: Position) -> int:
        """A place of an editor as an index into the text."""
        line, column = self.place(position)
        return sum(len(one) + 1 for one in self._lines[: line - 1]) + column - 1

    def whole(self) -> Range:
        """From the first letter to the last."""
        last = len(self._lines)
        return self.exact(Span(1, 1, last, len(self._lines[-1]) + 1))
