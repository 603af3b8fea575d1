"""What a functional speaks of."""

from __future__ import annotations

__all__ = ["draws_of", "variables_of"]

from graphdsl.ir.draws import draws_in
from graphdsl.ir.objective import (
    Distance,
    DivergenceOfMarginals,
    DivergenceOfPosteriors,
    Functional,
    InvariancePenalty,
    MultiInformation,
    PredictiveEntropy,
    Projection,
    Sparsity,
    UncertaintyOf,
    Wrapped,
)
from graphdsl.ir.symbols import Variable


def variables_of(functional: Functional) -> frozenset[Variable]:
    """The variables that a functional names, copies as their originals."""
    match functional:
        case Projection(network):
            return frozenset(variable.original for variable in network.variables)
        case MultiInformation(parts, given):
            return given.union(*parts)
        case UncertaintyOf(of, given) | PredictiveEntropy(of, given):
            return given.union(of)
        case DivergenceOfMarginals() | DivergenceOfPosteriors():
            return functional.given.union(functional.variables or (), functional.model_given)
        case Distance() | InvariancePenalty() | Sparsity() | Wrapped():
            return _variables_of_others(functional)


def _variables_of_others(
    functional: Distance | InvariancePenalty | Sparsity | Wrapped,
) -> frozenset[Variable]:
    match functional:
        case Distance(_, variables):
            return frozenset(variables)
        case InvariancePenalty(of, given, environment):
            return given | {of, environment}
        case Sparsity():
            return frozenset()
        case Wrapped(_, inner):
            return frozenset().union(*(variables_of(term.functional) for term in inner))


def draws_of(functional: Functional) -> tuple[str, ...]:
    """The drawn sets that it is a mean over."""
    titles = [functional.under]
    if isinstance(functional, DivergenceOfPosteriors):
        titles.append(functional.network)
    return draws_in(sorted(variables_of(functional)), *titles)
