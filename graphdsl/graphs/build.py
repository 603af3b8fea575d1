"""From resolved networks to DAGs, in topological order; G^q with its data completed."""

from __future__ import annotations

__all__ = ["build_dag", "generation_dag", "inference_dag", "topological_orders"]

from itertools import combinations, islice, pairwise

import networkx as nx

from graphdsl.ir.graph import Dag
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network
from graphdsl.ir.symbols import Variable

_MOST_ORDERS = 60  #: of a network, that a derivation tries


def build_dag(network: Network, model: Model) -> Dag:
    """The DAG of a regularizer network or of G^p, data and earlier declared nodes first."""
    return _ordered(network, _ranks(network, model, first="observed"))


def topological_orders(network: Network, model: Model) -> tuple[Dag, ...]:
    """The DAG in the orders that a derivation tries: data first, latents first, and all others.

    Where there are very many, only the first two: what is declared first then stays first.
    """
    orders = [build_dag(network, model), _ordered(network, _ranks(network, model, first="latent"))]
    more = [*islice(nx.all_topological_sorts(_digraph(network)), _MOST_ORDERS + 1)]
    if len(more) <= _MOST_ORDERS:
        orders += (_in_order(network, tuple(order)) for order in more)
    return tuple(dict.fromkeys(orders))


def _ordered(network: Network, rank: dict[int, tuple[bool, int]]) -> Dag:
    """A network in topological order: among those possible, the least by rank."""
    if len(network.nodes) == 1:
        return _in_order(network, (0,))
    order = nx.lexicographical_topological_sort(_digraph(network), key=rank.__getitem__)
    return _in_order(network, tuple(order))


def _in_order(network: Network, order: tuple[int, ...]) -> Dag:
    place = {old: new for new, old in enumerate(order)}
    parents = tuple(
        tuple(sorted(place[parent] for parent in network.parents(old))) for old in order
    )
    return Dag(tuple(frozenset(network.nodes[old]) for old in order), parents)


def generation_dag(
    model: Model, network: Network
) -> tuple[tuple[Variable, ...], dict[Variable, frozenset[Variable]], frozenset[Variable]]:
    """G^p as it is drawn, but for its observed roots: their joint is the data's, and arbitrary.

    Returns:
        The variables in topological order, the parents of each, and those observed roots.
    """
    dag = build_dag(network, model)
    order = tuple(name for node in dag.nodes for name in node)
    parents = {name: dag.parent_set(place) for place, name in enumerate(order)}
    roots = [name for name in order if not parents[name] and name in model.observed()]
    for place, name in enumerate(roots):
        parents[name] = frozenset(roots[:place])
    return order, parents, frozenset(roots)


def inference_dag(
    model: Model, network: Network
) -> tuple[tuple[Variable, ...], dict[Variable, frozenset[Variable]]]:
    """G^q with the observed variables completed: q(X) is the data's joint, and arbitrary.

    The children of a mixture depend on each other given its parents, since they share the expert.
    Where a row has the density of the expert that it draws, that expert is a variable of its own.

    Returns:
        The variables in topological order, the data first, and the parents of each.
    """
    data = [node.name for node in model.nodes if node.role != "latent"]
    blocks = sorted(name for name in network.variables if name.block is not None)
    data += blocks  # `infer r(S)` sees x[S], a part of the data
    graph: nx.DiGraph[Variable] = nx.DiGraph()
    graph.add_nodes_from((*(node.name for node in model.nodes), *blocks))
    graph.add_edges_from(pairwise(data))  # all before are parents: said below
    for parent, child in network.edges:
        graph.add_edges_from((a, b) for a in network.nodes[parent] for b in network.nodes[child])
    rank = {name: place for place, name in enumerate((*(one.name for one in model.nodes), *blocks))}
    late = len(rank)
    for conditional in network.conditionals:
        if conditional.mixes and not conditional.one_expert:  # one density of all children
            graph.add_edges_from(
                combinations(sorted(conditional.children, key=rank.__getitem__), 2)
            )
        elif conditional.mixes:
            graph.add_edges_from((conditional.selector, child) for child in conditional.children)
    for conditional in network.conditionals:
        if conditional.one_expert:  # a selector has no parents: it comes where its children do
            rank[conditional.selector] = min(rank[child] for child in conditional.children)
    order = nx.lexicographical_topological_sort(
        graph, key=lambda name: rank[name] + (0 if name in data else late)
    )
    parents = {name: frozenset(graph.predecessors(name)) for name in graph}
    for place, name in enumerate(data):
        parents[name] = parents[name].union(data[:place])
    return tuple(order), parents


def _digraph(network: Network) -> nx.DiGraph[int]:
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(network.nodes)))
    graph.add_edges_from(network.edges)
    return graph


def _ranks(network: Network, model: Model, first: str) -> dict[int, tuple[bool, int]]:
    """One role first, then as declared; a block stands where its first variable does."""
    return {
        place: min(_rank(name, model, first) for name in block)
        for place, block in enumerate(network.nodes)
    }


def _rank(name: Variable, model: Model, first: str) -> tuple[bool, int]:
    block = name.original.block
    declared = name.original if block is None else model.members(block.head)[0]
    role, place = model.roles[declared]
    return (role == "latent") == (first == "observed"), place
