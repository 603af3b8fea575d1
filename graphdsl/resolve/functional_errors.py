"""What can be wrong with a functional and what it is of."""

from __future__ import annotations

__all__ = [
    "CostMisfit",
    "OverlappingParts",
    "PenaltyMisfit",
    "UnknownCost",
    "UnknownFunctional",
    "WrongArguments",
]

from graphdsl.diagnostics import Diagnostic


class UnknownFunctional(Diagnostic):
    """A functional that the language does not have."""

    code = "MIB211"
    title = "Unknown functional"
    said = "there is no functional `{name}`"
    hint = "{guess}"
    name: str
    guess: str


class WrongArguments(Diagnostic):
    """A functional, function or network with arguments of a wrong kind or number."""

    code = "MIB213"
    title = "Wrong arguments"
    said = "`{name}` takes {wanted}"
    hint = "write {usage}"
    name: str
    wanted: str
    usage: str


class OverlappingParts(Diagnostic):
    """The same variable on both sides of an information."""

    code = "MIB222"
    title = "A variable on both sides"
    said = "`{name}` appears in two parts of `{functional}`"
    hint = "name it once: information is between different variables"
    name: str
    functional: str


class UnknownCost(Diagnostic):
    """A cost that the language does not have."""

    code = "MIB278"
    title = "Unknown cost"
    said = "`{name}` is neither a variable nor a cost"
    hint = "write `cost(x | z, squared)`; the cost is {known}"
    name: str
    known: str


class CostMisfit(Diagnostic):
    """A cost of what has no mean to be compared with."""

    code = "MIB279"
    title = "Cost without a mean"
    said = "`cost` compares data with a mean, and `{name}` is {what}"
    hint = "write `CE(...)`, or a cost of observed numbers: `cost(x | z, squared)`"
    name: str
    what: str


class PenaltyMisfit(Diagnostic):
    """A label or an environment that a penalty cannot take."""

    code = "MIB284"
    title = "Variable that a penalty on environments does not take"
    said = "the {part} of `{word}` is {wanted}: `{name}` is {found}"
    hint = "write `{word}(y | z, e)`: the label, what predicts it, and last the environment"
    word: str
    part: str
    wanted: str
    name: str
    found: str


class RowsLack(Diagnostic):
    """A variable that rows may lack, in a term that takes whole rows."""

    code = "MIB295"
    title = "Term of whole rows"
    said = "rows may lack `{name}`, and `{functional}` is computed from rows that have it"
    hint = "take the word `optional` out of its declaration"
    name: str
    functional: str
