"""Mistakes with the values that a caller has a spec compiled with."""

from __future__ import annotations

__all__ = ["UnknownValue"]

from graphdsl.diagnostics import Diagnostic


class UnknownValue(Diagnostic):
    """A value for a constant or a parameter that the spec does not declare."""

    code = "MIB294"
    title = "Value for nothing"
    said = "a value is given for the {kind} `{name}`, and the spec declares none"
    hint = "{guess}"
    kind: str
    name: str
    guess: str
