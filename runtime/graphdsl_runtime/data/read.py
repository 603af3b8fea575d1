"""Which reader a source is for, by its suffix or by the word before its colon."""

from __future__ import annotations

__all__ = ["SOURCES", "open_table"]

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path

from graphdsl_runtime.data.arrow_files import read_arrow, read_csv, read_parquet
from graphdsl_runtime.data.built_in import image_table
from graphdsl_runtime.data.errors import refused
from graphdsl_runtime.data.numpy_files import read_npy, read_npz
from graphdsl_runtime.data.table import Table

#: By suffix.
_FILES: Mapping[str, Callable[[Path], Table]] = {
    ".npz": read_npz,
    ".npy": read_npy,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": read_parquet,
    ".arrow": read_arrow,
    ".feather": read_arrow,
}

_IMAGES = ("digits", "digits-halves", "mnist", "mnist-halves")

#: What `open_table` knows, for help and for messages.
SOURCES = (
    "digits",
    "digits-halves",
    "mnist:FOLDER",
    "mnist-halves:FOLDER",
    *(f"FILE{one}" for one in _FILES),
)


def open_table(source: str) -> Table:
    """Read a data source.  Raises `DataRefused`."""
    if source.partition(":")[0] in _IMAGES:
        return image_table(source)
    path = Path(source).expanduser()
    reader = _FILES.get(path.suffix.lower())
    if reader is None:
        raise _unknown(source)
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except (OSError, ValueError) as problem:
        raise refused("DATA01", source, str(problem).lower()) from None
    if not is_file:
        said = "is a folder" if is_folder else "there is no such file"
        raise refused("DATA01", source, said)
    return reader(path)


def _unknown(source: str) -> Exception:
    names = {one.partition(":")[0]: one for one in SOURCES if not one.startswith("FILE")}
    close = get_close_matches(source.partition(":")[0].lower(), names, n=1)
    guess = f"did you mean `{names[close[0]]}`? " if close else ""
    return refused(
        "DATA01", source, "is no data that can be read", f"{guess}What can be: {', '.join(SOURCES)}"
    )
