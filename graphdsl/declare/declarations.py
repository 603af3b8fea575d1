"""Constants, parameters and variables: what they are and whether they may be that."""

from __future__ import annotations

__all__ = ["declare"]

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from graphdsl.declare.comprehensions import is_free
from graphdsl.declare.distributions import (
    classes_of,
    distribution_of,
    kind_of,
    posterior_of,
    root_of,
)
from graphdsl.declare.errors import DuplicateName, ReservedName
from graphdsl.declare.indices import LARGEST, NO_INDICES, in_reach, number, whole
from graphdsl.declare.label_errors import MisplacedOptional
from graphdsl.declare.members import (
    check_gaps,
    declare_each,
    is_another_member,
    is_member,
    member_indices,
)
from graphdsl.declare.number_errors import EmptyRange, OutOfRange, SizeTooLarge
from graphdsl.declare.schedules import schedule_of
from graphdsl.declare.scope import Declared, Scope
from graphdsl.declare.value_errors import UnknownValue
from graphdsl.diagnostics import Span
from graphdsl.diagnostics.suggest import nearest
from graphdsl.ir.networks import Family, Interval, Parameter
from graphdsl.ir.notation import number_text
from graphdsl.ir.symbols import Variable
from graphdsl.slots.reserved import What, why_reserved
from graphdsl.syntax import ast


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
    for name in sorted(scope.apart):
        check_gaps(scope, name)
    _check_given(scope, spec, constants, parameters)


def _check_given(
    scope: Scope, spec: ast.Spec, constants: Iterable[str], parameters: Iterable[str]
) -> None:
    """Note values of the caller's that are for nothing."""
    declared = [line.name for line in spec.statements if isinstance(line, ast.Constant)]
    _refuse_unknown(scope, "constant", constants, declared)
    declared = [line.name for line in spec.statements if isinstance(line, ast.Parameter)]
    _refuse_unknown(scope, "parameter", parameters, declared)


def _refuse_unknown(
    scope: Scope, kind: str, given: Iterable[str], declared: Sequence[ast.Word]
) -> None:
    """Note values for names that no such statement declares."""
    known = [name.text for name in declared]
    for name in given:
        if name not in known:
            close = nearest(name, known)
            guess = f"did you mean `{close}`?" if close else f"there are: {', '.join(known) or '-'}"
            span = declared[0].span if declared else Span(1, 1, 1, 2)
            scope.note(UnknownValue(span=span, kind=kind, name=name, guess=guess), about=name)


def _declare_name(scope: Scope, statement: ast.Statement) -> None:
    match statement:
        case ast.Constant():
            _name(scope, statement, "constant")
        case ast.Parameter():
            _name(scope, statement, "parameter")
        case ast.VariableDeclaration():
            _name(scope, statement, "variable")
        case ast.MaskDeclaration():
            _name(scope, statement, "mask")
        case ast.NetworkBlock(role="regularizer" | "further"):
            _name(scope, statement, "network")
        case _:
            pass


def _name(
    scope: Scope,
    statement: ast.Constant
    | ast.Parameter
    | ast.VariableDeclaration
    | ast.MaskDeclaration
    | ast.NetworkBlock,
    what: What,
) -> None:
    word = statement.name
    reason = why_reserved(word.text, what)
    earlier = scope.declared.get(word.text)
    if earlier is not None and is_another_member(earlier.statement, statement):
        scope.apart.add(word.text)
        return
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
        if is_member(statement):
            scope.apart.add(word.text)


def _network(scope: Scope, statement: ast.NetworkBlock) -> None:
    for place, word in enumerate(statement.formals):
        is_free(scope, word, NO_INDICES)
        if word.text in [earlier.text for earlier in statement.formals[:place]]:
            scope.note(DuplicateName(span=word.span, name=word.text, line=word.span.line))
    if scope.is_of(statement):
        kept = scope.networks if statement.role == "regularizer" else scope.inferences
        kept[statement.name.text] = statement


def _constant(scope: Scope, statement: ast.Constant, given: Mapping[str, Fraction]) -> None:
    name = statement.name.text
    value = number(scope, statement.value, NO_INDICES)
    if value is not None and scope.is_of(statement):
        value = in_reach(scope, given.get(name, value), statement.value.span)
    if value is not None and scope.is_of(statement):
        scope.constants[name] = value


def _parameter(scope: Scope, statement: ast.Parameter, given: Mapping[str, Fraction]) -> None:
    name = statement.name.text
    written = statement.value if isinstance(statement.value, ast.Schedule) else None
    schedule = None if written is None else schedule_of(scope, written)
    last = statement.value.end if isinstance(statement.value, ast.Schedule) else statement.value
    value = number(scope, last, NO_INDICES)
    interval = _interval(scope, statement.range)
    if value is None or interval is None or not scope.is_of(statement):
        return
    value = in_reach(scope, given.get(name, value), statement.value.span)
    if value is None:
        return
    for end in (value, *((schedule.start,) if schedule else ())):
        if end not in interval:
            scope.note(
                OutOfRange(
                    span=statement.value.span,
                    name=name,
                    value=number_text(end),
                    range=str(interval),
                )
            )
    scope.parameters[name] = Parameter(name=name, value=value, range=interval, schedule=schedule)


def _check_values(
    scope: Scope, statement: ast.VariableDeclaration, sizes: Sequence[int | None]
) -> None:
    """Note a shape whose sizes are fine, and whose product no tensor has."""
    values = math.prod(size or 1 for size in sizes)
    if values > LARGEST:
        scope.note(
            SizeTooLarge(
                span=statement.shape[0].span.to(statement.shape[-1].span),
                what=f"the number of values of `{statement.name}`",
                value=f"{float(values):.4g}",
                most=f"{LARGEST:,}",
            )
        )


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
    kind = kind_of(scope, statement)
    classes = classes_of(scope, statement)
    root = root_of(scope, statement, kind)
    if root is None:
        distribution = distribution_of(scope, statement, kind)
    else:
        distribution = posterior_of(root)
    if statement.optional and statement.role != "observed":
        mistake = MisplacedOptional(span=statement.name.span, name=name, role=statement.role)
        scope.note(mistake)
    sizes = [whole(scope, size, NO_INDICES, f"a size of `{name}`", 1) for size in statement.shape]
    _check_values(scope, statement, sizes)
    members = member_indices(scope, statement)
    if not scope.is_of(statement) or (statement.family and members is None):
        return
    family = Family(
        name=Variable(name),
        role=statement.role,
        kind=kind or "real",
        shape=tuple(size or 1 for size in sizes),
        members=members,
        prior=statement.prior is not None and root is None,
        root=root,
        distribution=distribution,
        line=statement.name.span.line,
        column=statement.name.span.column,
        classes=classes,
        optional=statement.optional and statement.role == "observed",
    )
    if name in scope.apart:
        declare_each(scope, statement, family)
    else:
        scope.add(family)
