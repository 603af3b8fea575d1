"""What a statement of the emitted code reads, and the same statement under other names.

A pass over other rows, or for another player, is planned as the first one is; what it computes
anew then gets names of its own.
"""

from __future__ import annotations

__all__ = ["reads", "renamed", "renamed_code", "renamed_ref"]

from collections.abc import Iterator, Mapping
from dataclasses import replace

from graphdsl.ir.loss import Density, TermCode
from graphdsl.ir.statements import (
    Assemble,
    Chances,
    Detach,
    Entries,
    Fuse,
    Generated,
    Known,
    OneHot,
    PriorSample,
    Ref,
    Repeat,
    Run,
    Sample,
    Statement,
)

_Names = Mapping[str, str]


def reads(statement: Statement) -> Iterator[str]:
    """The names that a statement of `forward` is computed from; noise and data are none."""
    match statement:
        case Run():
            yield from (ref.name for ref in statement.arguments)
            yield from (ref.gate.mask for ref in statement.arguments if ref.gate is not None)
            yield from (one.mask.name for one in statement.missing)
            yield from (statement.prior,) if statement.prior else ()
        case Fuse():
            yield from (ref.name for ref in statement.experts)
            yield from (ref.name for ref in statement.present if ref is not None)
            yield from () if statement.chosen is None else (statement.chosen.mask.name,)
            yield from () if statement.weights is None else (statement.weights.mask,)
        case Assemble(parts=parts):
            yield from (ref.name for ref in parts)
        case Known(source=source, seen=seen, value=value):
            yield from (source, seen.name, value.name)
        case (
            Sample(distribution=name)
            | Generated(distribution=name)
            | Repeat(source=name)
            | Detach(source=name)
        ):
            yield name
        case Chances(parts=parts):
            yield from (name for one, value in parts for name in (one.name, value))
        case PriorSample(like=name) | OneHot(value=name):
            yield name
        case _:
            pass  # data, masks of sets, and what is decoded: nothing that a pass computes


def renamed(statement: Statement, names: _Names) -> Statement:
    """The statement, with the names of a pass in place of those of another."""
    match statement:
        case Run():
            return replace(
                statement,
                target=_name(statement.target, names),
                arguments=tuple(renamed_ref(ref, names) for ref in statement.arguments),
                missing=tuple(
                    replace(s, mask=renamed_ref(s.mask, names)) for s in statement.missing
                ),
                prior=_name(statement.prior, names),
            )
        case Fuse():
            return _renamed_fusion(statement, names)
        case Sample():
            of, density = _name(statement.distribution, names), _name(statement.density, names)
            target = _name(statement.target, names)
            return replace(statement, target=target, distribution=of, density=density)
        case Generated():
            of = _name(statement.distribution, names)
            return replace(statement, target=_name(statement.target, names), distribution=of)
        case PriorSample(like=like):
            target = _name(statement.target, names)
            return replace(statement, target=target, like=_name(like, names))
        case Repeat(source=source) | Detach(source=source):
            target = _name(statement.target, names)
            return replace(statement, target=target, source=_name(source, names))
        case Known() | Assemble():
            return _renamed_parts(statement, names)
        case _:
            return statement


def renamed_code(code: TermCode, names: _Names) -> TermCode:
    """How a term is computed, under other names."""

    def ref(one: Ref) -> Ref:
        return renamed_ref(one, names)

    def density(one: Density) -> Density:
        found, seen = one.distribution, one.seen
        return Density(found and ref(found), one.word, ref(one.value), seen and ref(seen))

    return replace(
        code,
        left=ref(code.left),
        right=code.right and ref(code.right),
        value=code.value and ref(code.value),
        density=_name(code.density, names),
        seen=tuple(tuple(map(ref, several)) for several in code.seen),
        samples=tuple(tuple(map(ref, several)) for several in code.samples),
        above=tuple(map(density, code.above)),
        below=tuple(map(density, code.below)),
    )


def renamed_ref(ref: Ref, names: _Names) -> Ref:
    """A tensor under its other name, and so the mask that it is multiplied with."""
    return replace(ref, name=_name(ref.name, names), gate=_entries(ref.gate, names))


def _renamed_fusion(statement: Fuse, names: _Names) -> Fuse:
    chosen = statement.chosen
    return replace(
        statement,
        target=_name(statement.target, names),
        experts=tuple(renamed_ref(ref, names) for ref in statement.experts),
        present=tuple(ref and renamed_ref(ref, names) for ref in statement.present),
        chosen=chosen and replace(chosen, mask=renamed_ref(chosen.mask, names)),
        weights=_entries(statement.weights, names),
    )


def _renamed_parts(statement: Known | Assemble, names: _Names) -> Statement:
    target = _name(statement.target, names)
    if isinstance(statement, Assemble):
        parts = tuple(renamed_ref(ref, names) for ref in statement.parts)
        return replace(statement, target=target, parts=parts)
    return replace(
        statement,
        target=target,
        source=_name(statement.source, names),
        seen=renamed_ref(statement.seen, names),
        value=renamed_ref(statement.value, names),
    )


def _entries(some: Entries | None, names: _Names) -> Entries | None:
    return some and replace(some, mask=_name(some.mask, names))


def _name(name: str, names: _Names) -> str:
    return names.get(name, name)
