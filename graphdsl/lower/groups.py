"""Sums under |.|, max and constraints: capacities, free bits, trained multipliers."""

from __future__ import annotations

__all__ = [
    "Seen",
    "as_it_is",
    "group_of",
    "group_relation",
    "inner_constants",
    "nothing_inside",
    "sign_text",
    "within",
]

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.information import Collected, CollectedGroup
from graphdsl.ir.loss import Group, LossTerm, Relation
from graphdsl.ir.model import Model
from graphdsl.ir.notation import weight_text
from graphdsl.ir.signs import Sign, product_of, sign
from graphdsl.lower.errors import ConstantInside, NothingInside, VacuousBound
from graphdsl.lower.names import Names
from graphdsl.lower.relations import under_sign

_NAMES = {"abs": "absolute", "max": "floored", "constraint": "constraint"}
_WORDS = {"abs": "`abs`", "max": "`max`", "constraint": "a constraint"}


#: The sign that a weight has for the loss, where it stands under another sign.
Seen: TypeAlias = Callable[[Sign], Sign]


def as_it_is(inner: Sign) -> Sign:
    """The sign of a weight that stands under no other."""
    return inner


def within(group: CollectedGroup, model: Model) -> Seen:
    """The sign that a weight has for the loss, where it stands under |.|, max or a constraint.

    max keeps the order, and a multiplier is never negative. |E| has no order: times a positive
    weight it is bounded below whatever a network does; times another a network must not raise it.
    """
    outer = sign(group.weight, model.parameters)
    match group.wrapped.kind:
        case "max":
            return lambda inner: product_of(outer, inner)
        case "abs" if outer in ("nonpositive", "unknown"):
            return lambda inner: "zero" if inner == "zero" else "nonpositive"
        case _:
            return as_it_is


def group_of(group: CollectedGroup, terms: Sequence[LossTerm], taken: Names) -> Group:
    """How a sum of terms enters the loss."""
    wrapped = group.wrapped
    name = taken.take(_NAMES[wrapped.kind])
    return Group(
        name=name,
        multiplier=name.replace("constraint", "multiplier") * (wrapped.kind == "constraint"),
        kind=wrapped.kind,
        weight=group.weight,
        offset=wrapped.offset,
        bound=wrapped.bound,
        terms=tuple(term.name for term in terms),
    )


def group_relation(group: CollectedGroup, terms: Sequence[LossTerm], model: Model) -> Relation:
    """How a batch's |E|, max(E, c) or price of a constraint stands to the true one."""
    inside = [term.relation for term in terms]
    return under_sign(group.wrapped.kind, inside, sign(group.weight, model.parameters))


def inner_constants(collected: Collected) -> Iterator[Diagnostic]:
    """Constants of the data move out of a sum, and not out of |.|, max or a constraint."""
    for group in collected.groups:
        if group.collected.constants:
            constant = str(group.collected.constants[0].atom)
            span = Span(group.line, group.column, group.line, group.column + 3)
            yield ConstantInside(span=span, sign=_WORDS[group.wrapped.kind], constant=constant)


def nothing_inside(group: CollectedGroup) -> Diagnostic:
    """A sum whose terms cancel, or vanish for every q that follows G^q."""
    span = Span(group.line, group.column, group.line, group.column + 3)
    inside = group.collected
    bounded = inside.exact or inside.unbounded or inside.uncertain or inside.intractable
    kind = VacuousBound if bounded else NothingInside
    return kind(span=span, sign=_WORDS[group.wrapped.kind])


def sign_text(group: Group) -> str:
    """The sign as people write it, with dots for the sum: `max(..., 2)`."""
    inner = f"... + {weight_text(group.offset)}".replace("+ -", "- ") if group.offset else "..."
    match group.kind:
        case "abs":
            return f"abs({inner})"
        case "max":
            return f"max({inner}, {weight_text(group.bound)})"
        case "constraint":
            return f"subject to {inner} <= 0"
