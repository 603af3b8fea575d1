"""Mistakes in how a loss is computed: whose networks are trained, and estimators out of place."""

from __future__ import annotations

__all__ = [
    "ChoiceInVain",
    "EstimatorIdle",
    "EstimatorMisplaced",
    "NobodyTrains",
    "SeveralSamplesMisplaced",
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


class EstimatorIdle(Warned):
    """An `estimate` line about something that the objective does not hold."""

    code = "MIB502"
    title = "Nothing to estimate"
    said = "after collecting equal terms, the objective holds no {target}"
    hint = "delete the line, or see with `--emit terms` what the objective holds"
    target: str


class EstimatorMisplaced(Diagnostic):
    """An estimator whose conditions do not hold."""

    code = "MIB501"
    title = "Estimator out of place"
    said = "{estimator} cannot estimate {target}: {reason}"
    hint = "{instead}"
    estimator: str
    target: str
    reason: str
    instead: str


class SumMisplaced(Diagnostic):
    """A sum over classes where the loss cannot be computed class by class."""

    code = "MIB504"
    title = "Sum over classes out of place"
    said = "`enumeration` cannot sum over the classes of KL({under} || p): {reason}"
    hint = "{instead}"
    under: NetworkName
    reason: str
    instead: str


class SeveralSamplesMisplaced(Diagnostic):
    """A bound of several samples that does not hold, or that is not drawn."""

    code = "MIB505"
    title = "Several samples out of place"
    said = "`{word}` does not bound KL({under} || p) here: {reason}"
    hint = "{instead}"
    word: str
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
