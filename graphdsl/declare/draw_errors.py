"""What can be wrong with sets of indices that are drawn: MIB271."""

from __future__ import annotations

__all__ = ["CannotBeDrawn"]

from graphdsl.diagnostics import Diagnostic


class CannotBeDrawn(Diagnostic):
    """A mean over too many sets to write out, in a form that one drawn set cannot stand in."""

    code = "MIB271"
    title = "Too many sets to write out"
    said = "sets `{name}` of so many members are drawn one at a time, and {problem}"
    hint = "{instead}"
    name: str
    problem: str
    instead: str
