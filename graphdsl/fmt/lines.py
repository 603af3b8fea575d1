"""The lines of a network, cut at their arrows and modifiers."""

from __future__ import annotations

__all__ = ["Line", "column_order", "cut_lines"]

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from graphdsl.fmt.pieces import Note, Piece

_MODIFIERS = ("_BY", "_VIA", "_IF", "TILDE", "_FOR")
#: A newline before these words goes on with a line: only a `;` can stand before copies so named.
_GO_ON = ("by'", "via'", "if'", "for'", "in'")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a network: a chain of groups, then modifiers."""

    pieces: tuple[Piece, ...]
    chain: tuple[tuple[Piece, ...], ...]  #: each group but the first begins with its arrow
    modifiers: tuple[tuple[Piece, ...], ...]
    is_behind_blank: bool  #: a blank line stands before it in its body
    columns: Hashable  #: which lines its modifiers stand in columns with

    @property
    def parts(self) -> tuple[tuple[Piece, ...], ...]:
        """The whole chain, and each modifier."""
        return (sum(self.chain, ()), *self.modifiers)

    @property
    def behind(self) -> str:
        """The comment at its end."""
        return self.pieces[-1].behind


def cut_lines(inside: Sequence[Piece], columns: tuple[int, int] = (0, 0)) -> tuple[Line, ...]:
    """The lines of what stands in the braces; their columns begin anew behind each blank line."""
    starts = [at for at, one in enumerate(inside) if at == 0 or one.begins_line]
    run, stretch = columns
    lines: list[Line] = []
    for start, end in pairwise([*starts, len(inside)]):
        is_behind_blank = bool(lines) and Note() in inside[start].above
        stretch += is_behind_blank
        pieces = list(inside[start:end])
        if end < len(inside) and inside[end].text in _GO_ON:
            pieces[-1] = replace(pieces[-1], text=f"{pieces[-1].text};")
        lines.append(_cut(pieces, is_behind_blank, (run, stretch)))
    return tuple(lines)


def column_order(lines: Iterable[Line]) -> dict[tuple[Hashable, str], int]:
    """The column of each kind of modifier: behind all that come before it in any line.

    Where lines disagree on the order, their modifiers have no columns.
    """
    sequences: dict[Hashable, list[tuple[str, ...]]] = defaultdict(list)
    for line in lines:
        sequences[line.columns].append(tuple(modifier[0].kind for modifier in line.modifiers))
    return {
        (columns, kind): place
        for columns, sequence in sequences.items()
        for kind, place in _layers(sequence).items()
    }


def _cut(pieces: Sequence[Piece], is_behind_blank: bool, columns: Hashable) -> Line:
    depth = pieces[0].depth
    starts = [
        at
        for at, piece in enumerate(pieces)
        if at == 0 or (piece.depth == depth and (piece.kind in _MODIFIERS or piece.text == "->"))
    ]
    parts = [tuple(pieces[start:end]) for start, end in pairwise([*starts, len(pieces)])]
    return Line(
        pieces=tuple(pieces),
        chain=tuple(part for part in parts if part[0].kind not in _MODIFIERS),
        modifiers=tuple(part for part in parts if part[0].kind in _MODIFIERS),
        is_behind_blank=is_behind_blank,
        columns=columns,
    )


def _layers(sequences: Sequence[tuple[str, ...]]) -> dict[str, int]:
    """The smallest places that keep the order of every sequence; none if there are no such."""
    places = {kind: 0 for kinds in sequences for kind in kinds}
    for _ in range(len(places) + 1):
        before = dict(places)
        for one, other in (pair for kinds in sequences for pair in pairwise(kinds)):
            places[other] = max(places[other], places[one] + 1)
        if places == before:
            return places
    return {}
