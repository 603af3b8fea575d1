"""What a piece of syntax holds: its nodes, and the names that a spec declares."""

from __future__ import annotations

__all__ = ["declarations", "nodes"]

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from graphdsl.diagnostics import Span
from graphdsl.syntax import ast


def nodes(tree: object) -> Iterator[object]:
    """Every node of a piece of syntax in the order of the text, outer ones first."""
    if isinstance(tree, tuple):
        for one in tree:
            yield from nodes(one)
    elif is_dataclass(tree) and not isinstance(tree, Span | type):
        yield tree
        for field in fields(tree):
            yield from nodes(getattr(tree, field.name))


def declarations(spec: ast.Spec) -> dict[str, ast.Statement]:
    """What the names of a spec are declared by, `q` and `p` too: the first statement of each."""
    declared: dict[str, ast.Statement] = {}
    for statement in spec.statements:
        match statement:
            case (
                ast.Constant(name=word)
                | ast.Parameter(name=word)
                | ast.VariableDeclaration(name=word)
                | ast.MaskDeclaration(name=word)
                | ast.NetworkBlock(name=word)
            ):
                declared.setdefault(word.text, statement)
            case _:
                pass
    return declared
