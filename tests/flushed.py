"""A disk that may lose power: what has a name on it, and what of that is only in memory yet."""

from __future__ import annotations

__all__ = ["Disk", "watched"]

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

_OPEN, _WRITE, _FSYNC = os.open, os.write, os.fsync


@dataclass
class Disk:
    """Files and folders whose content was changed and not flushed since."""

    pending: set[tuple[int, int]] = field(default_factory=set)
    renamed: int = 0  #: how many files and folders took another name
    early: list[str] = field(default_factory=list)  #: those that were not flushed by then

    def is_flushed(self, place: Path) -> bool:
        """Whether a file, or a folder with all that it holds, would survive."""
        inside = place.iterdir() if place.is_dir() else ()
        return _key(place) not in self.pending and all(map(self.is_flushed, inside))

    def open(self, path: Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        """Open a file; a new one is an entry of its folder."""
        is_new = flags & os.O_CREAT and not os.path.lexists(path)
        descriptor = _OPEN(path, flags, mode, dir_fd=dir_fd)
        if is_new:
            self.pending |= {_key(descriptor), _key(Path(path).parent)}
        return descriptor

    def write(self, descriptor: int, content: bytes) -> int:
        """Write to memory."""
        self.pending.add(_key(descriptor))
        return _WRITE(descriptor, content)

    def fsync(self, descriptor: int) -> None:
        """Write to the disk what was in memory."""
        _FSYNC(descriptor)
        self.pending.discard(_key(descriptor))

    def renaming(self, call: Callable[[Path, Path], None]) -> Callable[[Path, Path], None]:
        """A call that gives another name, with the account of it."""

        def renamed(source: Path, target: Path) -> None:
            self.renamed += 1
            if not self.is_flushed(Path(source)):
                self.early.append(f"{source} -> {target}")
            call(source, target)
            self.pending.add(_key(Path(target).parent))

        return renamed


@contextmanager
def watched() -> Iterator[Disk]:
    """Keep account of the calls that change files, names among them, and of those that flush."""
    disk = Disk()
    calls = {"open": disk.open, "write": disk.write, "fsync": disk.fsync}
    calls |= {name: disk.renaming(getattr(os, name)) for name in ("replace", "rename")}
    with ExitStack() as patches:
        for name, call in calls.items():
            patches.enter_context(patch.object(os, name, call))
        yield disk


def _key(place: int | Path) -> tuple[int, int]:
    status = os.fstat(place) if isinstance(place, int) else place.stat()
    return status.st_dev, status.st_ino
