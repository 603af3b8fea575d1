"""Rows, and how they are set below each other."""

from __future__ import annotations

__all__ = ["COMMENT_COLUMN", "WIDTH", "Cell", "Row", "set_in_columns"]

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

WIDTH = 100  #: of a line, without the comment at its end
COMMENT_COLUMN = 34  #: where such comments stand, if the lines leave them that much
_WIDE = 64  # a longer line does not move the comments of its neighbours


@dataclass(frozen=True, slots=True)
class Cell:
    """Text that stands in one column with all others of its scope and rank."""

    text: str
    rank: int  #: columns are set by their ranks, from left to right
    scope: Hashable = None  #: which rows are in it; alone if None
    gap: int = 1  #: spaces before it, at least


@dataclass(frozen=True, slots=True)
class Row:
    """One line: its text, its cells behind that, and the comment at its end."""

    text: str = ""
    cells: tuple[Cell, ...] = ()
    behind: str = ""


def set_in_columns(rows: Sequence[Row]) -> str:
    """The text of the rows, with no more than one blank line between any two."""
    codes = [code.rstrip(" ") for code in _aligned(rows)]
    pairs = list(zip(codes, (row.behind for row in rows), strict=True))
    lines = [
        line
        for has_comments, group in groupby(pairs, key=lambda pair: pair[1] != "")
        for line in _with_comments(list(group), has_comments)
    ]
    kept = [line for before, line in pairwise(["", *lines]) if line or before]
    return "\n".join(kept).rstrip("\n") + "\n" if kept else ""


def _aligned(rows: Sequence[Row]) -> list[str]:
    texts = [row.text for row in rows]
    columns: dict[int, dict[Hashable, list[tuple[int, Cell]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for at, row in enumerate(rows):
        for cell in row.cells:
            scope = ("alone", at) if cell.scope is None else cell.scope
            columns[cell.rank][scope].append((at, cell))
    for _, scopes in sorted(columns.items()):
        for members in scopes.values():
            start = max(len(texts[at]) + cell.gap for at, cell in members)
            for at, cell in members:
                texts[at] = texts[at].ljust(start) + cell.text
    return texts


def _with_comments(pairs: Sequence[tuple[str, str]], has_comments: bool) -> list[str]:
    """Comments of lines that follow each other, below each other where that is not far off."""
    if not has_comments:
        return [code for code, _ in pairs]
    ends = [len(code) + 2 for code, _ in pairs if len(code) <= _WIDE]
    column = max([COMMENT_COLUMN, *ends])
    return [code.ljust(max(column, len(code) + 2)) + comment for code, comment in pairs]
