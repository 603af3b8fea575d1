"""What a direction is, written down once more: from the weights and words of an emitted loss."""

from __future__ import annotations

__all__ = ["STAND_INS", "false_directions", "weights_over_the_range"]

from collections.abc import Iterable, Iterator
from itertools import product
from math import inf

from graphdsl.ir.information import Entropy
from graphdsl.ir.loss import Bound, Group, LossModule, LossTerm
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Parameter
from graphdsl.ir.weight import Weight
from graphdsl.verify.terms import weight_value
from graphdsl_runtime import RELATIONS

_FAR = 1e3  #: in place of an end at infinity
_STEPS = 7

#: What the runtime's word computes is no information: a discrepancy of kernels stands in for one.
STAND_INS = ("hsic", "mmd_between", "conditional_hsic", "conditional_mmd_between")
_MEASURED = ("total_correlation", "information", "distance", "importance", "penalty")


def weights_over_the_range(weight: Weight, parameters: Iterable[Parameter]) -> list[float]:
    """The values of a weight on a grid over the ranges of its parameters, ends included."""
    ranges = {one.name: one.range for one in parameters}
    axes = []
    for name in weight.parameters:
        low, high = ranges[name].low, ranges[name].high
        start = -_FAR if low is None else float(low)
        end = _FAR if high is None else float(high)
        axes.append([start + (end - start) * step / (_STEPS - 1) for step in range(_STEPS)])
    grid = product(*axes)
    return [weight_value(weight, dict(zip(weight.parameters, one, strict=True))) for one in grid]


def false_directions(module: LossModule, model: Model) -> Iterator[str]:
    """Each claim of a direction that the signs of the weights do not bear out."""
    groups = {name: group for group in module.groups for name in group.terms}
    for term in module.terms:
        group = groups.get(term.name) if term.within else None
        wrong = _of_group(term, group, model) if group else _of_term(term, model)
        if wrong:
            yield f"{term.name} is called {term.relation}: {wrong}"
    relations = {term.relation for term in module.terms}
    if module.relation in ("equal", "upper", "lower"):
        kept = {"equal": {"equal"}, "upper": {"equal", "upper"}, "lower": {"equal", "lower"}}
        if not relations <= kept[module.relation]:
            yield f"the loss is called {module.relation}, and its terms {sorted(relations)}"


def _of_term(term: LossTerm, model: Model) -> str:
    weights = weights_over_the_range(term.weight, model.parameters)
    rises, falls = max(weights, default=0.0) > 0, min(weights, default=0.0) < 0
    own = _own(term)
    if term.relation == "equal":
        return "" if own == "equal" else f"its estimator is {own}"
    if rises and falls and own != "equal":
        return "" if term.relation == "surrogate" else "its weight changes its sign"
    if term.relation not in ("upper", "lower"):
        return ""
    turned = {"upper": "lower", "lower": "upper"}.get(own, own) if falls else own
    if turned != "equal":
        return "" if term.relation == turned else f"times its weight its estimator is {turned}"
    return _of_bounds(term, model)


def _of_bounds(term: LossTerm, model: Model) -> str:
    """Of what is computed exactly, the entropies that are folded into it are all bounded above."""
    if term.relation == "lower" or not term.bounds:
        return "nothing in it is bounded so"
    for bound in term.bounds:
        if any(weight < 0 for weight in _signed(bound, model)):
            return f"the weight of {bound.entropy.atom} has the wrong sign for {bound.model}"
    return ""


def _of_group(term: LossTerm, group: Group, model: Model) -> str:
    """Jensen: |.|, squares and max of a batch lie above those of the expectation, and min below."""
    if term.relation not in ("equal", "upper", "lower"):
        return ""
    weights = weights_over_the_range(group.weight, model.parameters)
    rises, falls = max(weights, default=inf) > 0, min(weights, default=-inf) < 0
    if term.relation == "equal" or group.kind == "constraint":
        return "it is inside a function"
    if rises and falls:
        return "the weight of its sign changes"
    below = falls != (group.kind == "min")
    return "" if term.relation == ("lower" if below else "upper") else "Jensen has it otherwise"


def _own(term: LossTerm) -> str:
    """The direction of a term's estimator, whatever its weight."""
    code = term.code
    if code.kind == "cost":
        return "surrogate"
    if code.kind not in _MEASURED:
        return "saddle" if term.critic else "equal"
    if code.word in STAND_INS or term.slope is not None:
        return "surrogate"
    return RELATIONS["importance_weighted" if code.kind == "importance" else code.word]


def _signed(bound: Bound, model: Model) -> list[float]:
    """Nonnegative if a bound is one: +H(v|S) <= CE_r(v|S'), S' in S, or -H(v|S) <= -H(v|S')."""
    atom = bound.entropy.atom
    assert isinstance(atom, Entropy)
    narrower = set(bound.model.parents) <= set(atom.given)
    weights = weights_over_the_range(bound.weight, model.parameters)
    return weights if narrower else [-weight for weight in weights]
