"""Which networks a loss trains, and to which side each term pulls them, read from its code."""

from __future__ import annotations

__all__ = ["pulled_down"]

from collections.abc import Iterator

from graphdsl.ir.loss import Group, LossModule, LossTerm
from graphdsl.ir.model import Model
from graphdsl.ir.statements import Assemble, Chances, Fuse, Known, Repeat, Run, Statement
from graphdsl.ir.values import Value
from tests.laws.directions import weights_over_the_range

_PREDICTING = ("reconstruction", "cost", "cross_entropy", "penalty")


def pulled_down(module: LossModule, model: Model) -> Iterator[str]:
    """Each network that follows the loss though a term rewards it for predicting badly.

    It is the model of a cross-entropy, a cost or a penalty whose weight is negative somewhere over
    the parameters' ranges: the loss falls without end as the network gets worse.
    """
    groups = {name: group for group in module.groups for name in group.terms}
    for term in module.terms:
        trained = _trained(module, term)
        if trained and _may_be_negative(term, groups.get(term.name), model):
            yield f"{term.name} pulls {', '.join(sorted(trained))} down"


def _trained(module: LossModule, term: LossTerm) -> set[str]:
    """The networks that a term's own player trains as its model."""
    code = term.code
    predicted = code.left.value if code.kind in _PREDICTING else None
    if code.kind == "kl" and code.right is not None:
        predicted = code.right.value
    made: dict[Value | None, Statement] = {one.target: one for one in module.forward}
    own = next((set(one.attributes) for one in module.players if one.name == term.player), None)
    found = set(_networks(predicted, made)) - set(module.critics)
    return found if own is None else found & own


def _networks(value: Value | None, made: dict[Value | None, Statement]) -> Iterator[str]:
    """The networks that a distribution is computed by, and that its gradient reaches."""
    match made.get(value):
        case Run(frozen=False, slot=slot):
            yield slot
        case Fuse(experts=parts) | Assemble(parts=parts):
            for part in parts:
                yield from _networks(part.value, made)
        case Repeat(source=source) | Known(source=source):
            yield from _networks(source, made)
        case Chances(parts=several):
            for one, _ in several:
                yield from _networks(one.value, made)


def _may_be_negative(term: LossTerm, group: Group | None, model: Model) -> bool:
    weights = weights_over_the_range(term.weight, model.parameters)
    if group is None or not term.within or group.kind == "constraint":
        return min(weights) < 0
    outer = weights_over_the_range(group.weight, model.parameters)
    if group.kind in ("abs", "square"):  # |E| is bounded below, -|E| is not
        return min(outer) < 0 or (min(weights) < 0 and max(weights) <= 0)
    return min(weight * other for weight in weights for other in outer) < 0
