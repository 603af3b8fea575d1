"""A spec whose parameters are numbers: what it means at those values."""

from __future__ import annotations

__all__ = ["at_values", "value_of"]

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import prod

from graphdsl.ir.model import Model
from graphdsl.ir.objective import Weighted, Wrapped
from graphdsl.ir.weight import ZERO, Weight

Values = Mapping[str, Fraction]


def at_values(model: Model, values: Values) -> Model:
    """The spec with some of its parameters replaced; what then has no weight is left out."""
    if not values:
        return model
    return replace(
        model,
        parameters=tuple(
            parameter for parameter in model.parameters if parameter.name not in values
        ),
        objective=_sum(model.objective, values),
        players=tuple(
            replace(player, objective=_sum(player.objective, values)) for player in model.players
        ),
        assertions=tuple(
            replace(assertion, difference=_sum(assertion.difference, values))
            for assertion in model.assertions
        ),
        projections=tuple(
            replace(projection, weight=value_of(projection.weight, values))
            for projection in model.projections
        ),
    )


def value_of(weight: Weight, values: Values) -> Weight:
    """A weight at these values: a polynomial in the parameters that are left.

    >>> value_of(Weight.parameter("beta") - Weight.number(1), {"beta": Fraction(4)}).constant
    Fraction(3, 1)
    """
    total = ZERO
    for monomial, factor in weight:
        number = prod((values[name] for name in monomial if name in values), start=factor)
        term = Weight.number(number)
        for name in monomial:
            term = term if name in values else term * Weight.parameter(name)
        total = total + term
    return total


def _sum(weighted: tuple[Weighted, ...], values: Values) -> tuple[Weighted, ...]:
    terms = (replace(one, weight=value_of(one.weight, values)) for one in weighted)
    return tuple(
        replace(term, functional=_sign(term.functional, values))
        if isinstance(term.functional, Wrapped)
        else term
        for term in terms
        if term.weight
    )


def _sign(one: Wrapped, values: Values) -> Wrapped:
    return replace(
        one,
        inner=_sum(one.inner, values),
        offset=value_of(one.offset, values),
        bound=value_of(one.bound, values),
    )
