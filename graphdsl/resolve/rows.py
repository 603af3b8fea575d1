"""Which terms need whole rows, and whether rows have them."""

from __future__ import annotations

__all__ = ["are_in_every_row"]

from collections.abc import Iterable

from graphdsl.declare.scope import Scope
from graphdsl.ir.symbols import Variable
from graphdsl.resolve.functional_errors import RowsLack
from graphdsl.syntax import ast


def are_in_every_row(
    scope: Scope,
    expression: ast.Information | ast.Divergence,
    names: Iterable[Variable],
    filled_in: Iterable[str],
) -> bool:
    """Whether a term that takes whole rows has them; q may fill in the labels ``filled_in``."""
    labels = set(filled_in)
    for name in names:
        family = scope.family_of(name)
        if family.optional or (family.labels and name not in labels):
            functional = expression.functional.text
            mistake = RowsLack(span=expression.span, name=family.name, functional=functional)
            scope.note(mistake)
            return False
    return True
