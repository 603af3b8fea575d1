"""The lines of a network's body to places and steps, for all values of their indices."""

from __future__ import annotations

__all__ = ["Place", "Reading", "Step", "read_lines"]

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from graphdsl.declare.comprehensions import bindings
from graphdsl.declare.indices import Indices
from graphdsl.declare.masks import Entries, entries_of
from graphdsl.declare.references import members
from graphdsl.declare.scope import Scope
from graphdsl.diagnostics import Span
from graphdsl.ir.masks import Gate, Mask
from graphdsl.ir.symbols import Variable
from graphdsl.syntax import ast

Place: TypeAlias = tuple[Variable, ...]  #: a node: one variable, or the variables of a block
Places: TypeAlias = dict[Place, Span]  #: the nodes of a group, and where each was written


@dataclass(frozen=True, slots=True)
class Step:
    """One arrow of one line for one value of its indices: parents to children."""

    instance: int
    line: ast.Line
    parents: Places
    children: Places
    #: by parent and child
    gates: Mapping[tuple[Variable, Variable], Gate] = field(default_factory=dict)


@dataclass(slots=True)
class Reading:
    """What the lines of a body say."""

    places: Places = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)


def read_lines(scope: Scope, body: ast.Body, indices: Indices) -> Reading:
    """All that could be read: what a mistake touches is left out, and noted."""
    reading = Reading()
    for line in body.lines:
        for binding in bindings(scope, line.binders, indices):
            groups = [_group(scope, group, binding) for group in line.groups]
            for group in groups:
                for place, span in group.items():
                    reading.places.setdefault(place, span)
            for parents, children in pairwise(groups):
                whole = Step(len(reading.steps), line, parents, children)
                reading.steps += _gated(scope, whole, binding)
    return reading


def _gated(scope: Scope, step: Step, indices: Indices) -> list[Step]:
    """A line under a mask: with the edges that a fixed one keeps, or a gate for each edge."""
    gate = step.line.gate
    if gate is None or not (step.parents and step.children):
        return [step]
    gated = entries_of(scope, gate, len(step.parents), len(step.children), indices)
    if gated is None:
        return [step]
    mask, entries = gated
    if mask.learned:
        gates = dict(_gates(step, mask, entries))
        return [Step(step.instance, step.line, step.parents, step.children, gates)]
    return list(_kept(step, mask, entries))


def _gates(
    step: Step, mask: Mask, entries: Entries
) -> Iterator[tuple[tuple[Variable, Variable], Gate]]:
    for (a, b), entry in entries.items():
        for parent in list(step.parents)[a]:
            for child in list(step.children)[b]:
                yield (parent, child), Gate(parent, child, mask.name, entry)


def _kept(step: Step, mask: Mask, entries: Entries) -> Iterator[Step]:
    """A step for the children of each set of parents that the mask leaves them."""
    together: dict[tuple[Place, ...], Places] = {}
    for b, (child, span) in enumerate(step.children.items()):
        left = tuple(parent for a, parent in enumerate(step.parents) if entries[a, b] in mask.kept)
        together.setdefault(left, {})[child] = span
    together.pop((), None)
    for offset, (left, children) in enumerate(together.items()):
        parents = {parent: step.parents[parent] for parent in left}
        yield Step(step.instance + offset, step.line, parents, children)


def _group(scope: Scope, group: ast.Group, indices: Indices) -> Places:
    places: Places = {}
    for written in group:
        for place in _places(scope, written, indices):
            places.setdefault(place, written.span)
    return places


def _places(scope: Scope, written: ast.Reference | ast.Block, indices: Indices) -> Iterator[Place]:
    if isinstance(written, ast.Reference):
        for name in members(scope, written, indices) or ():
            yield (name,)
        return
    named = [members(scope, reference, indices) or () for reference in written.members]
    block = tuple(dict.fromkeys(name for names in named for name in names))
    if block:
        yield block
