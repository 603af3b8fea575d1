"""Which inference networks draw one expert of a mixture for each row, as the objective says."""

from __future__ import annotations

__all__ = ["with_one_expert"]

from collections.abc import Iterable
from dataclasses import replace

from graphdsl.ir.networks import Network
from graphdsl.ir.objective import DivergenceOfMarginals, Functional, Weighted, Wrapped


def with_one_expert(network: Network, terms: Iterable[Weighted]) -> Network:
    """The network, its mixtures drawn by one expert if a term over its samples says so.

    All terms over the samples of a network have one posterior in common.
    """
    if not any(_says_so(term.functional, network.name) for term in terms):
        return network
    conditionals = (
        replace(conditional, one_expert=conditional.mixes) for conditional in network.conditionals
    )
    return replace(network, conditionals=tuple(conditionals))


def _says_so(functional: Functional, name: str) -> bool:
    match functional:
        case Wrapped(inner=inner):
            return any(_says_so(term.functional, name) for term in inner)
        case DivergenceOfMarginals(under=under, experts=experts):
            return under == name and experts == "one"
        case _:
            return False
