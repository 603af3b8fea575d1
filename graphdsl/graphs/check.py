"""What networks must be: acyclic, and fit for the roles of q and p."""

from __future__ import annotations

__all__ = ["check_model"]

from collections.abc import Iterable, Iterator

import networkx as nx

from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.graphs.errors import (
    CyclicNetwork,
    EdgeIntoGiven,
    EdgeIntoObserved,
    LatentHasNoEncoder,
    LatentOnOneSide,
)
from graphdsl.ir.model import DivergenceOfMarginals, Family, Model, Network


def check_model(
    model: Model, networks: Iterable[Network], complete: bool = True
) -> tuple[Diagnostic, ...]:
    """Everything that is wrong with the networks of a model.

    Where earlier stages found mistakes, the model is not `complete`: then nothing is said of what
    is missing from it.
    """
    generation = (model.generation,) if model.generation else ()
    into_data = tuple(_edges_into_observed(model))
    inference = () if into_data else (model.inference,)  # such an edge may be all of the circle
    found: list[Diagnostic] = [*_cycles((*inference, *generation, *networks)), *into_data]
    if model.generation is not None:
        found += _edges_into_given(model, model.generation)
    if complete:
        found += _latents_without_encoder(model)
        if model.generation is not None:
            found += _latents_on_one_side(model, model.generation)
    return tuple(found)


def _cycles(networks: Iterable[Network]) -> Iterator[CyclicNetwork]:
    seen: set[tuple[int, int]] = set()
    for network in networks:
        at = network.line, network.column
        if at in seen or not network.edges:
            continue
        graph: nx.DiGraph[int] = nx.DiGraph(network.edges)
        if nx.is_directed_acyclic_graph(graph):
            continue
        seen.add(at)  # once for a network, whatever its arguments
        yield _cycle(network, [(edge[0], edge[1]) for edge in nx.find_cycle(graph)])


def _cycle(network: Network, edges: list[tuple[int, int]]) -> CyclicNetwork:
    """A cycle, told from its first node on; the caret stands under the edge written last."""
    start = min(range(len(edges)), key=lambda place: edges[place][0])
    walk = [parent for parent, _ in edges[start:] + edges[:start]]
    names = [", ".join(network.nodes[place]) for place in [*walk, walk[0]]]
    places = map(network.edges.index, edges)
    above, below = max(map(network.written.__getitem__, places), key=lambda pair: max(pair))
    first, last = min(above, below), max(above, below)
    return CyclicNetwork(
        span=Span(*first).to(Span(*last)), network=network.name, cycle=" -> ".join(names)
    )


def _edges_into_observed(model: Model) -> Iterator[Diagnostic]:
    network = model.inference
    observed = model.observed()
    told: set[Span] = set()
    for (_, child), (_, below) in zip(network.edges, network.written, strict=True):
        names = [name for name in network.nodes[child] if name in observed]
        span = Span(*below)
        if names and span not in told:
            told.add(span)
            yield EdgeIntoObserved(span=span, node=names[0])


def _edges_into_given(model: Model, network: Network) -> Iterator[Diagnostic]:
    """What is given is conditioned on, and modelled by nobody."""
    given = {node.name for node in model.nodes if node.role == "given"}
    told: set[Span] = set()
    for (_, child), (_, below) in zip(network.edges, network.written, strict=True):
        names = [name for name in network.nodes[child] if name in given]
        span = Span(*below)
        if names and span not in told:
            told.add(span)
            yield EdgeIntoGiven(span=span, node=names[0])


def _latents_without_encoder(model: Model) -> Iterator[Diagnostic]:
    inferred = {name for _, child in model.inference.edges for name in model.inference.nodes[child]}
    guess = next((node.name for node in model.nodes if node.role != "latent"), "x")
    for family in _latents(model):
        missing = [name for name in family.nodes if name not in inferred]
        if missing:
            span = Span(family.line, family.column, family.line, family.column + len(family.name))
            yield LatentHasNoEncoder(span=span, node=missing[0], guess=guess)


def _latents_on_one_side(model: Model, generation: Network) -> Iterator[Diagnostic]:
    compared = [
        one
        for one in model.objective
        if isinstance(one.functional, DivergenceOfMarginals) and one.functional.variables is None
    ]
    if not compared:
        return
    line, column = compared[0].line, compared[0].column
    for family in _latents(model):
        missing = [name for name in family.nodes if name not in generation.variables]
        if missing:
            span = Span(line, column, line, column + len("KL"))
            yield LatentOnOneSide(span=span, node=missing[0], present="q", absent="p")


def _latents(model: Model) -> list[Family]:
    return [family for family in model.families if family.role == "latent"]
