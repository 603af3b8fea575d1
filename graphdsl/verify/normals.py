"""Linear-Gaussian distributions in closed form: every number is a determinant or a trace.

Everything has mean zero but for what a conditional adds; a copy of a variable has no density.
"""

from __future__ import annotations

__all__ = ["Normal", "Regression"]

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphdsl.ir.networks import Network
from graphdsl.ir.symbols import Variable

Array = NDArray[np.float64]
_LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, slots=True)
class Regression:
    """r(v | s) = N(slope s + offset, noise)."""

    slope: Array  #: (coordinates of v, coordinates of s)
    offset: Array
    noise: Array  #: a covariance


class Normal:
    """The joint distribution of named vectors."""

    def __init__(self, dims: Mapping[Variable, int], mean: Array, covariance: Array) -> None:
        self.dims, self.mean, self.covariance = dict(dims), mean, covariance
        starts = np.cumsum([0, *self.dims.values()]).tolist()
        self._spans = {
            name: list(range(start, start + size))
            for (name, size), start in zip(self.dims.items(), starts, strict=False)
        }
        self._entropies: dict[frozenset[Variable], float] = {frozenset(): 0.0}

    @classmethod
    def data(cls, dims: Mapping[Variable, int], rng: np.random.Generator) -> Normal:
        """Data with any covariance."""
        size = sum(dims.values())
        return cls(dims, np.zeros(size), _random_covariance(size, rng))

    @classmethod
    def drawn(
        cls,
        parents: Mapping[Variable, Sequence[Variable]],
        data: Sequence[Variable],
        dims: Mapping[Variable, int],
        rng: np.random.Generator,
        base: Normal | None = None,
    ) -> Normal:
        """A random one that follows a network, its data's joint arbitrary, or that of `base`."""
        joint = base or cls.data({name: dims[name] for name in data}, rng)
        for name, above in parents.items():
            if name not in data:
                columns = sum(joint.dims[other] for other in above)
                one = _random_regression(dims[name], columns, rng)
                joint = joint.times(name, above, one)
        return joint

    def times(self, name: Variable, given: Sequence[Variable], one: Regression) -> Normal:
        """With one more variable, which is drawn from a regression."""
        place = self.places(given)
        across = one.slope @ self.covariance[place]
        own = across[:, place] @ one.slope.T + one.noise
        covariance = np.block([[self.covariance, across.T], [across, own]])
        mean = np.concatenate([self.mean, one.slope @ self.mean[place] + one.offset])
        return Normal({**self.dims, name: len(one.slope)}, mean, covariance)

    def mixed(
        self,
        names: Sequence[Variable],
        components: Sequence[tuple[Sequence[Variable], Array, Array, Array]],
    ) -> Normal:
        """With variables that are drawn together from one of several regressions, each as often.

        They are no normals: it is one of the same mean and the same covariance. Each regression is
        what is given, the slope, the offset and the variances.
        """
        means, across, within = [], [], []
        for given, slope, offset, variances in components:
            place = self.places(given)
            means.append(slope @ self.mean[place] + offset)
            across.append(slope @ self.covariance[place])
            own = across[-1][:, place] @ slope.T + np.diag(variances)
            within.append(own + np.outer(means[-1], means[-1]))
        mean, beside = np.mean(means, axis=0), np.mean(across, axis=0)
        own = np.mean(within, axis=0) - np.outer(mean, mean)
        size = len(mean) // len(names)
        covariance = np.block([[self.covariance, beside.T], [beside, own]])
        dims = {**self.dims, **dict.fromkeys(names, size)}
        return Normal(dims, np.concatenate([self.mean, mean]), covariance)

    @property
    def names(self) -> tuple[Variable, ...]:
        """The variables that it is of."""
        return tuple(self.dims)

    def marginal(self, names: Sequence[Variable]) -> Normal:
        """Of some variables alone."""
        rows = self.places(names)
        dims = {name: self.dims[name] for name in names}
        return Normal(dims, self.mean[rows], self.covariance[np.ix_(rows, rows)])

    def places(self, names: Iterable[Variable]) -> list[int]:
        """The coordinates of some variables, in their order."""
        return [place for name in names for place in self._spans[name]]

    def entropy(self, names: Iterable[Variable]) -> float:
        """H(names) in nats, which may be negative."""
        key = frozenset(names)
        if key not in self._entropies:
            place = self.places(sorted(key))
            block = self.covariance[np.ix_(place, place)]
            self._entropies[key] = (len(place) * (_LOG_2PI + 1) + _log_det(block)) / 2
        return self._entropies[key]

    def conditional(self, of: Sequence[Variable], given: Sequence[Variable]) -> Regression:
        """q(of | given) itself."""
        rows, columns = self.places(of), self.places(given)
        across = self.covariance[np.ix_(rows, columns)]
        within = self.covariance[np.ix_(columns, columns)]
        slope = np.asarray(np.linalg.solve(within, across.T).T, dtype=np.float64)
        noise: Array = self.covariance[np.ix_(rows, rows)] - slope @ across.T
        return Regression(slope, self.mean[rows] - slope @ self.mean[columns], noise)

    def cross_entropy(self, name: Variable, given: Sequence[Variable], model: Regression) -> float:
        """-E log r(name | given)."""
        rows = self.places((name, *given))
        residual = np.hstack([np.eye(len(model.slope)), -model.slope])
        bias = residual @ self.mean[rows] - model.offset
        second = residual @ self.covariance[np.ix_(rows, rows)] @ residual.T + np.outer(bias, bias)
        squares = float(np.trace(np.linalg.solve(model.noise, second)))
        return (len(bias) * _LOG_2PI + _log_det(model.noise) + squares) / 2

    def random_conditional(
        self, name: Variable, given: Sequence[Variable], rng: np.random.Generator
    ) -> Regression:
        """A random r(name | given)."""
        columns = sum(self.dims[other] for other in given)
        return _random_regression(self.dims[name], columns, rng)

    def divergence(self, network: Network) -> float:
        """D(q || G) = KL(q || q^G), with q^G rebuilt from its regressions, parents first."""
        waiting = dict(enumerate(network.nodes))
        projected = Normal({}, np.zeros(0), np.zeros((0, 0)))
        while waiting:
            ready = [k for k in waiting if waiting.keys().isdisjoint(network.parents(k))]
            for place in ready:
                node = waiting.pop(place)
                above = [name for up in network.parents(place) for name in network.nodes[up]]
                projected = projected._with_block(node, above, self)
        rows = self.places(projected.dims)
        own = self.covariance[np.ix_(rows, rows)]
        trace = float(np.trace(np.linalg.solve(projected.covariance, own)))
        return (trace - len(rows) + _log_det(projected.covariance) - _log_det(own)) / 2

    def _with_block(self, node: Sequence[Variable], above: Sequence[Variable], q: Normal) -> Normal:
        """With a node of one variable or several, which is drawn from q(node | above)."""
        whole = self.times(Variable("\0"), above, q.conditional(node, above))
        dims = {**self.dims, **{name: q.dims[name] for name in node}}
        return Normal(dims, whole.mean, whole.covariance)


def _random_regression(rows: int, columns: int, rng: np.random.Generator) -> Regression:
    slope = rng.normal(size=(rows, columns)) / max(columns, 1) ** 0.5
    return Regression(slope, rng.normal(size=rows), _random_covariance(rows, rng))


def _random_covariance(size: int, rng: np.random.Generator) -> Array:
    """Far from singular, so that errors stay those of the last digits."""
    factor = rng.normal(size=(size, size))
    return factor @ factor.T / max(size, 1) + 0.5 * np.eye(size)


def _log_det(matrix: Array) -> float:
    return float(np.linalg.slogdet(matrix)[1])
