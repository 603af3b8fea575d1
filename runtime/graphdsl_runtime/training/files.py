"""Write a file whole or not at all."""

from __future__ import annotations

__all__ = ["write_whole"]

import os
from collections.abc import Callable
from pathlib import Path


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a file beside ``path``, and give it that name once it is complete.

    A run that is stopped halfway leaves the file that was there before, and two runs at once do
    not write into each other's.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "words.txt"
    ...     write_whole(path, lambda unfinished: print(unfinished.write_text("one"), path.exists()))
    ...     path.read_text(), len(list(Path(folder).iterdir()))
    3 False
    ('one', 1)
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        write(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
