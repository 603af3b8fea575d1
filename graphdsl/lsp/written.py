"""What is written at a place: a word, a statement, a functional."""

from __future__ import annotations

__all__ = ["covers", "functional_at", "statement_at", "word_at"]

import re
from collections.abc import Iterator

from graphdsl.diagnostics import Source, Span
from graphdsl.syntax import ast, nodes


def word_at(source: Source, line: int, column: int) -> str:
    """The word at a place, or that ends there; empty for a sign or a space.

    >>> word_at(Source("a.mib", "latent z : real"), 1, 7)
    'latent'
    """
    for match in re.finditer(r"\w+", source.line(line)):
        if match.start() < column <= match.end() + 1:
            return match[0]
    return ""


def statement_at(spec: ast.Spec, line: int, column: int) -> ast.Statement | None:
    """The statement at a place."""
    return next(
        (statement for statement in spec.statements if covers(statement.span, line, column)), None
    )


def functional_at(
    spec: ast.Spec, line: int, column: int
) -> ast.Information | ast.Divergence | None:
    """The functional at a place, such as `I(x; z)`; the innermost one."""
    statement = statement_at(spec, line, column)
    functionals = [one for one in _functionals(statement) if covers(one.span, line, column)]
    return functionals[-1] if functionals else None


def covers(span: Span, line: int, column: int) -> bool:
    """Whether a stretch holds a place, or ends there."""
    return (span.line, span.column) <= (line, column) <= (span.end_line, span.end_column)


def _functionals(tree: object) -> Iterator[ast.Information | ast.Divergence]:
    """Every functional of a piece of syntax, outer ones first."""
    return (node for node in nodes(tree) if isinstance(node, ast.Information | ast.Divergence))
