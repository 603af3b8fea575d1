"""What a mistake is: a class with a code, a title, a sentence and a next step."""

from __future__ import annotations

__all__ = ["CompilerBug", "Diagnostic", "SpecError", "Warned"]

from dataclasses import dataclass, fields
from typing import ClassVar

from graphdsl.diagnostics.span import Span


@dataclass(frozen=True, kw_only=True)
class Diagnostic:
    """One mistake in a spec; its subclasses fill the sentences with their fields."""

    code: ClassVar[str]  #: stable, such as MIB201; the hundreds name the stage
    title: ClassVar[str]
    said: ClassVar[str]  #: what is wrong, with the names of fields in braces
    hint: ClassVar[str]  #: what to write instead
    severity: ClassVar[str] = "error"

    span: Span

    @property
    def message(self) -> str:
        """What is wrong, in one sentence."""
        return self.said.format(**self._holes())

    @property
    def advice(self) -> str:
        """What to write instead, in one sentence."""
        return self.hint.format(**self._holes())

    def _holes(self) -> dict[str, object]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, kw_only=True)
class Warned(Diagnostic):
    """Legal, but suspicious: compilation goes on, unless it is strict."""

    severity: ClassVar[str] = "warning"


class SpecError(Exception):
    """A spec is at fault: every mistake that could be found, in the order of the text."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.diagnostics = tuple(sorted(diagnostics, key=lambda found: (found.span, found.code)))
        super().__init__("; ".join(f"{one.code}: {one.message}" for one in self.diagnostics))


class CompilerBug(Exception):
    """Something that cannot be did happen: ours to mend, never the user's fault."""
