"""How the emitted loss stands to the objective that was asked for, and why."""

from __future__ import annotations

__all__ = ["reason_of", "worst_relation"]

from collections.abc import Sequence

from graphdsl.ir.loss import LossTerm, Relation

_WORST: tuple[Relation, ...] = ("surrogate", "saddle", "estimate", "upper", "equal")


def worst_relation(terms: Sequence[LossTerm]) -> Relation:
    """That of the worst of them."""
    present = {term.relation for term in terms}
    return next((one for one in _WORST if one in present), "equal")


def reason_of(relation: Relation, terms: Sequence[LossTerm]) -> str:
    """Why the emitted loss stands to the intended objective as it does."""
    blamed = [term for term in terms if term.relation == relation]
    under_sign = any(term.within for term in blamed)
    are = "is" if len(blamed) == 1 else "are"
    names_of = ", ".join(term.name for term in blamed)
    match relation, under_sign:
        case "equal", _:
            return "every term is computed exactly, up to the named constants"
        case "upper", True:
            return "on average over batches: a convex sign of a mean is no less than of its limit"
        case "upper", False:
            return "every entropy that is bounded has a weight that is nowhere negative"
        case "saddle", True:
            return f"{names_of} {are} held by a multiplier, which plays against the rest"
        case "saddle", False:
            return f"{names_of} {are} as good as what plays against it"
        case "estimate", _:
            return f"{names_of} {are} estimated from a minibatch, and {are} no bound"
        case _:
            return f"{names_of} {are} no bound: {_no_bound(blamed)}"


def _no_bound(terms: Sequence[LossTerm]) -> str:
    """Why surrogates are no more than that."""
    if any(term.within for term in terms):
        return "a sign that keeps none stands over it"
    for kind in ("penalty", "cost"):
        if any(term.code.kind == kind for term in terms):
            return f"a {kind} is no information"
    if all(term.code.kind == "information" for term in terms):
        return "a discrepancy of kernels is nought where the information is, and in no nats"
    played = [term for term in terms if term.code.kind == "distance"]
    if any(term.code.word == "adversarial_js_non_saturating" for term in played):
        return "with its labels flipped, a critic tells no divergence"
    if played:
        return "a critic that pays for its slope is short of the log-ratio"
    return "the weight of what it bounds changes its sign over the parameters' range"
