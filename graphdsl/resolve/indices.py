"""Numbers that are known when a spec is compiled, and what indices run over."""

from __future__ import annotations

__all__ = [
    "NO_INDICES",
    "IndexSet",
    "Indices",
    "bindings",
    "in_reach",
    "is_free",
    "is_many",
    "members",
    "number",
    "sizes_of_sets",
    "whole",
    "whole_range",
]

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations, permutations, product
from typing import Literal

from graphdsl.diagnostics import Span, nearest
from graphdsl.ir.model import Family
from graphdsl.ir.notation import copied, member_name, natural, number_text
from graphdsl.resolve.draw_errors import CannotBeDrawn
from graphdsl.resolve.draws import WRITTEN_ALWAYS, block, named_draw
from graphdsl.resolve.errors import (
    BadSize,
    DivisionByZero,
    EmptyRange,
    IndexOutOfRange,
    NotAFamily,
    NotANumber,
    NumberTooLarge,
    ShadowedName,
    TooMany,
    UnboundIndex,
    UsedBefore,
)
from graphdsl.resolve.scope import Scope
from graphdsl.resolve.term_errors import WrongArguments
from graphdsl.syntax import ast

_MOST_VALUES = 10_000  # of the indices of one line or sum
_MOST_IN_RANGE = 10**9  # beyond all that is told of below
_MOST_BOUND = 50_000  # of all lines and sums, networks unfolded
_MOST_BITS = 400  # of a numerator or denominator: far within floating point


@dataclass(frozen=True, slots=True)
class IndexSet:
    """A set of indices that an index runs over: one side of a bipartition, or a subset."""

    members: tuple[int, ...]
    others: tuple[int, ...]  #: what it was chosen from, and does not hold
    drawn: str = ""  #: the name of a set that is drawn: `members` is then all that it may hold

    def __str__(self) -> str:
        return self.drawn or f"{{{','.join(map(str, self.members))}}}"


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


# ---- numbers -------------------------------------------------------------------------------------


def number(scope: Scope, expression: ast.Expression, indices: Indices) -> Fraction | None:
    """The value of an expression of numbers, constants and bound indices."""
    match expression:
        case ast.Number(value):
            return value
        case ast.Word(name) if name in indices.sets:
            problem = f"`{name}` is a set of indices, and a number must stand here"
            scope.note(NotANumber(span=expression.span, problem=problem))
            return None
        case ast.Word():
            return _named(scope, expression, indices)
        case ast.Negate(operand):
            negated = number(scope, operand, indices)
            return None if negated is None else -negated
        case ast.Binary(sign, left, right):
            first, second = number(scope, left, indices), number(scope, right, indices)
            if first is None or second is None:
                return None
            if sign == "/" and second == 0:
                scope.note(DivisionByZero(span=right.span))
                return None
            return in_reach(scope, _arithmetic(sign, first, second), expression.span)
        case _:
            problem = "a term stands where a number must stand"
            scope.note(NotANumber(span=expression.span, problem=problem))
            return None


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
        problem = "`inf` is no number: it is where a parameter's range may end"
        scope.note(NotANumber(span=word.span, problem=problem))
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
        problem = f"`{word}` is a {what}, and is no number when the spec is compiled"
        scope.note(NotANumber(span=word.span, problem=problem), about=word.text)
    elif declared > word.span:
        reason = f"its line, {declared.line}, comes after this one"
        instead = f"move the line `const {word}` up, before this one"
        scope.note(UsedBefore(span=word.span, name=word.text, reason=reason, instead=instead))
    elif declared.line == word.span.line:
        reason = "this line is the one that gives it its value"
        instead = f"write a number there, as in `const {word} = 1`"
        scope.note(UsedBefore(span=word.span, name=word.text, reason=reason, instead=instead))


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


# ---- members of families -------------------------------------------------------------------------


def members(scope: Scope, reference: ast.Reference, indices: Indices) -> tuple[str, ...] | None:
    """The variables that a reference names: one, several of a family, or all of it."""
    family = scope.family(reference.name)
    if family is None:
        return None
    found = _members_of(scope, reference, family, indices)
    if found is None or not reference.copy:
        return found
    return tuple(map(copied, found))


def _members_of(
    scope: Scope, reference: ast.Reference, family: Family, indices: Indices
) -> tuple[str, ...] | None:
    everything = sorted((n for part in scope.parts(family.head) for n in part.nodes), key=natural)
    if not reference.subscripts:
        return tuple(everything)
    extents = [
        sorted(set(along)) for along in zip(*(natural(n)[1] for n in everything), strict=True)
    ]
    if not extents:
        if not scope.is_lost(family.name):
            scope.note(NotAFamily(span=reference.span, name=family.name), about=family.name)
        return None
    if len(reference.subscripts) != len(extents):
        has = "one index" if len(extents) == 1 else f"{len(extents)} indices"
        problem = f"`{family.head}` has {has}, and is given {len(reference.subscripts)}"
        usage = f"write `{everything[0]}`, or `{family.head}` for all of it"
        scope.note(WrongArguments(span=reference.span, problem=problem, usage=usage))
        return None
    draw = next(filter(None, (_drawn(one, indices) for one in reference.subscripts)), "")
    if draw:
        return block(scope, reference, family, extents, draw)
    return _chosen(scope, reference, everything, extents, indices)


def _chosen(
    scope: Scope,
    reference: ast.Reference,
    everything: Sequence[str],
    extents: Sequence[Sequence[int]],
    indices: Indices,
) -> tuple[str, ...] | None:
    """The members of a family whose indices the subscripts stand for."""
    wanted: list[Sequence[int]] = []
    for subscript, extent in zip(reference.subscripts, extents, strict=True):
        along = _wanted(scope, subscript, extent, indices)
        if along is None:
            return None
        outside = [index for index in along if index not in extent]
        if outside:
            _out_of_range(scope, reference, extents, (*wanted, (outside[0],)), indices)
            return None
        wanted.append(along)
    head = everything[0].partition("[")[0]
    found = [member_name(head, index) for index in product(*wanted)]
    return tuple(name for name in found if name in everything)  # a gap is said where it is


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


# ---- comprehensions ------------------------------------------------------------------------------


def bindings(
    scope: Scope, binders: Sequence[ast.Comprehension], outer: Indices, drawing: bool = False
) -> Iterator[Indices]:
    """Every way to bind the indices of one comprehension or several, in order.

    Where `drawing`, sets of many members are one symbolic set: for means over them.
    """
    if not binders:
        yield outer
        return
    for binding in _bind(scope, binders[0], outer, drawing):
        yield from bindings(scope, binders[1:], binding, drawing)


def _bind(
    scope: Scope, binder: ast.Comprehension, outer: Indices, drawing: bool
) -> Iterator[Indices]:
    domain = binder.domain
    values = _values(scope, domain, outer)
    free = [is_free(scope, word, outer) for word in binder.names]
    many = drawing and is_many(binder.domain, values)
    count = _count(scope, binder, 0 if many else len(values or ()))
    if values is None or count is None or not all(free):
        return
    scope.bound += count
    names = [word.text for word in binder.names]
    bound_by = {**outer.bound_by, **dict.fromkeys(names, domain.span)}
    if many and domain.kind in ("subsets", "bipartitions"):
        taken = [one.drawn for one in outer.sets.values() if one.drawn]
        draw = named_draw(scope, binder.names[0], domain.kind, values, taken)
        sets = {**outer.sets, names[0]: IndexSet(tuple(values), (), draw)}
        yield Indices(outer.values, sets, bound_by, outer.where)
        return
    if domain.kind in ("subsets", "bipartitions"):
        for chosen in _subsets(values, proper=domain.kind == "bipartitions"):
            sets = {**outer.sets, names[0]: chosen}
            yield Indices(outer.values, sets, bound_by, outer.where)
        return
    for choice in permutations(values, len(names)):
        chosen_values = {**outer.values, **dict(zip(names, choice, strict=True))}
        yield Indices(chosen_values, outer.sets, bound_by, outer.where)


def _values(scope: Scope, domain: ast.Domain, outer: Indices) -> Sequence[int] | None:
    if domain.range is not None:
        return whole_range(scope, domain.range, outer)
    name = "" if domain.name is None else domain.name.text
    known = outer.sets.get(name)
    if known is None:
        problem = f"`{name}` is no set of indices" if name else "this is no set of indices"
        usage = "write a range, `i in 1..2`; a set is bound by `S in subsets(1..3)`"
        scope.note(WrongArguments(span=domain.span, problem=problem, usage=usage))
        return None
    if known.drawn:
        problem = f"an index cannot run over the members of `{name}`"
        instead = "take a range of at most 8 members, over which all sets are written out"
        note = CannotBeDrawn(span=domain.span, name=name, problem=problem, instead=instead)
        scope.note(note)
        return None
    return known.others if domain.kind == "outside" else known.members


def is_many(domain: ast.Domain, values: Sequence[int] | None) -> bool:
    """Whether the sets of a domain are too many to be written out without need."""
    return domain.kind in ("subsets", "bipartitions") and len(values or ()) > WRITTEN_ALWAYS


def sizes_of_sets(
    scope: Scope, binders: Sequence[ast.Comprehension], outer: Indices
) -> Iterator[int]:
    """Of how many members the sets are that would be drawn."""
    for binder in binders:
        values = _values(scope, binder.domain, outer)
        if values is not None and is_many(binder.domain, values):
            yield len(values)


def _subsets(values: Sequence[int], proper: bool) -> Iterator[IndexSet]:
    """Every subset that is not empty; proper ones leave something out."""
    for size in range(1, len(values) + (0 if proper else 1)):
        for chosen in combinations(values, size):
            yield IndexSet(chosen, tuple(one for one in values if one not in chosen))


def _count(scope: Scope, binder: ast.Comprehension, size: int) -> int | None:
    """How many values the indices take together; None, and a note, if they cannot."""
    pairs, names = binder.domain.kind == "pairs", binder.names
    if len(names) != 1 + pairs or len({word.text for word in names}) < len(names):
        problem = "`pairs` binds two indices" if pairs else f"{_described(binder)} binds one index"
        scope.note(
            WrongArguments(
                span=binder.span,
                problem=f"{problem}, and here {'is' if len(names) == 1 else 'are'} "
                f"{', '.join(f'`{word}`' for word in names)}",
                usage="write `i in 1..2` or `i, j in pairs(1..2)`",
            )
        )
        return None
    count = _size(binder.domain, size)
    if count > _MOST_VALUES or scope.bound + count > _MOST_BOUND:
        scope.note(
            TooMany(
                span=binder.domain.span,
                count=f"{count:,}",
                what="lines or terms",
                limit=f"{_MOST_VALUES:,} at once, and {_MOST_BOUND:,} in all",
                instead="a shorter range is meant: an index counts views or factors",
            )
        )
        return None
    return count


def _size(domain: ast.Domain, size: int) -> int:
    if domain.kind == "pairs":
        return size * (size - 1)
    if domain.kind in ("subsets", "bipartitions"):
        return int(2 ** min(size, 64)) - (1 if domain.kind == "subsets" else 2)
    return size


def _described(binder: ast.Comprehension) -> str:
    kind = binder.domain.kind
    return f"`{kind}`" if kind in ("subsets", "bipartitions") else "a range"


def is_free(scope: Scope, word: ast.Word, outer: Indices) -> bool:
    """Whether a name can be an index: nothing else has it."""
    declared = scope.declared.get(word.text)
    taken = {*outer.values, *outer.sets}
    if declared is None and word.text not in taken:
        return True
    what = "an index already"
    if declared is not None:
        what = f"declared in line {declared.span.line} as a {declared.what}"
    other = next(
        (one for one in "ijkmn" if one not in scope.declared and one not in taken), "index"
    )
    mistake = ShadowedName(span=word.span, name=word.text, what=what, other=other)
    scope.note(mistake, about=word.text)
    return False
