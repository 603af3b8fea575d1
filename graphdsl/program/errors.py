"""Mistakes in how a loss is computed: whose networks are trained, and estimators out of place."""

from __future__ import annotations

__all__ = [
    "ChoiceInVain",
    "NobodyTrains",
    "SumMisplaced",
]

from graphdsl.diagnostics import Diagnostic, Warned
from graphdsl.ir.symbols import NetworkName


class NobodyTrains(Diagnostic):
    """Networks that run, and that no objective is for."""

    code = "MIB453"
    title = "Networks that nobody trains"
    said = "{reason}, and no objective is for `{name}`"
    hint = "say whose it is, as in `{example}`, or give it an objective of its own"
    name: str
    reason: str
    example: str


class SumMisplaced(Diagnostic):
    """A sum over classes where the loss cannot be computed class by class."""

    code = "MIB504"
    title = "Sum over classes out of place"
    said = "`enumeration` cannot sum over the classes of KL({under} || p): {reason}"
    hint = "{instead}"
    under: NetworkName
    reason: str
    instead: str


class ChoiceInVain(Warned):
    """A choice behind `with` that changes nothing."""

    code = "MIB507"
    title = "Choice that changes nothing"
    said = "`{word}` changes nothing: the loss holds no {lacking}"
    hint = "leave it out"
    word: str
    lacking: str
