"""What can be wrong with names and declarations: MIB2xx."""

from __future__ import annotations

__all__ = [
    "ClassesMissing",
    "DuplicateName",
    "KindArgument",
    "MissingStatement",
    "ModifierTwice",
    "NotAVariable",
    "ReservedName",
    "ShadowedName",
    "StatementTwice",
    "TooMany",
    "UnknownKind",
    "UnknownName",
    "UnknownPrior",
    "Unused",
]

from graphdsl.diagnostics import Diagnostic, Warned


class UnknownName(Diagnostic):
    """A variable, constant or parameter that nothing declares."""

    code = "MIB201"
    title = "Unknown name"
    said = "`{name}` is not declared{also}"
    hint = "{guess}"
    name: str
    also: str
    guess: str


class DuplicateName(Diagnostic):
    """A name declared twice."""

    code = "MIB202"
    title = "Name declared twice"
    said = "`{name}` was declared before, in line {line}"
    hint = "give one of them another name, or delete it"
    name: str
    line: int


class ReservedName(Diagnostic):
    """A name that means something else, here or in the emitted Python."""

    code = "MIB203"
    title = "Reserved name"
    said = "`{name}` cannot be a name: {reason}"
    hint = "choose another, such as `{other}`"
    name: str
    reason: str
    other: str


class UnknownKind(Diagnostic):
    """A kind of value that the language does not have, or not for this role."""

    code = "MIB206"
    title = "Unknown kind"
    said = "`{kind}` is no kind of {role} variable"
    hint = "write {known}"
    kind: str
    role: str
    known: str


class UnknownPrior(Diagnostic):
    """A distribution after `~` that is not known for this variable."""

    code = "MIB207"
    title = "Unknown distribution"
    said = "`{prior}` cannot be the distribution of `{name}`, which is {kind}"
    hint = "write {known}"
    prior: str
    name: str
    kind: str
    known: str


class MissingStatement(Diagnostic):
    """A spec without something that every spec has."""

    code = "MIB210"
    title = "Missing statement"
    said = "the spec has no {what}"
    hint = "add {example}"
    what: str
    example: str


class Unused(Warned):
    """Something declared that nothing depends on."""

    code = "MIB226"
    title = "Never used"
    said = "`{name}` is declared and never used"
    hint = "use it in {place}, or delete it"
    name: str
    place: str


class ShadowedName(Diagnostic):
    """An index with the name of something else."""

    code = "MIB228"
    title = "Index with a taken name"
    said = "`{name}` is {what}, and cannot be an index as well"
    hint = "give the index a name of its own, such as `{other}`"
    name: str
    what: str
    other: str


class TooMany(Diagnostic):
    """More variables, lines or terms than anyone can mean."""

    code = "MIB229"
    title = "Too many"
    said = "this makes {count} {what}, and a spec may have {limit}"
    hint = "{instead}"
    count: str
    what: str
    limit: str
    instead: str


class StatementTwice(Diagnostic):
    """A statement of which a spec has one."""

    code = "MIB230"
    title = "Statement twice"
    said = "line {line} has the {what} already"
    hint = "{instead}"
    what: str
    line: int
    instead: str


class NotAVariable(Diagnostic):
    """Something else where a variable must stand."""

    code = "MIB234"
    title = "Not a variable"
    said = "`{name}` is a {what}, and a variable must stand here"
    hint = "networks and informations are about observed and latent variables"
    name: str
    what: str


class ClassesMissing(Diagnostic):
    """A categorical variable without its number of classes."""

    code = "MIB261"
    title = "Number of classes"
    said = "`categorical` does not say how many classes there are"
    hint = "write their number, as in `categorical(10)`"


class KindArgument(Diagnostic):
    """A number behind a kind that has no classes."""

    code = "MIB248"
    title = "Number behind a kind"
    said = "`{kind}` takes no number in parentheses"
    hint = "write a length in brackets: `{kind}[10]`"
    kind: str


class ModifierTwice(Diagnostic):
    """A modifier that a line has already."""

    code = "MIB238"
    title = "Modifier twice"
    said = "this line has such a modifier already"
    hint = "delete one of the two; for other members, write a second line"
