"""Random discrete distributions that follow G^q, and their information by exact enumeration.

A divergence is always the KL of two tables that were both built; it is never put together from
entropies. A claim about entropies can therefore be held against it.

A conditional table q(v|S) is a plain array: the axes of S in their order, then those of v.
"""

__all__ = [
    "Joint",
    "conditional_entropy",
    "copied",
    "cross_entropy",
    "entropy",
    "kl_between",
    "marginal",
    "mutual_information",
    "posterior_model",
    "projection",
    "projection_divergence",
    "random_joint",
    "random_model",
    "total_correlation",
]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from tests.oracles.graphs import Block, Graph, Parents, flatten, topological_order

Table = NDArray[np.float64]
Cards = Mapping[str, int] | int  #: categories of each variable, or one number for all


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Joint:
    """A joint distribution of named discrete variables.

    Raises ValueError unless names and axes correspond and the table is a distribution.
    """

    names: tuple[str, ...]
    table: Table  #: float64, one axis per name, read-only

    def __post_init__(self) -> None:
        """Refuse what is no distribution, then close the table."""
        if len(set(self.names)) != len(self.names) or self.table.ndim != len(self.names):
            raise ValueError(f"{self.names} do not name the axes of a {self.table.shape} table")
        if np.any(self.table < 0) or not math.isclose(self.table.sum(), 1.0, abs_tol=1e-12):
            raise ValueError("a joint distribution is non-negative and sums to one")
        self.table.setflags(write=False)


def random_joint(
    parents: Parents, observed: Sequence[str], cards: Cards, rng: np.random.Generator
) -> Joint:
    """Draw a joint that follows G^q and, in general, nothing more.

    The observed roots get one Dirichlet over their whole table: data may be anything. Every other
    variable gets a Dirichlet row per value of its parents.

    >>> q = random_joint({"x": (), "z": ["x"]}, ["x"], {"x": 2, "z": 3}, np.random.default_rng(0))
    >>> q.names, q.table.shape
    (('x', 'z'), (2, 3))
    """
    order = topological_order(parents)
    data = tuple(name for name in order if name in observed and not parents[name])
    shape = _shape(cards, data)
    joint = Joint(names=data, table=rng.dirichlet(np.ones(math.prod(shape))).reshape(shape))
    for name in order:
        if name not in data:
            above = tuple(parents[name])
            conditional = _random_conditional((name,), above, cards, rng)
            joint = _times(joint, (name,), above, conditional)
    return joint


def copied(joint: Joint, name: str, copy: str) -> Joint:
    """Add a copy x' of a variable x: a deterministic child, so most cells are zero.

    >>> x = Joint(names=("x",), table=np.array([0.25, 0.75]))
    >>> copied(x, "x", "x'").table.tolist()
    [[0.25, 0.0], [0.0, 0.75]]
    """
    categories = joint.table.shape[joint.names.index(name)]
    return _times(joint, (copy,), (name,), np.eye(categories))


def marginal(joint: Joint, names: Sequence[str]) -> Joint:
    """Sum out everything but `names`, whose order the axes take.

    >>> xy = Joint(names=("x", "y"), table=np.array([[0.1, 0.2], [0.3, 0.4]]))
    >>> marginal(xy, ["y"]).table.round(12).tolist()
    [0.4, 0.6]
    """
    kept = _spread(joint, names).squeeze(_others(joint, names))
    left = [name for name in joint.names if name in names]
    return Joint(
        names=tuple(names), table=kept.transpose([left.index(name) for name in names]).copy()
    )


def entropy(joint: Joint, names: Sequence[str]) -> float:
    """H(names) in nats.

    >>> fair = Joint(names=("x",), table=np.full(4, 0.25))
    >>> bool(np.isclose(entropy(fair, ["x"]), np.log(4)))
    True
    """
    return conditional_entropy(joint, names)


def conditional_entropy(joint: Joint, names: Sequence[str], given: Sequence[str] = ()) -> float:
    """H(names | given) = -E log q(names | given), in nats.

    A variable on both sides is known, and adds nothing.
    """
    joint = marginal(joint, _union(names, given))
    return -_mean_log(joint.table, _conditional(joint, names, given))


def mutual_information(
    joint: Joint, a: Sequence[str], b: Sequence[str], given: Sequence[str] = ()
) -> float:
    """I(a; b | given) = KL(q(a, b, c) || q(c) q(a|c) q(b|c)), in nats.

    A variable in both a and b counts as two perfect copies: I(x; x) = H(x).
    """
    return total_correlation(joint, [a, b], given)


def total_correlation(
    joint: Joint, parts: Sequence[Sequence[str]], given: Sequence[str] = ()
) -> float:
    """TC(parts | given) = KL(q(parts, c) || q(c) prod_i q(part_i | c)), in nats."""
    joint = marginal(joint, _union(*parts, given))
    factors = [_conditional(joint, part, given) for part in parts]
    return _divergence(joint.table, reduce(np.multiply, factors, _spread(joint, given)))


def projection(joint: Joint, graph: Graph) -> Joint:
    """The M-projection q^G = prod_v q(v | Pa_v) as a table over the nodes of G.

    The mapping lists every node of G, isolated ones with no parents; variables of q that are not
    in it are summed out first. A block such as ("a", "b") is one node: q(a, b | Pa) as a whole.
    Where q(Pa) = 0 the conditional is uniform, which no KL from q can see.
    """
    return _model_joint(
        graph,
        {node: posterior_model(joint, node, flatten(above)) for node, above in graph.items()},
        marginal(joint, flatten(list(graph))),
    )


def projection_divergence(joint: Joint, graph: Graph) -> float:
    """D(q || G) = KL(q_V || q^G), in nats, from the projected table itself; V are the nodes of G.

    >>> copies = Joint(names=("x", "y"), table=np.array([[0.5, 0.0], [0.0, 0.5]]))
    >>> bool(np.isclose(projection_divergence(copies, {("x",): (), ("y",): ()}), np.log(2)))
    True
    >>> projection_divergence(copies, {("x",): (), ("y",): [("x",)]})
    0.0
    """
    projected = projection(joint, graph)
    return _divergence(marginal(joint, projected.names).table, projected.table)


def random_model(graph: Graph, cards: Cards, rng: np.random.Generator) -> dict[Block, Table]:
    """Draw a model that follows G: for every node a conditional table, axes (*parents, *node)."""
    return {
        node: _random_conditional(node, flatten(above), cards, rng) for node, above in graph.items()
    }


def posterior_model(joint: Joint, v: Sequence[str], given: Sequence[str]) -> Table:
    """q(v | given) itself as a table, axes (*given, *v): the model that makes a bound tight."""
    local = marginal(joint, (*given, *v))
    return _conditional(local, v, given)


def cross_entropy(
    joint: Joint, v: Sequence[str], given: Sequence[str], conditional: Table
) -> float:
    """CE_r(v | given) = -E_q log r(v | given) in nats, r a table with axes (*given, *v)."""
    return -_mean_log(marginal(joint, (*given, *v)).table, conditional)


def kl_between(joint: Joint, graph: Graph, model: Mapping[Block, Table]) -> float:
    """KL(q_V || p) in nats for a model p that follows G, from the two whole tables."""
    local = marginal(joint, flatten(list(graph)))
    return _divergence(local.table, _model_joint(graph, model, local).table)


def _model_joint(graph: Graph, model: Mapping[Block, Table], like: Joint) -> Joint:
    """Multiply the conditionals of a model into one table, with the axes of `like`."""
    joint = Joint(names=(), table=np.ones(()))
    for node in topological_order(graph):
        joint = _times(joint, node, flatten(graph[node]), model[node])
    return marginal(joint, like.names)


def _times(joint: Joint, v: Block, given: Block, conditional: Table) -> Joint:
    """The joint of `joint` and a new node, q(rest) r(v | given)."""
    order = sorted(range(len(given)), key=lambda i: joint.names.index(given[i]))
    own = range(len(given), conditional.ndim)
    aligned = conditional.transpose(*order, *own)
    seen = [
        c if name in given else 1 for name, c in zip(joint.names, joint.table.shape, strict=True)
    ]
    factor = aligned.reshape(*seen, *(conditional.shape[axis] for axis in own))
    table = joint.table.reshape(*joint.table.shape, *(1 for _ in v)) * factor
    return Joint(names=joint.names + v, table=table)


def _random_conditional(v: Block, given: Block, cards: Cards, rng: np.random.Generator) -> Table:
    rows, columns = _shape(cards, given), _shape(cards, v)
    return rng.dirichlet(np.ones(math.prod(columns)), size=rows).reshape(*rows, *columns)


def _conditional(joint: Joint, v: Sequence[str], given: Sequence[str]) -> Table:
    """q(v | given), broadcastable against the joint's table; uniform where q(given) = 0."""
    both, condition = _spread(joint, _union(v, given)), _spread(joint, given)
    free = [joint.table.shape[joint.names.index(name)] for name in v if name not in given]
    uniform = np.full_like(both, 1 / math.prod(free))
    return np.divide(both, condition, out=uniform, where=condition > 0)


def _spread(joint: Joint, names: Sequence[str]) -> Table:
    """The marginal of `names` with the summed axes kept at length one, ready to broadcast."""
    return np.asarray(joint.table.sum(axis=_others(joint, names), keepdims=True), dtype=np.float64)


def _others(joint: Joint, names: Sequence[str]) -> tuple[int, ...]:
    unknown = [name for name in names if name not in joint.names]
    if unknown:
        raise ValueError(f"{unknown} are not among {list(joint.names)}")
    return tuple(axis for axis, name in enumerate(joint.names) if name not in names)


def _divergence(q: Table, r: Table) -> float:
    """KL(q || r), where 0 log 0 = 0; infinity where r rules out what q does."""
    live = q > 0
    q, r = q[live], r[live]
    return math.inf if np.any(r == 0) else float(np.sum(q * np.log(q / r)))


def _mean_log(q: Table, r: Table) -> float:
    """E_q log r, where 0 log 0 = 0; minus infinity where r rules out what q does."""
    live = q > 0
    r = np.broadcast_to(r, q.shape)[live]
    return -math.inf if np.any(r == 0) else float(np.sum(q[live] * np.log(r)))


def _union(*groups: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(groups)))


def _shape(cards: Cards, names: Sequence[str]) -> tuple[int, ...]:
    return tuple(cards if isinstance(cards, int) else cards[name] for name in names)
