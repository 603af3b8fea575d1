"""Expressions of the objective and of assertions to weighted sums of functionals."""

from __future__ import annotations

__all__ = ["constraint", "linear"]

from collections.abc import Iterator
from fractions import Fraction
from typing import TypeAlias

from graphdsl.catalog.functions import FUNCTIONS
from graphdsl.declare.comprehensions import bindings, sizes_of_sets
from graphdsl.declare.draws import WRITTEN_OUT, check_drawn
from graphdsl.declare.errors import TooMany
from graphdsl.declare.indices import Indices, in_reach, number
from graphdsl.declare.number_errors import DivisionByZero
from graphdsl.declare.scope import Scope
from graphdsl.diagnostics import Span
from graphdsl.ir.objective import Functional, Weighted, Wrapped
from graphdsl.ir.weight import ZERO, Weight
from graphdsl.resolve.choices import chosen
from graphdsl.resolve.functional_errors import WrongArguments
from graphdsl.resolve.functionals import functional
from graphdsl.resolve.laws import Laws
from graphdsl.resolve.term_errors import (
    ConstraintOfNumbers,
    DivisionByParameter,
    EqualityConstraint,
    NestedSign,
    NotAFunctional,
    NotLinear,
    NumberAsTerm,
)
from graphdsl.syntax import ast

#: A summand: its weight, and what it weighs; None for a bare number.
Summand: TypeAlias = tuple[Weight, Functional | None, Span]

_ONE = Weight.number(1)
_MOST_MONOMIALS = 1_000  # of a weight that is a product of sums of parameters


def linear(scope: Scope, laws: Laws, expression: ast.Expression) -> tuple[Weighted, ...]:
    """An expression as a weighted sum; a bare number in it is a mistake, but for zero."""
    weighted = []
    for weight, atom, span in _expand(scope, laws, expression, Indices(where="term")):
        if atom is not None:
            weighted.append(Weighted(weight, atom, span.line, span.column))
        elif weight:
            scope.note(NumberAsTerm(span=span))
    return tuple(weighted)


def _expand(
    scope: Scope, laws: Laws, expression: ast.Expression, indices: Indices
) -> list[Summand]:
    match expression:
        case ast.Number(value, span):
            return [(Weight.number(value), None, span)]
        case ast.Word():
            return _scalar(scope, expression, indices)
        case ast.Negate(operand):
            return _negated(_expand(scope, laws, operand, indices))
        case ast.Sum():
            return _sum(scope, laws, expression, indices)
        case ast.Product():
            return _chain(scope, laws, expression, indices)
        case ast.Total():
            return _total(scope, laws, expression, indices)
        case ast.Function():
            return _wrapped(scope, laws, expression, indices)
        case _:
            return list(_atom(scope, laws, expression, indices))


def _atom(
    scope: Scope,
    laws: Laws,
    expression: ast.Chosen | ast.Information | ast.Divergence,
    indices: Indices,
) -> Iterator[Summand]:
    if isinstance(expression, ast.Chosen):
        atom = chosen(scope, laws, expression, indices)
    else:
        atom = functional(scope, laws, expression, indices)
    if atom is not None:
        check_drawn(scope, laws.every_inference(), atom, expression.span)
        yield _ONE, atom, expression.span


def _wrapped(scope: Scope, laws: Laws, expression: ast.Function, indices: Indices) -> list[Summand]:
    """A function of a sum, such as `abs(E)` or `max(E, c)`."""
    name, arguments = expression.name.text, expression.arguments
    parts = [_expand(scope, laws, argument, indices) for argument in arguments]
    sums = [part for part in parts if any(atom is not None for _, atom, _ in part)]
    scalars = [part for part in parts if part and part not in sums]
    if any(not part for part in parts):
        return []  # a mistake was noted there
    function = FUNCTIONS[name]
    if len(arguments) != 1 + function.bounded or len(sums) != 1:
        wanted, usage = function.takes, function.usage
        scope.note(WrongArguments(span=expression.span, name=name, wanted=wanted, usage=usage))
        return []
    inner, offset = _inside(sums[0])
    if any(isinstance(term.functional, Wrapped) for term in inner):
        scope.note(NestedSign(span=expression.span, outer=name))
        return []
    bound = sum((weight for part in scalars for weight, _, _ in part), ZERO)
    return [(_ONE, Wrapped(function.word, inner, offset, bound), expression.span)]


def constraint(scope: Scope, laws: Laws, written: ast.Constraint) -> Weighted | None:
    """`E <= c` of `subject to`, as a term with a trained multiplier."""
    indices = Indices(where="term")
    left = _expand(scope, laws, written.left, indices)
    right = _expand(scope, laws, written.right, indices)
    summands = left + _negated(right)
    if written.relation == ">=":
        summands = _negated(summands)
    inner, offset = _inside(summands)
    if not inner or written.relation == "==":
        mistake = EqualityConstraint if written.relation == "==" else ConstraintOfNumbers
        if left and right:  # else a mistake was noted there
            scope.note(mistake(span=written.span))
        return None
    if any(isinstance(term.functional, Wrapped) for term in inner):
        scope.note(NestedSign(span=written.span, outer="subject to"))
        return None
    wrapped = Wrapped("constraint", inner, offset, ZERO)
    return Weighted(_ONE, wrapped, written.span.line, written.span.column)


def _inside(summands: list[Summand]) -> tuple[tuple[Weighted, ...], Weight]:
    """The terms of a sum, and the number that is added to them."""
    inner = tuple(
        Weighted(weight, atom, span.line, span.column)
        for weight, atom, span in summands
        if atom is not None
    )
    return inner, sum((weight for weight, atom, _ in summands if atom is None), ZERO)


def _total(scope: Scope, laws: Laws, expression: ast.Total, indices: Indices) -> list[Summand]:
    """A sum over indices, or the mean: an expectation over an index is over all its values."""
    drawing = expression.sign.text != "sum" and _draws(scope, laws, expression, indices)
    return _summed(scope, laws, expression, indices, drawing)


def _draws(scope: Scope, laws: Laws, expression: ast.Total, indices: Indices) -> bool:
    """Whether a mean over sets draws them: they are many, and one drawn set can stand for all."""
    sizes = list(sizes_of_sets(scope.trial(), expression.binders, indices))
    if not sizes or max(sizes) > WRITTEN_OUT:
        return bool(sizes)
    trial = scope.trial()
    _summed(trial, laws.trial(), expression, indices, drawing=True)
    return not trial.found


def _summed(
    scope: Scope, laws: Laws, expression: ast.Total, indices: Indices, drawing: bool
) -> list[Summand]:
    values = list(bindings(scope, expression.binders, indices, drawing))
    total: list[Summand] = []
    for binding in values:
        total += _expand(scope, laws, expression.body, binding)
    if expression.sign.text == "sum" or not values:
        return total
    return [(weight.scaled(Fraction(1, len(values))), atom, span) for weight, atom, span in total]


def _sum(scope: Scope, laws: Laws, expression: ast.Sum, indices: Indices) -> list[Summand]:
    total = _expand(scope, laws, expression.first, indices)
    for sign, operand in expression.others:
        summands = _expand(scope, laws, operand, indices)
        total += _negated(summands) if sign == "-" else summands
    return total


def _chain(scope: Scope, laws: Laws, expression: ast.Product, indices: Indices) -> list[Summand]:
    """Factors and divisors, from left to right."""
    product = _expand(scope, laws, expression.first, indices)
    for sign, operand in expression.others:
        if sign == "/":
            product = _quotient(scope, product, operand, indices)
        else:
            factor = _expand(scope, laws, operand, indices)
            product = _product(scope, product, factor, expression.span)
    return product


def _negated(summands: list[Summand]) -> list[Summand]:
    return [(-weight, atom, span) for weight, atom, span in summands]


def _scalar(scope: Scope, word: ast.Word, indices: Indices) -> list[Summand]:
    name = word.text
    scope.used.add(name)
    if name in scope.parameters:
        return [(Weight.parameter(name), None, word.span)]
    if name in indices.values:
        return [(Weight.number(indices.values[name]), None, word.span)]
    if name in scope.constants:
        return [(Weight.number(scope.constants[name]), None, word.span)]
    declared = scope.declared.get(name)
    if declared is None:
        scope.unknown(word, f"param {word} = 1")
    elif declared.what in ("variable", "network") and not scope.is_lost(name):
        example = f"H({name})" if declared.what == "variable" else f"D(q || {name})"
        scope.note(
            NotAFunctional(
                span=word.span,
                name=name,
                what=declared.what,
                example=example,
            )
        )
    return []


def _product(scope: Scope, left: list[Summand], right: list[Summand], span: Span) -> list[Summand]:
    if any(atom is not None for _, atom, _ in left):
        left, right = right, left
    if any(atom is not None for _, atom, _ in left):
        scope.note(NotLinear(span=span))
        return []
    scalar = sum((weight for weight, _, _ in left), ZERO)
    largest = max((len(weight.terms) for weight, _, _ in right), default=0)
    if len(scalar.terms) * largest > _MOST_MONOMIALS:
        mistake = TooMany(
            span=span,
            count=f"{len(scalar.terms) * largest:,}",
            what="products of parameters in one weight",
            limit=f"{_MOST_MONOMIALS:,}",
            instead="a shorter product of sums is meant",
        )
        scope.note(mistake)
        return []
    product = [(scalar * weight, atom, where) for weight, atom, where in right]
    in_bounds = [_is_in_reach(scope, weight, span) for weight, _, _ in product]
    return product if all(in_bounds) else []


def _is_in_reach(scope: Scope, weight: Weight, span: Span) -> bool:
    return all(in_reach(scope, value, span) is not None for _, value in weight)


def _quotient(
    scope: Scope, left: list[Summand], right: ast.Expression, indices: Indices
) -> list[Summand]:
    if isinstance(right, ast.Word) and right.text in scope.parameters:
        scope.used.add(right.text)
        scope.note(DivisionByParameter(span=right.span, name=right.text))
        return []
    divisor = number(scope, right, indices)
    if divisor is None:
        return []
    if divisor == 0:
        scope.note(DivisionByZero(span=right.span))
        return []
    quotient = [(weight.scaled(Fraction(1) / divisor), atom, at) for weight, atom, at in left]
    in_bounds = [_is_in_reach(scope, weight, right.span) for weight, _, _ in quotient]
    return quotient if all(in_bounds) else []
