"""What p generates a variable from."""

from __future__ import annotations

__all__ = ["with_ancestors"]

from collections.abc import Iterable

from graphdsl.ir.model import Model
from graphdsl.ir.symbols import Variable


def with_ancestors(nodes: Iterable[Variable], model: Model) -> frozenset[Variable]:
    """Variables, and all that p generates them from."""
    ancestors, waiting = set[Variable](), list(nodes)
    while waiting:
        name = waiting.pop()
        if name not in ancestors:
            ancestors.add(name)
            conditionals = model.generation.conditionals if model.generation else ()
            waiting += [up for one in conditionals if name in one.children for up in one.parents]
    return frozenset(ancestors)
