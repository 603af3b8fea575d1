"""Exchanges and orders of a graph's points, held to all automorphisms, which are enumerated."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any, TypeAlias

import networkx as nx
import pytest
from networkx.algorithms.isomorphism import DiGraphMatcher

from graphdsl.graphs.colours import Coloured
from graphdsl.graphs.exchanges import ordered

Graph: TypeAlias = "nx.Graph[Any]"
DiGraph: TypeAlias = "nx.DiGraph[int]"
Made: TypeAlias = tuple[Graph, int]  #: a graph, and how many of its vertices are points
Places: TypeAlias = tuple[int, ...]  #: where each point goes, in their order


def parity(chance: random.Random) -> Made:
    """Pairs of points of which an even number is exchanged: no colour tells that (Cai et al.)."""
    graph: Graph = nx.Graph()
    graph.add_nodes_from(range(6))
    for bits in product((0, 1), repeat=3):
        if sum(bits) % 2 == 0:
            graph.add_edges_from((2 * pair + bit, ("even", bits)) for pair, bit in enumerate(bits))
    return graph, chance.choice([6, len(graph)])


def regular(chance: random.Random) -> Made:
    """Points that each have as many neighbours."""
    return nx.random_regular_graph(chance.choice([2, 3]), 8, seed=chance.randrange(10**6)), 8


def cycles(chance: random.Random) -> Made:
    """A cycle beside two shorter ones: what colours alone take for each other."""
    several = [nx.cycle_graph(6), nx.cycle_graph(3), nx.cycle_graph(3)]
    chance.shuffle(several)
    return nx.disjoint_union_all(several), 12


def bipartite(chance: random.Random) -> Made:
    """Points, and vertices that hold some of them, as lines of a spec hold variables."""
    graph: Graph = nx.Graph()
    graph.add_nodes_from(range(5))
    for line in range(4):
        held = chance.sample(range(5), chance.choice([1, 2, 2, 3]))
        graph.add_edges_from((point, ("line", line)) for point in held)
    return graph, 5


def drawn(make: Callable[[random.Random], Made], seed: int) -> tuple[DiGraph, int]:
    """A graph with colours and arrows, its points first."""
    chance = random.Random(seed)
    plain, points = make(chance)
    plain = nx.convert_node_labels_to_integers(plain)
    colours = chance.choice(["a", "a", "ab"])
    graph: DiGraph = nx.DiGraph()
    for vertex in plain:
        graph.add_node(
            vertex, word=f"point {chance.choice(colours)}" if vertex < points else "line"
        )
    turns = chance.random() < 0.3
    for start, end in plain.edges:
        pair = (end, start) if turns and chance.random() < 0.5 else (start, end)
        label = chance.choice(["x", "x", "y"]) if turns else "x"
        graph.add_edge(*pair, label=label)
        if not turns and end < points:  # two points, and neither before the other
            graph.add_edge(end, start, label=label)
    return graph, points


def coloured(graph: DiGraph, number: Mapping[int, int]) -> Coloured:
    """The same for the compiler, its vertices in another order."""
    made, at = Coloured(), {place: vertex for vertex, place in number.items()}
    for place in range(len(at)):
        made.vertex(graph.nodes[at[place]]["word"])
    for start, end in graph.edges:
        made.edge(number[start], number[end], graph.edges[start, end]["label"])
    return made


def automorphisms(graph: DiGraph, points: int) -> set[Places]:
    """All of them, as far as they move points."""
    matcher = DiGraphMatcher(graph, graph, lambda a, b: a == b, lambda a, b: a == b)
    return {tuple(one[point] for point in range(points)) for one in matcher.isomorphisms_iter()}


def generated(several: Sequence[Mapping[int, int]], points: int) -> set[Places]:
    """All that permutations make, one after the other."""
    found = {tuple(range(points))}
    waiting = [*found]
    while waiting:
        here = waiting.pop()
        for one in several:
            there = tuple(one.get(place, place) for place in here)
            if there not in found:
                found.add(there)
                waiting.append(there)
    return found


@pytest.mark.parametrize("make", [parity, regular, cycles, bipartite])
def test_exchanges_and_orders_are_those_of_all_automorphisms(
    make: Callable[[random.Random], Made],
) -> None:
    """The permutations generate the group, and equal graphs have one order, up to the group."""
    for seed in range(15):
        graph, points = drawn(make, seed)
        group = automorphisms(graph, points)
        orders = []
        for again in range(2):
            places = [*range(len(graph))]
            if again:
                random.Random(-seed).shuffle(places)
            number = dict(enumerate(places))
            vertex = {place: one for one, place in number.items()}
            order, found = ordered(
                coloured(graph, number), sorted(number[one] for one in range(points))
            )
            own = [{vertex[a]: vertex[b] for a, b in one.items()} for one in found]
            assert generated(own, points) == group, seed
            orders.append([vertex[place] for place in order])
        there = dict(zip(*orders, strict=True))
        assert tuple(there[point] for point in range(points)) in group, seed
