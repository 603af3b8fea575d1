"""What a computation costs, in units that are the same on every machine."""

from __future__ import annotations

__all__ = ["calls", "growth", "peak"]

import tracemalloc
from collections.abc import Callable
from cProfile import Profile
from functools import partial
from math import log


def calls(action: Callable[[], object]) -> int:
    """How many functions are called, Python's and those written in C."""
    profile = Profile()
    profile.enable()
    try:
        action()
    finally:
        profile.disable()
    return sum(entry.callcount for entry in profile.getstats())


def growth(action: Callable[[int], object], small: int, large: int) -> float:
    """The exponent by which the calls grow with the size: 1 is linear, 2 is quadratic.

    >>> growth(lambda size: [abs(k) for k in range(size * size)], 20, 40) > 1.9
    True
    """
    few, many = (calls(partial(action, size)) for size in (small, large))
    return log(many / few) / log(large / small)


def peak(action: Callable[[], object]) -> int:
    """The most bytes that are held at once, beyond those held before."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
