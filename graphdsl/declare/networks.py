"""Networks from the lines of their bodies: nodes, edges, and where each edge was written."""

from __future__ import annotations

__all__ = ["instantiate", "model_network", "network_text"]

from dataclasses import replace
from typing import Literal

from graphdsl.declare.conditionals import conditionals
from graphdsl.declare.indices import Indices
from graphdsl.declare.lines import Place, Reading, read_lines
from graphdsl.declare.mask_errors import LearnedNetwork
from graphdsl.declare.network_errors import BlockInModel, RootInInference, VariableTwice
from graphdsl.declare.scope import Scope
from graphdsl.diagnostics import Span
from graphdsl.ir.networks import Network, Stretch
from graphdsl.ir.symbols import NetworkName, Variable
from graphdsl.syntax import ast


def instantiate(
    scope: Scope, body: ast.Body, name: NetworkName | None, indices: Indices
) -> Network:
    """A regularizer network for given values of its indices; without a name, its text is one."""
    reading = read_lines(scope, body, indices)
    _check_disjoint(scope, reading)
    _check_known(scope, reading, name)
    network = _network(reading, name, "regularizer", body)
    return network if name else replace(network, name=NetworkName("", body=network_text(network)))


def model_network(
    scope: Scope, statement: ast.NetworkBlock, indices: Indices | None = None
) -> Network:
    """Q, p or a further inference network, with the conditionals that its lines ask for."""
    name = NetworkName(statement.name.text)
    for line in statement.body.lines:
        for group in line.groups:
            for place in group:
                if isinstance(place, ast.Block):
                    scope.note(BlockInModel(span=place.span, network=name))
    reading = read_lines(scope, statement.body, indices or Indices(where="line"))
    if statement.role != "generation":
        _check_roots(scope, statement.body, reading)
    network = _network(reading, name, statement.role, statement.body)
    span = statement.span
    return replace(
        network,
        conditionals=tuple(conditionals(scope, reading, name)),
        line=span.line,
        column=span.column,
    )


def network_text(network: Network) -> str:
    """A network as its shortest body: `x[1] -> z; z, u[2] -> x[2]`."""
    return "; ".join(
        f"{', '.join(map(_node_text, parents))} -> {_node_text(node)}"
        if parents
        else _node_text(node)
        for parents, node in network.lines
    )


def _network(
    reading: Reading,
    name: NetworkName | None,
    role: Literal["inference", "generation", "further", "regularizer"],
    body: ast.Body,
) -> Network:
    nodes = tuple(reading.places)
    rank = {node: place for place, node in enumerate(nodes)}
    edges: dict[tuple[int, int], tuple[Stretch, Stretch]] = {}
    for step in reading.steps:
        for child, below in step.children.items():
            for parent, above in step.parents.items():
                edge = rank[parent], rank[child]
                if edge not in edges:
                    edges[edge] = _stretch(above), _stretch(below)
    return Network(
        name=name or NetworkName(""),
        role=role,
        nodes=nodes,
        edges=tuple(edges),
        written=tuple(edges.values()),
        line=body.span.line,
        column=body.span.column,
    )


def _check_disjoint(scope: Scope, reading: Reading) -> None:
    """A variable may be in one node alone; the note stands where a block has it."""
    if all(len(place) == 1 for place in reading.places):
        return
    seen: dict[Variable, Place] = {}
    for place, span in reading.places.items():
        for name in place:
            other = seen.setdefault(name, place)
            if other != place:
                block = span if len(place) > 1 else reading.places[other]
                scope.note(VariableTwice(span=block, name=name))


def _check_roots(scope: Scope, body: ast.Body, reading: Reading) -> None:
    """Every latent of an inference network is inferred from something."""
    alone = {one.span for line in body.lines if len(line.groups) == 1 for one in line.groups[0]}
    linked = {name for step in reading.steps for place in step.children for name in place}
    linked |= {name for step in reading.steps for place in step.parents for name in place}
    data = [name for one in scope.families.values() if one.role != "latent" for name in one.nodes]
    for place, span in reading.places.items():
        for name in place:
            if data and span in alone and name not in linked and name not in data:
                mistake = RootInInference(span=span, name=name, guess=data[0])
                scope.note(mistake, about=("root", name))


def _check_known(scope: Scope, reading: Reading, name: NetworkName | None) -> None:
    """D needs a network's edges when the spec is compiled (rule 6)."""
    step = next((one for one in reading.steps if one.gates), None)
    if step is None or step.line.gate is None:
        return
    mask = step.line.gate.name.text
    mistake = LearnedNetwork(
        span=step.line.gate.span,
        network=f"`{name}`" if name else "this network",
        gate=mask,
        instead="fix the mask, `fixed(1, 0)`, or leave it out; `q` and `p` may learn theirs",
    )
    scope.note(mistake, about=("learned", mask, name))


def _stretch(span: Span) -> Stretch:
    return span.line, span.column, span.end_line, span.end_column


def _node_text(node: Place) -> str:
    return node[0] if len(node) == 1 else f"({', '.join(node)})"
