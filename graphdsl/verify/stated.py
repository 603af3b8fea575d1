"""The loss of each player as the audit states it: its terms by their weights, and their signs."""

from __future__ import annotations

__all__ = ["stated_loss", "summands"]

from collections.abc import Iterator, Mapping

from graphdsl.ir.loss import LossModule
from graphdsl.verify.terms import Parameters, signed, weight_value

Numbers = Mapping[str, float]


def stated_loss(
    player: str, module: LossModule, terms: Numbers, parameters: Parameters, prices: Numbers
) -> float | None:
    """What a player minimises, from the values of all terms and the prices of constraints.

    None for the critic, which minimises a loss of its own. Edges of one objective follow it, and
    multipliers ascend what all others descend.
    """
    mains = [one.name for one in module.players] or ["model"]
    match player:
        case "critic":
            return None
        case "multiplier":
            return -sum(sum(summands(one, module, terms, parameters, prices)) for one in mains)
        case "structure":
            (player,) = mains
    return sum(summands(player, module, terms, parameters, prices))


def summands(
    player: str, module: LossModule, terms: Numbers, parameters: Parameters, prices: Numbers
) -> Iterator[float]:
    """The weighted terms of a player that has an objective, and its sums under a sign."""
    own = next((one for one in module.players if one.name == player), None)
    for term in module.terms:
        if not term.within and (own is None or term.name in own.terms):
            yield weight_value(term.weight, parameters) * terms[term.name]
    weights = {term.name: weight_value(term.weight, parameters) for term in module.terms}
    for group in module.groups:
        if own is None or group.name in own.groups:
            inner = sum(weights[name] * terms[name] for name in group.terms)
            inner += weight_value(group.offset, parameters)
            price = prices[group.name] if group.kind == "constraint" else 1.0
            bound = weight_value(group.bound, parameters)
            yield weight_value(group.weight, parameters) * signed(group.kind, inner, bound, price)
