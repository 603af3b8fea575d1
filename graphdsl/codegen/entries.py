"""Entries of a learned mask, as a tensor that a pass has drawn: rows first."""

from __future__ import annotations

__all__ = ["entries"]

from collections.abc import Sequence
from itertools import product

from graphdsl.codegen import tree as py
from graphdsl.codegen.words import integers, local, method
from graphdsl.ir.values import Entries

_ALL = py.Slice()


def entries(some: Entries) -> py.Expression:
    """The entries as they are indexed: the whole mask, a row, or what is picked out of it.

    >>> from graphdsl.codegen.flat import printed
    >>> from graphdsl.ir.values import Value
    >>> rows = ((1, 1), (1, 2), (2, 1), (2, 2))
    >>> printed(entries(Entries(Value("M"), (2, 2), rows, (2, 2), axes=1)))
    'M[..., None]'
    >>> printed(entries(Entries(Value("M"), (2, 2), rows[2:], (2,))))
    'M[:, 1]'
    >>> printed(entries(Entries(Value("M"), (2, 2), (rows[0], rows[3]), (2,))))
    'M.flatten(1)[:, [0, 3]]'
    >>> printed(entries(Entries(Value("M"), (1, 2), rows[:2], (1, 2))))
    'M'
    >>> printed(entries(Entries(Value("M"), (2, 1), rows[::2], (2,))))
    'M[:, :, 0]'
    """
    along = [sorted({entry[k] for entry in some.entries}) for k in range(len(some.extents))]
    is_box = list(some.entries) == list(product(*along))
    if is_box and [len(places) for places in along if len(places) > 1] == list(some.shape):
        return _box(some, along)
    mask = local(some.mask)
    every = list(product(*(range(1, size + 1) for size in some.extents)))
    if list(some.entries) == every and some.shape == some.extents:
        return _with_axes(mask, some.axes)
    turned = sorted(every, key=lambda entry: entry[::-1])
    if list(some.entries) == turned and some.shape == some.extents[::-1]:
        return _with_axes(py.Attribute(mask, "mT"), some.axes)
    table = _nested([every.index(entry) for entry in some.entries], some.shape)
    return _with_axes(py.Index(method(mask, "flatten", py.Literal(1)), (_ALL, table)), some.axes)


def _box(some: Entries, along: Sequence[Sequence[int]]) -> py.Expression:
    """What slices alone pick out."""
    picked = [_picked(places, size) for places, size in zip(along, some.extents, strict=True)]
    if all(one == _ALL for one in picked):
        return _with_axes(local(some.mask), some.axes)
    if not some.axes:
        while picked[-1] == _ALL:
            picked.pop()
    return py.Index(local(some.mask), (_ALL, *picked, *[py.NONE] * some.axes))


def _picked(places: Sequence[int], size: int) -> py.Expression | py.Slice:
    if len(places) == size > 1:
        return _ALL
    if len(places) == 1:
        return py.Literal(places[0] - 1)
    first, last = places[0] - 1, places[-1]
    is_range = last - first == len(places)
    return py.Slice(first, last) if is_range else integers(place - 1 for place in places)


def _nested(places: Sequence[int], sizes: Sequence[int]) -> py.Expression:
    if not sizes:
        return py.Literal(places[0])
    step = len(places) // sizes[0]
    return py.List(
        tuple(_nested(places[k : k + step], sizes[1:]) for k in range(0, len(places), step))
    )


def _with_axes(mask: py.Expression, axes: int) -> py.Expression:
    """Axes of one, for the coordinates of what is weighed."""
    return py.Index(mask, (py.Literal(...), *[py.NONE] * axes)) if axes else mask
