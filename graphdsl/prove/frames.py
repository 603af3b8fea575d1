"""Small discrete networks in batches: which variables vary, their joint tables, their entropies."""

from __future__ import annotations

__all__ = ["Factors", "Frame", "Objective", "exact_tables", "joint_of", "without"]

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphdsl.ir.evidence import Row, Table
from graphdsl.ir.information import Entropy
from graphdsl.ir.symbols import Names

Array: TypeAlias = NDArray[np.float64]
Factors: TypeAlias = list[Array]  #: the data's joint, then each latent's table; a batch axis first

_FINEST = 10_000  #: no probability of a counterexample has a larger denominator


@dataclass(frozen=True, slots=True)
class Frame:
    """The variables of a counterexample in topological order, the data first."""

    order: Names
    data: int  #: how many of them are data
    parents: tuple[tuple[int, ...], ...]  #: of each, as places; none for data
    sizes: tuple[int, ...]  #: their states

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of each factor, without the batch axis: the parents' axes, then its own."""
        latents = range(self.data, len(self.order))
        return [
            self.sizes[: self.data],
            *(
                (*(self.sizes[k] for k in self.parents[place]), self.sizes[place])
                for place in latents
            ),
        ]


def joint_of(frame: Frame, factors: Factors) -> Array:
    """Q of all variables, shape (batch, *sizes)."""
    joint = factors[0]
    for place, factor in zip(range(frame.data, len(frame.order)), factors[1:], strict=True):
        joint = joint[..., None] * spread_out(frame, place, factor)
    return joint


def spread_out(frame: Frame, place: int, factor: Array) -> Array:
    """A latent's table with an axis for every variable up to it."""
    seen = [frame.sizes[k] if k in frame.parents[place] else 1 for k in range(place)]
    return factor.reshape(len(factor), *seen, frame.sizes[place])


def without(frame: Frame, factors: Factors, place: int) -> tuple[Frame, Factors]:
    """The network with one variable constant: data is summed out, a latent in its first state."""
    rest = [k for k in range(len(frame.order)) if k != place]
    number = {old: new for new, old in enumerate(rest)}
    smaller = Frame(
        tuple(frame.order[k] for k in rest),
        frame.data - (place < frame.data),
        tuple(tuple(number[up] for up in frame.parents[k] if up != place) for k in rest),
        tuple(frame.sizes[k] for k in rest),
    )
    first = factors[0].sum(axis=place + 1) if place < frame.data else factors[0]
    kept = [first]
    for k, factor in zip(range(frame.data, len(frame.order)), factors[1:], strict=True):
        if k == place:
            continue
        parents = frame.parents[k]
        kept.append(
            np.take(factor, 0, axis=parents.index(place) + 1) if place in parents else factor
        )
    return smaller, kept


class Objective:
    """A weighted sum of entropies over the joint tables of a frame, and its gradient."""

    def __init__(self, claim: Mapping[Entropy, Fraction], frame: Frame) -> None:
        weights: defaultdict[tuple[int, ...], Fraction] = defaultdict(Fraction)
        places = {name: place for place, name in enumerate(frame.order)}
        for atom, weight in claim.items():
            for variables, sign in (((*atom.of, *atom.given), 1), (atom.given, -1)):
                others = frozenset(places) - frozenset(variables)
                weights[tuple(sorted(places[name] + 1 for name in others))] += sign * weight
        whole = tuple(range(1, len(frame.order) + 1))
        self._weights = {
            axes: float(weight) for axes, weight in weights.items() if weight and axes != whole
        }
        self.scale = float(sum(map(abs, claim.values())))

    def value(self, joint: Array) -> Array:
        """In nats, shape (batch,)."""
        total = np.zeros(len(joint))
        for axes, weight in self._weights.items():
            table = joint.sum(axis=axes).reshape(len(joint), -1)
            total -= weight * (table * _log(table)).sum(axis=1)
        return total

    def gradient(self, joint: Array) -> Array:
        """With respect to each cell of the joint table."""
        total = np.zeros_like(joint)
        for axes, weight in self._weights.items():
            total -= weight * (_log(joint.sum(axis=axes, keepdims=True)) + 1)
        return total


def exact_tables(frame: Frame, factors: Factors) -> tuple[Table, ...] | None:
    """One network (a batch of one) with exact probabilities; None if they do not sum to one."""
    joint = joint_of(frame, factors)[0]
    tables = []
    if frame.data:
        tables.append(_table(frame, range(frame.data), (), factors[0][0], joint))
    for place, factor in zip(range(frame.data, len(frame.order)), factors[1:], strict=True):
        tables.append(_table(frame, (place,), frame.parents[place], factor[0], joint))
    return None if any(table is None for table in tables) else tuple(filter(None, tables))


def _table(
    frame: Frame, of: Iterable[int], given: tuple[int, ...], numbers: Array, joint: Array
) -> Table | None:
    """Its rows, those left out whose condition never holds."""
    others = tuple(k for k in range(len(frame.order)) if k not in given)
    possible = joint.sum(axis=others) > 0
    rows = []
    for condition in product(*(range(frame.sizes[k]) for k in given)):
        if not possible[condition]:
            continue
        here = numbers[condition]
        found = [
            Row(condition, values, Fraction(float(here[values])).limit_denominator(_FINEST))
            for values in product(*(range(frame.sizes[k]) for k in of))
        ]
        if sum(row.probability for row in found) != 1:
            return None
        rows += [row for row in found if row.probability]
    return Table(
        tuple(frame.order[k] for k in of), tuple(frame.order[k] for k in given), tuple(rows)
    )


def _log(table: Array) -> Array:
    """The logarithm, 0 log 0 = 0; very small numbers are as good as zero."""
    logarithm: Array = np.log(np.maximum(table, 1e-300))
    return logarithm
