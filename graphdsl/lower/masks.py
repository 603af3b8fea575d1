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
from graphdsl.ir.notation import latex_name
from graphdsl.ir.statements import Attribute, Ref
from graphdsl.lower.errors import EdgeGradientMisfit
from graphdsl.program.names import Names
from graphdsl.program.state import Plan


def unfit_gradients(model: Model) -> Iterator[Diagnostic]:
    """Unbiased gradients of edges, where they are not known."""
    ways = {one.gradient for one in model.masks}
    unbiased = [one for one in model.masks if one.gradient != "straight_through"]
    if not unbiased:
        return
    first = model.objective[0]
    span = Span(first.line, first.column, first.line, first.column + 1)
    if len(ways) > 1:
        yield EdgeGradientMisfit(
            span=span,
            problem="the masks are trained in several ways, and their structures are drawn as one",
            instead=f"write `{unbiased[0].gradient}` for every learned mask",
        )
    if model.players:
        yield EdgeGradientMisfit(
            span=span,
            problem=f"`{unbiased[0].gradient}` needs one objective, and each player has its own",
            instead="write `straight_through` for the masks of an objective by players",
        )
    edges = sum(prod(one.extents) for one in unbiased)
    if ways == {"enumeration"} and edges > MOST_ENUMERATED:
        yield EdgeGradientMisfit(
            span=span,
            problem=f"the masks have {edges} edges together, and {2**edges:,} structures",
            instead=f"write `disarm`; up to {MOST_ENUMERATED} edges can be enumerated",
        )


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
            latex=f"\\mathbb{{E}}\\,|{latex_name(one.mask)}|",
            stands_for=(Term(one.weight, PenaltyAtom("sparsity", (one.mask,))),),
            relation="equal",
            bounds=(),
            estimator="",
            lines=one.lines,
        )
