"""Objectives, assertions and constraints: on one line, or one term on each with signs in front."""

from __future__ import annotations

__all__ = ["assertion_rows", "constraint_rows", "objective_rows"]

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from graphdsl.fmt.columns import Cell, Row
from graphdsl.fmt.flow import comment_rows, fits, flow
from graphdsl.fmt.pieces import Note, Piece, has_comments_inside
from graphdsl.fmt.spacing import flat

_INDENT = 4
_HANG = 8


@dataclass(frozen=True, slots=True)
class _Term:
    above: tuple[Note, ...]
    sign: tuple[Piece, ...]  #: none of the first
    operand: tuple[Piece, ...]


def objective_rows(run: int, pieces: Sequence[Piece]) -> list[Row]:
    """The rows of `minimize E`; broken before the signs of E if it was at any, or is too long."""
    return _sum_rows(run, pieces, _is_sign)


def assertion_rows(run: int, pieces: Sequence[Piece]) -> list[Row]:
    """The rows of `assert E == E`, as those of an objective, its relation as one of the signs."""
    return _sum_rows(run, pieces, lambda one: _is_sign(one) or one.kind == "RELATION")


def constraint_rows(run: int, pieces: Sequence[Piece]) -> list[Row]:
    """The rows of `subject to E <= E, ...`: one for each if they were broken, or are too long."""
    commas = [at for at, piece in enumerate(pieces) if piece.depth == 0 and piece.text == ","]
    if fits(pieces) and not any(_is_broken_at(pieces, at) for at in commas):
        return flow("", pieces, hang=_INDENT)
    rows = [Row(pieces[0].text, behind=pieces[0].behind)]
    starts = [1, *(at + 1 for at in commas)]
    for start, end in pairwise([*starts, len(pieces)]):
        rows += comment_rows(pieces[start].above, _INDENT, blanks=start > 1)
        rows += _constraint(pieces[start:end], ("constraints", run))
    return rows


def _sum_rows(run: int, pieces: Sequence[Piece], splits: Callable[[Piece], bool]) -> list[Row]:
    signs = [at for at, piece in enumerate(pieces) if splits(piece)]
    if fits(pieces) and not any(_is_broken_at(pieces, at) for at in signs):
        return flow("", pieces, hang=_INDENT)
    terms = _terms(pieces, signs)
    rows = [Row(pieces[0].text, behind=pieces[0].behind)]
    for number, term in enumerate(terms):
        rows += comment_rows(term.above, 2 if number else _INDENT, blanks=number > 0)
        rows += _term(term, ("terms", run))
    return rows


def _is_sign(piece: Piece) -> bool:
    return piece.depth == 0 and piece.is_sign and piece.text in ("+", "-")


def _is_broken_at(pieces: Sequence[Piece], at: int) -> bool:
    return any(piece.on_new_line for piece in pieces[at : at + 2])


def _terms(pieces: Sequence[Piece], signs: Sequence[int]) -> list[_Term]:
    """The terms, with comments around a sign moved to where the sign does not come between."""
    laid_out = list(pieces)
    for at in signs:
        before, sign, after = laid_out[at - 1 : at + 2]
        if sign.behind and not before.behind and not sign.has_comments_above:
            laid_out[at - 1], sign = replace(before, behind=sign.behind), replace(sign, behind="")
        if not sign.behind:
            sign = replace(sign, above=sign.above + after.above)
            laid_out[at + 1] = replace(after, above=())
        laid_out[at] = sign
    starts = [1, *(at + 1 for at in signs)]
    ends = [*signs, len(laid_out)]
    return [
        _Term(
            above=laid_out[start - 1 if number else start].above,
            sign=tuple(laid_out[start - 1 : start]) if number else (),
            operand=tuple(laid_out[start:end]),
        )
        for number, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]


def _term(term: _Term, scope: Hashable) -> list[Row]:
    """A term behind its sign, and what follows its weight in a column of its own."""
    sign = "".join(one.text for one in term.sign)
    whole = (*term.sign, *term.operand)
    if has_comments_inside(whole) or not fits(term.operand, indent=_INDENT):
        return flow(" " * (_INDENT - 1 - len(sign) if sign else _INDENT), whole, hang=_HANG)
    start = f"{sign:>{_INDENT - 1}} "
    star = _behind_weight(term.operand)
    if star is None:
        return [Row(start + flat(term.operand), behind=whole[-1].behind)]
    cell = Cell(flat(term.operand[star:]), 0, scope)
    return [Row(start + flat(term.operand[:star]), (cell,), whole[-1].behind)]


def _behind_weight(operand: Sequence[Piece]) -> int | None:
    """Where the `*` stands behind the weight of a term, if numbers and names are its weight."""
    for at, (one, after) in enumerate(pairwise(operand)):
        if one.depth == 0 and one.text == "*":
            return at
        if one.kind in ("TOTAL", "FUNCTION") or (one.kind == "NAME" and after.text in ("(", "[")):
            return None
    return None


def _constraint(pieces: Sequence[Piece], scope: Hashable) -> list[Row]:
    if not fits(pieces, indent=_INDENT):
        return flow(" " * _INDENT, pieces, hang=_HANG)
    relation = next(at for at, piece in enumerate(pieces) if piece.kind == "RELATION")
    cell = Cell(flat(pieces[relation:]), 0, scope)
    return [Row(" " * _INDENT + flat(pieces[:relation]), (cell,), pieces[-1].behind)]
