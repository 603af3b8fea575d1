"""Mixtures of experts in numbers: their moments, and their log-density at given samples.

The loss of a mixture is of the second degree in its samples, but for the mixture's own log-density.
So its expectation is one of moments, for which a normal of equal moments stands in; and the
log-density is computed once more, at the very samples that the emitted module has.
"""

from __future__ import annotations

__all__ = ["Expert", "drawn_entropy", "experts_of", "log_density", "mixture_of", "obstacles"]

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphdsl.ir.loss import LossModule
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional, Network
from graphdsl.ir.statements import Fuse
from graphdsl.ir.symbols import Variable
from graphdsl.verify.models import Source
from graphdsl.verify.normals import Regression
from graphdsl.verify.rows import Row

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Expert:
    """A component of a mixture: each child given what the expert reads."""

    given: tuple[Variable, ...]
    children: tuple[Regression, ...]

    @property
    def mean(self) -> tuple[Array, Array]:
        """The slope and the offset of all children, one after another."""
        slopes, offsets = ([getattr(child, name) for child in self.children] for name in _MEAN)
        return np.vstack(slopes), np.concatenate(offsets)

    @property
    def variances(self) -> Array:
        """Of each number of the children: they are independent given what the expert reads."""
        return np.concatenate([np.diag(child.noise) for child in self.children])


_MEAN = ("slope", "offset")


def mixture_of(model: Model) -> tuple[Network, Conditional] | None:
    """The mixture of a model, and whose it is; None where there is none."""
    return next(_mixtures(model), None)


def experts_of(one: Conditional, source: Source, row: Row) -> tuple[Expert, ...]:
    """The experts that rows of one pattern have; where they have none, the prior alone."""

    def of(given: tuple[Variable, ...]) -> tuple[Regression, ...]:
        return tuple(_regression(source, one, child, given) for child in one.children)

    experts = tuple(Expert((parent,), of((parent,))) for parent in row.kept(one.parents))
    return experts or (Expert((), tuple(map(_standard, of(())))),)


def drawn_entropy(experts: Sequence[Expert], place: int) -> float:
    """H(child | x, selector): the mean of the experts' own, of one child."""
    each = [
        float(np.log(2 * np.pi * np.e * np.diag(expert.children[place].noise)).sum()) / 2
        for expert in experts
    ]
    return float(np.mean(each))


def log_density(experts: Sequence[Expert], data: Mapping[Variable, Array], noise: Array) -> float:
    """The mean over rows and experts of log q(z | x), at one sample of every expert.

    All experts of a row have the same noise, a row of numbers for all children.
    """
    means = [_mean_of(one, data, len(noise)) for one in experts]
    total = 0.0
    for mean, expert in zip(means, experts, strict=True):
        z = mean + np.sqrt(expert.variances) * noise
        each = [
            _log_normal(z, other, one.variances) for other, one in zip(means, experts, strict=True)
        ]
        total += float(np.mean(np.logaddexp.reduce(each, axis=0)))
    return total / len(experts) - float(np.log(len(experts)))


def obstacles(model: Model, module: LossModule) -> Iterator[str]:
    """Why the loss of a module with mixtures is not known."""
    mixed = [one for _, one in _mixtures(model)]
    if not mixed:
        return
    if len(mixed) > 1:
        yield "there are several mixtures, and each has experts of its own"
    if not model.observed().issuperset(mixed[0].parents) or model.draws:
        yield "an expert of a mixture reads what is drawn"
    fused = {
        statement.how: statement.target
        for statement in module.forward
        if isinstance(statement, Fuse)
    }
    if "mixture" in fused and "expert" in fused:
        yield "a sample of one expert is drawn beside those of every expert"
    joint = [term for term in module.terms if term.code.joint]
    if any(term.code.left.value is not fused.get("mixture") or term.within for term in joint):
        yield "a mixture is compared with another network, or is inside a function or a constraint"


def _mixtures(model: Model) -> Iterator[tuple[Network, Conditional]]:
    for network in (model.inference, *model.further):
        yield from (
            (network, conditional) for conditional in network.conditionals if conditional.mixes
        )


def _mean_of(expert: Expert, data: Mapping[Variable, Array], rows: int) -> Array:
    slope, offset = expert.mean
    values = [data[name] for name in expert.given]
    inputs = np.hstack(values) if values else np.zeros((rows, 0))
    return np.asarray(inputs @ slope.T + offset)


def _log_normal(value: Array, mean: Array, variances: Array) -> Array:
    squares = (value - mean) ** 2 / variances + np.log(2 * np.pi * variances)
    return np.asarray(-squares.sum(axis=1) / 2)


def _regression(
    source: Source, one: Conditional, child: Variable, given: tuple[Variable, ...]
) -> Regression:
    regression = source(one.network, child, given)
    assert isinstance(regression, Regression)
    return regression


def _standard(one: Regression) -> Regression:
    """N(0, I), of as many numbers."""
    size = len(one.slope)
    return Regression(np.zeros((size, 0)), np.zeros(size), np.eye(size))
