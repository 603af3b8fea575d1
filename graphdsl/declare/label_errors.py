"""What can be wrong with optional variables, and with those that `q` fills in."""

from __future__ import annotations

__all__ = [
    "LabelElsewhere",
    "LabelPosterior",
    "LabelUnfit",
    "MisplacedOptional",
    "NobodyFillsIn",
]

from graphdsl.diagnostics import Diagnostic


class MisplacedOptional(Diagnostic):
    """`optional` on a variable that is no view."""

    code = "MIB264"
    title = "Misplaced `optional`"
    said = "`{name}` is {role}, and what rows may lack is observed"
    hint = "leave the word out"
    name: str
    role: str


class NobodyFillsIn(Diagnostic):
    """A parent in p that rows may lack, and that q has no line for."""

    code = "MIB265"
    title = "Label without a line in `q`"
    said = "`{name}` is a parent in `p`, and a row that lacks it has no likelihood"
    hint = (
        "write a line in `q` that fills it in, such as `x -> {name}`, or leave out the word "
        "`optional`"
    )
    name: str


class LabelUnfit(Diagnostic):
    """An optional variable that q has a line for, and whose declaration does not allow that."""

    code = "MIB266"
    title = "Unfit label"
    said = "`{name}` has a line in `q`, and {reason}"
    hint = "{instead}"
    name: str
    reason: str
    instead: str


class LabelPosterior(Diagnostic):
    """A posterior of a label that no row's own value can stand in for."""

    code = "MIB296"
    title = "Posterior of a label"
    said = "`{name}` is a label that some rows have, and {reason}"
    hint = "write `~ normal`, and no `by mixture`"
    name: str
    reason: str


class LabelElsewhere(Diagnostic):
    """A label in an inference network that does not fill it in."""

    code = "MIB297"
    title = "Label in another network"
    said = "`{name}` is a label that `q` fills in, and not `{network}`"
    hint = "leave `{name}` out of this network, or write its line in `q`"
    name: str
    network: str
