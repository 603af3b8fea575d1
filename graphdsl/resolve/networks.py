"""The lines of a network's body to nodes, edges and conditionals."""

from __future__ import annotations

__all__ = ["instantiate", "model_network", "network_text"]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from graphdsl.diagnostics import Span
from graphdsl.ir.model import Conditional, Network, Via
from graphdsl.resolve.errors import (
    BlockInModel,
    ShapeClash,
    TwoWays,
    UnknownFusion,
    UnknownModule,
    VariableTwice,
)
from graphdsl.resolve.scope import Indices, Scope, bindings
from graphdsl.syntax import ast

Place = tuple[str, ...]  #: a node: one variable, or the variables of a block


@dataclass(frozen=True, slots=True)
class _Step:
    """One arrow of one line for one value of its indices: parents to children."""

    instance: int
    line: ast.Line
    parents: tuple[Place, ...]
    children: tuple[Place, ...]


@dataclass(slots=True)
class _Reading:
    """What the lines of a body say, while they are being read."""

    places: dict[Place, None] = field(default_factory=dict)
    steps: list[_Step] = field(default_factory=list)


def instantiate(scope: Scope, body: ast.Body, name: str, indices: Indices) -> Network | None:
    """A regularizer network for given values of its indices; None if it has mistakes."""
    reading = _read(scope, body, indices)
    if reading is None or not _disjoint(scope, reading, body):
        return None
    network = _network(reading, name, "regularizer", body)
    return network if name else replace(network, name="{" + network_text(network) + "}")


def model_network(scope: Scope, statement: ast.NetworkBlock) -> Network | None:
    """q or p, with the conditionals that its lines ask for."""
    for line in statement.body.lines:
        for group in line.groups:
            for place in group:
                if isinstance(place, ast.Block):
                    scope.note(BlockInModel(span=place.span, network=statement.name.text))
                    return None
    reading = _read(scope, statement.body, {})
    if reading is None:
        return None
    network = _network(reading, statement.name.text, statement.role, statement.body)
    conditionals = tuple(_conditionals(scope, reading, statement.name.text))
    span = statement.span
    return replace(network, conditionals=conditionals, line=span.line, column=span.column)


def network_text(network: Network) -> str:
    """A network as its shortest body: `x[1] -> z; z, u[2] -> x[2]`."""
    written = []
    for place, node in enumerate(network.nodes):
        parents = ", ".join(_node_text(network.nodes[parent]) for parent in network.parents(place))
        if parents:
            written.append(f"{parents} -> {_node_text(node)}")
        elif all(parent != place for parent, _ in network.edges):
            written.append(_node_text(node))
    return "; ".join(written)


def _read(scope: Scope, body: ast.Body, indices: Indices) -> _Reading | None:
    reading = _Reading()
    complete = True
    instance = 0
    for line in body.lines:
        _check_modifiers(scope, line)
        for binding in bindings(scope, line.comprehension, indices):
            groups = [_group(scope, group, binding) for group in line.groups]
            known = [group for group in groups if group is not None]
            if len(known) < len(groups):
                complete = False
                continue
            for group in known:
                reading.places.update(dict.fromkeys(group))
            for parents, children in zip(known, known[1:], strict=False):
                reading.steps.append(_Step(instance, line, parents, children))
                instance += 1
    return reading if complete else None


def _group(scope: Scope, group: ast.Group, indices: Indices) -> tuple[Place, ...] | None:
    places: list[Place] = []
    complete = True
    for place in group:
        references = place.members if isinstance(place, ast.Block) else (place,)
        members = [scope.members(reference, indices) for reference in references]
        if any(names is None for names in members):
            complete = False
            continue
        names = tuple(name for found in members if found is not None for name in found)
        places += [names] if isinstance(place, ast.Block) else [(name,) for name in names]
    return tuple(dict.fromkeys(places)) if complete else None


def _network(
    reading: _Reading,
    name: str,
    role: Literal["inference", "generation", "regularizer"],
    body: ast.Body,
) -> Network:
    nodes = tuple(reading.places)
    rank = {node: place for place, node in enumerate(nodes)}
    edges = {
        (rank[parent], rank[child]): None
        for step in reading.steps
        for child in step.children
        for parent in step.parents
    }
    return Network(
        name=name,
        role=role,
        nodes=nodes,
        edges=tuple(edges),
        line=body.span.line,
        column=body.span.column,
    )


def _disjoint(scope: Scope, reading: _Reading, body: ast.Body) -> bool:
    seen: set[str] = set()
    for node in reading.places:
        for name in node:
            if name in seen:
                scope.note(VariableTwice(span=_where(body, name), name=name))
                return False
            seen.add(name)
    return True


def _where(body: ast.Body, name: str) -> Span:
    for line in body.lines:
        for group in line.groups:
            for place in group:
                if isinstance(place, ast.Block):
                    return place.span
    return body.span


def _conditionals(scope: Scope, reading: _Reading, network: str) -> Iterator[Conditional]:
    """Children of the same lines share a network; lines with the same child unite its parents."""
    steps_of: dict[str, list[_Step]] = {}
    for step in reading.steps:
        for (child,) in step.children:
            steps_of.setdefault(child, []).append(step)
    together: dict[tuple[int, ...], list[str]] = {}
    for child, steps in steps_of.items():
        together.setdefault(tuple(step.instance for step in steps), []).append(child)
    for children in together.values():
        steps = steps_of[children[0]]
        parents = dict.fromkeys(name for step in steps for (name,) in step.parents)
        via = _agreed_via(scope, children[0], steps)
        _check_image(scope, via, (*parents, *children), steps[0].line)
        yield Conditional(
            network=network,
            children=tuple(children),
            parents=tuple(parents),
            by=_agreed_fusion(scope, children[0], steps),
            via=via,
            lines=tuple(dict.fromkeys(step.line.span.line for step in steps)),
            column=steps[0].line.span.column,
        )


def _agreed_fusion(scope: Scope, child: str, steps: Sequence[_Step]) -> Literal["joint", "poe"]:
    ways = {step.line.by.text if step.line.by else "joint": step for step in steps}
    if len(ways) > 1:
        span = steps[-1].line.span
        scope.note(TwoWays(span=span, child=child, first="by joint", second="by poe"))
    return "poe" if "poe" in ways else "joint"


def _agreed_via(scope: Scope, child: str, steps: Sequence[_Step]) -> Via:
    ways = {_via(scope, step.line.via): step for step in steps if step.line.via is not None}
    if len(ways) > 1:
        first, second = list(ways)[:2]
        span = ways[second].line.span
        scope.note(TwoWays(span=span, child=child, first=_said(first), second=_said(second)))
    return next(iter(ways), Via())


def _via(scope: Scope, via: ast.Via) -> Via:
    sizes = tuple(scope.whole(size, {}, "a layer's width") or 1 for size in via.arguments)
    if via.name.text == "conv":
        return Via("conv", sizes)
    return Via("mlp", sizes or Via().sizes)


def _said(via: Via) -> str:
    return f"via {via.name}" + (f"({', '.join(map(str, via.sizes))})" if via.sizes else "")


def _check_modifiers(scope: Scope, line: ast.Line) -> None:
    if line.by is not None and line.by.text not in ("poe", "joint"):
        scope.note(UnknownFusion(span=line.by.span, name=line.by.text))
    if line.via is not None and line.via.name.text not in ("mlp", "conv"):
        scope.note(UnknownModule(span=line.via.name.span, name=line.via.name.text))


def _check_image(scope: Scope, via: Via, names: Sequence[str], line: ast.Line) -> None:
    """A convolution needs one image, channels first, among its observed variables."""
    if via.name != "conv" or line.via is None:
        return
    for name in names:
        family = scope.families[name.partition("[")[0]]
        if family.role == "observed" and len(family.shape) != 3:
            scope.note(
                ShapeClash(
                    span=line.via.name.span,
                    problem=f"`via conv` needs an image, and `{name}` has the shape "
                    f"[{', '.join(map(str, family.shape))}]",
                    instead=f"declare `{family.name} : {family.kind}[1, 28, 28]` (channels, "
                    "height, width), or write `via mlp(400, 400)`",
                )
            )
            return


def _node_text(node: Place) -> str:
    return node[0] if len(node) == 1 else f"({', '.join(node)})"
