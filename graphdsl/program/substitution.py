"""Keys in statements and terms: which there are, and the same code under others.

A pass over other rows, or for another player, is planned as the first one is; what it computes anew
then gets keys of its own. Which fields hold keys their types say: `Local`, `Target`, `Attribute`.
"""

from __future__ import annotations

__all__ = ["keys_of", "reads", "renamed", "targets"]

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass, replace
from functools import cache
from typing import (
    Annotated,
    Literal,
    TypeAlias,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from graphdsl.ir.statements import (
    Assemble,
    Chances,
    Detach,
    DrawData,
    DrawMask,
    DrawSet,
    Every,
    Fuse,
    Generated,
    Known,
    Observe,
    OneHot,
    OrGiven,
    Predict,
    PriorSample,
    Repeat,
    Run,
    Sample,
    Statement,
)

_Thing = TypeVar("_Thing")
_NONE: Mapping[str, str] = {}
_WithoutNetwork: TypeAlias = (
    Assemble
    | Known
    | Chances
    | OneHot
    | DrawSet
    | PriorSample
    | Sample
    | Generated
    | DrawData
    | Predict
    | Repeat
    | Detach
    | OrGiven
)


def reads(statement: Statement) -> Iterator[str]:
    """The keys that a statement of `forward` is computed from; noise and data are none."""
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
        case Observe() | DrawMask() | Every():
            pass
        case _:
            yield from _reads_of(statement)


def _reads_of(statement: _WithoutNetwork) -> tuple[str, ...]:
    """The same of a statement that runs no network, and fuses nothing."""
    match statement:
        case Assemble(parts=parts):
            return tuple(ref.name for ref in parts)
        case Known(source=source, seen=seen, value=value):
            return source, seen.name, value.name
        case Chances(parts=parts):
            return tuple(name for one, value in parts for name in (one.name, value))
        case OneHot(value=name) | DrawSet(like=name) | PriorSample(like=name):
            return (name,) if name else ()
        case Sample(distribution=name):
            return (name,) if name else ()
        case Generated() | DrawData() | Predict():
            return (statement.distribution,)
        case Repeat() | Detach() | OrGiven():
            return (statement.source,)


def targets(statement: Statement) -> tuple[str, ...]:
    """The keys of what a statement computes: a sample of a flow comes with its density."""
    return tuple(key for kind, key in _keys(statement) if kind == "target")


def keys_of(thing: object, scope: Literal["local", "attribute"]) -> tuple[str, ...]:
    """The keys of a scope, in the order in which they first come."""
    kinds = ("local", "target") if scope == "local" else (scope,)
    return tuple(dict.fromkeys(key for kind, key in _keys(thing) if kind in kinds))


def renamed(
    thing: _Thing, locals_: Mapping[str, str], attributes: Mapping[str, str] = _NONE
) -> _Thing:
    """A statement, a term, or whatever holds some, with other keys in the place of those given."""

    def change(kind: str, key: str) -> str:
        return (attributes if kind == "attribute" else locals_).get(key, key)

    return _changed(thing, change)


# ---- fields whose types say that they hold keys --------------------------------------------------

_Change: TypeAlias = Callable[[str, str], str]


def _keys(thing: object) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []

    def note(kind: str, key: str) -> str:
        found.append((kind, key))
        return key

    _changed(thing, note)
    return found


def _changed(thing: _Thing, change: _Change) -> _Thing:
    """A thing with other keys in its fields, and in the fields of its parts."""
    if not is_dataclass(thing) or isinstance(thing, type):
        return thing
    held = _fields_with_keys(type(thing))
    return replace(
        thing, **{name: _in_field(getattr(thing, name), hint, change) for name, hint in held}
    )


def _in_field(value: object, hint: object, change: _Change) -> object:
    """What a field holds, with its key changed, or those of its parts; an empty one is no key."""
    if isinstance(value, str):
        kind = next(filter(None, map(_kind, (hint, *get_args(hint)))), "")
        return change(kind, value) if kind and value else value
    if isinstance(value, tuple):
        parts = zip(value, _parts(hint, len(value)), strict=True)
        return tuple(_in_field(one, part, change) for one, part in parts)
    return _changed(value, change)


def _parts(hint: object, count: int) -> Sequence[object]:
    """The types of a tuple's parts; the tuple may be one of several types."""
    whole = next(one for one in (hint, *get_args(hint)) if get_origin(one) is tuple)
    arguments = get_args(whole)
    return [arguments[0]] * count if arguments[-1] is Ellipsis else arguments


@cache
def _fields_with_keys(of: Hashable) -> tuple[tuple[str, object], ...]:
    hints = get_type_hints(of, include_extras=True)
    return tuple((name, hint) for name, hint in hints.items() if _holds_keys(hint))


@cache
def _holds_keys(hint: Hashable) -> bool:
    if get_origin(hint) is Annotated:
        return bool(_kind(hint))
    if is_dataclass(hint):
        return bool(_fields_with_keys(hint))
    return any(map(_holds_keys, get_args(hint)))


def _kind(hint: object) -> str:
    """What a type says of a text that it annotates."""
    kinds = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return next((one for one in kinds if one in ("local", "target", "attribute")), "")
