"""Terms of derivations, valued by the oracles: where the compiler's words meet numbers."""

from __future__ import annotations

__all__ = [
    "Judge",
    "discrete_joint",
    "discrete_judge",
    "gaussian_judge",
    "judge_of",
    "weight_value",
]

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from graphdsl.ir.information import (
    CrossEntropy,
    DivergenceAtom,
    Entropy,
    Information,
    PenaltyAtom,
    Term,
    TotalCorrelation,
)
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network
from graphdsl.ir.weight import Weight
from tests.oracles import discrete, gaussian

Values = Mapping[str, float]


class _Oracle(Protocol):
    """What both oracles know of a joint."""

    def entropy(self, of: Sequence[str], given: Sequence[str]) -> float: ...

    def information(self, parts: Sequence[Sequence[str]], given: Sequence[str]) -> float: ...

    def divergence(self, graph: Mapping[tuple[str, ...], Sequence[tuple[str, ...]]]) -> float: ...


@dataclass(frozen=True)
class Judge:
    """A joint that follows G^q, and what any term is worth under it."""

    oracle: _Oracle

    def value(self, terms: Iterable[Term], parameters: Values | None = None) -> float:
        """A weighted sum of H, I and TC in nats."""
        return sum(weight_value(term.weight, parameters or {}) * self._atom(term) for term in terms)

    def divergence(self, network: Network) -> float:
        """D(q || G), from the projected distribution itself."""
        nodes = network.nodes
        graph: dict[tuple[str, ...], tuple[tuple[str, ...], ...]] = {
            node: tuple(nodes[parent] for parent in network.parents(place))
            for place, node in enumerate(nodes)
        }
        return self.oracle.divergence(graph)

    def _atom(self, term: Term) -> float:
        match term.atom:
            case Entropy(of, given):
                return self.oracle.entropy(of, given)
            case Information(left, right, given):
                return self.oracle.information((left, right), given)
            case TotalCorrelation(parts, given):
                return self.oracle.information(parts, given)
            case CrossEntropy() | DivergenceAtom() | PenaltyAtom():
                raise TypeError("a cross-entropy needs its model")


@dataclass(frozen=True)
class _Discrete:
    joint: discrete.Joint

    def entropy(self, of: Sequence[str], given: Sequence[str]) -> float:
        return discrete.conditional_entropy(self.joint, of, given)

    def information(self, parts: Sequence[Sequence[str]], given: Sequence[str]) -> float:
        return discrete.total_correlation(self.joint, parts, given)

    def divergence(self, graph: Mapping[tuple[str, ...], Sequence[tuple[str, ...]]]) -> float:
        return discrete.projection_divergence(self.joint, graph)


@dataclass(frozen=True)
class _Gaussian:
    joint: gaussian.LinearGaussian

    def entropy(self, of: Sequence[str], given: Sequence[str]) -> float:
        return gaussian.conditional_entropy(self.joint, of, given)

    def information(self, parts: Sequence[Sequence[str]], given: Sequence[str]) -> float:
        return gaussian.total_correlation(self.joint, parts, given)

    def divergence(self, graph: Mapping[tuple[str, ...], Sequence[tuple[str, ...]]]) -> float:
        return gaussian.projection_divergence(self.joint, graph)


def discrete_joint(
    model: Model, rng: np.random.Generator, network: Network | None = None
) -> discrete.Joint:
    """A random table that follows q, another inference network, or p; q's data are arbitrary.

    The data are drawn first: generators of one seed give all inference networks the same data.
    """
    return discrete.random_joint(
        _edges(model, network or model.inference), _data(model, network), 2, rng
    )


def judge_of(joint: discrete.Joint) -> Judge:
    """Exact enumeration of a given table."""
    return Judge(_Discrete(joint))


def discrete_judge(model: Model, rng: np.random.Generator) -> Judge:
    """Exact enumeration of a random table."""
    return judge_of(discrete_joint(model, rng))


def gaussian_judge(model: Model, rng: np.random.Generator, network: Network | None = None) -> Judge:
    """Log-determinants."""
    edges, data = _edges(model, network or model.inference), _data(model, network)
    return Judge(_Gaussian(gaussian.random_linear_gaussian(edges, data, 1, rng)))


def _data(model: Model, network: Network | None) -> list[str]:
    """What has a joint of its own: under p, nothing has."""
    return [] if network is not None and network is model.generation else sorted(model.observed())


def weight_value(weight: Weight, parameters: Values) -> float:
    """A weight at given values of its parameters."""
    return sum(
        float(value) * float(np.prod([parameters[name] for name in monomial]))
        for monomial, value in weight
    )


def _edges(model: Model, network: Network) -> dict[str, tuple[str, ...]]:
    """The edges of a network as the spec draws them: nothing is completed here."""
    parents: dict[str, list[str]] = {node.name: [] for node in model.nodes}
    for start, end in network.edges:
        for child in network.nodes[end]:
            parents[child] += network.nodes[start]
    for one in network.conditionals:
        if one.mixes:  # a hidden variable says which component is drawn
            parents[one.selector] = []
            for child in one.children:
                parents[child].append(one.selector)
    return {name: tuple(above) for name, above in parents.items()}
