"""A spec that is read again after each keystroke: only the statement that changed is parsed."""

from __future__ import annotations

__all__ = ["Reader"]

from collections.abc import Iterator
from typing import TypeAlias

from graphdsl.diagnostics import Diagnostic, Source
from graphdsl.syntax import ast
from graphdsl.syntax.chunks import chunks, without_comments
from graphdsl.syntax.parse import parse, right_statements

#: The text of a statement without comments, and the line and the column where it starts.
_Place: TypeAlias = tuple[str, int, int]


class Reader:
    """What `parse` reads, with the statements of the latest text kept.

    A statement ends where the next one begins, so statements that can be read by themselves are
    read alike in the whole text. A text with a mistake is read as a whole.
    """

    def __init__(self) -> None:
        self._kept: dict[_Place, tuple[ast.Statement, ...]] = {}

    def read(self, source: Source) -> tuple[ast.Spec, tuple[Diagnostic, ...]]:
        r"""Read a spec, as `parse` does.

        >>> reader, source = Reader(), Source("a.mib", "model a  # 1\nconst n = 2")
        >>> reader.read(source) == parse(source)
        True
        """
        found: dict[_Place, tuple[ast.Statement, ...]] = {}
        for place in _places(source.text):
            statements = self._kept.get(place)
            if statements is None:
                statements = _alone(place)
            if statements is None:
                self._kept |= found
                return parse(source)
            found[place] = statements
        self._kept = found
        return ast.Spec(tuple(one for statements_of in found.values() for one in statements_of)), ()


def _places(text: str) -> Iterator[_Place]:
    bare = without_comments(text)
    line, start = 1, 0
    for chunk in chunks(bare):
        line += bare.count("\n", start, chunk.start)
        start = chunk.start
        column = start - bare.rfind("\n", 0, start)
        yield bare[start : chunk.end].rstrip(), line, column


def _alone(place: _Place) -> tuple[ast.Statement, ...] | None:
    """The statement at a place; None where it has a mistake, or is not one."""
    text, line, column = place
    statements = right_statements("\n" * (line - 1) + " " * (column - 1) + text)
    return None if statements is None or len(statements) != 1 else statements
