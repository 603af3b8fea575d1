"""Constants, parameters and variables: what they are and whether they may be that."""

from __future__ import annotations

__all__ = ["declare"]

from collections.abc import Mapping
from fractions import Fraction
from typing import Literal

from graphdsl.diagnostics import one_of
from graphdsl.ir.model import Family, Interval, Kind, Parameter
from graphdsl.ir.notation import number_text
from graphdsl.resolve.errors import (
    DuplicateName,
    EmptyRange,
    FamilyStart,
    NotYet,
    OutOfRange,
    ReservedName,
    TooMany,
    UnknownKind,
    UnknownPrior,
)
from graphdsl.resolve.indices import NO_INDICES, in_reach, is_free, number, whole, whole_range
from graphdsl.resolve.reserved import why_reserved
from graphdsl.resolve.scope import Declared, Scope
from graphdsl.syntax import ast

_MOST_VARIABLES = 1_000

_KINDS: dict[str, dict[str, Kind]] = {
    "observed": {"real": "real", "binary": "binary"},
    "latent": {"real": "real"},
    "given": {"real": "real", "binary": "binary"},
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
        _declare_name(scope, statement)
    for statement in spec.statements:
        match statement:
            case ast.Constant():
                _constant(scope, statement, constants)
            case ast.Parameter():
                _parameter(scope, statement, parameters)
            case ast.VariableDeclaration():
                _variable(scope, statement)
            case ast.NetworkBlock(role="regularizer" | "further"):
                _network(scope, statement)
            case _:
                pass


def _declare_name(scope: Scope, statement: ast.Statement) -> None:
    what: Literal["constant", "parameter", "variable", "network"]
    match statement:
        case ast.Constant():
            what = "constant"
        case ast.Parameter():
            what = "parameter"
        case ast.VariableDeclaration():
            what = "variable"
        case ast.NetworkBlock(role="regularizer" | "further"):
            what = "network"
        case _:
            return
    word = statement.name
    reason = why_reserved(word.text)
    if reason:
        other = f"my_{word.text.strip('_') or what}"
        scope.note(ReservedName(span=word.span, name=word.text, reason=reason, other=other))
        scope.lose(word.text)
    elif word.text in scope.declared:
        line = scope.declared[word.text].span.line
        scope.note(DuplicateName(span=word.span, name=word.text, line=line))
        scope.lose(word.text)
    else:
        scope.declared[word.text] = Declared(what, word.span, statement)


def _network(scope: Scope, statement: ast.NetworkBlock) -> None:
    for place, word in enumerate(statement.formals):
        is_free(scope, word, NO_INDICES)
        if word.text in [earlier.text for earlier in statement.formals[:place]]:
            scope.note(DuplicateName(span=word.span, name=word.text, line=word.span.line))
    if _is_its_own(scope, statement):
        kept = scope.networks if statement.role == "regularizer" else scope.inferences
        kept[statement.name.text] = statement


def _is_its_own(
    scope: Scope,
    statement: ast.Constant | ast.Parameter | ast.VariableDeclaration | ast.NetworkBlock,
) -> bool:
    """Whether a statement is what its name stands for: the first, and the name allowed."""
    declared = scope.declared.get(statement.name.text)
    return declared is not None and declared.statement is statement


def _constant(scope: Scope, statement: ast.Constant, given: Mapping[str, Fraction]) -> None:
    name = statement.name.text
    value = number(scope, statement.value, NO_INDICES)
    if value is not None and _is_its_own(scope, statement):
        value = in_reach(scope, given.get(name, value), statement.value.span)
    if value is not None and _is_its_own(scope, statement):
        scope.constants[name] = value


def _parameter(scope: Scope, statement: ast.Parameter, given: Mapping[str, Fraction]) -> None:
    name = statement.name.text
    if isinstance(statement.value, ast.Ramp):
        what, instead = "`ramp`", f"write its last value, `param {name} = 1`"
        scope.note(NotYet(span=statement.value.span, what=what, instead=instead))
        return
    value = number(scope, statement.value, NO_INDICES)
    interval = _interval(scope, statement.range)
    if value is None or interval is None or not _is_its_own(scope, statement):
        return
    value = in_reach(scope, given.get(name, value), statement.value.span)
    if value is None:
        return
    if value not in interval:
        scope.note(
            OutOfRange(
                span=statement.value.span,
                name=name,
                value=number_text(value),
                range=str(interval),
            )
        )
    scope.parameters[name] = Parameter(name=name, value=value, range=interval)


def _interval(scope: Scope, extent: ast.Range | None) -> Interval | None:
    """A parameter's range; `-inf` and `inf` are ends without bound."""
    if extent is None:
        return Interval()
    free_low = isinstance(extent.low, ast.Negate) and _is_infinity(extent.low.operand)
    free_high = _is_infinity(extent.high)
    low = None if free_low else number(scope, extent.low, NO_INDICES)
    high = None if free_high else number(scope, extent.high, NO_INDICES)
    if (low is None and not free_low) or (high is None and not free_high):
        return None
    if low is not None and high is not None and high < low:
        scope.note(EmptyRange(span=extent.span, low=number_text(low), high=number_text(high)))
        return None
    return Interval(low=low, high=high)


def _is_infinity(expression: ast.Expression) -> bool:
    return isinstance(expression, ast.Word) and expression.text == "inf"


def _variable(scope: Scope, statement: ast.VariableDeclaration) -> None:
    name = statement.name.text
    kind = _kind(scope, statement)
    if kind is not None:
        _prior(scope, statement, _DISTRIBUTIONS[kind])
    sizes = [whole(scope, size, NO_INDICES, f"a size of `{name}`", 1) for size in statement.shape]
    members = _members(scope, statement)
    if not _is_its_own(scope, statement):
        return
    if statement.family and members is None:
        return
    scope.families[name] = Family(
        name=name,
        role=statement.role,
        kind=kind or "real",
        shape=tuple(size or 1 for size in sizes),
        members=members,
        prior=statement.prior is not None,
        line=statement.name.span.line,
        column=statement.name.span.column,
    )


def _members(scope: Scope, statement: ast.VariableDeclaration) -> tuple[int, ...] | None:
    """The indices of a family; None for a single variable, and where there is a mistake."""
    if not statement.family:
        return None
    name, first = statement.name.text, statement.family[0]
    if len(statement.family) > 1 or not isinstance(first, ast.Range):
        what = "a family over several indices" if len(statement.family) > 1 else "one member alone"
        instead = f"declare a range, as in `{name}[1..2]`"
        scope.note(NotYet(span=statement.name.span, what=what, instead=instead))
        return None
    extent = whole_range(scope, first, NO_INDICES)
    if extent is None:
        return None
    so_far = sum(len(family.nodes) for family in scope.families.values())
    if so_far + len(extent) > _MOST_VARIABLES:
        length = number_text(Fraction(len(extent)))
        scope.note(
            TooMany(
                span=first.span,
                count=f"{so_far + len(extent):,}",
                what="variables",
                limit=f"{_MOST_VARIABLES:,}",
                instead="the length of a vector goes behind its kind: "
                f"`{name} : {statement.kind.name}[{length}]`",
            )
        )
        return None
    if extent[0] != 1:
        scope.note(FamilyStart(span=first.span, name=name, low=extent[0], count=len(extent)))
    return tuple(extent)


def _kind(scope: Scope, statement: ast.VariableDeclaration) -> Kind | None:
    known = _KINDS[statement.role]
    kind = known.get(statement.kind.name.text)
    if kind is None:
        scope.note(
            UnknownKind(
                span=statement.kind.name.span,
                kind=statement.kind.name.text,
                role=statement.role,
                known=one_of(known),
            )
        )
    return kind


def _prior(scope: Scope, statement: ast.VariableDeclaration, known: str) -> None:
    prior = statement.prior
    if statement.optional:
        instead = "leave the word out: a row's missing views are told by the batch when it infers"
        scope.note(NotYet(span=statement.name.span, what="`optional`", instead=instead))
    if prior is not None and (prior.arguments or prior.settings):
        instead = f"write `~ {prior.name}`"
        scope.note(NotYet(span=prior.span, what="a distribution's settings", instead=instead))
    elif prior is not None and prior.name.text != known:
        scope.note(
            UnknownPrior(
                span=prior.name.span,
                prior=prior.name.text,
                name=statement.name.text,
                known=known,
            )
        )
