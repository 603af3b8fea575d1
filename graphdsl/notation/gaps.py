"""The gaps of a term of the loss, families folded: what they are, and when they close."""

from __future__ import annotations

__all__ = ["gap_latex", "gap_texts", "lasting_gaps", "tight_conditions"]

from graphdsl.ir.loss import LossTerm
from graphdsl.notation.folding import fold_lists, folded_each, folded_latex, folded_text


def gap_latex(term: LossTerm) -> tuple[str, ...]:
    """The summands of its distance from what it stands for, in LaTeX."""
    return folded_latex([bound.gap for bound in term.bounds])


def gap_texts(term: LossTerm) -> tuple[str, ...]:
    """The same as text."""
    return folded_text([fold_lists(bound.gap_text) for bound in term.bounds])


def lasting_gaps(term: LossTerm) -> tuple[str, ...]:
    """What of the gap no training closes, and how large it can be."""
    return folded_each(
        tuple(dict.fromkeys(bound.lasting for bound in term.bounds if bound.lasting))
    )


def tight_conditions(term: LossTerm) -> tuple[str, ...]:
    """When the gap closes: all of these have to hold."""
    return folded_each(tuple(dict.fromkeys(bound.tight_when for bound in term.bounds)))
