"""Read the IDX files that MNIST comes in, plain or gzipped.

A file is two zero bytes, a byte for the type (8: unsigned bytes, the only one here), a byte for the
number of axes, the size of each axis as four bytes, largest first, and then the values.
"""

from __future__ import annotations

__all__ = ["read_idx"]

import gzip
import io
import math
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from graphdsl_runtime.training.errors import BadDataFile

_UNSIGNED_BYTE = 8
_MOST = 2**30  # values of a file; MNIST has 47 million, the largest of its kin 550 million
_EASE = 100  # how far images are packed at most: MNIST's are to a fifth


def read_idx(path: Path, axes: int) -> Tensor:
    """Read the bytes of an IDX file with that number of axes.

    Shapes: ``-> (n,)`` for labels, ``(n, rows, columns)`` for images, of uint8.
    At most 2^30 values are read, and of a gzip file at most 100 times its size.
    Raises `BadDataFile`, which says what the file is instead.
    """
    try:
        with _open(path) as file:
            shape = _header(path, file, axes)
            return _values(path, file, shape, _most(path))
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise BadDataFile(path, "is not a whole gzip file: copy or download it again") from None
    except OSError as problem:
        raise BadDataFile(path, (problem.strerror or str(problem)).lower()) from None


def _open(path: Path) -> io.BufferedIOBase:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")


def _header(path: Path, file: io.BufferedIOBase, axes: int) -> tuple[int, ...]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise BadDataFile(path, f"is not an IDX file: it starts with {magic!r}, not with two zeros")
    if magic[2] != _UNSIGNED_BYTE:
        raise BadDataFile(path, f"holds values of IDX type {magic[2]}; expected 8, unsigned bytes")
    if magic[3] != axes:
        raise BadDataFile(
            path, f"holds {_content(magic[3])}; expected {_content(axes)}: are two files swapped?"
        )
    sizes = file.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise BadDataFile(path, "ends within its header: copy or download it again")
    return struct.unpack(f">{axes}I", sizes)


def _values(path: Path, file: io.BufferedIOBase, shape: Sequence[int], most: int) -> Tensor:
    wanted = math.prod(shape)
    values = file.read(min(wanted, most) + 1)  # the header may announce any number
    if len(values) > most:
        raise BadDataFile(path, f"holds more than {most / 2**20:,.0f} MiB of values: too many")
    if len(values) < wanted:
        raise BadDataFile(
            path, f"ends after {len(values)} of {wanted} values: copy or download it again"
        )
    if len(values) > wanted:
        raise BadDataFile(path, f"goes on after the {wanted} values that its header announces")
    return torch.frombuffer(bytearray(values), dtype=torch.uint8).reshape(shape)


def _most(path: Path) -> int:
    """How many values are read: of a small gzip file that unpacks to a large one, fewer."""
    return min(_MOST, _EASE * path.stat().st_size + 2**20) if path.suffix == ".gz" else _MOST


def _content(axes: int) -> str:
    known = {1: "labels (1 axis)", 3: "images (3 axes)"}
    return known.get(axes, f"an array of {axes} axes")
