"""Which reader a source is for, by its suffix or by the word before its colon."""

from __future__ import annotations

__all__ = ["SOURCES", "open_table", "runs_code"]

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path

from graphdsl_runtime.calling import is_named_function
from graphdsl_runtime.data.built_in import image_table
from graphdsl_runtime.data.csv_blocks import read_csv
from graphdsl_runtime.data.drawn import cells, coloured_digits, coloured_mnist, sources, sprites
from graphdsl_runtime.data.errors import refused
from graphdsl_runtime.data.hub import read_saved
from graphdsl_runtime.data.images import read_images
from graphdsl_runtime.data.numpy_files import read_npy, read_npz
from graphdsl_runtime.data.omics import read_omics
from graphdsl_runtime.data.own import read_own
from graphdsl_runtime.data.record_batches import read_arrow
from graphdsl_runtime.data.row_groups import read_parquet
from graphdsl_runtime.data.table import Table
from graphdsl_runtime.data.uci import read_adult, read_german, read_mfeat

#: By suffix.
_FILES: Mapping[str, Callable[[Path], Table]] = {
    ".npz": read_npz,
    ".npy": read_npy,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": read_parquet,
    ".arrow": read_arrow,
    ".feather": read_arrow,
    ".h5ad": read_omics,
    ".h5mu": read_omics,
    ".zarr": read_omics,
}

#: By the word before the colon.
_FOLDERS: Mapping[str, Callable[[Path], Table]] = {
    "images": read_images,
    "hf": read_saved,
    "adult": read_adult,
    "german": read_german,
    "mfeat": read_mfeat,
    "mnist": lambda folder: image_table(f"mnist:{folder}"),
    "mnist-halves": lambda folder: image_table(f"mnist-halves:{folder}"),
    "coloured-mnist": lambda folder: coloured_mnist(str(folder)),
}

#: By name.
_SHIPPED: Mapping[str, Callable[[], Table]] = {
    "cells": cells,
    "digits": lambda: image_table("digits"),
    "digits-halves": lambda: image_table("digits-halves"),
    "coloured-digits": coloured_digits,
    "sources": sources,
    "sprites": sprites,
}

#: What `open_table` knows, for help and for messages.
SOURCES = (
    *_SHIPPED,
    *(f"{word}:FOLDER" for word in _FOLDERS),
    *(f"FILE{suffix}" for suffix in _FILES),
    "MODULE:FUNCTION",
)


def runs_code(source: str) -> bool:
    """Say whether a source is a function of the user's own: to read it is to run it.

    >>> runs_code("mine:rows"), runs_code("mnist:folder"), runs_code("rows.csv")
    (True, False, False)
    """
    word, colon, _ = source.partition(":")
    is_file = Path(source).suffix.lower() in _FILES
    return bool(colon) and word not in _FOLDERS and not is_file and is_named_function(source)


def open_table(source: str) -> Table:
    """Read a data source.  Raises `TrainingError`, mostly as `DataRefused`."""
    word, _, rest = source.partition(":")
    if source in _SHIPPED:
        return _SHIPPED[source]()
    if word in _FOLDERS and rest:
        return _FOLDERS[word](Path(rest).expanduser())
    path = Path(source).expanduser()
    reader = _FILES.get(path.suffix.lower())
    if reader is not None:
        _refuse_absent(path, source)
        return reader(path)
    if runs_code(source):
        return read_own(source)
    raise _unknown(source)


def _refuse_absent(path: Path, source: str) -> None:
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except (OSError, ValueError) as problem:
        raise refused("DATA01", source, str(problem).lower()) from None
    if path.suffix.lower() == ".zarr" and is_folder:
        return
    if not is_file:
        raise refused("DATA01", source, "is a folder" if is_folder else "there is no such file")


def _unknown(source: str) -> Exception:
    names = {one.partition(":")[0]: one for one in SOURCES if not one.startswith("FILE")}
    word = source.partition(":")[0].lower()
    close = [word] if word in names else get_close_matches(word, names, n=1)
    guess = f"did you mean `{names[close[0]]}`? " if close else ""
    said = f"{guess}A source is one of {', '.join(SOURCES)}"
    return refused("DATA01", source, "is no data that can be read", said)
