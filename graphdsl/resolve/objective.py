"""Expressions of the objective and of assertions to weighted sums of functionals."""

from __future__ import annotations

__all__ = ["choice", "constraint", "linear"]

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal, TypeAlias

from graphdsl.diagnostics import Span, nearest
from graphdsl.ir.model import EstimatorChoice, Functional, MultiInformation, Weighted, Wrapped
from graphdsl.ir.weight import ZERO, Weight
from graphdsl.resolve.comprehensions import bindings, sizes_of_sets
from graphdsl.resolve.draws import WRITTEN_OUT, check_drawn
from graphdsl.resolve.errors import DivisionByZero, NotYet
from graphdsl.resolve.functionals import distance, functional
from graphdsl.resolve.indices import Indices, in_reach, number
from graphdsl.resolve.laws import Laws
from graphdsl.resolve.scope import Scope
from graphdsl.resolve.term_errors import (
    NotAFunctional,
    NotLinear,
    UnknownEstimator,
    WrongArguments,
)
from graphdsl.syntax import ast

#: A summand: its weight, and what it weighs; None for a bare number.
Summand: TypeAlias = tuple[Weight, Functional | None, Span]

_ONE = Weight.number(1)
_ESTIMATORS: dict[str, Literal["mss", "mws", "loo", "adversary", "mine", "mmd"]] = {
    "mss": "mss",
    "mws": "mws",
    "loo": "loo",
    "adversary": "adversary",
    "mine": "mine",
    "mmd": "mmd",
}
_MOST_MONOMIALS = 1_000  # of a weight that is a product of sums of parameters


def linear(scope: Scope, laws: Laws, expression: ast.Expression) -> tuple[Weighted, ...]:
    """An expression as a weighted sum; a bare number in it is a mistake, but for nought."""
    weighted = []
    for weight, atom, span in _expand(scope, laws, expression, Indices(where="term")):
        if atom is not None:
            weighted.append(Weighted(weight, atom, span.line, span.column))
        elif weight:
            scope.note(
                NotAFunctional(
                    span=span,
                    problem="a number alone is no term: it does not depend on the model",
                    instead="multiply a functional with it, or leave it out",
                )
            )
    return tuple(weighted)


def choice(scope: Scope, laws: Laws, statement: ast.Estimate) -> EstimatorChoice | None:
    """`estimate F with e`, where F must be an information."""
    target = functional(scope, laws, statement.target, Indices(where="term"))
    return _chosen(scope, statement.target, statement.choice, target, statement.span)


def _chosen(
    scope: Scope,
    written: ast.Information | ast.Divergence,
    chosen: ast.Choice,
    target: Functional | None,
    span: Span,
) -> EstimatorChoice | None:
    estimator = _ESTIMATORS.get(chosen.name.text)
    if estimator is None:
        close = nearest(chosen.name.text, _ESTIMATORS)
        name = chosen.name.text
        known = "there are mss, mws, loo, adversary, mine and mmd"
        guess = f"did you mean `{close}`?" if close else known
        scope.note(UnknownEstimator(span=chosen.name.span, name=name, guess=guess))
        return None
    if target is None:
        return None
    if not isinstance(target, MultiInformation):
        problem = f"`{estimator}` estimates informations and total correlations"
        usage = f"write `estimate TC(u) with {estimator}`"
        scope.note(WrongArguments(span=written.span, problem=problem, usage=usage))
        return None
    return EstimatorChoice(target, estimator, span.line, span.column)


def _with_estimator(
    scope: Scope, laws: Laws, expression: ast.Chosen, indices: Indices
) -> Functional | None:
    """`TC(u) with loo`, `KL(q(z) || p(z)) with adversary`: a term and its estimator."""
    target, chosen = expression.target, expression.choice
    is_divergence = isinstance(target, ast.Divergence) and target.functional.text == "KL"
    if is_divergence and chosen.name.text == "adversary" and isinstance(target, ast.Divergence):
        return distance(scope, laws, target, indices)
    atom = functional(scope, laws, target, indices)
    if chosen.name.text == "iwae":
        instead = "leave it out: the bound of one sample is the objective"
        scope.note(NotYet(span=chosen.span, what="`with iwae`", instead=instead))
        return None
    made = _chosen(scope, target, chosen, atom, expression.span)
    if made is not None:
        laws.choices.append(made)
    return atom


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
        case ast.Binary():
            return _expand_binary(scope, laws, expression, indices)
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
        atom = _with_estimator(scope, laws, expression, indices)
    else:
        atom = functional(scope, laws, expression, indices)
    if atom is not None:
        check_drawn(scope, laws.every_inference(), atom, expression.span)
        yield _ONE, atom, expression.span


def _wrapped(scope: Scope, laws: Laws, expression: ast.Function, indices: Indices) -> list[Summand]:
    """`abs(E)` or `max(E, c)`."""
    name, arguments = expression.name.text, expression.arguments
    parts = [_expand(scope, laws, one, indices) for one in arguments]
    sums = [part for part in parts if any(atom is not None for _, atom, _ in part)]
    scalars = [part for part in parts if part and part not in sums]
    if any(not part for part in parts):
        return []  # a mistake was noted there
    if len(arguments) != (1 if name == "abs" else 2) or len(sums) != 1:
        usage = (
            "write `abs(E)`" if name == "abs" else "write `max(E, c)`, c a number or a parameter"
        )
        problem = f"`{name}` is of one sum of terms" + (" and a bound" if name == "max" else "")
        scope.note(WrongArguments(span=expression.span, problem=problem, usage=usage))
        return []
    inner, offset = _inside(sums[0])
    if any(isinstance(one.functional, Wrapped) for one in inner):
        problem = f"`{name}` stands around a sign that is not linear already"
        scope.note(NotLinear(span=expression.span, problem=problem))
        return []
    bound = sum((weight for part in scalars for weight, _, _ in part), ZERO)
    kind: Literal["abs", "max"] = "abs" if name == "abs" else "max"
    return [(_ONE, Wrapped(kind, inner, offset, bound), expression.span)]


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
        problem = "a constraint bounds a sum of terms from one side"
        usage = "write `subject to D(q || G) <= 0.05`"
        if left and right:
            scope.note(WrongArguments(span=written.span, problem=problem, usage=usage))
        return None
    if any(isinstance(one.functional, Wrapped) for one in inner):
        problem = "a constraint is on a sum of terms, without `abs` and `max`"
        scope.note(NotLinear(span=written.span, problem=problem))
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
    several = list(bindings(scope, expression.binders, indices, drawing))
    total: list[Summand] = []
    for binding in several:
        total += _expand(scope, laws, expression.body, binding)
    if expression.sign.text == "sum" or not several:
        return total
    return [(weight.scaled(Fraction(1, len(several))), atom, span) for weight, atom, span in total]


def _expand_binary(
    scope: Scope, laws: Laws, expression: ast.Binary, indices: Indices
) -> list[Summand]:
    left = _expand(scope, laws, expression.left, indices)
    if expression.sign == "/":
        return _quotient(scope, left, expression.right, indices)
    right = _expand(scope, laws, expression.right, indices)
    if expression.sign == "*":
        return _product(scope, left, right, expression.span)
    return left + (_negated(right) if expression.sign == "-" else right)


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
                problem=f"`{name}` is a {declared.what}, and a term or a weight must stand here",
                instead=f"write a functional of it, such as `{example}`",
            )
        )
    return []


def _product(scope: Scope, left: list[Summand], right: list[Summand], span: Span) -> list[Summand]:
    if any(atom is not None for _, atom, _ in left):
        left, right = right, left
    if any(atom is not None for _, atom, _ in left):
        scope.note(NotLinear(span=span, problem="this multiplies functionals with each other"))
        return []
    scalar = sum((weight for weight, _, _ in left), ZERO)
    largest = max((len(weight.terms) for weight, _, _ in right), default=0)
    if len(scalar.terms) * largest > _MOST_MONOMIALS:
        problem = "as a sum of products of parameters, this weight is too long"
        scope.note(NotLinear(span=span, problem=problem))
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
        problem = f"this divides by the parameter `{right}`"
        scope.note(NotLinear(span=right.span, problem=problem))
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
