"""What a functional speaks of."""

from __future__ import annotations

__all__ = ["draws_of", "variables_of"]

from graphdsl.ir.draws import draws_in
from graphdsl.ir.model import (
    DivergenceOfMarginals,
    DivergenceOfPosteriors,
    Functional,
    MultiInformation,
    PredictiveEntropy,
    Projection,
    UncertaintyOf,
)
from graphdsl.ir.notation import original


def variables_of(functional: Functional) -> frozenset[str]:
    """The variables that a functional names, copies as their originals."""
    match functional:
        case Projection(network):
            return frozenset(map(original, network.variables))
        case MultiInformation(parts, given):
            return given.union(*parts)
        case UncertaintyOf(of, given) | PredictiveEntropy(of, given):
            return given.union(of)
        case DivergenceOfMarginals(variables, given):
            return given.union(variables or ())
        case DivergenceOfPosteriors(variables, given, _, model_given):
            return given.union(variables, model_given)


def draws_of(functional: Functional) -> tuple[str, ...]:
    """The drawn sets that it is a mean over."""
    titles = [functional.under]
    if isinstance(functional, DivergenceOfPosteriors):
        titles.append(functional.network)
    return draws_in(sorted(variables_of(functional)), *titles)
