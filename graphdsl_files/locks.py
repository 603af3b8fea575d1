"""Hold a file or a folder, so that no other process works on it at the same time."""

from __future__ import annotations

__all__ = ["held"]

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl


@contextmanager
def held(path: Path, *, wait: bool = False) -> Iterator[bool]:
    """Hold a file or a folder that exists; gives whether it could be had.

    With ``wait``, it waits for as long as another process holds it. The system lets go when the
    process ends, however it ends. Where there are no locks (Windows, some network file systems)
    everybody gets it. Raises `OSError` where there is no such file.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, held(Path(folder)) as first:
    ...     with held(Path(folder)) as second:
    ...         first, second
    (True, False)
    """
    if sys.platform == "win32":
        yield True
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield _locked(descriptor, wait)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, wait: bool) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
