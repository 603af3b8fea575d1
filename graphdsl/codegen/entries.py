"""Entries of a learned mask, as a tensor that a pass has drawn: rows first."""

from __future__ import annotations

__all__ = ["entries"]

from collections.abc import Sequence
from itertools import product

from graphdsl.ir.statements import Entries


def entries(some: Entries) -> str:
    """The entries as they are indexed: the whole mask, a row, or what is picked out of it.

    >>> rows = ((1, 1), (1, 2), (2, 1), (2, 2))
    >>> entries(Entries("M", (2, 2), rows, (2, 2), axes=1))
    'M[..., None]'
    >>> entries(Entries("M", (2, 2), rows[2:], (2,)))
    'M[:, 1]'
    >>> entries(Entries("M", (2, 2), (rows[0], rows[3]), (2,)))
    'M.flatten(1)[:, [0, 3]]'
    >>> entries(Entries("M", (1, 2), rows[:2], (1, 2)))
    'M'
    >>> entries(Entries("M", (2, 1), rows[::2], (2,)))
    'M[:, :, 0]'
    """
    along = [sorted({entry[k] for entry in some.entries}) for k in range(len(some.extents))]
    is_box = list(some.entries) == list(product(*along))
    if is_box and [len(places) for places in along if len(places) > 1] == list(some.shape):
        return _box(some, along)
    every = list(product(*(range(1, size + 1) for size in some.extents)))
    if list(some.entries) == every and some.shape == some.extents:
        return some.mask + _behind(some)
    turned = sorted(every, key=lambda entry: entry[::-1])
    if list(some.entries) == turned and some.shape == some.extents[::-1]:
        return f"{some.mask}.mT" + _behind(some)
    table = _nested([every.index(entry) for entry in some.entries], some.shape)
    return f"{some.mask}.flatten(1)[:, {table}]" + _behind(some)


def _box(some: Entries, along: Sequence[Sequence[int]]) -> str:
    """What slices alone pick out."""
    picked = [_picked(places, size) for places, size in zip(along, some.extents, strict=True)]
    if all(one == ":" for one in picked):
        return some.mask + _behind(some)
    if not some.axes:
        while picked[-1] == ":":
            picked.pop()
    return f"{some.mask}[{', '.join([':', *picked, *['None'] * some.axes])}]"


def _picked(places: Sequence[int], size: int) -> str:
    if len(places) == size > 1:
        return ":"
    if len(places) == 1:
        return str(places[0] - 1)
    first, last = places[0] - 1, places[-1]
    return f"{first}:{last}" if last - first == len(places) else str([one - 1 for one in places])


def _nested(places: Sequence[int], sizes: Sequence[int]) -> str:
    if not sizes:
        return str(places[0])
    step = len(places) // sizes[0]
    parts = [_nested(places[k : k + step], sizes[1:]) for k in range(0, len(places), step)]
    return f"[{', '.join(parts)}]"


def _behind(some: Entries) -> str:
    """Axes of one, for the coordinates of what is weighed."""
    return f"[{', '.join(['...'] + ['None'] * some.axes)}]" if some.axes else ""
