"""Room for arrays: in memory where they are small, else in a file that goes with the process."""

from __future__ import annotations

__all__ = ["AT_ONCE", "copied", "room", "steps"]

import math
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from graphdsl_runtime.data.errors import refused
from graphdsl_runtime.data.table import Array

AT_ONCE = 1 << 20  # values that are in memory together

_LEAST = 1 << 28  # bytes: what is smaller stays in memory
_GIGA = 1e9


def room(shape: Sequence[int], dtype: np.dtype[np.generic] | type) -> Array:
    """Give an array of zeros to fill.

    From 256 MiB on it lies in a file without a name, in the folder for temporary files, whose space
    is reserved at once: the system keeps in memory what there is room for, and drops the rest.
    Raises `DataRefused` where the disk has not the space.

    >>> room((2, 3), np.float32).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    kind = np.dtype(dtype)
    size = math.prod(map(int, shape)) * kind.itemsize
    if size < _LEAST:
        return np.zeros(shape, dtype=kind)
    try:
        with tempfile.TemporaryFile(prefix="graphdsl-") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:  # macOS
                file.truncate(size)
            return np.memmap(file, dtype=kind, mode="r+", shape=tuple(shape))
    except (OSError, OverflowError, ValueError) as problem:
        said = getattr(problem, "strerror", None) or str(problem)
        raise refused(
            "DATA01",
            tempfile.gettempdir(),
            f"has no room for {size / _GIGA:.3g} GB of values ({said.lower()})",
            "set TMPDIR to a folder with more space, or choose fewer rows or columns before",
        ) from None


def steps(rows: int, width: int) -> Iterator[slice]:
    """Cut rows into pieces of about a million values.

    >>> list(steps(5, 500_000))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = max(1, AT_ONCE // max(1, width))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def copied(
    shape: Sequence[int], dtype: np.dtype[np.generic] | type, part: Callable[[slice], Array]
) -> Array:
    """Fill an array some rows at a time, by a function that gives the rows of a slice.

    >>> copied((2, 2), np.float32, lambda here: np.ones((here.stop - here.start, 2))).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    copy = room(shape, dtype)
    for here in steps(shape[0], math.prod(shape[1:])):
        copy[here] = part(here)
    return copy
