"""Constants, parameters and variables: what they are and whether they may be that."""

from __future__ import annotations

__all__ = ["declare"]

from collections.abc import Mapping
from fractions import Fraction
from typing import Literal

from graphdsl.diagnostics import one_of
from graphdsl.ir.model import Family, Interval, Kind, Parameter
from graphdsl.resolve.errors import (
    DuplicateName,
    OutOfRange,
    ReservedName,
    UnknownKind,
    UnknownPrior,
)
from graphdsl.resolve.reserved import why_reserved
from graphdsl.resolve.scope import Scope
from graphdsl.syntax import ast

_KINDS: dict[str, dict[str, Kind]] = {
    "observed": {"real": "real", "binary": "binary"},
    "latent": {"real": "real"},
}
#: The distributions that a variable of each kind can have, its prior or its likelihood.
_DISTRIBUTIONS: dict[Kind, str] = {"real": "normal", "binary": "bernoulli"}


def declare(
    scope: Scope,
    spec: ast.Spec,
    constants: Mapping[str, Fraction],
    parameters: Mapping[str, Fraction],
) -> None:
    """Fill the scope with what a spec declares; the caller's values win over the spec's."""
    for statement in spec.statements:
        match statement:
            case ast.Constant():
                _constant(scope, statement, constants)
            case ast.Parameter():
                _parameter(scope, statement, parameters)
            case ast.VariableDeclaration():
                _variable(scope, statement)
            case ast.NetworkBlock(role="regularizer"):
                if _new_name(scope, statement.name):
                    scope.networks[statement.name.text] = statement
            case _:
                pass


def _new_name(scope: Scope, word: ast.Word) -> bool:
    reason = why_reserved(word.text)
    if reason:
        scope.note(ReservedName(span=word.span, name=word.text, reason=reason))
        return False
    if word.text in scope.spans:
        line = scope.spans[word.text].line
        scope.note(DuplicateName(span=word.span, name=word.text, line=line))
        return False
    scope.spans[word.text] = word.span
    return True


def _constant(scope: Scope, statement: ast.Constant, given: Mapping[str, Fraction]) -> None:
    name = statement.name.text
    value = scope.number(statement.value, {})
    if _new_name(scope, statement.name) and value is not None:
        scope.constants[name] = given.get(name, value)


def _parameter(scope: Scope, statement: ast.Parameter, given: Mapping[str, Fraction]) -> None:
    name = statement.name.text
    value = scope.number(statement.value, {})
    interval = _interval(scope, statement.range)
    if not _new_name(scope, statement.name) or value is None:
        return
    value = given.get(name, value)
    if value not in interval:
        scope.note(
            OutOfRange(
                span=statement.value.span, name=name, value=_decimal(value), range=str(interval)
            )
        )
    scope.parameters[name] = Parameter(name=name, value=value, range=interval)


def _interval(scope: Scope, extent: ast.Range | None) -> Interval:
    if extent is None:
        return Interval()
    return Interval(low=_end(scope, extent.low), high=_end(scope, extent.high))


def _end(scope: Scope, expression: ast.Expression) -> Fraction | None:
    """One end of a parameter's range; `inf` and `-inf` are without bound."""
    inner = expression.operand if isinstance(expression, ast.Negate) else expression
    if isinstance(inner, ast.Word) and inner.text == "inf":
        return None
    return scope.number(expression, {})


def _variable(scope: Scope, statement: ast.VariableDeclaration) -> None:
    kind = _kind(scope, statement)
    members = scope.range(statement.family, {}) if statement.family is not None else None
    name = statement.name.text
    sizes = [scope.whole(size, {}, f"a size of `{name}`") for size in statement.shape]
    if not _new_name(scope, statement.name):
        return
    _prior(scope, statement, kind)
    if statement.family is not None and members is None:
        return
    scope.families[name] = Family(
        name=name,
        role=statement.role,
        kind=kind,
        shape=tuple(size or 1 for size in sizes),
        members=members,
        prior=statement.prior is not None,
        line=statement.name.span.line,
        column=statement.name.span.column,
    )


def _kind(scope: Scope, statement: ast.VariableDeclaration) -> Kind:
    known = _KINDS[statement.role]
    kind = known.get(statement.kind.text)
    if kind is None:
        scope.note(
            UnknownKind(
                span=statement.kind.span,
                kind=statement.kind.text,
                role=statement.role,
                known=one_of(known),
            )
        )
    fallback: Literal["real"] = "real"
    return kind or fallback


def _prior(scope: Scope, statement: ast.VariableDeclaration, kind: Kind) -> None:
    known = _DISTRIBUTIONS[kind]
    if statement.prior is not None and statement.prior.text != known:
        scope.note(
            UnknownPrior(
                span=statement.prior.span,
                prior=statement.prior.text,
                name=statement.name.text,
                known=known,
            )
        )


def _decimal(value: Fraction) -> str:
    return str(value) if value.denominator == 1 else f"{float(value):g}"
