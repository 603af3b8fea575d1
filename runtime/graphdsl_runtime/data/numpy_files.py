"""`.npy` and `.npz`, memory-mapped where they can be. Nothing in them is ever unpickled."""

from __future__ import annotations

__all__ = ["column_of", "read_npy", "read_npz"]

import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

from graphdsl_runtime.data.errors import DataRefused, refused
from graphdsl_runtime.data.mapped import mapped_arrays
from graphdsl_runtime.data.table import Array, Column, Table, from_text

_OBJECTS = "holds Python objects, which only a pickle can store and a pickle can run any code"
_NUMBERS = "store arrays of numbers or of text"
#: What NumPy calls the kinds of its types that no variable can have.
_UNUSABLE = {"c": "complex numbers", "M": "dates", "m": "durations", "V": "raw bytes"}


def read_npy(path: Path) -> Table:
    """Read one array; a structured one is a table.  Raises `DataRefused`."""
    try:
        array = np.load(path, mmap_mode="c", allow_pickle=False)
    except Exception as problem:  # whatever NumPy says of a file that is broken
        raise _refusal(path.name, path, problem) from None
    if not isinstance(array, np.ndarray):
        raise refused("DATA01", path.name, "holds several arrays", "name it NAME.npz")
    if array.dtype.names:
        columns = tuple(column_of(name, array[name]) for name in array.dtype.names)
        return Table(path.name, columns)
    return Table(path.name, (column_of(path.stem, array),), nameless=True)


def read_npz(path: Path) -> Table:
    """Read arrays by name; the array ``NAME_names`` names the entries of NAME.

    Raises `DataRefused`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [one.removesuffix(".npy") for one in archive.namelist()]
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            raise refused("DATA02", path.name, f"has two arrays named `{twice[0]}`", "rename one")
        mapped = mapped_arrays(path)
        with np.load(path, allow_pickle=False) as archive:
            arrays = {
                name: mapped[name] if name in mapped else _array(archive, name, path)
                for name in names
            }
    except DataRefused:
        raise
    except Exception as problem:  # whatever NumPy says of a file that is broken
        raise _refusal(path.name, path, problem) from None
    columns = []
    for name, array in arrays.items():
        labels = arrays.get(f"{name}_names")
        columns.append(column_of(name, array, labels))
    return Table(path.name, tuple(columns))


def _array(archive: np.lib.npyio.NpzFile, name: str, path: Path) -> Array:
    try:
        array = archive[name]
    except Exception as problem:  # whatever NumPy says of a file that is broken
        raise _refusal(f"`{name}` in {path.name}", path, problem) from None
    if not isinstance(array, np.ndarray):
        raise refused("DATA01", path.name, f"`{name}` is no array", _NUMBERS)
    return array


def column_of(name: str, array: Array, labels: Array | None = None) -> Column:
    """Make a column of an array, whose entries ``labels`` may name."""
    name, kind = name.strip(), array.dtype.kind
    if kind in "US":
        try:
            return from_text(name, np.char.decode(array, "utf-8") if kind == "S" else array)
        except ValueError:  # of bytes, or of numbers, that stand for no letter
            return Column(name, np.zeros(array.shape), unusable="text that is not in UTF-8")
    if kind in _UNUSABLE:
        return Column(name, np.zeros(array.shape), unusable=_UNUSABLE[kind])
    entries: tuple[str, ...] = ()
    if labels is not None and labels.dtype.kind in "US" and labels.shape == array.shape[1:]:
        names = tuple(map(str, labels))
        entries = names if len(set(names)) == len(names) else ()
    return Column(name, _native(array), entries=entries)


def _native(array: Array) -> Array:
    """Give numbers in the machine's byte order, and none wider than NumPy's own double."""
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        return array.astype(np.float64)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _refusal(where: str, path: Path, problem: Exception) -> Exception:
    said = " ".join(str(problem).split())
    if "pickle" in said.lower() or "object" in said.lower():
        return refused("DATA01", where, _OBJECTS, _NUMBERS)
    if isinstance(problem, OSError) and problem.strerror:
        return refused("DATA01", where, problem.strerror.lower())
    return refused(
        "DATA01", where, f"is no {path.suffix} file, or only a part of one: {said[:100]}"
    )
