"""Numbers that are known when a spec is compiled, and what indices run over."""

from __future__ import annotations

__all__ = [
    "LARGEST",
    "NO_INDICES",
    "Indices",
    "in_reach",
    "index_count",
    "number",
    "whole",
    "whole_range",
]

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from graphdsl.declare.errors import TooMany
from graphdsl.declare.number_errors import (
    BadSize,
    DivisionByZero,
    EmptyRange,
    NotANumber,
    NumberTooLarge,
    SizeTooLarge,
    UnboundIndex,
    UsedBefore,
    UsedInItself,
)
from graphdsl.declare.scope import Scope
from graphdsl.diagnostics import Span, nearest
from graphdsl.ir.notation import number_text
from graphdsl.ir.symbols import IndexSet
from graphdsl.syntax import ast

LARGEST = 10**9  #: what counts something: a size, the values of a variable, classes, samples
_MOST_IN_RANGE = 10**9  # beyond all that is counted below
_MOST_BITS = 400  # of a numerator or denominator: far within floating point


def index_count(number: int) -> str:
    """How many indices something has, in words.

    >>> index_count(0), index_count(1), index_count(2)
    ('no index', 'one index', '2 indices')
    """
    return {0: "no index", 1: "one index"}.get(number, f"{number} indices")


@dataclass(frozen=True, slots=True)
class Indices:
    """The values of the indices that are bound, and where that is."""

    values: Mapping[str, int] = field(default_factory=dict)
    sets: Mapping[str, IndexSet] = field(default_factory=dict)
    bound_by: Mapping[str, Span] = field(default_factory=dict)  #: what gave each its value
    where: Literal["declaration", "line", "term"] = "declaration"


NO_INDICES = Indices()

_HOW_TO_BIND = {
    "declaration": "declare it before: `const {name} = 1`",
    "line": "bind it, `for {name} in 1..2` behind the line, or declare `const {name} = 1`",
    "term": "bind it, `sum({name} in 1..2)` before the term, or declare `const {name} = 1`",
}


def number(scope: Scope, expression: ast.Expression, indices: Indices) -> Fraction | None:
    """The value of an expression of numbers, constants and bound indices."""
    match expression:
        case ast.Number(value):
            return value
        case ast.Word(name) if name in indices.sets:
            what = "a set of indices"
            scope.note(NotANumber(span=expression.span, written=f"`{name}`", what=what))
            return None
        case ast.Word():
            return _named(scope, expression, indices)
        case ast.Negate(operand):
            negated = number(scope, operand, indices)
            return None if negated is None else -negated
        case ast.Sum() | ast.Product():
            return _chain(scope, expression, indices)
        case _:
            scope.note(NotANumber(span=expression.span, written="this", what="a term"))
            return None


def _chain(scope: Scope, chain: ast.Sum | ast.Product, indices: Indices) -> Fraction | None:
    """The value of operands side by side, from left to right; every mistake in them is noted."""
    value = number(scope, chain.first, indices)
    for sign, operand in chain.others:
        second = number(scope, operand, indices)
        if value is None or second is None:
            value = None
        elif sign == "/" and second == 0:
            scope.note(DivisionByZero(span=operand.span))
            value = None
        else:
            value = in_reach(scope, _arithmetic(sign, value, second), chain.span)
    return value


def in_reach(scope: Scope, value: Fraction, span: Span) -> Fraction | None:
    """The number itself, if floating point can hold it."""
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MOST_BITS:
        scope.note(NumberTooLarge(span=span))
        return None
    return value


def whole(
    scope: Scope, expression: ast.Expression, indices: Indices, what: str, least: int | None = None
) -> int | None:
    """The value of an expression that must be a whole number, and perhaps not too small."""
    value = number(scope, expression, indices)
    if value is None:
        return None
    if value.denominator != 1 or (least is not None and value < least):
        bound = "" if least is None else f" of at least {least}"
        scope.note(BadSize(span=expression.span, what=what, least=bound, value=number_text(value)))
        return None
    if least is not None and value > LARGEST:
        large = f"{float(value):.4g}"
        scope.note(SizeTooLarge(span=expression.span, what=what, value=large, most=f"{LARGEST:,}"))
        return None
    return int(value)


def whole_range(scope: Scope, extent: ast.Range, indices: Indices) -> range | None:
    """The whole numbers of a range, both ends included."""
    low = whole(scope, extent.low, indices, "the end of a range")
    high = whole(scope, extent.high, indices, "the end of a range")
    if low is None or high is None:
        return None
    if high < low:
        scope.note(EmptyRange(span=extent.span, low=str(low), high=str(high)))
        return None
    if high - low >= _MOST_IN_RANGE:
        scope.note(
            TooMany(
                span=extent.span,
                count=f"{high - low + 1:,}",
                what="values of an index",
                limit=f"{_MOST_IN_RANGE:,}",
                instead="a shorter range is meant: an index counts views or factors",
            )
        )
        return None
    return range(low, high + 1)


def _named(scope: Scope, word: ast.Word, indices: Indices) -> Fraction | None:
    name = word.text
    if name in indices.values:
        return Fraction(indices.values[name])
    scope.used.add(name)
    if name in scope.constants:
        return scope.constants[name]
    declared = scope.declared.get(name)
    if name == "inf":
        what = "an end of a range without a bound"
        scope.note(NotANumber(span=word.span, written="`inf`", what=what))
    elif declared is not None:
        _valueless(scope, word, declared.what, declared.span)
    elif not scope.is_lost(name):
        close = nearest(name, [*scope.constants, *indices.values])
        instead = f"did you mean `{close}`?" if close else _HOW_TO_BIND[indices.where]
        mistake = UnboundIndex(span=word.span, name=name, instead=instead.format(name=name))
        scope.note(mistake, about=(name, word.span.line))
    return None


def _valueless(scope: Scope, word: ast.Word, what: str, declared: Span) -> None:
    """Note a name that is declared, and has no value here."""
    if scope.is_lost(word.text):
        return
    if what != "constant":
        mistake = NotANumber(span=word.span, written=f"`{word}`", what=f"a {what}")
        scope.note(mistake, about=word.text)
    elif declared > word.span:
        scope.note(UsedBefore(span=word.span, name=word.text, line=declared.line))
    elif declared.line == word.span.line:
        scope.note(UsedInItself(span=word.span, name=word.text))


def _arithmetic(sign: str, left: Fraction, right: Fraction) -> Fraction:
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            return left / right
