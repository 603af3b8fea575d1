"""What can be wrong with numbers that are known when a spec is compiled: MIB2xx."""

from __future__ import annotations

__all__ = [
    "BadSize",
    "DivisionByZero",
    "EmptyRange",
    "NotANumber",
    "NumberTooLarge",
    "OutOfRange",
    "SizeTooLarge",
    "UnboundIndex",
    "UsedBefore",
    "UsedInItself",
]

from graphdsl.diagnostics import Diagnostic


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
