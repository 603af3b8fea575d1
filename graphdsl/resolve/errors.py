"""What can be wrong with names, numbers and declarations: MIB2xx."""

from __future__ import annotations

__all__ = [
    "BadSize",
    "ClassesMissing",
    "DivisionByZero",
    "DuplicateName",
    "EmptyRange",
    "FamilyStart",
    "IndexOutOfRange",
    "KindArgument",
    "MemberMissing",
    "MissingStatement",
    "ModifierTwice",
    "NotAFamily",
    "NotANumber",
    "NotAVariable",
    "NumberTooLarge",
    "OutOfRange",
    "ReservedName",
    "ShadowedName",
    "SizeTooLarge",
    "StatementTwice",
    "TooMany",
    "UnboundIndex",
    "UnknownKind",
    "UnknownName",
    "UnknownPrior",
    "Unused",
    "UsedBefore",
    "UsedInItself",
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


class IndexOutOfRange(Diagnostic):
    """A member that a family does not have."""

    code = "MIB204"
    title = "Index out of range"
    said = "`{family}[{index}]`{where} does not exist: `{family}` goes from {low} to {high}"
    hint = "use an index from {low} to {high}{more}"
    family: str
    index: str
    low: int
    high: int
    where: str
    more: str


class NotAFamily(Diagnostic):
    """An index behind a variable that has no members."""

    code = "MIB205"
    title = "Not a family"
    said = "`{name}` is one variable: it takes no index"
    hint = "write `{name}`, or declare a family, `{name}[1..2]`"
    name: str


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


class BadSize(Diagnostic):
    """A size or an index that is no positive whole number."""

    code = "MIB208"
    title = "Bad size or index"
    said = "{what} must be a whole number{least}, and is {value}"
    hint = "write such a number, or a constant that has such a value"
    what: str
    least: str
    value: str


class OutOfRange(Diagnostic):
    """A parameter whose value lies outside its range."""

    code = "MIB209"
    title = "Parameter out of range"
    said = "`{name}` is {value}, outside of {range}"
    hint = "change the value, or declare the range: `param {name} = {value} in -inf..inf`"
    name: str
    value: str
    range: str


class MissingStatement(Diagnostic):
    """A spec without something that every spec has."""

    code = "MIB210"
    title = "Missing statement"
    said = "the spec has no {what}"
    hint = "add {example}"
    what: str
    example: str


class UnboundIndex(Diagnostic):
    """A name in an index or a size that has no value."""

    code = "MIB216"
    title = "Not an index"
    said = "`{name}` has no value here"
    hint = "{instead}"
    name: str
    instead: str


class EmptyRange(Diagnostic):
    """A range that holds nothing."""

    code = "MIB221"
    title = "Empty range"
    said = "{low}..{high} is empty"
    hint = "a range goes from its lower to its higher end, both included"
    low: str
    high: str


class Unused(Warned):
    """Something declared that nothing depends on."""

    code = "MIB226"
    title = "Never used"
    said = "`{name}` is declared and never used"
    hint = "use it in {place}, or delete it"
    name: str
    place: str


class FamilyStart(Diagnostic):
    """A family that does not count from one."""

    code = "MIB227"
    title = "Family not counted from 1"
    said = "the members of `{name}` are counted from {low}, and families count from 1"
    hint = "write `{name}[1..{count}]`"
    name: str
    low: int
    count: int


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


class UsedBefore(Diagnostic):
    """A constant that is used before its own line."""

    code = "MIB232"
    title = "Used before it is declared"
    said = "`{name}` has no value yet: its line, {line}, comes after this one"
    hint = "move the line `const {name}` up, before this one"
    name: str
    line: int


class UsedInItself(Diagnostic):
    """A constant that its own line uses."""

    code = "MIB298"
    title = "Constant by itself"
    said = "`{name}` has no value yet: this line is the one that gives it its value"
    hint = "write a number there, as in `const {name} = 1`"
    name: str


class NotANumber(Diagnostic):
    """Something in an index or a size that is no number when the spec is compiled."""

    code = "MIB233"
    title = "Not a number"
    said = "{written} is {what}, and no number that is known when the spec is compiled"
    hint = "numbers, constants and bound indices can stand there"
    written: str
    what: str


class NotAVariable(Diagnostic):
    """Something else where a variable must stand."""

    code = "MIB234"
    title = "Not a variable"
    said = "`{name}` is a {what}, and a variable must stand here"
    hint = "networks and informations are about observed and latent variables"
    name: str
    what: str


class DivisionByZero(Diagnostic):
    """A quotient without a value."""

    code = "MIB235"
    title = "Division by zero"
    said = "this divides by zero"
    hint = "change the divisor"


class NumberTooLarge(Diagnostic):
    """A number beyond what floating point holds."""

    code = "MIB236"
    title = "Number too large"
    said = "this is too large or too small for any quantity of a model"
    hint = "write numbers between 1e-99 and 1e99"


class SizeTooLarge(Diagnostic):
    """A size, or a variable's number of values, beyond what any tensor has."""

    code = "MIB267"
    title = "Size too large"
    said = "{what} may be {most} at most, and here it is {value}"
    hint = "write the size that is meant, or a constant that has it"
    what: str
    value: str
    most: str


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


class MemberMissing(Diagnostic):
    """A gap among members that are declared one by one."""

    code = "MIB263"
    title = "Member missing"
    said = "`{name}` is declared, and `{missing}` is not"
    hint = "declare `{missing}` as well; a family of equal members is `{head}[1..{count}]`"
    name: str
    missing: str
    head: str
    count: str


class ModifierTwice(Diagnostic):
    """A modifier that a line has already."""

    code = "MIB238"
    title = "Modifier twice"
    said = "this line has such a modifier already"
    hint = "delete one of the two; for other members, write a second line"
