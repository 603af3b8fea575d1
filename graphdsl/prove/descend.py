"""Hill-climbing among distributions, and back to probabilities with small denominators."""

from __future__ import annotations

__all__ = ["descend", "rounded"]

import numpy as np

from graphdsl.prove.frames import Array, Factors, Frame, Objective, joint_of

_STEPS = 150
_RATE = 0.25


def descend(frame: Frame, start: Factors, objective: Objective) -> Factors:
    """Make a sum of entropies smaller, each of a batch on its own: Adam on the tables' logits."""
    logits = [np.log(np.maximum(factor, 1e-4)) for factor in start]
    first = [np.zeros_like(logit) for logit in logits]
    second = [np.zeros_like(logit) for logit in logits]
    for step in range(1, _STEPS + 1):
        factors = _softmax(frame, logits)
        slopes = _slopes(frame, factors, objective)
        for k, slope in enumerate(slopes):
            first[k] = 0.8 * first[k] + 0.2 * slope
            second[k] = 0.95 * second[k] + 0.05 * slope**2
            ahead = first[k] / (1 - 0.8**step)
            size = np.sqrt(second[k] / (1 - 0.95**step))
            logits[k] = logits[k] - _RATE * ahead / (size + 1e-8)
    return _softmax(frame, logits)


def rounded(frame: Frame, factors: Factors, denominator: int) -> Factors:
    """The nearest tables whose probabilities have one denominator."""
    return [
        _round(factor, 1 if place == 0 else factor.ndim - 1, denominator)
        for place, factor in enumerate(factors)
    ]


def _own(factor: Array, place: int) -> tuple[int, ...]:
    """The axes that a table's rows run over: the data's joint is one row."""
    return tuple(range(1, factor.ndim)) if place == 0 else (factor.ndim - 1,)


def _softmax(frame: Frame, logits: list[Array]) -> Factors:
    factors = []
    for place, logit in enumerate(logits):
        axes = _own(logit, place)
        raised = np.exp(logit - logit.max(axis=axes, keepdims=True))
        factors.append(raised / raised.sum(axis=axes, keepdims=True))
    return factors


def _slopes(frame: Frame, factors: Factors, objective: Objective) -> list[Array]:
    """The gradient by each logit: theta (g - sum theta g), where theta g sums joint * gradient."""
    joint = joint_of(frame, factors)
    share = joint * objective.gradient(joint)
    count = len(frame.order)
    slopes = []
    for place, factor in enumerate(factors):
        if place == 0:
            kept = set(range(frame.data))
        else:
            own = frame.data + place - 1
            kept = {*frame.parents[own], own}
        mass = share.sum(axis=tuple(k + 1 for k in range(count) if k not in kept))
        slopes.append(mass - factor * mass.sum(axis=_own(factor, place), keepdims=True))
    return slopes


def _round(factor: Array, own: int, denominator: int) -> Array:
    """Round every row down, and give what is left to the largest remainders."""
    rows = factor.reshape(*factor.shape[:own], -1) * denominator
    whole = np.floor(rows + 1e-9)
    missing = denominator - whole.sum(axis=-1, keepdims=True)
    rank = np.argsort(np.argsort(whole - rows, axis=-1, kind="stable"), axis=-1, kind="stable")
    numbers: Array = (whole + (rank < missing)) / denominator
    return numbers.reshape(factor.shape)
