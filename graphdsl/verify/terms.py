"""What terms, and the functionals of a spec, are worth under given distributions."""

from __future__ import annotations

__all__ = ["Parameters", "defined", "random_parameters", "signed", "weight_value", "worth"]

from collections.abc import Iterable, Mapping
from math import prod
from typing import Literal, TypeAlias

import numpy as np

from graphdsl.catalog.functions import FunctionWord
from graphdsl.ir.information import Entropy, Information, Term, TotalCorrelation
from graphdsl.ir.model import Model
from graphdsl.ir.objective import Functional, MultiInformation, Projection, UncertaintyOf
from graphdsl.ir.symbols import Variable
from graphdsl.ir.weight import Weight
from graphdsl.verify.random_joints import Joint, World

Parameters: TypeAlias = Mapping[str, float]


def worth(terms: Iterable[Term], world: World, parameters: Parameters) -> float:
    """A weighted sum of H, I and TC in nats, each under its own distribution."""
    return sum(
        weight_value(term.weight, parameters) * _atom(term, world) for term in terms if term.weight
    )


def signed(
    kind: FunctionWord | Literal["constraint"], value: float, bound: float, price: float = 1.0
) -> float:
    """A sum inside a function, or a constrained one times its price, as it enters a loss."""
    match kind:
        case "abs":
            return abs(value)
        case "square":
            return value * value
        case "max":
            return max(value, bound)
        case "min":
            return min(value, bound)
        case "constraint":
            return price * value


def defined(functional: Functional, world: World) -> float:
    """D, I, TC or H by its definition.

    Raises:
        TypeError: If it is of a model, not of the distribution alone.
    """
    joint = world[functional.under]
    match functional:
        case Projection(network):
            return joint.divergence(network)
        case MultiInformation(parts, given):
            return _correlation(joint, [tuple(part) for part in parts], tuple(given))
        case UncertaintyOf(of, given):
            return joint.entropy((*of, *given)) - joint.entropy(given)
    raise TypeError(f"{type(functional).__name__} is of a model too")


def weight_value(weight: Weight, parameters: Parameters) -> float:
    """A weight at given values of its parameters."""
    return sum(float(value) * prod(parameters[name] for name in names) for names, value in weight)


def random_parameters(model: Model, rng: np.random.Generator) -> dict[str, float]:
    """A value in the range of each parameter."""
    parameters = {}
    for parameter in model.parameters:
        low = None if parameter.range.low is None else float(parameter.range.low)
        high = None if parameter.range.high is None else float(parameter.range.high)
        if low is not None and high is not None:
            parameters[parameter.name] = low + (high - low) * float(rng.random())
        elif low is not None:
            parameters[parameter.name] = low + float(rng.exponential())
        else:
            parameters[parameter.name] = (0.0 if high is None else high) - float(rng.exponential())
    return parameters


def _atom(term: Term, world: World) -> float:
    joint = world[term.atom.under]
    match term.atom:
        case Entropy(of, given):
            return joint.entropy((*of, *given)) - joint.entropy(given)
        case Information(left, right, given):
            return _correlation(joint, [left, right], given)
        case TotalCorrelation(parts, given):
            return _correlation(joint, list(parts), given)
        case _:
            raise TypeError(f"{term.atom} is of a model too")


def _correlation(
    joint: Joint, parts: list[tuple[Variable, ...]], given: tuple[Variable, ...]
) -> float:
    """sum_i H(A_i | C) - H(A_1, ... | C)."""
    known = joint.entropy(given)
    whole = joint.entropy((*(name for part in parts for name in part), *given))
    return sum(joint.entropy((*part, *given)) - known for part in parts) - (whole - known)
