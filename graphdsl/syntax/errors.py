"""What can be wrong with the writing of a spec: MIB1xx."""

from __future__ import annotations

__all__ = [
    "EdgeWithoutTarget",
    "LostComma",
    "MissingColon",
    "MissingValue",
    "StrayBracket",
    "StrangeCharacter",
    "UnclosedBrace",
    "UnclosedBracket",
    "UnexpectedSign",
    "UnknownStatement",
]

from graphdsl.diagnostics import Diagnostic


class UnexpectedSign(Diagnostic):
    """Something stands where nothing of its kind can stand."""

    code = "MIB101"
    title = "Unexpected sign"
    said = "{found} cannot stand here"
    hint = "here could stand {expected}"
    found: str
    expected: str


class LostComma(Diagnostic):
    """Two names side by side, with no sign between them."""

    code = "MIB102"
    title = "Lost comma"
    said = "`{found}` follows another name with no sign between them"
    hint = "join them with a comma, `a, {found}`, or draw an edge, `a -> {found}`"
    found: str


class UnclosedBrace(Diagnostic):
    """A network whose closing brace is missing."""

    code = "MIB103"
    title = "Missing brace"
    said = "this brace is never closed"
    hint = "add a `}}` where the network ends, before {before}"
    before: str


class UnclosedBracket(Diagnostic):
    """A bracket or parenthesis that is not closed."""

    code = "MIB104"
    title = "Missing bracket"
    said = "{found} comes before the `{opened}` of line {line} is closed"
    hint = "close it with a `{closing}`"
    found: str
    opened: str
    closing: str
    line: int


class EdgeWithoutTarget(Diagnostic):
    """An arrow that points nowhere."""

    code = "MIB105"
    title = "Edge without a target"
    said = "an arrow ends here, and points to nothing"
    hint = "name the child after `->`: a line goes on after an arrow, so `x -> z` is one edge"


class StrangeCharacter(Diagnostic):
    """A character that the language does not use."""

    code = "MIB106"
    title = "Strange character"
    said = "the language has no `{found}`"
    hint = "{instead}"
    found: str
    instead: str


class UnknownStatement(Diagnostic):
    """A statement begins with a word that begins none."""

    code = "MIB107"
    title = "Unknown statement"
    said = "no statement begins with `{found}`"
    hint = "{guess}"
    found: str
    guess: str


class MissingColon(Diagnostic):
    """A variable without the colon before its kind."""

    code = "MIB108"
    title = "Missing colon"
    said = "`{found}` stands where the `:` before a variable's kind belongs"
    hint = "write the kind after a colon: `latent z : real[16] ~ normal`"
    found: str


class MissingValue(Diagnostic):
    """A sign that wants a value after it and has none."""

    code = "MIB109"
    title = "Missing value"
    said = "a value is missing before {found}"
    hint = "write a number, a name or a term such as `KL(q || p)` there"
    found: str


class StrayBracket(Diagnostic):
    """A closing bracket with nothing to close."""

    code = "MIB110"
    title = "Stray bracket"
    said = "this `{found}` closes nothing"
    hint = "delete it, or open the bracket that it should close"
    found: str
