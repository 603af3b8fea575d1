"""Where something stands: a source text, a place in it, and a stretch of it."""

from __future__ import annotations

__all__ = ["LARGEST", "Source", "Span"]

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from graphdsl_files import read_at_most, visible

#: Bytes of a spec. The largest that ships has a thousandth of it.
LARGEST = 4 * 2**20


@dataclass(frozen=True)
class Source:
    """A spec's text and the name by which messages call it."""

    name: str  #: as the user typed it; never an absolute path of our own making
    text: str

    @classmethod
    def read(cls, path: Path) -> Source:
        """Read a spec from a file in UTF-8, with any line ending, with or without a BOM.

        Raises `OSError`, `UnicodeDecodeError`, or `TooLarge` beyond `LARGEST` bytes.
        """
        return cls.decoded(path.name, read_at_most(path, LARGEST))

    @classmethod
    def read_from(cls, name: str, stream: BinaryIO) -> Source:
        """Read a spec from a stream, as `read` does from a file."""
        return cls.decoded(name, read_at_most(stream, LARGEST))

    @classmethod
    def decoded(cls, name: str, content: bytes) -> Source:
        """The spec that these bytes are, under a name that messages can show."""
        text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
        return cls(visible(name, keep=""), text)

    @property
    def sha256(self) -> str:
        """The content hash that emitted modules carry: line endings do not change it."""
        return hashlib.sha256("\n".join(self.lines).encode(errors="replace")).hexdigest()

    @cached_property
    def lines(self) -> tuple[str, ...]:
        r"""The lines as they are numbered: a line ends with a newline and nothing else.

        >>> Source("a.mib", "model a\r\nparam b = 1\n").lines
        ('model a', 'param b = 1')
        """
        lines = [line.removesuffix("\r") for line in self.text.split("\n")]
        return tuple(lines[:-1] if lines[-1] == "" else lines)

    def line(self, number: int) -> str:
        """Line `number`, counted from one; empty past the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From a place to just past another, lines and columns counted from one."""

    line: int
    column: int
    end_line: int
    end_column: int

    @classmethod
    def at(cls, line: int, column: int, width: int) -> Span:
        """A place in one line of the spec."""
        return cls(line, column, line, column + width)

    def to(self, other: Span) -> Span:
        """The stretch from the start of this one to the end of the other."""
        return Span(self.line, self.column, other.end_line, other.end_column)
