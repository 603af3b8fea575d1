"""A spec cut into its statements, and the rows that each kind of them makes."""

from __future__ import annotations

__all__ = ["BEGINNINGS", "lay_out"]

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from graphdsl.fmt.columns import Row
from graphdsl.fmt.declarations import declaration_rows
from graphdsl.fmt.flow import comment_rows, flow
from graphdsl.fmt.networks import network_rows
from graphdsl.fmt.pieces import Note, Piece
from graphdsl.fmt.spacing import set_spaces
from graphdsl.fmt.terms import assertion_rows, constraint_rows, objective_rows

#: The terminals that statements begin with, and what the statements are for their columns.
BEGINNINGS = {
    "_MODEL": "model",
    "_CONST": "constant",
    "_PARAM": "parameter",
    "ROLE": "variable",
    "_MASK": "mask",
    "_Q": "network",
    "_P": "network",
    "_INFER": "network",
    "_NETWORK": "network",
    "AIM": "objective",
    "_SUBJECT_TO": "constraints",
    "_TURNS": "turns",
    "_ESTIMATE": "estimate",
    "_ASSERT": "assertion",
}
_OF_TERMS = ("objective", "constraints", "assertion")


@dataclass(frozen=True, slots=True)
class _Statement:
    kind: str
    run: int  #: statements of one run stand in columns: one kind, no blank line between them
    pieces: tuple[Piece, ...]


def lay_out(pieces: Sequence[Piece]) -> list[Row]:
    """The rows of a spec; the last piece is its end."""
    rows: list[Row] = []
    tail = 0  # where indented comments go that stand behind a broken sum
    for run, group in groupby(_statements(pieces[:-1]), key=lambda one: one.run):
        statements = list(group)
        for number, made in enumerate(_rows_of_run(run, statements)):
            rows += _notes(statements[number].pieces[0].above, tail) + made
            tail = _tail(made[-1]) if statements[number].kind in _OF_TERMS else 0
    return rows + _notes(pieces[-1].above, tail)


def _rows_of_run(run: int, statements: Sequence[_Statement]) -> list[list[Row]]:
    """The rows of each statement."""
    kind, pieces = statements[0].kind, [statement.pieces for statement in statements]
    if kind == "network":
        return network_rows(run, pieces)
    return [_rows(kind, run, piece) for piece in pieces]


def _rows(kind: str, run: int, pieces: Sequence[Piece]) -> list[Row]:
    match kind:
        case "constant" | "parameter" | "variable" | "mask":
            return declaration_rows(run, pieces)
        case "objective":
            return objective_rows(run, pieces)
        case "assertion":
            return assertion_rows(run, pieces)
        case "constraints":
            return constraint_rows(run, pieces)
    return flow("", pieces, hang=4)


def _tail(last: Row) -> int:
    """The indent of a comment behind the last row of a sum; none if the sum is on one line."""
    indent = len(last.text) - len(last.text.lstrip())
    return min(max(indent, 2), 4) if indent else 0


def _notes(notes: Sequence[Note], tail: int) -> list[Row]:
    """What stands above a statement; indented comments may be the end of the one before."""
    end = next((at for at, note in enumerate(notes) if not note.indented), len(notes))
    end = end if tail else 0
    return comment_rows(notes[:end], tail) + comment_rows(notes[end:], 0)


def _statements(pieces: Sequence[Piece]) -> list[_Statement]:
    starts = [at for at, piece in enumerate(pieces) if piece.kind in BEGINNINGS]
    statements: list[_Statement] = []
    run, before = 0, ""
    for start, end in pairwise([*starts, len(pieces)]):
        first = pieces[start]
        kind = BEGINNINGS[first.kind]
        run += kind != before or Note() in first.above
        before = kind
        statements.append(_Statement(kind, run, set_spaces(pieces[start:end])))
    return statements
