"""Learned masks: what the number of edges costs, and gradients of edges that are not known."""

from __future__ import annotations

__all__ = ["count_terms", "unfit_gradients"]

from collections.abc import Iterator
from math import prod

from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.information import Collected, PenaltyAtom, Term
from graphdsl.ir.loss import LossTerm, TermCode
from graphdsl.ir.masks import MOST_ENUMERATED
from graphdsl.ir.model import Model
from graphdsl.ir.symbols import Variable, latex_word
from graphdsl.ir.values import Attribute, Ref
from graphdsl.lower.errors import EdgeGradientOfPlayers, EdgeGradientsDiffer, StructuresTooMany
from graphdsl.program.names import Names
from graphdsl.program.state import Plan


def unfit_gradients(model: Model) -> Iterator[Diagnostic]:
    """Unbiased gradients of edges, where they are not known."""
    ways = {mask.gradient for mask in model.masks}
    unbiased = [mask for mask in model.masks if mask.gradient != "straight_through"]
    if not unbiased:
        return
    first = model.objective[0]
    span = Span(first.line, first.column, first.line, first.column + 1)
    if len(ways) > 1:
        yield EdgeGradientsDiffer(span=span, gradient=unbiased[0].gradient)
    if model.players:
        yield EdgeGradientOfPlayers(span=span, gradient=unbiased[0].gradient)
    edges = sum(prod(one.extents) for one in unbiased)
    if ways == {"enumeration"} and edges > MOST_ENUMERATED:
        yield StructuresTooMany(span=span, edges=edges, most=MOST_ENUMERATED)


def count_terms(plan: Plan, collected: Collected, names: Names) -> Iterator[LossTerm]:
    """The expected number of a mask's edges, in closed form."""
    for one in collected.sparsities:
        yield LossTerm(
            name=names.take(f"sparsity:{one.mask}"),
            weight=one.weight,
            code=TermCode(
                kind="sparsity",
                left=Ref(plan.inputs.mask(one.mask)),
                right=None,
                mask=Attribute(f"mask:{one.mask}"),
            ),
            formula=f"E[number of edges in {one.mask}]",
            latex=f"\\mathbb{{E}}\\,|{latex_word(one.mask)}|",
            stands_for=(Term(one.weight, PenaltyAtom("sparsity", Variable(one.mask))),),
            relation="equal",
            bounds=(),
            estimator="",
            lines=one.lines,
        )
