"""What networks must be: acyclic, and fit for the roles of q and p."""

from __future__ import annotations

__all__ = ["check_model"]

from collections.abc import Iterable, Iterator, Mapping

import networkx as nx

from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.graphs.errors import (
    CyclicNetwork,
    EdgeIntoGiven,
    EdgeIntoObserved,
    LatentHasNoEncoder,
    LatentNotInferred,
    LatentOnOneSide,
    NotInGeneration,
)
from graphdsl.graphs.mediators import missing_mediators
from graphdsl.ir.functionals import variables_of
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Family, Network
from graphdsl.ir.objective import DivergenceOfMarginals
from graphdsl.ir.symbols import NetworkName, Variable


def check_model(
    model: Model, networks: Iterable[Network], complete: bool = True
) -> tuple[Diagnostic, ...]:
    """Everything that is wrong with the networks of a model.

    Where earlier stages found mistakes, the model is not `complete`: then nothing is said of what
    is missing from it.
    """
    generation = (model.generation,) if model.generation else ()
    inferences = (model.inference, *model.further)
    into_data = tuple(one for each in inferences for one in _edges_into_observed(model, each))
    inference = () if into_data else inferences  # such an edge may be all of the circle
    diagnostics: list[Diagnostic] = [*_cycles((*inference, *generation, *networks)), *into_data]
    if model.generation is not None:
        diagnostics += _edges_into_given(model, model.generation)
    if complete:
        diagnostics += _latents_without_encoder(model)
        diagnostics += _latents_not_inferred_here(model)
        if model.generation is not None:
            diagnostics += _latents_on_one_side(model, model.generation)
            diagnostics += _not_in_generation(model, model.generation)
    if complete and not diagnostics:
        diagnostics += missing_mediators(model)
    return tuple(diagnostics)


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
    """A cycle, from its first node on; the caret marks the edge written last."""
    start = min(range(len(edges)), key=lambda place: edges[place][0])
    walk = [parent for parent, _ in edges[start:] + edges[:start]]
    names = [", ".join(network.nodes[place]) for place in [*walk, walk[0]]]
    places = map(network.edges.index, edges)
    above, below = max(map(network.written.__getitem__, places), key=lambda pair: max(pair))
    first, last = min(above, below), max(above, below)
    return CyclicNetwork(
        span=Span(*first).to(Span(*last)), network=network.name, cycle=" -> ".join(names)
    )


def _edges_into_observed(model: Model, network: Network) -> Iterator[Diagnostic]:
    for node, span in _edges_into(network, model.observed()):
        yield EdgeIntoObserved(span=span, node=node)


def _edges_into_given(model: Model, network: Network) -> Iterator[Diagnostic]:
    """What is given is conditioned on, and modelled by nobody."""
    given = frozenset(node.name for node in model.nodes if node.role == "given")
    for node, span in _edges_into(network, given):
        yield EdgeIntoGiven(span=span, node=node)


def _edges_into(
    network: Network, variables: frozenset[Variable]
) -> Iterator[tuple[Variable, Span]]:
    """Where an edge ends in one of the variables, and in which; each place once."""
    reported: set[Span] = set()
    for (_, child), (_, below) in zip(network.edges, network.written, strict=True):
        names = [name for name in network.nodes[child] if name in variables]
        span = Span(*below)
        if names and span not in reported:
            reported.add(span)
            yield names[0], span


def _latents_without_encoder(model: Model) -> Iterator[Diagnostic]:
    noise = _noise_of_a_generator(model)
    inferred = {name for network in (model.inference, *model.further) for name in network.children}
    # What a line of q speaks of, q infers: a mask may have left it without a parent.
    left_out = set(model.inference.variables) - set(model.inference.children)
    guess = next((node.name for node in model.nodes if node.role != "latent"), "x")
    for family in _latents(model):
        missing = [
            name
            for name in family.nodes
            if name in left_out or (name not in inferred and name not in noise)
        ]
        if missing:
            span = Span(family.line, family.column, family.line, family.column + len(family.name))
            yield LatentHasNoEncoder(span=span, node=missing[0], guess=guess)


def _noise_of_a_generator(model: Model) -> frozenset[Variable]:
    """Latents that p has and nothing infers: samples of p alone may hold them."""
    if model.generation is None:
        return frozenset()
    spoken: frozenset[Variable] = frozenset()
    for term in model.asked():
        functional = term.functional
        if isinstance(functional, DivergenceOfMarginals) and functional.variables is None:
            return frozenset()  # a joint holds them all
        spoken |= variables_of(functional) if functional.under != "p" else frozenset()
    return frozenset(model.generation.variables) - spoken


def _latents_not_inferred_here(model: Model) -> Iterator[Diagnostic]:
    """An information under a network that does not infer one of its latents."""
    networks = {one.name: one for one in (model.inference, *model.further)}
    everywhere = frozenset(name for one in networks.values() for name in one.children)
    reported: set[tuple[str, str]] = set()
    asked = [*model.asked(), *(term for each in model.assertions for term in each.difference)]
    for term in asked:
        network = networks.get(term.functional.under)
        if network is None:
            continue
        missing = (variables_of(term.functional) & everywhere) - network.children
        for name in sorted(missing):
            if (network.name, name) not in reported:
                reported.add((network.name, name))
                span = Span(term.line, term.column, term.line, term.column + 1)
                yield LatentNotInferred(
                    span=span,
                    node=name,
                    under=network.name,
                    guess=_instead(name, network, networks),
                )


def _instead(name: str, asked: Network, networks: Mapping[NetworkName, Network]) -> str:
    """Which network infers a latent that `asked` does not; those of one statement come first."""
    base = asked.name.base
    inferring = [one.name for one in networks.values() if name in one.children]
    inferring.sort(key=lambda other: other.base != base)
    return (
        f"write the term under `{inferring[0]}`, which infers `{name}`, "
        f"or add a line for it to `{asked.name}`"
    )


def _not_in_generation(model: Model, generation: Network) -> Iterator[Diagnostic]:
    """A term under p of what p's network does not speak of."""
    asked = [*model.asked(), *(term for each in model.assertions for term in each.difference)]
    spoken = [(term.functional, term.line, term.column) for term in asked]
    spoken += [(choice.target, choice.line, choice.column) for choice in model.choices]
    spoken += [(choice.target, choice.line, choice.column) for choice in model.model_choices]
    reported: set[Variable] = set()
    for functional, line, column in spoken:
        if functional.under != "p":
            continue
        for name in sorted(variables_of(functional) - set(generation.variables) - reported):
            reported.add(name)
            yield NotInGeneration(span=Span(line, column, line, column + 1), node=name)


def _latents_on_one_side(model: Model, generation: Network) -> Iterator[Diagnostic]:
    """KL(q || p): each latent must be inferred by the one, and be in the other."""
    reported: set[tuple[str, str]] = set()
    networks = (model.inference, *model.further)
    everywhere = frozenset(name for network in networks for name in network.children)
    for term in model.asked():
        divergence = term.functional
        if not isinstance(divergence, DivergenceOfMarginals) or divergence.variables is not None:
            continue
        inferred = model.inference_of(divergence.under).children
        for family in _latents(model):
            # That nobody infers a latent at all is said already.
            sides = {
                name: (name in inferred, name in generation.variables)
                for name in family.nodes
                if name in everywhere
            }
            wrong = next((name for name, (left, right) in sides.items() if left != right), None)
            if wrong is None or (divergence.under, family.name) in reported:
                continue
            reported.add((divergence.under, family.name))
            present, absent = (
                (divergence.under, "p") if sides[wrong][0] else ("p", divergence.under)
            )
            span = Span(term.line, term.column, term.line, term.column + len("KL"))
            yield LatentOnOneSide(
                span=span, node=wrong, under=divergence.under, present=present, absent=absent
            )


def _latents(model: Model) -> list[Family]:
    return [family for family in model.families if family.role == "latent"]
