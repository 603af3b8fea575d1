"""Masks as they are declared, and the entries that `if` names of them, edge by edge (rule 6)."""

from __future__ import annotations

__all__ = ["Entries", "declare_masks", "entries_of", "masks_named"]

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import TypeAlias, get_args

from graphdsl.declare.distribution_errors import UnknownSetting
from graphdsl.declare.errors import TooMany, UnknownName
from graphdsl.declare.gate_errors import AmbiguousGate, GateLeavesOut, GateMisfit
from graphdsl.declare.index_errors import IndexOutOfRange, WrongIndexCount
from graphdsl.declare.indices import NO_INDICES, Indices, index_count, number, whole, whole_range
from graphdsl.declare.mask_errors import (
    EdgeLaw,
    EdgeProbability,
    MaskEntry,
    MaskEntryDeclared,
    MaskStart,
    MaskTable,
    NotAMask,
    SparsityOfPart,
    UnknownEdgeGradient,
)
from graphdsl.declare.scope import Scope
from graphdsl.diagnostics import nearest, one_of
from graphdsl.ir.masks import MOST_ENUMERATED, EdgeGradient, Mask
from graphdsl.ir.notation import number_text
from graphdsl.syntax import ast

Entry: TypeAlias = tuple[int, ...]
Entries: TypeAlias = dict[tuple[int, int], Entry]  #: of a line: place of parent and child -> entry

_MOST_ENTRIES = 10_000
_NAMES = ast.Word, ast.Reference, ast.Named


def declare_masks(scope: Scope, spec: ast.Spec) -> None:
    """Take the masks in: learned, with a probability to start from, or fixed, row by row."""
    for statement in spec.statements:
        if isinstance(statement, ast.MaskDeclaration):
            _declare(scope, statement)


def _declare(scope: Scope, statement: ast.MaskDeclaration) -> None:
    extents = [_extent(scope, statement, one) for one in statement.family]
    known = tuple(extent for extent in extents if extent is not None)
    if len(known) < len(extents) or not scope.is_of(statement):
        return
    if prod(known) > _MOST_ENTRIES:
        mistake = TooMany(
            span=statement.span,
            count=f"{prod(known):,}",
            what="entries of a mask",
            limit=f"{_MOST_ENTRIES:,}",
            instead="a smaller mask is meant: it has an entry for each edge",
        )
        scope.note(mistake)
        return
    name = statement.name.text
    if statement.learned is None:
        kept = _fixed(scope, statement, known)
        if kept is not None:
            scope.masks[name] = Mask(name=name, extents=known, kept=kept)
        return
    start = _start(scope, statement.learned)
    gradient = _gradient(scope, statement.learned, known)
    if start is not None and gradient is not None:
        scope.masks[name] = Mask(name=name, extents=known, start=start, gradient=gradient)


def masks_named(scope: Scope, references: Sequence[ast.Reference]) -> tuple[str, ...] | None:
    """The learned masks of those that `sparsity` is of; None if one is something else."""
    names: list[str] = []
    for reference in references:
        mask = _mask(scope, reference.name)
        if mask is None:
            return None
        if reference.subscripts or reference.copy:
            scope.note(SparsityOfPart(span=reference.span, name=mask.name))
            return None
        names += (mask.name,) if mask.learned else ()  # those of a fixed one are a constant
    return tuple(dict.fromkeys(names))


def entries_of(
    scope: Scope, gate: ast.Reference, parents: int, children: int, indices: Indices
) -> tuple[Mask, Entries] | None:
    """The entry of each edge from so many parents to so many children."""
    mask = _mask(scope, gate.name)
    if mask is None:
        return None
    along = _along(scope, gate, mask, indices)
    if along is None:
        return None
    pairs = list(product(range(parents), range(children)))
    entries = list(product(*along))
    free = [len(one) for one in along if len(one) > 1]
    if len(entries) == 1:
        return mask, dict.fromkeys(pairs, entries[0])
    if len(free) == 1 and (parents == free[0]) != (children == free[0]):
        by_parent = parents == free[0]
        return mask, {pair: entries[pair[0] if by_parent else pair[1]] for pair in pairs}
    if len(free) == 2 and parents != children and sorted(free) == sorted((parents, children)):
        if free == [parents, children]:
            return mask, dict(zip(pairs, entries, strict=True))
        return mask, {(a, b): entries[b * parents + a] for a, b in pairs}
    _misfit(scope, gate, len(entries), free, parents, children)
    return None


def _misfit(
    scope: Scope, gate: ast.Reference, count: int, free: Sequence[int], parents: int, children: int
) -> None:
    written = f"{gate.name}" + ("[...]" if gate.subscripts else "")
    edges = f"{_counted(parents, 'parent')} and {_counted(children, 'child')}"
    name = gate.name.text
    if parents == children and set(free) == {parents}:
        scope.note(AmbiguousGate(span=gate.span, mask=written, name=name))
        return
    entries = _counted(count, "entry")
    mistake = GateMisfit(span=gate.span, mask=written, entries=entries, edges=edges, name=name)
    scope.note(mistake)


def _counted(count: int, what: str) -> str:
    plural = {"entry": "entries", "child": "children"}.get(what, f"{what}s")
    return f"{count} {what if count == 1 else plural}"


def _mask(scope: Scope, word: ast.Word) -> Mask | None:
    scope.used.add(word.text)
    mask = scope.masks.get(word.text)
    declared = scope.declared.get(word.text)
    if mask is None and not scope.is_lost(word.text) and (declared is None):
        close = nearest(word.text, scope.masks)
        guess = f"declare it: `mask {word}[1..2] : learned bernoulli(0.5)`"
        guess = f"did you mean `{close}`?" if close else guess
        scope.note(UnknownName(span=word.span, name=word.text, also="", guess=guess))
    elif mask is None and declared is not None and declared.what != "mask":
        scope.note(NotAMask(span=word.span, name=word.text, what=declared.what))
    return mask


def _along(
    scope: Scope, gate: ast.Reference, mask: Mask, indices: Indices
) -> list[list[int]] | None:
    """The places that are meant along each index; those that are not written are all."""
    if len(gate.subscripts) > len(mask.extents):
        mistake = WrongIndexCount(
            span=gate.span,
            name=mask.name,
            wanted=index_count(len(mask.extents)),
            given=str(len(gate.subscripts)),
            usage=f"`{mask.name}[1]`" + ", a row of it" * (len(mask.extents) > 1),
        )
        scope.note(mistake)
        return None
    values: list[list[int]] = []
    for place, extent in enumerate(mask.extents):
        if place >= len(gate.subscripts):
            values.append(list(range(1, extent + 1)))
            continue
        wanted = _wanted(scope, mask, gate.subscripts[place], extent, indices)
        if wanted is None:
            return None
        outside = [one for one in wanted if not 1 <= one <= extent]
        if outside:
            scope.note(
                IndexOutOfRange(
                    span=gate.subscripts[place].span,
                    family=mask.name,
                    index=str(outside[0]),
                    where="",
                    low=1,
                    high=extent,
                    more="",
                )
            )
            return None
        values.append(wanted)
    return values


def _wanted(
    scope: Scope, mask: Mask, subscript: ast.Subscript, extent: int, indices: Indices
) -> list[int] | None:
    match subscript:
        case ast.Range():
            along = whole_range(scope, subscript, indices)
            return None if along is None else list(along[: extent + 1])
        case ast.AllBut():
            scope.note(GateLeavesOut(span=subscript.span, name=mask.name))
            return None
        case _:
            index = whole(scope, subscript, indices, "an index", 1)
            return None if index is None else [index]


def _extent(scope: Scope, statement: ast.MaskDeclaration, subscript: ast.Subscript) -> int | None:
    if not isinstance(subscript, ast.Range):
        scope.note(MaskEntryDeclared(span=subscript.span, name=statement.name.text))
        return None
    along = whole_range(scope, subscript, NO_INDICES)
    if along is not None and along[0] != 1:
        name, low, count = statement.name.text, along[0], len(along)
        scope.note(MaskStart(span=subscript.span, name=name, low=low, count=count))
        return None
    return None if along is None else len(along)


def _start(scope: Scope, choice: ast.Choice) -> Fraction | None:
    arguments = [argument for argument in choice.arguments if not isinstance(argument, _NAMES)]
    if choice.name.text != "bernoulli" or len(arguments) != 1 or len(choice.arguments) > 2:
        scope.note(EdgeLaw(span=choice.span, written=choice.name.text))
        return None
    if choice.settings:
        usage = "`learned bernoulli(0.5)`"
        scope.note(UnknownSetting(span=choice.settings[0].span, law="bernoulli", usage=usage))
        return None
    start = number(scope, arguments[0], NO_INDICES)
    if start is not None and not 0 < start < 1:
        scope.note(EdgeProbability(span=arguments[0].span, value=number_text(start)))
        return None
    return start


def _gradient(scope: Scope, choice: ast.Choice, extents: tuple[int, ...]) -> EdgeGradient | None:
    """How the probabilities are trained: `learned bernoulli(0.5, disarm)`."""
    named = [argument for argument in choice.arguments if isinstance(argument, _NAMES)]
    if not named:
        return "straight_through"
    word = named[0].text if isinstance(named[0], ast.Word) else ""
    if word not in get_args(EdgeGradient):
        written = f"`{word}`" if word else "what is not one word"
        known = one_of(get_args(EdgeGradient))
        scope.note(UnknownEdgeGradient(span=named[0].span, written=written, known=known))
        return None
    gradient: EdgeGradient = word  # type: ignore[assignment]  # one of them, as just decided
    edges = prod(extents)
    if gradient == "enumeration" and edges > MOST_ENUMERATED:
        mistake = TooMany(
            span=named[0].span,
            count=f"2^{edges}",
            what="structures to enumerate",
            limit=f"2^{MOST_ENUMERATED}",
            instead="write `disarm`, which draws them",
        )
        scope.note(mistake)
        return None
    return gradient


def _fixed(
    scope: Scope, statement: ast.MaskDeclaration, extents: tuple[int, ...]
) -> frozenset[Entry] | None:
    """The entries that are one, of a table whose rows are set apart by `;`."""
    rows = statement.rows
    shape = extents if len(extents) > 1 else (1, *extents)
    if len(shape) > 2 or len(rows) != shape[0] or any(len(row) != shape[1] for row in rows):
        size = " x ".join(map(str, shape))
        scope.note(MaskTable(span=statement.span, name=statement.name.text, size=size))
        return None
    return frozenset(_ones(scope, rows, len(extents)))


def _ones(scope: Scope, rows: Sequence[Sequence[ast.Expression]], indices: int) -> Iterator[Entry]:
    for i, row in enumerate(rows, 1):
        for j, written in enumerate(row, 1):
            value = number(scope, written, NO_INDICES)
            if value is not None and value not in (0, 1):
                scope.note(MaskEntry(span=written.span, value=number_text(value)))
            elif value == 1:
                yield (i, j)[2 - indices :]
