"""Read a file that may be endless, or larger than anything it could mean."""

from __future__ import annotations

__all__ = ["TooLarge", "read_at_most"]

from pathlib import Path
from typing import BinaryIO


class TooLarge(Exception):  # noqa: N818  # it is what the file is
    """A file holds more than it may.

    >>> TooLarge(4 * 2**20)
    TooLarge('it holds more than 4 MiB')
    """

    def __init__(self, most: int) -> None:
        super().__init__(f"it holds more than {most / 2**20:g} MiB")
        self.most = most


def read_at_most(file: Path | BinaryIO, most: int) -> bytes:
    """Read a whole file of at most that many bytes; of a larger one, and of a device, no more.

    Raises `TooLarge`, and what opening and reading raise.

    >>> import io
    >>> read_at_most(io.BytesIO(b"1234"), most=4)
    b'1234'
    >>> read_at_most(io.BytesIO(bytes(2**20 + 1)), most=2**20)
    Traceback (most recent call last):
    graphdsl_files.limited.TooLarge: it holds more than 1 MiB
    """
    if isinstance(file, Path):
        with file.open("rb") as opened:
            return read_at_most(opened, most)
    content = file.read(most + 1)
    if len(content) > most:
        raise TooLarge(most)
    return content
