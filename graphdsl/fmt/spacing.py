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
_CALLED = ("NAME", "COPY", "FUNCTION", "TOTAL", "COLLECTION", "SCHEDULE", "FIXED", "LEARNED")
#: What an operand ends with; a minus behind anything else is of one operand.
_OPERANDS = ("NAME", "COPY", "NUMBER", "RPAR", "RSQB", "RBRACE")


def set_spaces(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """The pieces of a statement with their depth and their spaces.

    Arithmetic is tight in square brackets and in ranges, `z[t-1]` and `2..N-1`, and wide elsewhere.
    """
    depths = _depths(pieces)
    totals = _ends_of_totals(pieces)
    tight = _in_square(pieces) | _in_ranges(pieces, depths)
    spaced = [replace(piece, depth=depth) for piece, depth in zip(pieces, depths, strict=True)]
    for at, (before, here) in enumerate(pairwise(pieces), start=1):
        behind_operand = before.kind in _OPERANDS and at - 1 not in totals
        spaced[at] = replace(spaced[at], is_sign=behind_operand and here.text in _OPERATORS)
        space = _space(spaced[at - 1], spaced[at], at in tight, at - 1 in totals)
        spaced[at] = replace(spaced[at], space=space)
    return tuple(spaced)


def flat(pieces: Sequence[Piece]) -> str:
    """The pieces on one line, a `;` before each line of a network that is written in place."""
    text = ""
    for piece in pieces:
        text += (("; " if piece.begins_line else " " * piece.space) if text else "") + piece.text
    return text


def _space(before: Piece, here: Piece, is_tight: bool, behind_total: bool) -> int:
    if _never_spaced(before, here):
        return 0
    if before.is_sign or here.is_sign:
        return 0 if is_tight else 1
    if before.text == "-":  # of one operand, since it is no sign
        return 0
    is_call = before.kind in _CALLED or before.text in (")", "]")
    return 0 if here.text == "(" and is_call and not behind_total else 1


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
    ends, openings = set(), []
    for at, piece in enumerate(pieces):
        if piece.text in _OPENING:
            openings.append(at)
        elif piece.text in _CLOSING and pieces[openings.pop() - 1].kind == "TOTAL":
            ends.add(at)
    return ends


def _in_square(pieces: Sequence[Piece]) -> set[int]:
    """What stands in square brackets; a network in braces there has its own rules again."""
    places, openings = set(), [""]
    for at, piece in enumerate(pieces):
        if piece.text in _CLOSING:
            openings.pop()
        elif piece.text in _OPENING:
            inside = openings[-1] == "[" and piece.text == "("
            openings.append("[" if inside else piece.text)
        if openings[-1] == "[":
            places.add(at)
    return places


def _in_ranges(pieces: Sequence[Piece], depths: Sequence[int]) -> set[int]:
    """The operands of each `..`."""
    places: set[int] = set()
    for at, piece in enumerate(pieces):
        if piece.text == "..":
            for step in (-1, 1):
                place = at + step
                while 0 <= place < len(pieces) and _is_bound(pieces[place], depths, place, at):
                    places.add(place)
                    place += step
    return places


def _is_bound(piece: Piece, depths: Sequence[int], place: int, dots: int) -> bool:
    """Whether a piece belongs to one of the bounds around the dots."""
    if depths[place] != depths[dots]:
        return depths[place] > depths[dots]
    in_sum = piece.kind in ("NAME", "NUMBER", "FUNCTION") or piece.text in (*_OPERATORS, *"()[]")
    return in_sum and not piece.begins_line
