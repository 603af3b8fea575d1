"""Sums in functions and constraints, as they enter the loss: free bits, capacities, prices."""

from __future__ import annotations

__all__ = ["group_of", "group_relation"]

from collections.abc import Sequence

from graphdsl.bound.relations import under_sign
from graphdsl.catalog.functions import FUNCTIONS
from graphdsl.catalog.methods import Relation
from graphdsl.ir.information import CollectedGroup
from graphdsl.ir.loss import Group, LossTerm
from graphdsl.ir.model import Model
from graphdsl.ir.values import Attribute
from graphdsl.program.names import Names
from graphdsl.signs import sign


def group_of(group: CollectedGroup, terms: Sequence[LossTerm], taken: Names) -> Group:
    """How a sum of terms enters the loss."""
    wrapped = group.wrapped
    kind = wrapped.kind
    name = taken.take(kind if kind == "constraint" else FUNCTIONS[kind].name)
    return Group(
        name=name,
        multiplier=Attribute(taken.take("multiplier") if wrapped.kind == "constraint" else ""),
        kind=wrapped.kind,
        weight=group.weight,
        offset=wrapped.offset,
        bound=wrapped.bound,
        terms=tuple(term.name for term in terms),
    )


def group_relation(group: CollectedGroup, terms: Sequence[LossTerm], model: Model) -> Relation:
    """How a batch's |E|, max(E, c), square or price of a constraint stands to the true one."""
    inside = [term.relation for term in terms]
    return under_sign(group.wrapped.kind, inside, sign(group.weight, model.parameters))
