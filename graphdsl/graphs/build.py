"""From resolved networks to DAGs: acyclic, in topological order, G^q with its data completed."""

from __future__ import annotations

__all__ = ["build_dag", "check_model", "inference_dag", "topological_orders"]

from collections.abc import Iterable, Iterator

import networkx as nx

from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.graphs.errors import (
    CyclicNetwork,
    EdgeIntoObserved,
    LatentHasNoEncoder,
    LatentHasParents,
    LatentOnOneSide,
)
from graphdsl.ir.graph import Dag
from graphdsl.ir.model import Conditional, DivergenceOfMarginals, Model, Network


def build_dag(network: Network, model: Model) -> Dag:
    """The DAG of a regularizer network or of G^p, data and earlier declared nodes first."""
    return _ordered(network, _ranks(network, model, first="observed"))


def topological_orders(network: Network, model: Model) -> tuple[Dag, ...]:
    """The DAG in the orders that a derivation tries: data first, and latents first."""
    orders = (build_dag(network, model), _ordered(network, _ranks(network, model, first="latent")))
    return tuple(dict.fromkeys(orders))


def _ordered(network: Network, rank: dict[int, int]) -> Dag:
    """A network in topological order: among those possible, the least by rank."""
    if len(network.nodes) == 1:
        order: tuple[int, ...] = (0,)
    else:
        order = tuple(nx.lexicographical_topological_sort(_digraph(network), key=rank.__getitem__))
    place = {old: new for new, old in enumerate(order)}
    parents = tuple(
        tuple(sorted(place[parent] for parent in network.parents(old))) for old in order
    )
    return Dag(tuple(frozenset(network.nodes[old]) for old in order), parents)


def inference_dag(model: Model) -> tuple[tuple[str, ...], dict[str, frozenset[str]]]:
    """G^q with the observed variables completed: q(X) is the data's joint, and arbitrary.

    Returns:
        The variables in topological order, the data first, and the parents of each.
    """
    data = [node.name for node in model.nodes if node.role == "observed"]
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(node.name for node in model.nodes)
    graph.add_edges_from((a, b) for k, b in enumerate(data) for a in data[:k])
    network = model.inference
    for parent, child in network.edges:
        graph.add_edges_from((a, b) for a in network.nodes[parent] for b in network.nodes[child])
    rank = {node.name: place for place, node in enumerate(model.nodes)}
    late = len(rank)
    order = nx.lexicographical_topological_sort(
        graph, key=lambda name: rank[name] + (0 if name in data else late)
    )
    return tuple(order), {name: frozenset(graph.predecessors(name)) for name in graph}


def check_model(
    model: Model, networks: Iterable[Network], complete: bool = True
) -> tuple[Diagnostic, ...]:
    """Everything that is wrong with the networks of a model.

    Where earlier stages found mistakes, the model is not `complete`: then nothing is said of what
    is missing from it.
    """
    generation = (model.generation,) if model.generation else ()
    found = list(_cycles((model.inference, *generation, *networks)))
    if not complete:
        return tuple(found)
    found += _inference_mistakes(model)
    if model.generation is not None:
        found += _generation_mistakes(model, model.generation)
    return tuple(found)


def _digraph(network: Network) -> nx.DiGraph[int]:
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(network.nodes)))
    graph.add_edges_from(network.edges)
    return graph


def _ranks(network: Network, model: Model, first: str) -> dict[int, int]:
    """One role first, then as declared; a block stands where its first variable does."""
    nodes = sorted(model.nodes, key=lambda node: node.role != first)
    declared = {node.name: place for place, node in enumerate(nodes)}
    return {
        place: min(declared[name] for name in block) for place, block in enumerate(network.nodes)
    }


def _cycles(networks: Iterable[Network]) -> Iterator[Diagnostic]:
    seen: set[tuple[int, int]] = set()
    for network in networks:
        graph = _digraph(network)
        if nx.is_directed_acyclic_graph(graph) or (network.line, network.column) in seen:
            continue
        seen.add((network.line, network.column))  # once for a network, whatever its arguments
        edges = nx.find_cycle(graph)
        start = min(range(len(edges)), key=lambda k: edges[k][0])
        walk = [edge[0] for edge in edges[start:] + edges[:start]]
        names = [", ".join(network.nodes[place]) for place in [*walk, walk[0]]]
        yield CyclicNetwork(
            span=_span(network), network=network.name, cycle=" -> ".join(names)
        )


def _inference_mistakes(model: Model) -> Iterator[Diagnostic]:
    network = model.inference
    observed = model.observed()
    inferred = {name for name in network.variables if name not in observed}
    guess = next((node.name for node in model.nodes if node.role == "observed"), "x")
    for family in model.families:
        missing = [name for name in family.nodes if name not in inferred]
        if family.role == "latent" and missing:
            start = family.column
            at = Span(family.line, start, family.line, start + len(family.name))
            yield LatentHasNoEncoder(span=at, node=missing[0], guess=guess)
    into = {name for _, child in network.edges for name in network.nodes[child]}
    for name in sorted(into & observed):
        maker = next(one for one in network.conditionals if name in one.children)
        yield EdgeIntoObserved(span=_line_span(maker), node=name)


def _generation_mistakes(model: Model, network: Network) -> Iterator[Diagnostic]:
    observed = model.observed()
    for conditional in network.conditionals:
        for name in conditional.children:
            if name not in observed:
                yield LatentHasParents(span=_line_span(conditional), node=name)
    compares = [
        one
        for one in model.objective
        if isinstance(one.functional, DivergenceOfMarginals) and one.functional.variables is None
    ]
    if compares:
        at = Span(compares[0].line, compares[0].column, compares[0].line, compares[0].column + 1)
        latents = [node.name for node in model.nodes if node.role == "latent"]
        for name in latents:
            sides = {"q": name in model.inference.variables, "p": name in network.variables}
            if sides["q"] and not sides["p"]:
                yield LatentOnOneSide(span=at, node=name, present="q", absent="p")


def _line_span(conditional: Conditional) -> Span:
    line, column = conditional.lines[0], conditional.column
    return Span(line, column, line, column + 1)


def _span(network: Network) -> Span:
    return Span(network.line, network.column, network.line, network.column + 1)
