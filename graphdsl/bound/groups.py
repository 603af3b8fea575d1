"""Sums in functions and constraints: which signs they keep, and what they cannot hold."""

from __future__ import annotations

__all__ = [
    "Seen",
    "as_it_is",
    "inner_constants",
    "nothing_inside",
    "within",
]

from collections.abc import Callable, Iterator
from typing import TypeAlias

from graphdsl.bound.errors import ConstantInside, NothingInside, VacuousBound
from graphdsl.catalog.functions import FUNCTIONS
from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.information import Collected, CollectedGroup
from graphdsl.ir.model import Model
from graphdsl.signs import Sign, product_of, sign

_WORDS = {**{word: f"`{word}`" for word in FUNCTIONS}, "constraint": "a constraint"}


#: The sign that a weight has for the loss, where it is inside a function.
Seen: TypeAlias = Callable[[Sign], Sign]


def as_it_is(inner: Sign) -> Sign:
    """The sign of a weight that is inside no function."""
    return inner


def within(group: CollectedGroup, model: Model) -> Seen:
    """The sign that a weight has for the loss, where it stands in a function or a constraint.

    max and min keep the order, and a multiplier is never negative. |E| and its square do not: times
    a positive weight they are bounded below whatever a network does; times another a network must
    not raise them.
    """
    outer = sign(group.weight, model.parameters)
    match group.wrapped.kind:
        case "max" | "min":
            return lambda inner: product_of(outer, inner)
        case "abs" | "square" if outer in ("nonpositive", "unknown"):
            return lambda inner: "zero" if inner == "zero" else "nonpositive"
        case _:
            return as_it_is


def inner_constants(collected: Collected) -> Iterator[Diagnostic]:
    """Constants of the data move out of a sum, and not out of a function or a constraint."""
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
