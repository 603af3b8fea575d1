"""Regularizer networks whose dependences pass through what rows may lack.

In rows that lack a node, it is marginalised out of G: its parents become parents of its children,
and these are joined (theory.md S2). D(q || G) of such a row is less than the sum of the entropies
that are left of it, wherever an edge is new: the emitted loss would ask for an independence that
the objective does not.
"""

from __future__ import annotations

__all__ = ["missing_mediators"]

from collections.abc import Iterator
from itertools import combinations

from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.graphs.build import inference_dag
from graphdsl.graphs.errors import MediatorMayBeMissing
from graphdsl.graphs.separation import Separation
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network
from graphdsl.ir.objective import Projection
from graphdsl.ir.symbols import Variable

_Pair = tuple[int, int]


def missing_mediators(model: Model) -> Iterator[Diagnostic]:
    """The projections of the objective that a row without some variable has no bound of."""
    reported: set[tuple[str, str]] = set()
    for term in model.asked():
        projection = term.functional
        if not isinstance(projection, Projection) or projection.under == "p":
            continue
        missing = _first(projection, model)
        if missing is not None and (projection.network.name, missing[0]) not in reported:
            reported.add((projection.network.name, missing[0]))
            name, left, right = missing
            yield MediatorMayBeMissing(
                span=Span(term.line, term.column, term.line, term.column + 1),
                name=name,
                network=projection.network.name,
                left=left,
                right=right,
            )


def _first(projection: Projection, model: Model) -> tuple[str, str, str] | None:
    """A node that rows may lack, and two that are independent by way of it."""
    network = projection.network
    for place, node in enumerate(network.nodes):
        if not all(_may_be_missing(name, model) for name in node):
            continue
        for pair in _joined(network, place):
            left, right = (network.nodes[end] for end in pair)
            if not _is_told(projection, model, place, pair):
                return ", ".join(node), ", ".join(left), ", ".join(right)
    return None


def _may_be_missing(name: Variable, model: Model) -> bool:
    return model.family_of(name.original).optional


def _joined(network: Network, place: int) -> Iterator[_Pair]:
    """The edges that are new where a node is marginalised out: into the second of each pair."""
    parents = network.parents(place)
    children = [child for parent, child in network.edges if parent == place]
    known = {frozenset(edge) for edge in network.edges}
    for pair in (*((a, b) for a in parents for b in children), *combinations(children, 2)):
        if frozenset(pair) not in known:
            yield pair


def _is_told(projection: Projection, model: Model, place: int, pair: _Pair) -> bool:
    """Whether the new edge changes nothing: of data alone, or where q itself says independent."""
    network = projection.network
    left, right = ({one.original for one in network.nodes[end]} for end in pair)
    given = {
        name.original
        for parent in network.parents(pair[1])
        if parent not in (place, pair[0])
        for name in network.nodes[parent]
    }
    blocks = {name for name in left | right | given if name.block is not None}
    if left | right | given <= model.observed() | blocks:
        return True
    if blocks:
        return False
    order, parents_of = inference_dag(model, model.inference_of(projection.under))
    gone = {one.original for one in network.nodes[place]}
    kept = tuple(name for name in order if name not in gone)
    parents = {name: parents_of[name] - gone for name in kept}
    return Separation(kept, parents, model.observed() - gone).separated(left, right, given)
