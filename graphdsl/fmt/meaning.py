"""Whether two texts say the same: the same syntax, in whatever places."""

from __future__ import annotations

__all__ = ["same_meaning"]

from dataclasses import fields, is_dataclass

from graphdsl.diagnostics import Span


def same_meaning(one: object, other: object) -> bool:
    """Whether two pieces of abstract syntax differ in their spans at most."""
    pairs = [(one, other)]  # no recursion: operators may go deep
    while pairs:
        left, right = pairs.pop()
        if type(left) is not type(right):
            return False
        if isinstance(left, Span):
            continue
        if isinstance(left, tuple) and isinstance(right, tuple):
            if len(left) != len(right):
                return False
            pairs.extend(zip(left, right, strict=True))
        elif is_dataclass(left):
            names = [field.name for field in fields(left)]
            pairs.extend((getattr(left, name), getattr(right, name)) for name in names)
        elif left != right:
            return False
    return True
