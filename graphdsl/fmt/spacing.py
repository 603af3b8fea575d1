"""How much space stands before each token where a line goes on."""

from __future__ import annotations

__all__ = ["flat", "set_spaces"]

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from graphdsl.fmt.pieces import Piece

_OPENING, _CLOSING = ("(", "[", "{"), (")", "]", "}")
_OPERATORS = ("+", "-", "*", "/")
#: Kinds that a parenthesis follows at once.
_CALLED = ("NAME", "COPY", "FUNCTION", "TOTAL", "COLLECTION", "_RAMP", "FIXED")
#: What an operand ends with; a minus behind anything else is of one operand.
_OPERANDS = ("NAME", "COPY", "NUMBER", "RPAR", "RSQB", "RBRACE")


def set_spaces(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """The pieces of a statement with their depth and their spaces.

    Arithmetic is tight in square brackets and in ranges, `z[t-1]` and `2..N-1`, and wide elsewhere.
    """
    depths = _depths(pieces)
    totals = _ends_of_totals(pieces)
    tight = _in_square(pieces) | _in_ranges(pieces, depths)
    made = [replace(one, depth=depth) for one, depth in zip(pieces, depths, strict=True)]
    for at, (before, here) in enumerate(pairwise(pieces), start=1):
        operand_ends = before.kind in _OPERANDS and at - 1 not in totals
        is_sign = here.text in _OPERATORS and operand_ends
        space = 1
        if is_sign or made[at - 1].is_sign:
            space = 0 if at in tight else 1
        elif before.text == "-":
            space = 0
        elif here.text == "(":
            called = before.kind in _CALLED or before.text == "]"
            space = 0 if called or (before.text == ")" and at - 1 not in totals) else 1
        if _never_spaced(before, here):
            space = 0
        made[at] = replace(made[at], space=space, is_sign=is_sign)
    return tuple(made)


def flat(pieces: Sequence[Piece]) -> str:
    """The pieces on one line, a `;` before each line of a network that is written in place."""
    text = ""
    for piece in pieces:
        text += (("; " if piece.begins_line else " " * piece.space) if text else "") + piece.text
    return text


def _never_spaced(before: Piece, here: Piece) -> bool:
    return (
        before.text in _OPENING
        or here.text in (*_CLOSING, ",", ";", "[")
        or ".." in (before.text, here.text)
    )


def _depths(pieces: Sequence[Piece]) -> list[int]:
    depths, depth = [], 0
    for piece in pieces:
        depth -= piece.text in _CLOSING
        depths.append(depth)
        depth += piece.text in _OPENING
    return depths


def _ends_of_totals(pieces: Sequence[Piece]) -> set[int]:
    """Where the parentheses of `sum(...)` close: what follows them is their body."""
    found, openings = set(), []
    for at, piece in enumerate(pieces):
        if piece.text in _OPENING:
            openings.append(at)
        elif piece.text in _CLOSING and pieces[max(openings.pop() - 1, 0)].kind == "TOTAL":
            found.add(at)
    return found


def _in_square(pieces: Sequence[Piece]) -> set[int]:
    """What stands in square brackets; a network in braces there has its own rules again."""
    found, openings = set(), [""]
    for at, piece in enumerate(pieces):
        if piece.text in _CLOSING:
            openings.pop()
        elif piece.text in _OPENING:
            inside = openings[-1] == "[" and piece.text == "("
            openings.append("[" if inside else piece.text)
        if openings[-1] == "[":
            found.add(at)
    return found


def _in_ranges(pieces: Sequence[Piece], depths: Sequence[int]) -> set[int]:
    """The operands of each `..`."""
    found: set[int] = set()
    for at, piece in enumerate(pieces):
        if piece.text == "..":
            for step in (-1, 1):
                place = at + step
                while 0 <= place < len(pieces) and _is_bound(pieces[place], depths, place, at):
                    found.add(place)
                    place += step
    return found


def _is_bound(piece: Piece, depths: Sequence[int], place: int, dots: int) -> bool:
    """Whether a piece belongs to one of the bounds around the dots."""
    if depths[place] > depths[dots]:
        return True
    is_bracket = piece.text in ("(", ")", "[", "]")
    if depths[place] < depths[dots] or piece.begins_line:
        return False
    if is_bracket:
        return True
    return piece.kind in ("NAME", "NUMBER", "FUNCTION") or piece.text in _OPERATORS
