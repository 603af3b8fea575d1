"""Formulas of the page, in pieces that a line may be broken between."""

from __future__ import annotations

__all__ = ["loss_pieces", "pieces", "sum_pieces", "summand_pieces"]

from collections.abc import Iterable

from markupsafe import Markup

from graphdsl.ir.information import Term
from graphdsl.ir.loss import LossModule
from graphdsl.notation.formula import Formula, parsed
from graphdsl.notation.mathematics import mathml, summands
from graphdsl.report.loss_sum import loss_sums
from graphdsl.report.terms import latex_summands

_LONGEST = 40  #: letters of a summand that is not broken


def sum_pieces(latex: str) -> list[Markup]:
    """A formula in pieces that a line may be broken between."""
    return pieces(summands(parsed(latex), _LONGEST))


def summand_pieces(terms: Iterable[Term]) -> list[Markup]:
    """The summands of a sum, each a piece."""
    return pieces(map(parsed, latex_summands(terms)))


def pieces(formulas: Iterable[Formula]) -> list[Markup]:
    """Formulas as MathML, all but the first further summands."""
    written = (mathml(formula, further=place > 0) for place, formula in enumerate(formulas))
    return [Markup(one) for one in written]  # `mathml` escapes what it writes


def loss_pieces(module: LossModule) -> list[Markup]:
    """The loss of each player as a sum of its terms."""
    parts: list[str] = []
    for loss_sum in loss_sums(module):
        parts += (f"{loss_sum.name} =", *loss_sum.latex) if loss_sum.player else loss_sum.latex
    return pieces(map(parsed, parts))
