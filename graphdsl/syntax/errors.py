"""What can be wrong with the writing of a spec: MIB1xx."""

from __future__ import annotations

__all__ = [
    "BadName",
    "ConstraintFor",
    "EdgeWithoutTarget",
    "EmptyBrackets",
    "KeywordAsName",
    "LongNumber",
    "LostComma",
    "LostSign",
    "MemberDeclared",
    "MissingColon",
    "MissingDefault",
    "MissingName",
    "MissingSign",
    "MissingValue",
    "NestedTooDeep",
    "NoFunctionOfNumbers",
    "OtherArrow",
    "SingleEquals",
    "StrangeCharacter",
    "StrayBracket",
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
    said = "there is no sign between `{before}` and `{found}`"
    hint = "join them with a comma, `{before}, {found}`{edge}"
    before: str
    found: str
    edge: str


class UnclosedBrace(Diagnostic):
    """A network whose closing brace is missing."""

    code = "MIB103"
    title = "Missing brace"
    said = "this brace is never closed"
    hint = "add a `}}` where the network ends, before {before}"
    before: str


class UnclosedBracket(Diagnostic):
    """A bracket, brace or parenthesis that is not closed."""

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
    said = "this arrow points to nothing"
    hint = "name the child after `->`: a line goes on after an arrow, so `x -> z` is one edge"


class StrangeCharacter(Diagnostic):
    """A character that the language does not use."""

    code = "MIB106"
    title = "Strange character"
    said = "the language has no {found}"
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
    said = "the `:` and the kind of the variable are missing before {found}"
    hint = "write them as in `latent z : real[16] ~ normal`"
    found: str


class MissingValue(Diagnostic):
    """A sign that wants a value after it and has none."""

    code = "MIB109"
    title = "Missing value"
    said = "a value is missing before {found}"
    hint = "write a number, a name or a term such as `KL(q || p)` there"
    found: str


class EmptyBrackets(Diagnostic):
    """Brackets with nothing in them, where a value or a variable is due."""

    code = "MIB123"
    title = "Empty brackets"
    said = "there is nothing between the brackets of `{before}`"
    hint = "{guess}"
    before: str
    guess: str


class NoFunctionOfNumbers(Diagnostic):
    """A word before brackets that hold numbers, where the language has no such function."""

    code = "MIB124"
    title = "No function of numbers"
    said = "`{name}` is followed by brackets, but the language has no functions of numbers"
    hint = "{guess}"
    name: str
    guess: str


class StrayBracket(Diagnostic):
    """A closing bracket with nothing to close."""

    code = "MIB110"
    title = "Stray bracket"
    said = "this `{found}` closes nothing"
    hint = "delete it, or open the bracket that it should close"
    found: str


class MissingSign(Diagnostic):
    """A place where one sign alone can stand, and does not."""

    code = "MIB111"
    title = "Missing sign"
    said = "`{sign}` is missing before {found}"
    hint = "write `{sign}` there"
    sign: str
    found: str


class MissingName(Diagnostic):
    """A place where a name must stand, and does not."""

    code = "MIB112"
    title = "Missing name"
    said = "a name is missing before {found}"
    hint = "a name begins with a letter, and goes on with letters, digits and `_`"
    found: str


class KeywordAsName(Diagnostic):
    """A word of the language where a name must stand."""

    code = "MIB113"
    title = "Keyword as a name"
    said = "`{found}` is a word of the language, and no name"
    hint = "choose another name, such as `{found}_1`"
    found: str


class LostSign(Diagnostic):
    """Two terms side by side, with no sign between them."""

    code = "MIB114"
    title = "Lost sign"
    said = "there is no sign between `{before}` and `{found}`"
    hint = "write what is meant: `*` for a weight, `+` or `-` between terms"
    before: str
    found: str


class SingleEquals(Diagnostic):
    """An assertion with `=`."""

    code = "MIB115"
    title = "Single equals sign"
    said = "`=` gives a constant or a parameter its value, and compares nothing"
    hint = "write `==`"


class OtherArrow(Diagnostic):
    """An arrow as other languages write it."""

    code = "MIB116"
    title = "Not an arrow"
    said = "{found} is not how an edge is drawn"
    hint = "write `->`, from parent to child: `x -> z`"
    found: str


class MemberDeclared(Diagnostic):
    """A family declared by a number instead of a range."""

    code = "MIB117"
    title = "Family without a range"
    said = "the members of a family are a range, as in `x[1..2]`"
    hint = "write both ends, `1..n` for n members; the length of a vector goes behind its kind"


class BadName(Diagnostic):
    """A name with a sign in it."""

    code = "MIB118"
    title = "Bad name"
    said = "a name has no {found} in it"
    hint = "a name begins with a letter, and goes on with letters, digits and `_`"
    found: str


class NestedTooDeep(Diagnostic):
    """Brackets in brackets, or operators in operators, beyond what anyone can read."""

    code = "MIB119"
    title = "Nested too deep"
    said = "this goes more than {limit} levels deep"
    hint = "take parentheses away: summands and factors may stand side by side"
    limit: int


class LongNumber(Diagnostic):
    """A number of absurd size."""

    code = "MIB120"
    title = "Number too long"
    said = "this number has more digits than any quantity of a model"
    hint = "write at most {digits} digits, and an exponent of at most two"
    digits: int


class ConstraintFor(Diagnostic):
    """A constraint that says whose it is."""

    code = "MIB122"
    title = "Constraint with a player"
    said = "a constraint belongs to the objective right before it, and takes no `for`"
    hint = "write `minimize ... for q`, and `subject to ...` as the next statement"


class MissingDefault(Diagnostic):
    """A constant or parameter without a value."""

    code = "MIB121"
    title = "Missing default"
    said = "`{name}` is given no value"
    hint = "every constant and parameter has one: `{name} = 1`"
    name: str
