"""The lines of a network's body to places and steps, for all values of their indices."""

from __future__ import annotations

__all__ = ["Place", "Reading", "Step", "read_lines"]

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from graphdsl.diagnostics import Span
from graphdsl.resolve.comprehensions import bindings
from graphdsl.resolve.indices import Indices
from graphdsl.resolve.references import members
from graphdsl.resolve.scope import Scope
from graphdsl.syntax import ast

Place: TypeAlias = tuple[str, ...]  #: a node: one variable, or the variables of a block
Places: TypeAlias = dict[Place, Span]  #: the nodes of a group, and where each was written


@dataclass(frozen=True, slots=True)
class Step:
    """One arrow of one line for one value of its indices: parents to children."""

    instance: int
    line: ast.Line
    parents: Places
    children: Places


@dataclass(slots=True)
class Reading:
    """What the lines of a body say."""

    places: Places = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)


def read_lines(scope: Scope, body: ast.Body, indices: Indices) -> Reading:
    """All that could be read: what a mistake touches is left out, and noted."""
    reading = Reading()
    instance = 0
    for line in body.lines:
        for binding in bindings(scope, line.binders, indices):
            groups = [_group(scope, group, binding) for group in line.groups]
            for group in groups:
                for place, span in group.items():
                    reading.places.setdefault(place, span)
            for parents, children in pairwise(groups):
                reading.steps.append(Step(instance, line, parents, children))
                instance += 1
    return reading


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
