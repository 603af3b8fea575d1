"""Files that are watched: which of them were saved since the last look."""

from __future__ import annotations

__all__ = ["changes"]

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

_PAUSE = 0.3  #: seconds between two looks: shorter than it takes to look from editor to terminal

_Stamp: TypeAlias = tuple[int, int, int] | None  #: None for a file that is not there


def changes(files: Sequence[Path], pause: float = _PAUSE) -> Iterator[tuple[Path, ...]]:
    """Yield the files that were saved, every time that some were, without an end.

    An editor that writes aside and renames is seen too; a file that is gone is waited for.
    """
    before = [_stamp(file) for file in files]
    while True:
        time.sleep(pause)
        now = [_stamp(file) for file in files]
        saved = tuple(
            file
            for file, old, new in zip(files, before, now, strict=True)
            if new is not None and new != old
        )
        before = now
        if saved:
            yield saved


def _stamp(file: Path) -> _Stamp:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
