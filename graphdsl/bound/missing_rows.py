"""Rows that lack views: what a row must have for a piece of the loss to be in its bound.

The objective of a row is that of what it has: H(v | S) becomes H(v | S, less what is missing), and
a v that is missing has none (theory.md S2). So a row pays for every bound of an entropy. A model of
sets fits by itself: q(z | x_S) is the product of the experts that are there, and the prior where
none is. What a row does not pay are models that the objective names and that read what it lacks,
and comparisons with an encoder that has fallen back on its prior, which would pull others there.
"""

from __future__ import annotations

__all__ = ["is_apart", "needed"]

from collections.abc import Iterable

from graphdsl.bound.models import Auxiliary, BoundModel, Encoder, SubPosterior
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional
from graphdsl.ir.symbols import NetworkName, Variable


def is_apart(ref: BoundModel, model: Model) -> bool:
    """Whether rows may pay for what the objective names of a model, and not for its bounds."""
    return isinstance(ref, Auxiliary | Encoder | SubPosterior) and any(
        family.optional for family in model.families
    )


def needed(
    ref: BoundModel | None,
    node: Variable,
    model: Model,
    under: NetworkName,
    *,
    predicted: bool,
    named: bool,
) -> tuple[Variable, ...]:
    """The data that a row must have, of those that rows may lack.

    Args:
        ref: The model that a piece is computed from.
        node: The variable.
        model: The spec.
        under: Over whose samples.
        predicted: Whether the variable's own value is predicted.
        named: Whether the objective names the model; else it bounds an entropy.
    """
    if under == "p":
        return ()  # samples of p lack nothing
    if predicted:
        return (*_optional((node,), model), *_read(ref, named, model))
    left = next(
        (
            conditional
            for conditional in model.inference_of(under).conditionals
            if node in conditional.children
        ),
        None,
    )
    if left is None or not isinstance(ref, Auxiliary | Encoder | SubPosterior):
        return ()
    if named and not isinstance(ref, Auxiliary):
        return _compared(left, ref, under, model)
    if named:
        return _optional(_given(ref), model)
    fallen = isinstance(ref, Auxiliary | Encoder) and left.by == "joint"
    alone = _stands_in(node, model) <= _given(ref)
    return _optional(left.parents, model) if fallen and alone else ()


def _read(ref: BoundModel | None, named: bool, model: Model) -> tuple[Variable, ...]:
    """What the network of a prediction reads, where that has to be there."""
    match ref:
        case Auxiliary(given=given) if named:
            return _optional(given, model)
        case Encoder(conditional=one) if one.by == "joint":
            return _optional(one.parents, model)  # of a label; experts say what they can
    return ()


def _compared(
    left: Conditional, ref: Encoder | SubPosterior, under: NetworkName, model: Model
) -> tuple[Variable, ...]:
    """What two encoders need to be compared: one that has lost views says less than it could.

    A product of experts that reads all that the other does is still asked as much as that one, in
    rows that lack something; else the two are compared in rows that have the views of both.
    """
    if isinstance(ref, SubPosterior) and (ref.network == under or ref.experts[0].block):
        return ()
    own, other = _optional(left.parents, model), _optional(_given(ref), model)
    alike = set(other) <= set(own)
    needed = own if left.by == "joint" or not alike else ()
    if ref.conditional.by == "joint" or not alike:
        needed = (*needed, *(name for name in other if name not in needed))
    return needed


def _given(ref: Auxiliary | Encoder | SubPosterior) -> frozenset[Variable]:
    match ref:
        case Auxiliary(given=given):
            return frozenset(given)
        case Encoder(conditional=one):
            return frozenset(one.parents)
        case SubPosterior(experts=experts):
            return frozenset(experts)


def _stands_in(node: Variable, model: Model) -> frozenset[Variable]:
    """What the prior reads that an encoder falls back on: nothing, of one that is declared."""
    for one in model.generation.conditionals if model.generation is not None else ():
        if node in one.children:
            return frozenset(one.parents)
    return frozenset()


def _optional(names: Iterable[Variable], model: Model) -> tuple[Variable, ...]:
    """Those that rows may lack, in the order of the spec."""
    known = set(names)
    optional = (node for family in model.families if family.optional for node in family.nodes)
    return tuple(node for node in optional if node in known)
