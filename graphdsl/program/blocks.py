"""The body of a method: statements in the order in which they run."""

from __future__ import annotations

__all__ = ["Block"]

from collections.abc import Iterable, Iterator
from typing import TypeVar

from graphdsl.ir.statements import Statement

_Made = TypeVar("_Made", bound=Statement)


class Block:
    """Statements in order, each once: equal statements compute equal values.

    >>> from graphdsl.ir.statements import DrawMask
    >>> from graphdsl.ir.values import Value
    >>> block = Block()
    >>> first = block.add(DrawMask(target=Value("m"), mask="m", attribute="mask:m"))
    >>> block.add(DrawMask(target=Value("n"), mask="m", attribute="mask:m")) is first
    True
    """

    def __init__(self, statements: Iterable[Statement] = ()) -> None:
        self._statements: dict[Statement, Statement] = {
            statement: statement for statement in statements
        }

    def __iter__(self) -> Iterator[Statement]:
        return iter(self._statements.values())

    def add(self, statement: _Made) -> _Made:
        """Append a statement, unless an equal one is there; the one that is there by now."""
        held = self._statements.setdefault(statement, statement)
        assert isinstance(held, type(statement))
        return held

    def extend(self, statements: Iterable[Statement]) -> None:
        """Append several."""
        for statement in statements:
            self.add(statement)

    def add_first(self, statement: _Made) -> _Made:
        """The same, in front of all others: what is taken from a batch."""
        held = self._statements.get(statement)
        if held is None:
            self._statements = {statement: statement, **self._statements}
            return statement
        assert isinstance(held, type(statement))
        return held

    def rewrite(self, statements: Iterable[Statement]) -> None:
        """Put other statements in the place of all."""
        self._statements = {statement: statement for statement in list(statements)}
