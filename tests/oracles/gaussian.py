"""The linear-Gaussian twin of `discrete`: the same names, exact by linear algebra.

Every variable is a vector; everything has mean zero, which no information depends on. D(q || G)
is the closed-form KL between two covariances that were both built, never a sum of entropies.
"""

__all__ = [
    "LinearGaussian",
    "Regression",
    "conditional_entropy",
    "cross_entropy",
    "entropy",
    "kl_between",
    "marginal",
    "mutual_information",
    "posterior_model",
    "projection",
    "projection_divergence",
    "random_linear_gaussian",
    "random_model",
    "total_correlation",
]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.oracles.graphs import Block, Graph, Parents, flatten, topological_order

Matrix = NDArray[np.float64]
Dims = Mapping[str, int] | int  #: coordinates of each variable, or one number for all


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearGaussian:
    """A zero-mean Gaussian of named vectors.

    Raises ValueError unless the covariance is symmetric positive definite and has their size.
    """

    names: tuple[str, ...]
    dims: tuple[int, ...]  #: coordinates of each name
    covariance: Matrix  #: (sum(dims), sum(dims)), read-only

    def __post_init__(self) -> None:
        """Refuse what is no covariance of these names, then close it."""
        size = sum(self.dims)
        if len(set(self.names)) != len(self.names) or len(self.names) != len(self.dims):
            raise ValueError(f"{self.names} and {self.dims} do not correspond")
        if self.covariance.shape != (size, size) or not np.allclose(
            self.covariance, self.covariance.T, atol=1e-12
        ):
            raise ValueError(f"a {size} x {size} symmetric covariance is needed")
        if size and np.linalg.eigvalsh(self.covariance)[0] <= 0:
            raise ValueError("the covariance is not positive definite")
        self.covariance.setflags(write=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Regression:
    """A linear-Gaussian conditional, r(v | s) = N(weights s, noise)."""

    weights: Matrix  #: (coordinates of v, coordinates of s)
    noise: Matrix  #: (coordinates of v, coordinates of v), positive definite


def random_linear_gaussian(
    parents: Parents, observed: Sequence[str], dims: Dims, rng: np.random.Generator
) -> LinearGaussian:
    """Draw a Gaussian that follows G^q and, in general, nothing more.

    The observed roots get one random covariance over all their coordinates: data may be anything.
    Every other variable gets a random regression on its parents.

    >>> q = random_linear_gaussian({"x": (), "z": ["x"]}, ["x"], {"x": 2, "z": 1},
    ...                            np.random.default_rng(0))
    >>> q.names, q.covariance.shape
    (('x', 'z'), (3, 3))
    """
    order = topological_order(parents)
    data = tuple(name for name in order if name in observed and not parents[name])
    sizes = _sizes(dims, data)
    joint = LinearGaussian(names=data, dims=sizes, covariance=_random_covariance(sum(sizes), rng))
    for name in order:
        if name not in data:
            above = tuple(parents[name])
            regression = _random_regression((name,), above, dims, rng)
            joint = _extend(joint, (name,), _sizes(dims, (name,)), above, regression)
    return joint


def marginal(joint: LinearGaussian, names: Sequence[str]) -> LinearGaussian:
    """Drop everything but `names`, whose order the coordinates take."""
    index = _coordinates(joint, names)
    return LinearGaussian(
        names=tuple(names),
        dims=tuple(joint.dims[joint.names.index(name)] for name in names),
        covariance=joint.covariance[np.ix_(index, index)],
    )


def entropy(joint: LinearGaussian, names: Sequence[str]) -> float:
    """H(names) = log det(2 pi e Sigma) / 2, a differential entropy in nats; may be negative.

    >>> unit = LinearGaussian(names=("x",), dims=(1,), covariance=np.eye(1))
    >>> bool(np.isclose(entropy(unit, ["x"]), np.log(2 * np.pi * np.e) / 2))
    True
    """
    local = marginal(joint, names)
    return (sum(local.dims) * math.log(2 * math.pi * math.e) + _log_det(local.covariance)) / 2


def conditional_entropy(
    joint: LinearGaussian, names: Sequence[str], given: Sequence[str] = ()
) -> float:
    """H(names | given) in nats, from the covariance that remains after regression on `given`.

    Raises ValueError where a variable is on both sides: its density is a delta.
    """
    noise = posterior_model(joint, names, given).noise
    return (len(noise) * math.log(2 * math.pi * math.e) + _log_det(noise)) / 2


def mutual_information(
    joint: LinearGaussian, a: Sequence[str], b: Sequence[str], given: Sequence[str] = ()
) -> float:
    """I(a; b | given) in nats, by log-determinants; ValueError where a and b share a variable."""
    return total_correlation(joint, [a, b], given)


def total_correlation(
    joint: LinearGaussian, parts: Sequence[Sequence[str]], given: Sequence[str] = ()
) -> float:
    """TC(parts | given) in nats: log-determinants of the parts' conditional covariances."""
    whole = posterior_model(joint, flatten([tuple(part) for part in parts]), given).noise
    alone = [posterior_model(joint, part, given).noise for part in parts]
    return (sum(_log_det(noise) for noise in alone) - _log_det(whole)) / 2


def projection(joint: LinearGaussian, graph: Graph) -> LinearGaussian:
    """The M-projection q^G: regress each node of G on its parents, rebuild the covariance.

    The mapping lists every node of G, isolated ones with no parents; variables of q that are not
    in it are dropped first. A block such as ("a", "b") is one node with a full covariance inside.
    """
    return _model_joint(
        graph,
        {node: posterior_model(joint, node, flatten(above)) for node, above in graph.items()},
        marginal(joint, flatten(list(graph))),
    )


def projection_divergence(joint: LinearGaussian, graph: Graph) -> float:
    """D(q || G) = KL(q_V || q^G), in nats, from the projected covariance; V are G's nodes."""
    projected = projection(joint, graph)
    return _divergence(marginal(joint, projected.names), projected)


def random_model(graph: Graph, dims: Dims, rng: np.random.Generator) -> dict[Block, Regression]:
    """Draw a model that follows G: for every node a regression on its parents."""
    return {
        node: _random_regression(node, flatten(above), dims, rng) for node, above in graph.items()
    }


def posterior_model(joint: LinearGaussian, v: Sequence[str], given: Sequence[str]) -> Regression:
    """q(v | given) itself: the regression that makes a bound tight."""
    shared = [name for name in v if name in given or v.count(name) > 1]
    if shared:
        raise ValueError(f"{shared} would be conditioned on themselves: the density is a delta")
    left, right = _coordinates(joint, v), _coordinates(joint, given)
    across = joint.covariance[np.ix_(left, right)]
    weights = np.asarray(np.linalg.solve(joint.covariance[np.ix_(right, right)], across.T).T)
    noise = joint.covariance[np.ix_(left, left)] - weights @ across.T
    return Regression(weights=weights, noise=(noise + noise.T) / 2)


def cross_entropy(
    joint: LinearGaussian, v: Sequence[str], given: Sequence[str], conditional: Regression
) -> float:
    """CE_r(v | given) = -E_q log r(v | given), in nats."""
    left, right = _coordinates(joint, v), _coordinates(joint, given)
    residual = np.hstack([np.eye(len(left)), -conditional.weights])
    both = joint.covariance[np.ix_(left + right, left + right)]
    squares = np.trace(np.linalg.solve(conditional.noise, residual @ both @ residual.T))
    constant = len(left) * math.log(2 * math.pi) + _log_det(conditional.noise)
    return float(constant + squares) / 2


def kl_between(joint: LinearGaussian, graph: Graph, model: Mapping[Block, Regression]) -> float:
    """KL(q_V || p) in nats for a model p that follows G, from the two whole covariances."""
    local = marginal(joint, flatten(list(graph)))
    return _divergence(local, _model_joint(graph, model, local))


def _model_joint(
    graph: Graph, model: Mapping[Block, Regression], like: LinearGaussian
) -> LinearGaussian:
    """The covariance that a model implies, in the order of `like`."""
    joint = LinearGaussian(names=(), dims=(), covariance=np.zeros((0, 0)))
    for node in topological_order(graph):
        dims = marginal(like, node).dims
        joint = _extend(joint, node, dims, flatten(graph[node]), model[node])
    return marginal(joint, like.names)


def _extend(
    joint: LinearGaussian, v: Block, dims: tuple[int, ...], given: Block, conditional: Regression
) -> LinearGaussian:
    """The covariance of `joint` and a new node v = weights given + noise."""
    right = _coordinates(joint, given)
    across = conditional.weights @ joint.covariance[right]
    own = across[:, right] @ conditional.weights.T + conditional.noise
    covariance = np.block([[joint.covariance, across.T], [across, (own + own.T) / 2]])
    return LinearGaussian(names=joint.names + v, dims=joint.dims + dims, covariance=covariance)


def _divergence(q: LinearGaussian, r: LinearGaussian) -> float:
    """KL(q || r) of two zero-mean Gaussians over the same coordinates, in closed form."""
    trace = float(np.trace(np.linalg.solve(r.covariance, q.covariance)))
    return (trace - sum(q.dims) + _log_det(r.covariance) - _log_det(q.covariance)) / 2


def _random_regression(v: Block, given: Block, dims: Dims, rng: np.random.Generator) -> Regression:
    rows, columns = sum(_sizes(dims, v)), sum(_sizes(dims, given))
    weights = rng.normal(size=(rows, columns)) / math.sqrt(max(columns, 1))
    return Regression(weights=weights, noise=_random_covariance(rows, rng))


def _random_covariance(size: int, rng: np.random.Generator) -> Matrix:
    """A full covariance with a small condition number, so that 1e-12 can be asked of the laws."""
    factor = rng.normal(size=(size, size))
    return factor @ factor.T / max(size, 1) + 0.5 * np.eye(size)


def _log_det(matrix: Matrix) -> float:
    return float(np.linalg.slogdet(matrix).logabsdet)


def _coordinates(joint: LinearGaussian, names: Sequence[str]) -> list[int]:
    """The rows of `names` in the covariance, in their order."""
    unknown = [name for name in names if name not in joint.names]
    if unknown:
        raise ValueError(f"{unknown} are not among {list(joint.names)}")
    starts = dict(zip(joint.names, np.cumsum((0, *joint.dims)).tolist(), strict=False))
    sizes = dict(zip(joint.names, joint.dims, strict=True))
    return [row for name in names for row in range(starts[name], starts[name] + sizes[name])]


def _sizes(dims: Dims, names: Sequence[str]) -> tuple[int, ...]:
    return tuple(dims if isinstance(dims, int) else dims[name] for name in names)
