"""Posteriors from experts: products, mixtures, and the subsets of either."""

from __future__ import annotations

__all__ = ["fused"]

from collections.abc import Sequence

from graphdsl.codegen import tree as py
from graphdsl.codegen.entries import entries
from graphdsl.codegen.expressions import chosen_mask, gathered, masks, reference, stacked
from graphdsl.codegen.words import assign, chain, local, own, own_call, runtime
from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.statements import Fuse
from graphdsl.ir.values import Ref


def fused(statement: Fuse, seen: Sequence[Sequence[Ref]], comment: str) -> tuple[py.Assign, ...]:
    """A fusion of the experts that there are; of a set that is drawn, of those that it holds."""
    held = [chosen_mask(statement.chosen)] if statement.chosen else []
    target = statement.target
    if not any(seen):
        return (assign(target, _fuse(statement, *held), comment),)
    known = seen[0][0] if len(seen) == 1 and not seen[0][0].one else _members_of_one(seen)
    if known is not None:
        mask = chain("&", (reference(known), *held))
        return (assign(target, _fuse(statement, mask), comment),)
    if statement.there is None:
        raise CompilerBug(f"{target} has no name for the mask of its experts")
    mask = chain("&", (local(statement.there), *held))
    fusion = assign(target, _fuse(statement, mask), comment)
    return assign(statement.there, stacked(masks(seen))), fusion


def _members_of_one(seen: Sequence[Sequence[Ref]]) -> Ref | None:
    """Masks of members of one family, as so many members of one tensor."""
    alone = [refs[0] for refs in seen if len(refs) == 1 and refs[0].one and refs[0].places]
    if len(alone) < len(seen) or len({ref.value for ref in alone}) > 1:
        return None
    return Ref(alone[0].value, tuple(place for ref in alone for place in ref.places or ()))


def _fuse(statement: Fuse, *present: py.Expression) -> py.Expression:
    if statement.how == "concatenate":
        return runtime("Gaussian.stack", gathered(statement.experts))
    experts = reference(statement.experts[0])
    by_name = {"present": present[0]} if present else {}
    if statement.how == "mixture":
        return runtime("mixture_of_experts", experts, *present)
    if statement.how == "expert":
        name = py.Literal(statement.selector)
        selector = own_call("selector", py.Name("noise"), name, experts, *present)
        return runtime("one_expert", experts, selector, *present)
    # Exponents: no weight is negative, and the prior's precision is the least that there is.
    weights = () if statement.weights is None else (entries(statement.weights),)
    least = {"least": py.Literal(1.0)} if weights else {}
    match statement.how:
        case "product" | "drawn":
            word = "weighted_product" if weights else "product_of_experts"
            return runtime(word, experts, *weights, *present, **least)
        case "each":
            return runtime("each_expert", experts, *weights, **by_name)
        case "subsets":
            subsets = own(statement.subsets)
            return runtime("subset_posteriors", experts, subsets, *weights, **by_name, **least)
