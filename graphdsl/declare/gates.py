"""The learned edges of a conditional: one gate each, and every expert of a product weighed."""

from __future__ import annotations

__all__ = ["check_gates", "gates_of"]

from collections.abc import Iterator, Sequence

from graphdsl.declare.gate_errors import EdgeTwice, MaskOfMixture, UngatedExpert
from graphdsl.declare.lines import Step
from graphdsl.declare.scope import Scope
from graphdsl.ir.masks import Gate
from graphdsl.ir.networks import Conditional
from graphdsl.ir.symbols import Variable
from graphdsl.syntax import ast


def gates_of(scope: Scope, children: Sequence[Variable], steps: Sequence[Step]) -> Iterator[Gate]:
    """The gates of the edges into some children; an edge has one, or none on all of its lines."""
    for child in children:
        ways: dict[Variable, Gate | None] = {}
        for step in steps:
            for parent in (name for place in step.parents for name in place):
                gate = step.gates.get((parent, child))
                if ways.setdefault(parent, gate) != gate:
                    scope.note(EdgeTwice(span=step.line.span, parent=parent, child=child))
        yield from (gate for gate in ways.values() if gate is not None)


def check_gates(scope: Scope, conditional: Conditional, line: ast.Line) -> None:
    """Experts are weighed all or none, and those of a mixture are not weighed."""
    if not conditional.gates or conditional.by == "joint":
        return
    if conditional.by == "mixture":
        scope.note(MaskOfMixture(span=line.span))
        return
    gated = {(gate.parent, gate.child) for gate in conditional.gates}
    for child in conditional.children:
        for parent in conditional.parents:
            if (parent, child) not in gated:
                scope.note(UngatedExpert(span=line.span, parent=parent, child=child))
                return
