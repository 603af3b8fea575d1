"""How a term of the loss stands to what it stands for, and the loss to the objective.

An estimator has a direction of its own: leave-one-out sampling errs upwards. A term is a weight
times an estimate, so a negative weight turns the direction round, and a weight that changes its
sign over the parameters' range leaves none.
"""

from __future__ import annotations

__all__ = ["combined", "directed", "of_bounds", "reason_of", "side_of", "turned", "under_sign"]

from collections.abc import Iterable, Sequence
from typing import Literal

from graphdsl.catalog.functions import FUNCTIONS, FunctionWord
from graphdsl.catalog.methods import ESTIMATORS, Relation
from graphdsl.ir.loss import Bound, LossTerm
from graphdsl.ir.model import Model
from graphdsl.ir.weight import Weight
from graphdsl.signs import Sign, sign

_WORST: tuple[Relation, ...] = ("surrogate", "saddle", "estimate", "upper", "lower", "equal")
_OPPOSITE: dict[Relation, Relation] = {"upper": "lower", "lower": "upper"}


def turned(own: Relation, weight: Sign) -> Relation:
    """How `w * estimate` stands to `w * value`, where the estimate stands to the value as `own`.

    >>> turned("upper", "nonpositive"), turned("upper", "unknown"), turned("equal", "unknown")
    ('lower', 'surrogate', 'equal')
    """
    if weight == "unknown":
        return own if own == "equal" else "surrogate"
    return _OPPOSITE.get(own, own) if weight == "nonpositive" else own


def directed(own: Relation, weight: Weight, model: Model) -> Relation:
    """The relation of a term of that weight: its estimator's own, turned by the weight's sign."""
    return turned(own, sign(weight, model.parameters))


def of_bounds(bounds: Iterable[Bound]) -> Relation:
    """The relation of a term that folds entropies into models: each bound is from above."""
    known = [bound.certified for bound in bounds]
    if not known:
        return "equal"
    return "upper" if all(known) else "surrogate"


def combined(relations: Iterable[Relation]) -> Relation:
    """The relation of a sum: the worst of its terms'; bounds from both sides leave none."""
    present = set(relations)
    if {"upper", "lower"} <= present:
        return "surrogate"
    return next((one for one in _WORST if one in present), "equal")


def under_sign(
    kind: FunctionWord | Literal["constraint"], inside: Iterable[Relation], weight: Sign
) -> Relation:
    """How `w * |E|`, `w * max(E, c)` or a multiplier's price of a batch stands to the true one.

    |E|, its square and max(E, c) are convex: on average over batches they are at least those of the
    expectation (Jensen), and min(E, c), which is concave, is at most that. max and min keep a bound
    of E from that side as well; |E| and the square keep none. A multiplier is a player.
    """
    within = combined(inside)
    if kind == "constraint":
        return "surrogate" if within in ("lower", "surrogate") else "saddle"
    function = FUNCTIONS[kind]
    kept = ("equal", function.jensen) if function.increasing else ("equal",)
    return turned(function.jensen, weight) if within in kept else "surrogate"


def reason_of(relation: Relation, terms: Sequence[LossTerm], model: Model) -> str:
    """Why the emitted loss stands to the intended objective as it does."""
    blamed = [term for term in terms if term.relation == relation]
    if not blamed and relation == "surrogate":
        return _from_both_sides(terms)
    are = "is" if len(blamed) == 1 else "are"
    names_of = ", ".join(term.name for term in blamed)
    match relation, any(term.within for term in blamed):
        case (("equal" | "upper"), _):
            return _certified(relation, blamed)
        case "lower", True:
            return "on average over batches: a function of a mean can only be too small here"
        case "lower", False:
            return f"{names_of} {_too_small(are, blamed)}"
        case "saddle", True:
            return f"{names_of} {are} held by a multiplier, which plays against the rest"
        case "saddle", False:
            return f"{names_of} {are} as good as what plays against it"
        case "estimate", _:
            return f"{names_of} {are} estimated from a minibatch, and {are} no bound"
        case _:
            reasons = dict.fromkeys(_no_bound(term, model) for term in blamed)
            return f"{names_of} {are} no bound: {', and '.join(reasons)}"


def side_of(term: LossTerm) -> Literal["above", "below"]:
    """From which side the estimate of a term bounds it: from above, if nothing else is recorded."""
    own = ESTIMATORS.get(term.code.word)
    is_below = own is not None and own.relation == "lower" and not term.within
    return "below" if is_below else "above"


def _too_small(are: str, terms: Iterable[LossTerm]) -> str:
    """Why terms are lower bounds."""
    sides = {side_of(term) for term in terms}
    match sorted(sides):
        case ["above"]:
            return f"{are} bounded from above, and the weight is nowhere positive"
        case ["below"]:
            return f"{are} bounded from below, and the weight is nowhere negative"
        case _:
            return f"{are} bounded, each from the side on which it can only be too small"


def _certified(relation: Relation, terms: Sequence[LossTerm]) -> str:
    """Why a sum is exact, or an upper bound."""
    if relation == "equal":
        return "every term is exact, up to the named constants"
    if any(term.within for term in terms):
        return "on average over batches: a convex function of a mean is no less than of its limit"
    estimated = ", ".join(term.name for term in terms if not term.bounds or _is_estimated(term))
    if estimated:
        return f"{estimated} can only be too large, in expectation over batches"
    return "every bounded entropy has a nonnegative weight"


def _from_both_sides(terms: Sequence[LossTerm]) -> str:
    """Why terms that are bounds leave none of their sum."""
    above, below = (
        ", ".join(term.name for term in terms if term.relation == side)
        for side in ("upper", "lower")
    )
    return f"{above} can only be too large, and {below} too small: the sum is no bound"


def _no_bound(term: LossTerm, model: Model) -> str:
    """Why a surrogate is no more than that."""
    if term.within:
        return "it is inside a function that preserves no direction"
    if term.code.kind in ("penalty", "cost"):
        return f"a {term.code.kind} is no information"
    own = ESTIMATORS.get(term.code.word)
    if own is not None and own.surrogate:
        return own.surrogate
    if _is_estimated(term) and term.bounds:
        return "its estimate can only be too small, and its other bounds too large"
    if term.slope is not None and sign(term.weight, model.parameters) != "unknown":
        return "a critic with a slope penalty underestimates the log-ratio"
    return "the sign of its weight changes over the range of the parameters"


def _is_estimated(term: LossTerm) -> bool:
    """Whether an estimator computes an information; vanished bounds may be recorded beside it."""
    return term.code.kind in ("information", "total_correlation")
