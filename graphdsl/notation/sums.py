"""Formulas as text and in LaTeX, and the sums that stand before a term."""

from __future__ import annotations

__all__ = ["counted", "joined", "over", "part", "summed"]

from collections.abc import Sequence

from graphdsl.bound.pieces import Piece
from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.notation import Formula, shortened
from graphdsl.ir.symbols import Variable
from graphdsl.notation.samples import Samples

_NOTHING = Formula("", "")


def joined(formulas: Sequence[Formula]) -> Formula:
    """Several terms in one."""
    text = " + ".join(shortened([one.text for one in formulas], "..."))
    latex = " + ".join(shortened([one.latex for one in formulas], r"\dots"))
    return Formula(f"({text})", f"({latex})")


def counted(samples: Samples, group: Sequence[Piece]) -> Formula:
    """A sum over the members that a drawn set holds, or does not."""
    block = group[0].among.block
    if block is None:
        raise CompilerBug("a term counts the members of no block")
    text, latex = ("i not in", r"i \notin") if block.outside else ("i in", r"i \in")
    if len(group) == 1:
        (place,) = group[0].node.member
        return Formula(
            f"[{text} {block.draw}, i = {place}] ", f"1_{{i = {place} {latex[2:]} {block.draw}}} "
        )
    part_of = part(samples, [piece.node for piece in group])
    also = Formula(f", i in {part_of}", f", i \\in \\{{{part_of}\\}}") if part_of else _NOTHING
    return Formula(
        f"sum_{{{text} {block.draw}{also.text}}} ",
        f"\\sum_{{{latex} {block.draw}{also.latex}}} ",
    )


def summed(samples: Samples, group: Sequence[Piece]) -> Formula:
    """A sum over the index in which members differ, if there are several."""
    if len(group) == 1:
        return _NOTHING
    return over(part(samples, [piece.node for piece in group]))


def over(part: str) -> Formula:
    """A sum over i, of all members or of a part."""
    label = f"{{i in {part}}}" if part else "i"
    latex = f"i \\in \\{{{part}\\}}" if part else "i"
    return Formula(f"sum_{label} ", f"\\sum_{{{latex}}} ")


def part(samples: Samples, nodes: Sequence[Variable]) -> str:
    """Which members a sum runs over; nothing where it is all of the family."""
    distinct = list(dict.fromkeys(nodes))
    if set(distinct) == set(samples.model.family_of(distinct[0]).nodes):
        return ""
    indices = [",".join(map(str, node.member)) for node in distinct]
    return ", ".join(f"({index})" if "," in index else index for index in indices)
