"""Which names of one spec stand for which of another: told by meaning, whatever things are called.

The graphs of both are coloured by refinement. Where several vertices still share a colour, one of
each spec is set apart, of equal names if there are any. What comes of it is a guess, for the caller
to compile and to compare: equal graphs always give one, and it may be found for others too.
"""

from __future__ import annotations

__all__ = ["renaming"]

from collections.abc import Iterable

from graphdsl.graphs.colours import Colouring
from graphdsl.graphs.meaning import SpecGraph
from graphdsl.ir.model import Model
from graphdsl.ir.symbols import NetworkName, Variable


def renaming(left: Model, right: Model, *, objective: bool) -> dict[str, str] | None:
    """The names of the right spec, each to the one of the left spec that it stands for.

    They are those of families, parameters, masks and further inference networks, without indices.

    Args:
        left: A resolved spec.
        right: Another.
        objective: Whether the objectives have to match term by term, or the networks alone.
    """
    graphs = [SpecGraph(left), SpecGraph(right)]
    for graph in graphs:
        graph.draw() if objective else graph.draw_networks()
        for point in (
            graph.of[f"param {each.name}"] for each in graph.model.parameters if objective
        ):
            graph.graph.words[point] = "parameter"  # whatever its range
    here, there = (Colouring(graph.graph) for graph in graphs)
    points = [_points(graph, objective) for graph in graphs]
    if sorted(graphs[0].graph.words) != sorted(graphs[1].graph.words):
        return None
    while here.trace == there.trace:
        cell = here.shared(points[0])
        if cell is None:
            pairs = {there.colour[point]: name for point, name in points[1].items()}
            matched = ((pairs.get(here.colour[p]), name) for p, name in points[0].items())
            heads = _heads(matched)
            return heads if objective or heads is None else heads | _parameters(left, right)
        mine = [point for point in points[0] if here.colour[point] == cell]
        others = {points[1][point]: point for point in points[1] if there.colour[point] == cell}
        if not others:
            return None
        same = [point for point in mine if points[0][point] in others]
        chosen = (same or mine)[0]
        here.set_apart(chosen)
        there.set_apart(others.get(points[0][chosen], next(iter(others.values()))))
    return None


def _parameters(left: Model, right: Model) -> dict[str, str]:
    """Parameters by equal names, and the others in their order, if there are as many."""
    here, there = ([parameter.name for parameter in model.parameters] for model in (left, right))
    mine, others = ([one for one in a if one not in b] for a, b in ((here, there), (there, here)))
    return dict(zip(others, mine, strict=True)) if len(mine) == len(others) else {}


def _points(spec: SpecGraph, objective: bool) -> dict[int, str]:
    """The vertices of what has a name, in the order of declaration."""
    model = spec.model
    parameters = [parameter.name for parameter in model.parameters if objective]
    points = {spec.of[f"param {name}"]: name for name in parameters}
    points |= {spec.of[node.name]: node.name for node in model.nodes}
    points |= {spec.entries[mask.name]: mask.name for mask in model.masks}
    return points | {spec.networks[network.name]: network.name for network in model.further}


def _heads(matched: Iterable[tuple[str | None, str]]) -> dict[str, str] | None:
    """The names without their indices; None where members of a family part."""
    heads: dict[str, str] = {}
    for old, new in matched:
        if old is None or heads.setdefault(_head(old), _head(new)) != _head(new):
            return None
    return heads if len(set(heads.values())) == len(heads) else None


def _head(name: str) -> str:
    """A name as a spec declares it, without the index of a variable or a network."""
    match name:
        case Variable():
            return name.head
        case NetworkName():
            return name.base
        case _:
            return name
