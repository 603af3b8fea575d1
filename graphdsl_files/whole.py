"""Replace a file, or a folder of files, whole or not at all.

Content goes to a new name beside its target, is flushed to the disk, and is renamed: a process that
is killed at any moment, or a disk that is full, leaves what was there. What a killed process leaves
behind is removed by the next one: a writer holds a lock on its unfinished file, and one without a
lock has no writer any more.
"""

from __future__ import annotations

__all__ = ["present", "write_folder", "write_whole"]

import errno
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_UNFINISHED = re.compile(r"\.graphdsl-[0-9a-f]{16}\.unfinished")

#: A descriptor of this process by its path; `/dev/stdout` is a link to one of them.
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self|proc/thread-self|proc/(?P<process>\d+))/fd/(?P<n>\d+)")
_LINKS = 40  # the depth at which Linux gives up as well


def write_whole(path: Path, content: bytes) -> None:
    r"""Give a file this content in one step.

    A symbolic link stays, and the file behind it is replaced. Devices, pipes and `/dev/stdout` are
    written to and never replaced. A file keeps its permissions; folders that lack are made.
    Raises `OSError`; then the file is as it was.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "made" / "words.txt"
    ...     write_whole(path, b"one")
    ...     path.read_bytes(), [one.name for one in path.parent.iterdir()]
    (b'one', ['words.txt'])
    """
    if (descriptor := _descriptor(path)) is not None:
        _write_all(descriptor, content)
        return
    target = Path(os.path.realpath(path))
    there = _status(target)
    if there is not None and stat.S_ISDIR(there.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if there is not None and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    if there is not None and not stat.S_ISREG(there.st_mode):
        _write_through(target, content)
        return
    _make_folder(target.parent)
    _remove_orphans(target.parent)
    with _unfinished_file(target.parent) as (name, opened):
        if there is not None:
            name.chmod(stat.S_IMODE(there.st_mode))
        _write_all(opened, content)
        os.fsync(opened)
        os.replace(name, target)  # noqa: PTH105  # beside the other calls that tests interrupt
    _flush_folder(target.parent)


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Replace a folder by one of these files, in one step for whoever asks `present`.

    The old folder is set aside before the new one takes its name, and removed afterwards; a process
    that is killed between the two leaves it there, where `present` finds it.
    Raises `OSError`; then `present` finds the folder as it was.
    """
    target = Path(os.path.realpath(path))
    _make_folder(target.parent)
    _remove_orphans(target.parent)
    aside = _aside(target)
    with _unfinished_folder(target.parent) as name:
        for file, content in files.items():
            _write_new(name / file, content)
        _flush_folder(name)
        if os.path.lexists(target):
            _remove(aside)
            os.rename(target, aside)  # noqa: PTH104  # beside the other calls that tests interrupt
        os.rename(name, target)  # noqa: PTH104
    _flush_folder(target.parent)
    _remove(aside)


def present(path: Path) -> Path:
    """Where the folder is that `write_folder` wrote last, wherever it was interrupted."""
    target = Path(os.path.realpath(path))
    aside = _aside(target)
    gone = not os.path.lexists(target)
    return aside if gone and os.path.isdir(aside) else path  # noqa: PTH112  # of odd names: no


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.previous")


def _descriptor(path: Path) -> int | None:
    """The descriptor of this process that a path names, itself or through symbolic links."""
    current = os.path.abspath(path)  # noqa: PTH100  # `Path.absolute` keeps `..`
    for _ in range(_LINKS):
        match = _DESCRIPTOR.fullmatch(current)
        if match and match["process"] in (None, str(os.getpid())):
            return int(match["n"])
        try:
            link = os.readlink(current)  # noqa: PTH115  # a string, however odd
        except (OSError, ValueError):
            return None
        current = os.path.normpath(os.path.join(os.path.dirname(current), link))  # noqa: PTH118, PTH120
    return None


def _status(target: Path) -> os.stat_result | None:
    try:
        return target.stat()
    except FileNotFoundError:
        return None


def _make_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)


def _write_through(target: Path, content: bytes) -> None:
    descriptor = os.open(target, os.O_WRONLY)
    try:
        _write_all(descriptor, content)
    finally:
        os.close(descriptor)


def _write_new(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        _write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _unfinished(folder: Path) -> Path:
    """A name that nobody can foresee, and so nobody can have put a link at."""
    return folder / f".graphdsl-{secrets.token_hex(8)}.unfinished"


@contextmanager
def _unfinished_file(folder: Path) -> Iterator[tuple[Path, int]]:
    name = _unfinished(folder)
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        _lock(descriptor)
        yield name, descriptor
    finally:
        os.close(descriptor)
        _remove(name)  # which has another name by now, unless something went wrong


@contextmanager
def _unfinished_folder(folder: Path) -> Iterator[Path]:
    name = _unfinished(folder)
    os.mkdir(name)  # noqa: PTH102  # beside the other calls that tests interrupt
    descriptor = os.open(name, os.O_RDONLY) if sys.platform != "win32" else None
    try:
        if descriptor is not None:
            _lock(descriptor)
        yield name
    finally:
        if descriptor is not None:
            os.close(descriptor)
        _remove(name)


def _flush_folder(folder: Path) -> None:
    """Make renames in a folder last: on the disk, a name is the folder's content."""
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Mark an unfinished file as being written; false if another process has done so."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # taken, or a file system without locks: then nothing is ever an orphan
        return False
    return True


def _remove_orphans(folder: Path) -> None:
    """Remove what writers that are gone have left unfinished in a folder."""
    try:
        names = [one for one in os.listdir(folder) if _UNFINISHED.fullmatch(one)]  # noqa: PTH208
    except OSError:
        return
    for name in names:
        try:
            descriptor = os.open(folder / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except OSError:
            continue
        try:
            if _lock(descriptor):
                _remove(folder / name)
        finally:
            os.close(descriptor)


def _remove(path: Path) -> None:
    """Remove a file or a folder, if it is there; one that cannot be is left."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    try:
        path.unlink()
    except OSError:
        pass
