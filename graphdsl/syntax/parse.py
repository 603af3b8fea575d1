"""Text to abstract syntax."""

from __future__ import annotations

__all__ = ["parse", "right_statements"]

from lark import Token, Tree, UnexpectedInput

from graphdsl.diagnostics import Diagnostic, Source
from graphdsl.syntax import ast
from graphdsl.syntax.chains import flatten_chains
from graphdsl.syntax.limits import deepest_bracket, long_number, too_deep
from graphdsl.syntax.tables import load_parser
from graphdsl.syntax.tree import to_statements


def parse(source: Source) -> tuple[ast.Spec, tuple[Diagnostic, ...]]:
    """Read a spec; where something cannot be read, say so and read on behind it.

    Returns:
        What could be read, and what is wrong with the rest.
    """
    statements = right_statements(source.text)
    if statements is not None:
        return ast.Spec(statements), ()
    from graphdsl.syntax.recover import recover  # only a mistake pays for it

    return recover(source.text)


def right_statements(text: str) -> tuple[ast.Statement, ...] | None:
    """The statements of a text; None where any has a mistake, which `parse` explains."""
    tree = _tree(text)
    return None if tree is None else to_statements(tree)


def _tree(text: str) -> Tree[Token] | None:
    """The tree of a text without mistakes."""
    if deepest_bracket(text) is not None or long_number(text) is not None:
        return None
    try:
        tree = flatten_chains(load_parser().parse(text))
    except UnexpectedInput:
        return None
    return None if any(too_deep(statement) for statement in tree.children) else tree
