"""Families: the indices of their members, and members that are declared one by one."""

from __future__ import annotations

__all__ = ["check_gaps", "declare_each", "is_another_member", "is_member", "member_indices"]

from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import prod

from graphdsl.declare.errors import DuplicateName, TooMany
from graphdsl.declare.index_errors import FamilyStart, IndicesDiffer, MemberLeftOut, MemberMissing
from graphdsl.declare.indices import NO_INDICES, index_count, whole, whole_range
from graphdsl.declare.scope import Scope
from graphdsl.diagnostics import Span
from graphdsl.ir.networks import Family
from graphdsl.ir.notation import number_text
from graphdsl.ir.symbols import Variable
from graphdsl.syntax import ast

_MOST_VARIABLES = 1_000


def check_gaps(scope: Scope, name: str) -> None:
    """Members declared one by one count from 1 as those of a family do."""
    parts = scope.parts(name)
    if not parts:
        return
    ends = [max(along) for along in zip(*(part.index for part in parts), strict=True)]
    most = len(parts) + 1  # a gap further on has one before it
    for index in product(*(range(1, min(end, most) + 1) for end in ends)):
        if Variable(name, index) not in scope.families:
            last = parts[-1]
            span = Span(last.line, last.column, last.line, last.column + len(name))
            scope.note(
                MemberMissing(
                    span=span,
                    name=last.name,
                    missing=Variable(name, index),
                    head=name,
                    count=", 1..".join(map(str, ends)),
                )
            )
            return


def declare_each(scope: Scope, statement: ast.VariableDeclaration, family: Family) -> None:
    """Members that have declarations of their own: each is a variable with a tensor of its own."""
    for index in family.members or ():
        member = Variable(family.name, index)
        earlier = scope.families.get(member)
        known = scope.parts(family.name)
        if earlier is not None:
            span = statement.name.span
            scope.note(DuplicateName(span=span, name=member, line=earlier.line))
        elif known and len(known[0].index) != len(index):
            _other_indices(scope, statement, len(known[0].index))
        else:
            scope.add(replace(family, name=member, members=None))


def member_indices(
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


def is_member(statement: ast.Statement) -> bool:
    """Whether a declaration is of single members, by an index that is no range."""
    if not isinstance(statement, ast.VariableDeclaration):
        return False
    return not all(isinstance(one, ast.Range) for one in statement.family)


def is_another_member(first: ast.Statement, second: ast.Statement) -> bool:
    """Whether two declarations are of one family, some members here and some there."""
    both = (first, second)
    return all(isinstance(one, ast.VariableDeclaration) and one.family for one in both)


def _other_indices(scope: Scope, statement: ast.VariableDeclaration, count: int) -> None:
    name, example = statement.name.text, f"{statement.name}[{', '.join('1' * count)}]"
    mistake = IndicesDiffer(
        span=statement.name.span, name=name, count=index_count(count), example=example
    )
    scope.note(mistake)


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
            scope.note(MemberLeftOut(span=subscript.span, name=name))
            return None
        case _:
            index = whole(scope, subscript, NO_INDICES, "an index", 1)
            return None if index is None else range(index, index + 1)
