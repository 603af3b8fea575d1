"""Axes behind the rows: one for every class that is summed over, or for every expert."""

from __future__ import annotations

__all__ = ["also", "on_axis", "with_axis"]

from collections.abc import Container
from dataclasses import replace

from graphdsl.ir.values import Ref, Value


def with_axis(value: Value, count: int, name: str = "") -> Value:
    """A value with `count` entries on an axis of its own; of no shape where it has none."""
    shape = None if value.shape is None else (count, *value.shape)
    return Value(name or value.name, shape)


def on_axis(ref: Ref, deep: Container[Value]) -> Ref:
    """A tensor where others have the axis: one of `deep` has it, any other one of size one."""
    if ref.value not in deep:
        return replace(ref, in_sets=True)
    return ref if ref.places is None else replace(ref, behind=True)


def also(estimator: str, more: str) -> str:
    """What the audit says of an estimator, and something beside it."""
    return f"{estimator}, {more}" if estimator else more
