"""Discrete distributions, enumerated: every number is a sum over the cells of a table.

A variable without an axis is constant; a copy x' of x always has the value of x. Conditionals are
tables with the axes of what is given first, then their own.
"""

from __future__ import annotations

__all__ = ["Table"]

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from string import ascii_letters

import numpy as np
from numpy.typing import NDArray

from graphdsl.ir.networks import Network
from graphdsl.ir.symbols import Variable

Array = NDArray[np.float64]


class Table:
    """The joint distribution of named variables."""

    def __init__(self, names: Sequence[Variable], cells: Array) -> None:
        self.names, self.cells = tuple(names), cells
        self._entropies: dict[frozenset[Variable], float] = {frozenset(): 0.0}

    @classmethod
    def drawn(
        cls,
        parents: Mapping[Variable, Sequence[Variable]],
        data: Sequence[Variable],
        sizes: Mapping[Variable, int],
        rng: np.random.Generator,
        base: Table | None = None,
    ) -> Table:
        """A random one that follows a network, its data's joint arbitrary, or that of `base`.

        What has no size is constant.
        """
        if base is None:
            varying = [name for name in data if name in sizes]
            shape = [sizes[name] for name in varying]
            base = cls(varying, rng.dirichlet(np.ones(prod(shape))).reshape(shape))
        joint = base
        for name, above in parents.items():
            if name in sizes and name not in data:
                given = [other for other in above if other in sizes]
                rows = [sizes[other] for other in given]
                joint = joint.times(name, given, rng.dirichlet(np.ones(sizes[name]), size=rows))
        return joint

    def times(self, name: Variable, given: Sequence[Variable], conditional: Array) -> Table:
        """With one more variable, which is drawn from a conditional table."""
        names = (*self.names, name)
        axes = _letters(names, (*given, name))
        own = _letters(names, self.names)
        cells = np.einsum(f"{own},{axes}->{_letters(names, names)}", self.cells, conditional)
        return Table(names, cells)

    def marginal(self, names: Iterable[Variable]) -> Array:
        """The table of some variables, its axes in their order."""
        kept = _letters(self.names, names)
        table: Array = np.einsum(f"{_letters(self.names, self.names)}->{kept}", self.cells)
        return table

    def entropy(self, names: Iterable[Variable]) -> float:
        """H(names) in nats."""
        key = frozenset(name.original for name in names).intersection(self.names)
        if key not in self._entropies:
            self._entropies[key] = -_mean_log(*(self.marginal(sorted(key)),) * 2)
        return self._entropies[key]

    def conditional(self, of: Sequence[Variable], given: Sequence[Variable]) -> Array:
        """q(of | given); where the condition never holds, uniform."""
        of, given = self._varying(of), self._varying(given)
        joint = self.marginal((*given, *of))
        total = joint.sum(axis=tuple(range(len(given), joint.ndim)), keepdims=True)
        rest = prod(joint.shape[len(given) :])
        table: Array = np.divide(joint, total, out=np.full_like(joint, 1 / rest), where=total > 0)
        return table

    def cross_entropy(self, name: Variable, given: Sequence[Variable], logarithms: Array) -> float:
        """-E log r(name | given), the logarithms in a table."""
        joint = self.marginal((*self._varying(given), *self._varying((name,))))
        live = joint > 0
        return -float(np.sum(joint[live] * logarithms[live]))

    def random_conditional(
        self, name: Variable, given: Sequence[Variable], rng: np.random.Generator
    ) -> Array:
        """A random r(name | given)."""
        rows = [self._size(one) for one in self._varying(given)]
        states = [self._size(one) for one in self._varying((name,))]
        return rng.dirichlet(np.ones(prod(states)), size=rows).reshape([*rows, *states])

    def divergence(self, network: Network) -> float:
        """D(q || G) = KL(q || q^G), with q^G built cell by cell as the product of conditionals."""
        local = self._with_copies(network.variables)
        names = local._varying(network.variables)
        joint = local.marginal(names)
        every = _letters(names, names)
        projected = np.ones_like(joint)
        for place, node in enumerate(network.nodes):
            above = [name for up in network.parents(place) for name in network.nodes[up]]
            factor = local.conditional(node, above)
            axes = _letters(names, local._varying((*above, *node)))
            projected = np.einsum(f"{every},{axes}->{every}", projected, factor)
        if abs(projected.sum() - 1) > 1e-9:
            raise ValueError(f"the projection on {network.name} is no distribution")
        return _mean_log(joint, joint) - _mean_log(joint, projected)

    def _with_copies(self, names: Iterable[Variable]) -> Table:
        """A copy as an axis of its own, which has the original's value."""
        joint = self
        for name in names:
            source = name.original
            if source != name and source in self.names and name not in joint.names:
                joint = joint.times(name, (source,), np.eye(self._size(source)))
        return joint

    def _varying(self, names: Iterable[Variable]) -> tuple[Variable, ...]:
        return tuple(name for name in names if name in self.names)

    def _size(self, name: Variable) -> int:
        return int(self.cells.shape[self.names.index(name)])


def _letters(order: Sequence[Variable], names: Iterable[Variable]) -> str:
    """Axes as einsum names them."""
    return "".join(ascii_letters[order.index(name)] for name in names)


def _mean_log(joint: Array, density: Array) -> float:
    """E log of a density, where 0 log 0 = 0."""
    live = joint > 0
    return float(np.sum(joint[live] * np.log(density[live])))
