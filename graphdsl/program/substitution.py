"""Values of a program: which a statement reads, which it computes, and others in their place.

Any dataclass of `ir.statements` and `ir.loss` can be walked: a field holds values if it says so by
its type, and computes them if it is `computed`. A new kind of statement needs nothing here.
"""

from __future__ import annotations

__all__ = ["attributes_in", "inputs", "outputs", "replaced", "values_in"]

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import TypeVar, get_args, get_type_hints

from graphdsl.ir.statements import Statement
from graphdsl.ir.values import Attribute, Value

_Thing = TypeVar("_Thing")

#: What holds no values, though fields may have it in the place of what does.
_PLAIN = (str, int, float, type(None), Value)


def inputs(statement: Statement) -> Iterator[Value]:
    """The values that a statement is computed from; noise and data are none."""
    return (one for one, computed in _walk(statement, Value) if not computed)


def outputs(statement: Statement) -> tuple[Value, ...]:
    """The values that a statement computes: a sample of a flow comes with its density."""
    return tuple(one for one, computed in _walk(statement, Value) if computed)


def values_in(thing: object) -> Iterator[Value]:
    """All values in statements, terms, or whatever holds some, in the order of the fields."""
    return (one for one, _ in _walk(thing, Value))


def attributes_in(thing: object) -> Iterator[Attribute]:
    """The attributes in statements, terms or declarations."""
    return (one for one, _ in _walk(thing, Attribute) if one)


def replaced(
    thing: _Thing,
    values: Mapping[Value, Value],
    attributes: Callable[[Attribute], Attribute] | None = None,
) -> _Thing:
    """A statement, a term, or whatever holds some, with other values in their places."""

    def change(part: object) -> object:
        if isinstance(part, Value):
            return values.get(part, part)
        if isinstance(part, Attribute):
            return attributes(part) if attributes is not None and part else part
        if isinstance(part, tuple):
            changed = tuple(map(change, part))
            return part if all(map(_is_same, part, changed)) else changed
        if isinstance(part, _PLAIN) or not is_dataclass(part) or isinstance(part, type):
            return part
        held = {name: getattr(part, name) for name in _names(type(part))}
        made_of = {name: change(value) for name, value in held.items()}
        new = {name: one for name, one in made_of.items() if one is not held[name]}
        return replace(part, **new) if new else part

    found = change(thing)
    assert isinstance(found, type(thing))
    return found


def _is_same(one: object, other: object) -> bool:
    return one is other


def _walk(
    thing: object, wanted: type[_Thing], computed: bool = False
) -> Iterator[tuple[_Thing, bool]]:
    if isinstance(thing, wanted):
        yield thing, computed
    elif isinstance(thing, _PLAIN):
        return
    elif isinstance(thing, tuple):
        for part in thing:
            yield from _walk(part, wanted, computed)
    elif is_dataclass(thing) and not isinstance(thing, type | Value):
        for name, is_computed in _names(type(thing)).items():
            yield from _walk(getattr(thing, name), wanted, computed or is_computed)


@cache
def _names(of: type) -> dict[str, bool]:
    """The fields of a dataclass whose types may hold values, and whether each is computed."""
    hints = get_type_hints(of)
    held = (field for field in fields(of) if _may_hold(hints[field.name]))
    return {one.name: bool(one.metadata.get("computed")) for one in held}


@cache
def _may_hold(hint: Hashable) -> bool:
    """Whether a type is, or is made of, values or attributes."""
    if isinstance(hint, type) and issubclass(hint, Value | Attribute):
        return True
    if isinstance(hint, type) and is_dataclass(hint):
        return bool(_names(hint))
    return any(map(_may_hold, get_args(hint)))
