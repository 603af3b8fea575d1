"""`KL`, `D` and the distances: functionals of two distributions."""

from __future__ import annotations

__all__ = ["distance", "divergence", "projection"]

from typing import Literal

from graphdsl.declare.indices import Indices
from graphdsl.declare.scope import Scope
from graphdsl.ir.objective import (
    Distance,
    DivergenceOfMarginals,
    DivergenceOfPosteriors,
    Functional,
    Projection,
)
from graphdsl.ir.symbols import P
from graphdsl.resolve.divergence_errors import (
    DistanceSides,
    PartOfDistribution,
    PosteriorsUnnamed,
    ReverseDivergence,
    SidesDiffer,
)
from graphdsl.resolve.laws import Law, Laws, law
from graphdsl.resolve.projections import projected
from graphdsl.resolve.rows import are_in_every_row
from graphdsl.syntax import ast

_DISTANCES: dict[str, Literal["JS", "MMD", "W", "KL"]] = {
    "JS": "JS",
    "MMD": "MMD",
    "W": "W",
    "KL": "KL",
}
_MOST_NAMED = 4


def divergence(
    scope: Scope, laws: Laws, expression: ast.Divergence, indices: Indices
) -> Functional | None:
    """`KL(q || p)` and its like, from an inference network; None if it has mistakes."""
    left = law(scope, laws, expression.left, indices)
    right = law(scope, laws, expression.right, indices)
    if left is None or right is None:
        return None
    if left.name == "p":
        scope.note(ReverseDivergence(span=expression.span, right=right.name))
        return None
    if left.of is not None and right.of is not None and set(left.of) != set(right.of):
        _sides_differ(scope, expression, left, right)
        return None
    if right.name == "p":
        return _to_generation(scope, expression, left, right)
    return _to_posterior(scope, expression, left, right)


def distance(
    scope: Scope, laws: Laws, expression: ast.Divergence, indices: Indices
) -> Functional | None:
    """`MMD(q(z) || p(z))` and its like: told from samples of both sides."""
    name = expression.functional.text
    sides = [law(scope, laws, one, indices) for one in (expression.left, expression.right)]
    left, right = sides
    if left is None or right is None:
        return None
    if left.name == "p" or right.name != "p" or left.given or right.given or right.frozen:
        scope.note(DistanceSides(span=expression.span, functional=name))
        return None
    network = laws.models[P]
    first = network.variables if left.of is None else left.of
    second = network.variables if right.of is None else right.of
    if set(first) != set(second):
        _sides_differ(scope, expression, left, right)
        return None
    if not are_in_every_row(scope, expression, first, filled_in=first):
        return None
    return Distance(_DISTANCES[name], tuple(dict.fromkeys(first)), left.name)


def projection(
    scope: Scope, laws: Laws, expression: ast.Divergence, indices: Indices
) -> Functional | None:
    """`D(q || G)`, of the joint of an inference network; None if it has mistakes."""
    left = law(scope, laws, expression.left, indices)
    if left is None:
        return None
    if left.of is not None or left.frozen:
        usage = "`D(q || G(p))` or `D(q || {x; u})`: the network says of which variables"
        scope.note(PartOfDistribution(span=expression.left.span, usage=usage))
        return None
    network = projected(scope, laws, expression.right, indices)
    return None if network is None else Projection(network, left.name)


def _to_generation(
    scope: Scope, expression: ast.Divergence, left: Law, right: Law
) -> Functional | None:
    if (left.of is None) != (right.of is None):
        _sides_differ(scope, expression, left, right)
        return None
    if left.of is None:
        return DivergenceOfMarginals(None, under=left.name, frozen=right.frozen)
    return DivergenceOfMarginals(left.of, left.given, left.name, right.frozen, right.given)


def _to_posterior(
    scope: Scope, expression: ast.Divergence, left: Law, right: Law
) -> Functional | None:
    """KL(q(z | x) || q(z | x[1])): between two ways to infer the same latents."""
    if left.of is None or right.of is None:
        mistake = PosteriorsUnnamed(span=expression.span, left=left.name, right=right.name)
        scope.note(mistake)
        return None
    return DivergenceOfPosteriors(
        left.of, left.given, right.name, right.given, left.name, right.frozen
    )


def _sides_differ(scope: Scope, expression: ast.Divergence, left: Law, right: Law) -> None:
    scope.note(
        SidesDiffer(
            span=expression.span,
            functional=expression.functional.text,
            left=_variables(left),
            right=_variables(right),
        )
    )


def _variables(side: Law) -> str:
    """What a side is of, in a message."""
    if side.of is None:
        return f"all variables of `{side.name}`"
    shown = ", ".join(f"`{name}`" for name in side.of[:_MOST_NAMED])
    more = len(side.of) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown
