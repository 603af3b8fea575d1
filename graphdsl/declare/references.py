"""The variables that a reference names: one, several of a family, or all of it."""

from __future__ import annotations

__all__ = ["joined", "members"]

from collections.abc import Iterable, Sequence
from itertools import product

from graphdsl.declare.draws import block
from graphdsl.declare.index_errors import IndexOutOfRange, NotAFamily, WrongIndexCount
from graphdsl.declare.indices import Indices, index_count, whole, whole_range
from graphdsl.declare.scope import Members, Scope
from graphdsl.ir.networks import Family
from graphdsl.ir.symbols import Variable
from graphdsl.syntax import ast


def members(
    scope: Scope, reference: ast.Reference, indices: Indices
) -> tuple[Variable, ...] | None:
    """The variables that a reference names: one, several of a family, or all of it."""
    family = scope.family(reference.name)
    if family is None:
        return None
    variables = _members_of(scope, reference, family, indices)
    if variables is None or not reference.copy:
        return variables
    return tuple(variable.copied for variable in variables)


def joined(
    scope: Scope, references: Iterable[ast.Reference], indices: Indices
) -> tuple[Variable, ...] | None:
    """The variables of several references, side by side; None if one of them is wrong."""
    lists = [members(scope, reference, indices) for reference in references]
    if any(names is None for names in lists):
        return None
    return tuple(name for names in lists if names is not None for name in names)


def _members_of(
    scope: Scope, reference: ast.Reference, family: Family, indices: Indices
) -> tuple[Variable, ...] | None:
    declared = scope.members(family.head)
    if not reference.subscripts:
        return declared.names
    extents = declared.extents
    if not extents:
        if not scope.is_lost(family.name):
            scope.note(NotAFamily(span=reference.span, name=family.name), about=family.name)
        return None
    if len(reference.subscripts) != len(extents):
        mistake = WrongIndexCount(
            span=reference.span,
            name=family.head,
            wanted=index_count(len(extents)),
            given=str(len(reference.subscripts)),
            usage=f"`{declared.names[0]}`, or `{family.head}` for all of it",
        )
        scope.note(mistake)
        return None
    draws = (_drawn(subscript, indices) for subscript in reference.subscripts)
    draw = next(filter(None, draws), "")
    if draw:
        return block(scope, reference, family, extents, draw)
    return _chosen(scope, reference, declared, indices)


def _chosen(
    scope: Scope,
    reference: ast.Reference,
    declared: Members,
    indices: Indices,
) -> tuple[Variable, ...] | None:
    """The members of a family whose indices the subscripts stand for."""
    wanted: list[Sequence[int]] = []
    for subscript, extent in zip(reference.subscripts, declared.extents, strict=True):
        along = _wanted(scope, subscript, extent, indices)
        if along is None:
            return None
        outside = [index for index in along if index not in extent]
        if outside:
            _out_of_range(scope, reference, declared.extents, (*wanted, (outside[0],)), indices)
            return None
        wanted.append(along)
    head = declared.names[0].head
    variables = [Variable(head, index) for index in product(*wanted)]
    return tuple(name for name in variables if name in declared.known)  # a gap is said elsewhere


def _drawn(subscript: ast.Subscript, indices: Indices) -> str:
    """The drawn set that a subscript names; nothing for any other."""
    word = subscript.index if isinstance(subscript, ast.AllBut) else subscript
    known = indices.sets.get(word.text) if isinstance(word, ast.Word) else None
    return known.drawn if known is not None else ""


def _wanted(
    scope: Scope, subscript: ast.Subscript, extent: Sequence[int], indices: Indices
) -> Sequence[int] | None:
    """The indices that a subscript stands for."""
    match subscript:
        case ast.Range():
            return whole_range(scope, subscript, indices)
        case ast.AllBut(index):
            left_out = _wanted(scope, index, extent, indices)
            if left_out is None:
                return None
            return [one for one in extent if one not in left_out]
        case ast.Word(name) if name in indices.sets:
            return indices.sets[name].members
        case _:
            value = whole(scope, subscript, indices, "an index")
            return None if value is None else (value,)


def _out_of_range(
    scope: Scope,
    reference: ast.Reference,
    extents: Sequence[Sequence[int]],
    wanted: Sequence[Sequence[int]],
    indices: Indices,
) -> None:
    """Note the last index of those that are known: its family does not go so far."""
    place, name = len(wanted) - 1, reference.name.text
    low, high, index = extents[place][0], extents[place][-1], wanted[place][0]
    others = [*(str(along[0]) for along in wanted[:-1]), str(index)]
    others += [str(extent[0]) for extent in extents[place + 1 :]]
    blamed = indices.bound_by.get(_plain_index(reference, place), reference.span)
    elsewhere = blamed.line != reference.span.line
    scope.note(
        IndexOutOfRange(
            span=blamed,
            family=name,
            index=",".join(others),
            low=low,
            high=high,
            where=f" of line {reference.span.line}" if elsewhere else "",
            more=f", or declare `{name}[{low}..{index}]`"
            if index > high and len(extents) == 1
            else "",
        )
    )


def _plain_index(reference: ast.Reference, place: int) -> str:
    """The index `i` of `x[i]`: whatever gave it its value is at fault, once."""
    subscript = reference.subscripts[place]
    return subscript.text if isinstance(subscript, ast.Word) else ""
