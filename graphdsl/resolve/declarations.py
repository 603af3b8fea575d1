"""Constants, parameters and variables: what they are and whether they may be that."""

from __future__ import annotations

__all__ = ["declare"]

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import prod
from typing import Literal

from graphdsl.diagnostics import Span
from graphdsl.ir.model import Family, Interval, Parameter
from graphdsl.ir.notation import member_name, number_text
from graphdsl.resolve.distributions import classes_of, distribution_of, kind_of
from graphdsl.resolve.errors import (
    DuplicateName,
    EmptyRange,
    FamilyStart,
    MemberMissing,
    MisplacedOptional,
    NotYet,
    OutOfRange,
    ReservedName,
    TooMany,
)
from graphdsl.resolve.indices import NO_INDICES, in_reach, is_free, number, whole, whole_range
from graphdsl.resolve.reserved import why_reserved
from graphdsl.resolve.scope import Declared, Scope
from graphdsl.resolve.term_errors import WrongArguments
from graphdsl.syntax import ast

_MOST_VARIABLES = 1_000


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
            case ast.NetworkBlock(role="regularizer"):
                _network(scope, statement)
            case _:
                pass
    for name in sorted(scope.apart):
        _check_gaps(scope, name)


def _check_gaps(scope: Scope, name: str) -> None:
    """Members declared one by one count from 1 as those of a family do."""
    parts = scope.parts(name)
    if not parts:
        return
    ends = [max(along) for along in zip(*(part.index for part in parts), strict=True)]
    for index in product(*(range(1, end + 1) for end in ends)):
        if member_name(name, index) not in scope.families:
            last = parts[-1]
            span = Span(last.line, last.column, last.line, last.column + len(name))
            scope.note(
                MemberMissing(
                    span=span,
                    name=last.name,
                    missing=member_name(name, index),
                    head=name,
                    count=", 1..".join(map(str, ends)),
                )
            )
            return


def _declare_name(scope: Scope, statement: ast.Statement) -> None:
    match statement:
        case ast.Constant():
            _name(scope, statement, "constant")
        case ast.Parameter():
            _name(scope, statement, "parameter")
        case ast.VariableDeclaration():
            _name(scope, statement, "variable")
        case ast.NetworkBlock(role="regularizer" | "further"):
            _name(scope, statement, "network")
        case _:
            pass


def _name(
    scope: Scope,
    statement: ast.Constant | ast.Parameter | ast.VariableDeclaration | ast.NetworkBlock,
    what: Literal["constant", "parameter", "variable", "network"],
) -> None:
    word = statement.name
    reason = why_reserved(word.text)
    earlier = scope.declared.get(word.text)
    if earlier is not None and _is_another_member(earlier.statement, statement):
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
        if _is_member(statement):
            scope.apart.add(word.text)


def _is_member(statement: ast.Statement) -> bool:
    """Whether a declaration is of one member, by its index."""
    if not isinstance(statement, ast.VariableDeclaration) or not statement.family:
        return False
    return not any(isinstance(one, ast.Range) for one in statement.family)


def _is_another_member(first: ast.Statement, second: ast.Statement) -> bool:
    """Whether two declarations are of members of one family, declared one by one."""
    families = [
        one for one in (first, second) if isinstance(one, ast.VariableDeclaration) and one.family
    ]
    return len(families) == 2 and any(map(_is_member, families))


def _network(scope: Scope, statement: ast.NetworkBlock) -> None:
    for place, word in enumerate(statement.formals):
        is_free(scope, word, NO_INDICES)
        if word.text in [earlier.text for earlier in statement.formals[:place]]:
            scope.note(DuplicateName(span=word.span, name=word.text, line=word.span.line))
    if scope.is_of(statement):
        scope.networks[statement.name.text] = statement


def _constant(scope: Scope, statement: ast.Constant, given: Mapping[str, Fraction]) -> None:
    name = statement.name.text
    value = number(scope, statement.value, NO_INDICES)
    if value is not None and scope.is_of(statement):
        value = in_reach(scope, given.get(name, value), statement.value.span)
    if value is not None and scope.is_of(statement):
        scope.constants[name] = value


def _parameter(scope: Scope, statement: ast.Parameter, given: Mapping[str, Fraction]) -> None:
    name = statement.name.text
    if isinstance(statement.value, ast.Ramp):
        what, instead = "`ramp`", f"write its last value, `param {name} = 1`"
        scope.note(NotYet(span=statement.value.span, what=what, instead=instead))
        return
    value = number(scope, statement.value, NO_INDICES)
    interval = _interval(scope, statement.range)
    if value is None or interval is None or not scope.is_of(statement):
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
    kind = kind_of(scope, statement)
    classes = classes_of(scope, statement)
    distribution = distribution_of(scope, statement, kind)
    if statement.optional and statement.role != "observed":
        mistake = MisplacedOptional(span=statement.name.span, name=name, role=statement.role)
        scope.note(mistake)
    sizes = [whole(scope, size, NO_INDICES, f"a size of `{name}`", 1) for size in statement.shape]
    members = _members(scope, statement)
    if not scope.is_of(statement) or (statement.family and members is None):
        return
    family = Family(
        name=name,
        role=statement.role,
        kind=kind or "real",
        shape=tuple(size or 1 for size in sizes),
        members=members,
        prior=statement.prior is not None,
        distribution=distribution,
        line=statement.name.span.line,
        column=statement.name.span.column,
        classes=classes,
        optional=statement.optional and statement.role == "observed",
    )
    if name in scope.apart:
        _each_by_itself(scope, statement, family)
    else:
        scope.add(family)


def _each_by_itself(scope: Scope, statement: ast.VariableDeclaration, family: Family) -> None:
    """Members that have declarations of their own: each is a variable with a tensor of its own."""
    for index in family.members or ():
        member = member_name(family.name, index)
        earlier = scope.families.get(member)
        known = scope.parts(family.name)
        if earlier is not None:
            span = statement.name.span
            scope.note(DuplicateName(span=span, name=member, line=earlier.line))
        elif known and len(known[0].index) != len(index):
            _other_indices(scope, statement, len(known[0].index))
        else:
            identifier = "_".join((family.name, *map(str, index)))
            while identifier in scope.declared:
                identifier += "_"
            scope.add(replace(family, name=member, members=None, identifier=identifier))


def _other_indices(scope: Scope, statement: ast.VariableDeclaration, count: int) -> None:
    problem = f"the members of `{statement.name}` have not all the same number of indices"
    usage = f"give all of them {count}, as in `{statement.name}[{', '.join('1' * count)}]`"
    scope.note(WrongArguments(span=statement.name.span, problem=problem, usage=usage))


def _members(
    scope: Scope, statement: ast.VariableDeclaration
) -> tuple[tuple[int, ...], ...] | None:
    """The indices of a family; None for a single variable, and where there is a mistake."""
    extents = [_extent(scope, statement, one) for one in statement.family]
    known = [extent for extent in extents if extent is not None]
    if not extents or len(known) < len(extents):
        return None
    count = prod(map(len, known))
    so_far = sum(len(family.nodes) for family in scope.families.values())
    if so_far + count > _MOST_VARIABLES:
        length = number_text(Fraction(count))
        scope.note(
            TooMany(
                span=statement.family[0].span,
                count=f"{so_far + count:,}",
                what="variables",
                limit=f"{_MOST_VARIABLES:,}",
                instead="the length of a vector goes behind its kind: "
                f"`{statement.name} : {statement.kind.name}[{length}]`",
            )
        )
        return None
    return tuple(product(*known))


def _extent(
    scope: Scope, statement: ast.VariableDeclaration, subscript: ast.Subscript
) -> range | None:
    """What one index of a family runs over: a range from 1, or the number of one member."""
    name = statement.name.text
    match subscript:
        case ast.Range():
            extent = whole_range(scope, subscript, NO_INDICES)
            if extent is not None and extent[0] != 1 and name not in scope.apart:
                low, count = extent[0], len(extent)
                scope.note(FamilyStart(span=subscript.span, name=name, low=low, count=count))
            return extent
        case ast.AllBut():
            problem = "`not` leaves members out of a family, and here one is declared"
            usage = f"declare a range, as in `{name}[1..2]`"
            scope.note(WrongArguments(span=subscript.span, problem=problem, usage=usage))
            return None
        case _:
            index = whole(scope, subscript, NO_INDICES, "an index", 1)
            return None if index is None else range(index, index + 1)
