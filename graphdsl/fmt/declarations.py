"""Constants, parameters, variables and masks: one row each, their signs below each other."""

from __future__ import annotations

__all__ = ["declaration_rows"]

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from graphdsl.fmt.columns import Cell, Row
from graphdsl.fmt.flow import comment_rows, fits, flow
from graphdsl.fmt.pieces import Piece
from graphdsl.fmt.spacing import flat

_ROLE_WIDTH = len("observed")


def declaration_rows(run: int, pieces: Sequence[Piece]) -> list[Row]:
    """The rows of a declaration, in the columns of its run: `x : kind ~ distribution`, `x = value`.

    The rows of a fixed mask stay below each other where they were, or are too long side by side.
    """
    pieces = _with_role(pieces)
    first = _fixed_rows(pieces)
    if first is not None:
        last = pieces[-1]
        above = comment_rows(last.above, 4, blanks=False)
        rows = _rows_below(pieces[first:-1])
        return [*_one_row(run, pieces[:first]), *rows, *above, Row(")", behind=last.behind)]
    return _one_row(run, pieces) if fits(pieces) else flow("", pieces, hang=4)


def _one_row(run: int, pieces: Sequence[Piece]) -> list[Row]:
    signs = [
        at for at, piece in enumerate(pieces) if piece.depth == 0 and piece.text in (":", "=", "~")
    ]
    cells = tuple(
        Cell(flat(pieces[start:end]), rank, scope=("declarations", run, rank))
        for rank, (start, end) in enumerate(pairwise([*signs, len(pieces)]))
    )
    return [Row(flat(pieces[: signs[0]]), cells, pieces[-1].behind)]


def _with_role(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Names begin in one column, whatever the role."""
    role, name, *rest = pieces
    if role.kind in ("ROLE", "_MASK"):
        name = replace(name, space=_ROLE_WIDTH + 1 - len(role.text))
    return (role, name, *rest)


def _fixed_rows(pieces: Sequence[Piece]) -> int | None:
    """Where the first row of a fixed mask begins, if its rows are to stand below each other."""
    opening = next((at for at, piece in enumerate(pieces) if piece.kind == "FIXED"), None)
    if opening is None or not fits(pieces[: opening + 2]) or pieces[opening + 1].behind:
        return None
    ends = [at for at, piece in enumerate(pieces) if piece.text == ";"]
    wanted = any(pieces[at + 1].on_new_line for at in ends) or not fits(pieces)
    return opening + 2 if wanted else None


def _rows_below(pieces: Sequence[Piece]) -> list[Row]:
    ends = [at + 1 for at, piece in enumerate(pieces) if piece.text == ";"]
    rows: list[Row] = []
    for start, end in pairwise([0, *ends, len(pieces)]):
        rows += comment_rows(pieces[start].above, 4, blanks=False)
        rows += flow(" " * 4, pieces[start:end], hang=8)
    return rows
