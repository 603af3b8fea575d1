"""An order in which each thing comes after what it needs, in time linear in the needs."""

from __future__ import annotations

__all__ = ["in_order"]

from collections.abc import Hashable, Iterable, Sequence
from heapq import heapify, heappop, heappush


def in_order(makes: Sequence[Iterable[Hashable]], needs: Sequence[Iterable[Hashable]]) -> list[int]:
    """The places of the things, each after those that make what it needs; else as they come.

    What nothing makes is there from the start. Things that need each other, and all that needs
    them, are left out.

    >>> in_order(makes=["b", "c", "a"], needs=["a", "b", "x"])
    [2, 0, 1]
    >>> in_order(makes=["a", "b", "c"], needs=["", "c", "b"])
    [0]
    """
    makers: dict[Hashable, list[int]] = {}
    for place, children in enumerate(makes):
        for thing in children:
            makers.setdefault(thing, []).append(place)
    before = [{one for need in needed for one in makers.get(need, ())} for needed in needs]
    after: list[list[int]] = [[] for _ in makes]
    for place, makers_of in enumerate(before):
        for one in makers_of:
            after[one].append(place)
    missing = [len(makers_of) for makers_of in before]
    ready = [place for place, count in enumerate(missing) if not count]
    heapify(ready)
    order = []
    while ready:
        place = heappop(ready)
        order.append(place)
        for one in after[place]:
            missing[one] -= 1
            if not missing[one]:
                heappush(ready, one)
    return order
