"""What a mistake is: a class with a code, a title, a sentence and a next step."""

from __future__ import annotations

__all__ = ["CompilerBug", "Diagnostic", "SpecError", "Warned"]

from inspect import get_annotations
from typing import ClassVar, dataclass_transform

from graphdsl.diagnostics.span import Span
from graphdsl_files import visible


@dataclass_transform(kw_only_default=True, frozen_default=True)
class _Sentences:
    """What fills the sentences of a class with the values that it is made with."""

    def __init__(self, *, span: Span, **holes: object) -> None:
        wanted = self._fields()
        if wanted != holes.keys():
            raise CompilerBug(f"{type(self).__name__} takes {sorted(wanted)}, not {sorted(holes)}")
        self.__dict__.update(holes, span=span)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.items()))

    def __repr__(self) -> str:
        holes = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({holes})"

    @classmethod
    def _fields(cls) -> set[str]:
        """The names of the holes: what a subclass annotates itself."""
        return set(get_annotations(cls))


class Diagnostic(_Sentences):
    """One mistake in a spec; its subclasses fill the sentences with their fields.

    To a type checker they are frozen dataclasses with keyword arguments. They are made by hand,
    since a hundred dataclasses would cost every start of the command line a tenth of a second.
    """

    code: ClassVar[str]  #: stable, such as MIB201; the hundreds name the stage
    title: ClassVar[str]
    said: ClassVar[str]  #: what is wrong, with the names of fields in braces
    hint: ClassVar[str]  #: what to write instead
    severity: ClassVar[str] = "error"

    span: Span

    @property
    def message(self) -> str:
        """What is wrong, in one sentence."""
        return visible(self.said.format(**self.__dict__))

    @property
    def advice(self) -> str:
        """What to write instead, in one sentence."""
        return visible(self.hint.format(**self.__dict__))


class Warned(Diagnostic):
    """Legal, but suspicious: compilation goes on, unless it is strict."""

    severity: ClassVar[str] = "warning"


class SpecError(Exception):
    """A spec is at fault: every mistake that could be found, in the order of the text."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.diagnostics = tuple(sorted(diagnostics, key=lambda found: (found.span, found.code)))
        super().__init__(
            "; ".join(f"{diagnostic.code}: {diagnostic.message}" for diagnostic in self.diagnostics)
        )


class CompilerBug(Exception):  # noqa: N818  # it says whose fault it is
    """Something that cannot be did happen: ours to mend, never the user's fault."""
