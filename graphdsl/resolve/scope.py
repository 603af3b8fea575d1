"""The names that a spec declares, what they stand for, and the mistakes found on the way."""

from __future__ import annotations

__all__ = ["Scope", "bindings"]

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import permutations
from typing import TypeAlias

from graphdsl.diagnostics import Diagnostic, Span, nearest
from graphdsl.ir.model import Family, Parameter
from graphdsl.resolve.errors import (
    BadSize,
    EmptyRange,
    IndexOutOfRange,
    NotAFamily,
    NotAFunctional,
    UnboundIndex,
    UnknownName,
    WrongArguments,
)
from graphdsl.syntax import ast

Indices: TypeAlias = Mapping[str, int]  #: the values of the indices that a comprehension binds


class Scope:
    """What is declared so far. A mistake is noted, and what it touches comes out as None."""

    def __init__(self, lost_words: frozenset[str] = frozenset()) -> None:
        self.constants: dict[str, Fraction] = {}
        self.parameters: dict[str, Parameter] = {}
        self.families: dict[str, Family] = {}
        self.networks: dict[str, ast.NetworkBlock] = {}
        self.spans: dict[str, Span] = {}  #: where each name was declared
        self.lost_words = lost_words
        self._found: dict[Diagnostic, None] = {}

    @property
    def found(self) -> tuple[Diagnostic, ...]:
        """The mistakes noted so far, each once."""
        return tuple(self._found)

    def note(self, mistake: Diagnostic) -> None:
        """Keep a mistake."""
        self._found.setdefault(mistake)

    def unknown(self, word: ast.Word) -> None:
        """Note a name that is not declared, unless a statement that could not be read holds it."""
        if word.text in self.lost_words:
            return
        guess = nearest(word.text, self.spans)
        hint = f"did you mean `{guess}`?" if guess else f"declare it first: `latent {word} : real`"
        self.note(UnknownName(span=word.span, name=word.text, guess=hint))

    def members(self, reference: ast.Reference, indices: Indices) -> tuple[str, ...] | None:
        """The variables that a reference names: one, several of a family, or all of it."""
        family = self.families.get(reference.name.text)
        if family is None:
            self._not_a_variable(reference.name)
            return None
        if reference.subscript is None:
            return family.nodes
        if family.members is None:
            self.note(NotAFamily(span=reference.span, name=family.name))
            return None
        wanted = self._subscript(reference.subscript, indices)
        if wanted is None:
            return None
        for index in wanted:
            if index not in family.members:
                low, high = family.members[0], family.members[-1]
                self.note(
                    IndexOutOfRange(
                        span=reference.span, family=family.name, index=index, low=low, high=high
                    )
                )
                return None
        return tuple(f"{family.name}[{index}]" for index in wanted)

    def number(self, expression: ast.Expression, indices: Indices) -> Fraction | None:
        """The value of an expression of numbers, constants and bound indices."""
        match expression:
            case ast.Number(value):
                return value
            case ast.Word(text):
                return self._named_number(expression, indices, text)
            case ast.Negate(operand):
                value = self.number(operand, indices)
                return None if value is None else -value
            case ast.Binary(sign, left, right):
                return self._arithmetic(
                    sign, self.number(left, indices), self.number(right, indices), right.span
                )
            case _:
                self.note(
                    NotAFunctional(
                        span=expression.span,
                        problem="a number must stand here",
                        instead="write a number or a constant; terms belong in the objective",
                    )
                )
                return None

    def whole(self, expression: ast.Expression, indices: Indices, what: str) -> int | None:
        """The value of an expression that must be a whole number of at least 1."""
        value = self.number(expression, indices)
        if value is None:
            return None
        if value.denominator != 1 or value < 1:
            self.note(BadSize(span=expression.span, what=what, value=str(value)))
            return None
        return int(value)

    def range(self, extent: ast.Range, indices: Indices) -> tuple[int, ...] | None:
        """The whole numbers of a range."""
        low, high = self.number(extent.low, indices), self.number(extent.high, indices)
        if low is None or high is None:
            return None
        for value, end in ((low, extent.low), (high, extent.high)):
            if value.denominator != 1:
                self.note(BadSize(span=end.span, what="the end of a range", value=str(value)))
                return None
        if high < low:
            self.note(EmptyRange(span=extent.span, low=str(low), high=str(high)))
            return None
        return tuple(range(int(low), int(high) + 1))

    def _subscript(
        self, subscript: ast.Expression | ast.Range, indices: Indices
    ) -> tuple[int, ...] | None:
        if isinstance(subscript, ast.Range):
            return self.range(subscript, indices)
        value = self.number(subscript, indices)
        if value is None:
            return None
        if value.denominator != 1:
            self.note(BadSize(span=subscript.span, what="an index", value=str(value)))
            return None
        return (int(value),)

    def _named_number(self, word: ast.Word, indices: Indices, text: str) -> Fraction | None:
        if text in indices:
            return Fraction(indices[text])
        if text in self.constants:
            return self.constants[text]
        if text in self.parameters or text in self.families:
            self.note(
                NotAFunctional(
                    span=word.span,
                    problem=f"`{text}` is a {'parameter' if text in self.parameters else 'variable'}"
                    ", and its value is not known before training",
                    instead="sizes and indices are made of numbers and constants",
                )
            )
            return None
        if text not in self.lost_words:
            close = nearest(text, [*self.constants, *indices])
            if close:
                hint = f"did you mean `{close}`?"
                self.note(UnknownName(span=word.span, name=text, guess=hint))
            else:
                self.note(UnboundIndex(span=word.span, name=text))
        return None

    def _arithmetic(
        self, sign: str, left: Fraction | None, right: Fraction | None, span: Span
    ) -> Fraction | None:
        if left is None or right is None:
            return None
        if sign == "/" and right == 0:
            self.note(BadSize(span=span, what="a divisor", value="0"))
            return None
        match sign:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case _:
                return left / right

    def _not_a_variable(self, word: ast.Word) -> None:
        if word.text in self.constants or word.text in self.parameters:
            kind = "constant" if word.text in self.constants else "parameter"
            self.note(
                NotAFunctional(
                    span=word.span,
                    problem=f"`{word}` is a {kind}, and a variable must stand here",
                    instead="networks and informations are about observed and latent variables",
                )
            )
        else:
            self.unknown(word)


def bindings(
    scope: Scope, comprehension: ast.Comprehension | None, outer: Indices
) -> Iterator[dict[str, int]]:
    """Every way to bind the indices of a comprehension, in order."""
    if comprehension is None:
        yield dict(outer)
        return
    values = scope.range(comprehension.domain.range, outer)
    names = [word.text for word in comprehension.names]
    if values is None:
        return
    expected = 2 if comprehension.domain.pairs else 1
    if len(names) != expected:
        scope.note(
            WrongArguments(
                span=comprehension.span,
                problem=f"{len(names)} names are bound to "
                f"{'pairs' if expected == 2 else 'single numbers'}",
                usage="write `i in 1..2` or `i, j in pairs(1..2)`",
            )
        )
        return
    for choice in permutations(values, expected):
        yield {**outer, **dict(zip(names, choice, strict=True))}
