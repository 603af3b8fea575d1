"""Networks: on one line if they were, else line by line with arrows and modifiers in columns."""

from __future__ import annotations

__all__ = ["network_rows"]

from collections.abc import Hashable, Mapping, Sequence

from graphdsl.fmt.columns import WIDTH, Cell, Row
from graphdsl.fmt.flow import comment_rows, flow
from graphdsl.fmt.lines import Line, column_order, cut_lines
from graphdsl.fmt.pieces import Note, Piece, has_comments_inside
from graphdsl.fmt.spacing import flat

_INDENT = 4
_HANG = 8
_BEHIND_CHAINS = 1_000_000  # the rank of the column where modifiers begin: behind all arrows


def network_rows(run: int, networks: Sequence[Sequence[Piece]]) -> list[list[Row]]:
    """The rows of each network of a run.

    Arrows stand below each other in a body. Modifiers do in all the bodies of a run, as far as no
    blank line is between: each kind in one column, two kinds in one where no line has both.
    """
    bodies: list[tuple[Line, ...]] = []
    stretch = 0
    for pieces in networks:
        is_broken = _on_one_line(pieces) is None
        bodies.append(cut_lines(_inside(pieces), (run, stretch)) if is_broken else ())
        stretch += sum(line.is_behind_blank for line in bodies[-1])
    order = column_order([line for body in bodies for line in body])
    return [
        _rows(pieces, body, (run, number), order)
        for number, (pieces, body) in enumerate(zip(networks, bodies, strict=True))
    ]


def _on_one_line(pieces: Sequence[Piece]) -> str | None:
    """A network on one line, if it was on one, or is empty, and fits."""
    inside = _inside(pieces)
    was = not any(one.on_new_line for one in (*inside, pieces[-1])) or not inside
    if not was or has_comments_inside(pieces):
        return None
    body = "; ".join("  ".join(map(flat, line.parts)) for line in cut_lines(inside))
    text = f"{flat(pieces[: _opening(pieces)])} {{{f' {body} ' if body else ''}}}"
    return text if len(text) <= WIDTH else None


def _rows(
    pieces: Sequence[Piece],
    body: Sequence[Line],
    scope: Hashable,
    order: Mapping[tuple[Hashable, str], int],
) -> list[Row]:
    last = pieces[-1]
    on_one_line = _on_one_line(pieces)
    if on_one_line is not None:
        return [Row(on_one_line, behind=last.behind)]
    rows = flow("", pieces[: _opening(pieces) + 1], hang=_INDENT)
    stretch = 0
    for number, line in enumerate(body):
        stretch += line.is_behind_blank
        above = line.pieces[0].above
        rows += comment_rows(above if number else _without_blank_start(above), _INDENT)
        rows += _line_rows(line, ("arrows", scope, stretch), order)
    above = last.above if body else _without_blank_start(last.above)
    rows += comment_rows(_without_blank_end(above), _INDENT)
    return [*rows, Row("}", behind=last.behind)]


def _line_rows(
    line: Line, arrows: Hashable, order: Mapping[tuple[Hashable, str], int]
) -> list[Row]:
    indent = " " * _INDENT
    if has_comments_inside(line.pieces):
        return flow(indent, line.pieces, hang=_HANG)
    if _INDENT + len("  ".join(map(flat, line.parts))) <= WIDTH:
        first, *targets = map(flat, line.chain)
        cells = [Cell(text, rank, arrows) for rank, text in enumerate(targets)]
        return [Row(indent + first, (*cells, *_modifier_cells(line, order)), line.behind)]
    rows = []
    for start, part in zip([indent, *[" " * _HANG] * len(line.parts)], line.parts, strict=False):
        rows += flow(start, part, hang=_HANG)
    return rows


def _modifier_cells(line: Line, order: Mapping[tuple[Hashable, str], int]) -> list[Cell]:
    scope = ("modifiers", line.columns)
    start = [Cell("", _BEHIND_CHAINS, scope, gap=0)] if line.modifiers else []
    cells = []
    for place, part in enumerate(line.modifiers, start=1):
        column = order.get((line.columns, part[0].kind))
        rank = _BEHIND_CHAINS + (place if column is None else 1 + column)
        cells.append(Cell(flat(part), rank, None if column is None else scope, gap=2))
    return start + cells


def _opening(pieces: Sequence[Piece]) -> int:
    return next(at for at, piece in enumerate(pieces) if piece.text == "{")


def _inside(pieces: Sequence[Piece]) -> Sequence[Piece]:
    return pieces[_opening(pieces) + 1 : -1]


def _without_blank_start(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    return notes[1:] if notes[:1] == (Note(),) else notes


def _without_blank_end(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    return notes[:-1] if notes[-1:] == (Note(),) else notes
