"""Where something stands: a source text, a place in it, and a stretch of it."""

from __future__ import annotations

__all__ = ["Source", "Span"]

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Source:
    """A spec's text and the name by which messages call it."""

    name: str  #: as the user typed it; never an absolute path of our own making
    text: str

    @classmethod
    def read(cls, path: Path) -> Source:
        """Read a spec from a file, in UTF-8, with any line ending."""
        return cls(path.name, path.read_text(encoding="utf-8"))

    @property
    def sha256(self) -> str:
        """The content hash that emitted modules carry: line endings do not change it."""
        return hashlib.sha256("\n".join(self.text.splitlines()).encode()).hexdigest()

    def line(self, number: int) -> str:
        """Line `number`, counted from one; empty past the end."""
        lines = self.text.splitlines()
        return lines[number - 1] if 0 < number <= len(lines) else ""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From a place to just past another, lines and columns counted from one."""

    line: int
    column: int
    end_line: int
    end_column: int

    def to(self, other: Span) -> Span:
        """The stretch from the start of this one to the end of the other."""
        return Span(self.line, self.column, other.end_line, other.end_column)
