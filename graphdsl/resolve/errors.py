"""What can be wrong with names, indices, shapes and terms: MIB2xx."""

from __future__ import annotations

__all__ = [
    "BadSize",
    "BlockInModel",
    "DuplicateName",
    "EmptyRange",
    "IndexOutOfRange",
    "MissingStatement",
    "NotAFamily",
    "NotAFunctional",
    "NotLinear",
    "OutOfRange",
    "OverlappingParts",
    "ReservedName",
    "ShapeClash",
    "TwoWays",
    "UnboundIndex",
    "UnknownEstimator",
    "UnknownFunctional",
    "UnknownFusion",
    "UnknownKind",
    "UnknownModule",
    "UnknownName",
    "UnknownNetwork",
    "UnknownPrior",
    "UnusedVariable",
    "VariableTwice",
    "WrongArguments",
]

from graphdsl.diagnostics import Diagnostic, Warned


class UnknownName(Diagnostic):
    """A variable, constant or parameter that nothing declares."""

    code = "MIB201"
    title = "Unknown name"
    said = "`{name}` is not declared"
    hint = "{guess}"
    name: str
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
    hint = "choose another, such as `{name}_1`"
    name: str
    reason: str


class IndexOutOfRange(Diagnostic):
    """A member that a family does not have."""

    code = "MIB204"
    title = "Index out of range"
    said = "`{family}[{index}]` does not exist: `{family}` goes from {low} to {high}"
    hint = "use an index between {low} and {high}, or declare `{family}[{low}..{index}]`"
    family: str
    index: int
    low: int
    high: int


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
    said = "`{prior}` cannot be the distribution of `{name}`"
    hint = "write `~ {known}`"
    prior: str
    name: str
    known: str


class BadSize(Diagnostic):
    """A size that is no positive whole number."""

    code = "MIB208"
    title = "Bad size"
    said = "{what} must be a whole number of at least 1, and is {value}"
    hint = "write such a number, or a constant that has such a value"
    what: str
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


class UnknownFunctional(Diagnostic):
    """A functional that the language does not have."""

    code = "MIB211"
    title = "Unknown functional"
    said = "there is no functional `{name}`{form}"
    hint = "{guess}"
    name: str
    form: str
    guess: str


class UnknownNetwork(Diagnostic):
    """A network that nothing declares."""

    code = "MIB212"
    title = "Unknown network"
    said = "there is no network `{name}`"
    hint = "{guess}"
    name: str
    guess: str


class WrongArguments(Diagnostic):
    """A functional or network with the wrong arguments."""

    code = "MIB213"
    title = "Wrong arguments"
    said = "{problem}"
    hint = "{usage}"
    problem: str
    usage: str


class NotLinear(Diagnostic):
    """An objective that is no weighted sum of functionals."""

    code = "MIB214"
    title = "Not a weighted sum"
    said = "{problem}"
    hint = "an objective is a sum of functionals, each with a weight: `2 * KL(q || p)`"
    problem: str


class NotAFunctional(Diagnostic):
    """A variable or number where a functional must stand."""

    code = "MIB215"
    title = "Not a term"
    said = "{problem}"
    hint = "{instead}"
    problem: str
    instead: str


class UnboundIndex(Diagnostic):
    """Something in an index that has no whole value."""

    code = "MIB216"
    title = "Not an index"
    said = "`{name}` has no value here"
    hint = "bind it: add `for {name} in 1..2` to the line, or declare `const {name} = 1`"
    name: str


class ShapeClash(Diagnostic):
    """Shapes that a network cannot join."""

    code = "MIB217"
    title = "Shapes do not fit"
    said = "{problem}"
    hint = "{instead}"
    problem: str
    instead: str


class UnknownModule(Diagnostic):
    """A kind of network after `via` that is not known."""

    code = "MIB218"
    title = "Unknown kind of network"
    said = "there is no network `via {name}`"
    hint = "write `via mlp(400, 400)` or `via conv`; your own modules are passed in Python"
    name: str


class UnknownFusion(Diagnostic):
    """A way to fuse parents after `by` that is not known."""

    code = "MIB219"
    title = "Unknown fusion"
    said = "parents cannot be fused `by {name}`"
    hint = "write `by poe` (a product of experts) or `by joint` (one network sees them all)"
    name: str


class UnknownEstimator(Diagnostic):
    """An estimator that is not known."""

    code = "MIB220"
    title = "Unknown estimator"
    said = "there is no estimator `{name}`"
    hint = "write `with mss` (minibatch stratified sampling, for a total correlation)"
    name: str


class EmptyRange(Diagnostic):
    """A range that holds nothing."""

    code = "MIB221"
    title = "Empty range"
    said = "{low}..{high} is empty"
    hint = "a range goes from its lower to its higher end, both included"
    low: str
    high: str


class OverlappingParts(Diagnostic):
    """The same variable on both sides of an information."""

    code = "MIB222"
    title = "A variable on both sides"
    said = "`{name}` stands in two parts of `{functional}`"
    hint = "name it once: information is between different variables"
    name: str
    functional: str


class VariableTwice(Diagnostic):
    """A variable in two nodes of one network."""

    code = "MIB223"
    title = "A variable in two nodes"
    said = "`{name}` is a node of its own and also part of a block"
    hint = "write the block, `({name}, ...)`, in the same way everywhere in this network"
    name: str


class TwoWays(Diagnostic):
    """Lines with the same child that disagree on how it is computed."""

    code = "MIB224"
    title = "Two ways to compute one conditional"
    said = "the lines of `{child}` say both `{first}` and `{second}`"
    hint = "several lines with one child unite its parents: say how once, or the same each time"
    child: str
    first: str
    second: str


class BlockInModel(Diagnostic):
    """A block in q or p."""

    code = "MIB225"
    title = "Block in a model"
    said = "parentheses make one node of several, which `{network}` does not have so far"
    hint = "blocks are for regularizer networks; list the variables without parentheses"
    network: str


class UnusedVariable(Warned):
    """A variable that the objective does not depend on."""

    code = "MIB226"
    title = "Unused variable"
    said = "`{name}` is declared and never used"
    hint = "use it in a network, or delete it"
    name: str
