"""What can be wrong with settings: of ramps, networks and estimators."""

from __future__ import annotations

__all__ = [
    "EstimatorBrackets",
    "NetworkArguments",
    "NetworkOption",
    "RampSetting",
    "SettingValue",
]

from graphdsl.diagnostics import Diagnostic


class RampSetting(Diagnostic):
    """A setting that a ramp does not have."""

    code = "MIB246"
    title = "Setting of a ramp"
    said = "`ramp` has no setting `{name}`"
    hint = "write `ramp(0, 4, steps = 2000)`"
    name: str


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
