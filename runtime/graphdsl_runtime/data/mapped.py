"""Arrays of a `.npz` that lie in it as they are, mapped into memory instead of read."""

from __future__ import annotations

__all__ = ["mapped_arrays"]

import io
import math
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from graphdsl_runtime.data.table import Array

_LEAST = 1 << 24  # bytes: what is smaller is read at once
_AT_ONCE = 1 << 22  # bytes whose checksum is computed together
_LOCAL = 30  # bytes of a local header, before the name


def mapped_arrays(path: Path, least: int = _LEAST) -> dict[str, Array]:
    """Map the large arrays that a `.npz` stores without compression, after a check of each.

    Raises whatever a broken file makes NumPy, or zipfile, say.
    """
    arrays = {}
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        for member in archive.infolist():
            plain = member.compress_type == zipfile.ZIP_STORED and not member.flag_bits & 1
            if plain and member.file_size >= least and member.filename.endswith(".npy"):
                start = _start(file, member)
                array = _mapped(path, file, start, member)
                if array is not None:
                    arrays[member.filename.removesuffix(".npy")] = array
    return arrays


def _start(file: io.BufferedReader, member: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin; their checksum is that of the archive."""
    file.seek(member.header_offset)
    name, extra = struct.unpack("<26xHH", file.read(_LOCAL))
    start = member.header_offset + _LOCAL + int(name) + int(extra)
    file.seek(start)
    left, checksum = member.file_size, 0
    while left:
        block = file.read(min(left, _AT_ONCE))
        if not block:
            raise EOFError(f"{member.filename} ends early")
        checksum = zlib.crc32(block, checksum)
        left -= len(block)
    if checksum != member.CRC:
        raise zipfile.BadZipFile(f"{member.filename} has another checksum than the archive says")
    return start


def _mapped(
    path: Path, file: io.BufferedReader, start: int, member: zipfile.ZipInfo
) -> Array | None:
    """Map an array of numbers; None for what has to be read."""
    file.seek(start)
    version = npy.read_magic(file)
    header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = header(file)
    place = file.tell()
    if dtype.kind not in "biuf" or fortran:
        return None
    if place - start + math.prod(shape) * dtype.itemsize != member.file_size:
        raise ValueError(f"{member.filename} has not the size that its header says")
    return np.memmap(path, dtype=dtype, mode="c", offset=place, shape=shape)
