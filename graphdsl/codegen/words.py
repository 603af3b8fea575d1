"""Short ways to write the tree: calls, attributes, lists and numbers."""

from __future__ import annotations

__all__ = [
    "assign",
    "call",
    "chain",
    "dotted",
    "integers",
    "listing",
    "local",
    "method",
    "number",
    "own",
    "own_call",
    "runtime",
    "shape",
    "texts",
    "torch",
    "total",
]

import math
from collections.abc import Iterable, Sequence
from typing import Literal as Among

from graphdsl.codegen.tree import (
    Assign,
    Attribute,
    Binary,
    Call,
    Expression,
    Keyword,
    List,
    Literal,
    Name,
    Starred,
    Tuple,
    Unary,
    Word,
)
from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.statements import Value


def call(function: Expression, *arguments: Expression | Starred, **named: Expression) -> Call:
    """A call, its arguments by place and then by name."""
    return Call(function, (*arguments, *(Keyword(name, value) for name, value in named.items())))


def runtime(path: str, *arguments: Expression | Starred, **named: Expression) -> Call:
    """A call of a function of the runtime, or of a class method: `Gaussian.split`."""
    head, *rest = path.split(".")
    return call(dotted(Word(head), *rest), *arguments, **named)


def torch(path: str, *arguments: Expression | Starred, **named: Expression) -> Call:
    """A call of a function of torch."""
    return call(dotted(Name("torch"), *path.split(".")), *arguments, **named)


def method(of: Expression, name: str, *arguments: Expression, **named: Expression) -> Call:
    """A call of a method."""
    return call(Attribute(of, name), *arguments, **named)


def own(name: str) -> Attribute:
    """An attribute of the module."""
    return Attribute(Name("self"), name)


def own_call(name: str, *arguments: Expression, **named: Expression) -> Call:
    """A call of a method of the module."""
    return call(own(name), *arguments, **named)


def dotted(of: Expression, *names: str) -> Expression:
    """An attribute of an attribute."""
    for name in names:
        of = Attribute(of, name)
    return of


def local(value: Value) -> Name:
    """A value by its name."""
    return Name(value.name)


def assign(
    targets: str | Value | Sequence[str | Value], value: Expression, comment: str = ""
) -> Assign:
    """An assignment to one local name, or to those of a tuple."""
    if isinstance(targets, str | Value):
        return Assign(Name(str(targets)), value, comment)
    return Assign(Tuple(tuple(Name(str(one)) for one in targets)), value, comment)


def listing(items: Iterable[Expression]) -> List:
    """A list of expressions."""
    return List(tuple(items))


def integers(values: Iterable[int]) -> List:
    """A list of whole numbers, or of truth values."""
    return List(tuple(map(Literal, values)))


def texts(values: Iterable[str]) -> List:
    """A list of texts."""
    return List(tuple(map(Literal, values)))


def shape(sizes: Iterable[int]) -> Tuple:
    """A tuple of sizes."""
    return Tuple(tuple(map(Literal, sizes)))


def number(value: float) -> Expression:
    """A number with a decimal point, whatever its sign."""
    size = Literal(abs(float(value)))
    return Unary("-", size) if math.copysign(1, value) < 0 else size


def chain(sign: Among["*", "&", "|"], operands: Iterable[Expression]) -> Expression:
    """Operands with one sign between them; there is at least one."""
    first, *rest = operands
    for operand in rest:
        first = Binary(first, sign, operand)
    return first


def total(summands: Iterable[tuple[bool, Sequence[Expression]]]) -> Expression:
    """A sum of products: of each, whether it is subtracted, and its factors."""
    result: Expression | None = None
    for negative, factors in summands:
        if result is not None:
            result = Binary(result, "-" if negative else "+", chain("*", factors))
        elif negative:
            result = chain("*", (Unary("-", factors[0]), *factors[1:]))
        else:
            result = chain("*", factors)
    if result is None:
        raise CompilerBug("a sum without summands")
    return result
