"""Tokens that do not stand in columns: on as few lines as comments and the width allow."""

from __future__ import annotations

__all__ = ["comment_rows", "fits", "flow"]

from collections.abc import Iterable, Iterator, Sequence

from graphdsl.fmt.columns import WIDTH, Row
from graphdsl.fmt.pieces import Note, Piece, has_comments_inside
from graphdsl.fmt.spacing import flat


def fits(pieces: Sequence[Piece], indent: int = 0) -> bool:
    """Whether the pieces can stand on one line."""
    return not has_comments_inside(pieces) and indent + len(flat(pieces)) <= WIDTH


def flow(start: str, pieces: Sequence[Piece], hang: int) -> list[Row]:
    """The rows of some pieces behind `start`; further rows are indented by `hang`.

    A row is broken at comments, and where it is too long behind a `,` or a line of a network that
    is written in place: there a newline is never more than spacing.
    """
    rows: list[Row] = []
    line, is_empty = start, True
    last: Piece | None = None
    for chunk in _chunks(pieces):
        text = flat(chunk)
        gap = "" if is_empty else " " * chunk[0].space
        if last is not None and chunk[0].begins_line:
            line, gap = f"{line};", " "
        broken = last is not None and (last.behind != "" or chunk[0].has_comments_above)
        if last is not None and (broken or len(line) + len(gap) + len(text) > WIDTH):
            rows.append(Row(line, behind=last.behind))
            rows += comment_rows(chunk[0].above, hang, blanks=False)
            line, gap = " " * hang, ""
        line, is_empty, last = f"{line}{gap}{text}", False, chunk[-1]
    rows.append(Row(line, behind=last.behind if last else ""))
    return rows


def comment_rows(notes: Iterable[Note], indent: int, blanks: bool = True) -> list[Row]:
    """The rows of comments on lines of their own, and of the blank lines among them."""
    return [
        Row(" " * indent + note.text if note.text else "") for note in notes if note.text or blanks
    ]


def _chunks(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """The pieces cut where a row can be broken."""
    chunk: list[Piece] = []
    for piece in pieces:
        if chunk and (
            chunk[-1].text == ","
            or chunk[-1].behind
            or piece.begins_line
            or piece.has_comments_above
        ):
            yield chunk
            chunk = []
        chunk.append(piece)
    if chunk:
        yield chunk
