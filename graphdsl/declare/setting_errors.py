"""What can be wrong with settings: of schedules, networks and estimators."""

from __future__ import annotations

__all__ = [
    "EstimatorBrackets",
    "NetworkArguments",
    "NetworkOption",
    "ScheduleSetting",
    "ScheduleTwice",
    "ScheduleWithout",
    "SettingValue",
]

from graphdsl.diagnostics import Diagnostic


class ScheduleSetting(Diagnostic):
    """A setting that a ramp or a cycle does not have."""

    code = "MIB246"
    title = "Setting of a schedule"
    said = "`{word}` has no setting `{name}`"
    hint = "write `{usage}`"
    word: str
    name: str
    usage: str


class ScheduleTwice(Diagnostic):
    """A setting of a ramp or a cycle that is given twice."""

    code = "MIB361"
    title = "Setting given twice"
    said = "`{name}` of `{word}` is given twice"
    hint = "keep one of them: `{usage}`"
    word: str
    name: str
    usage: str


class ScheduleWithout(Diagnostic):
    """A ramp or a cycle that lacks a setting."""

    code = "MIB362"
    title = "Schedule without a setting"
    said = "`{word}` does not say `{name}`"
    hint = "write `{usage}`"
    word: str
    name: str
    usage: str


class NetworkArguments(Diagnostic):
    """Sizes or settings that a network after `via` does not take."""

    code = "MIB283"
    title = "Arguments of a network"
    said = "`{name}` takes no {what}: {reason}"
    hint = "write `via {usage}`"
    name: str
    what: str
    reason: str
    usage: str


class NetworkOption(Diagnostic):
    """A setting of a network with a value that it cannot have."""

    code = "MIB341"
    title = "Value of a network's setting"
    said = "`{option}` is {allowed}"
    hint = "{instead}"
    option: str
    allowed: str
    instead: str


class EstimatorBrackets(Diagnostic):
    """Brackets of an estimator that hold too little, or something that it does not take."""

    code = "MIB286"
    title = "Brackets of an estimator"
    said = "`{estimator}` takes {wanted}"
    hint = "write {usage}"
    estimator: str
    wanted: str
    usage: str


class SettingValue(Diagnostic):
    """A setting of an estimator whose value is out of range, or no number."""

    code = "MIB287"
    title = "Value of a setting"
    said = "{what} is {wanted}"
    hint = "write `with {usage}`"
    what: str
    wanted: str
    usage: str
