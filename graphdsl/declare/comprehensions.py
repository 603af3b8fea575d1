"""What the indices of comprehensions run over, in sums as in networks."""

from __future__ import annotations

__all__ = ["bindings", "is_free", "is_many", "sizes_of_sets"]

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations

from graphdsl.declare.draw_errors import CannotBeDrawn
from graphdsl.declare.draws import WRITTEN_ALWAYS, named_draw
from graphdsl.declare.errors import ShadowedName, TooMany
from graphdsl.declare.index_errors import BoundIndices, NotASet
from graphdsl.declare.indices import Indices, whole_range
from graphdsl.declare.scope import Scope
from graphdsl.ir.symbols import IndexSet
from graphdsl.syntax import ast

_MOST_VALUES = 10_000  # of the indices of one line or sum
_MOST_BOUND = 50_000  # of all lines and sums, networks unfolded


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
        scope.note(NotASet(span=domain.span, name=name))
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
        scope.note(
            BoundIndices(
                span=binder.span,
                domain="`pairs`" if pairs else _described(binder),
                wanted="two different indices" if pairs else "one index",
                given=", ".join(f"`{word}`" for word in names),
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
