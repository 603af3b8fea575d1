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

from graphdsl.codegen import tree as py
from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.values import Value


def call(
    function: py.Expression, *arguments: py.Expression | py.Starred, **named: py.Expression
) -> py.Call:
    """A call, its arguments by place and then by name."""
    return py.Call(
        function, (*arguments, *(py.Keyword(name, value) for name, value in named.items()))
    )


def runtime(path: str, *arguments: py.Expression | py.Starred, **named: py.Expression) -> py.Call:
    """A call of a function of the runtime, or of a class method: `Gaussian.split`."""
    head, *rest = path.split(".")
    return call(dotted(py.Word(head), *rest), *arguments, **named)


def torch(path: str, *arguments: py.Expression | py.Starred, **named: py.Expression) -> py.Call:
    """A call of a function of torch."""
    return call(dotted(py.Name("torch"), *path.split(".")), *arguments, **named)


def method(
    of: py.Expression, name: str, *arguments: py.Expression, **named: py.Expression
) -> py.Call:
    """A call of a method."""
    return call(py.Attribute(of, name), *arguments, **named)


def own(name: str) -> py.Attribute:
    """An attribute of the module."""
    return py.Attribute(py.Name("self"), name)


def own_call(name: str, *arguments: py.Expression, **named: py.Expression) -> py.Call:
    """A call of a method of the module."""
    return call(own(name), *arguments, **named)


def dotted(of: py.Expression, *names: str) -> py.Expression:
    """An attribute of an attribute."""
    for name in names:
        of = py.Attribute(of, name)
    return of


def local(value: Value) -> py.Name:
    """A value by its name."""
    return py.Name(value.name)


def assign(
    targets: str | Value | Sequence[str | Value], value: py.Expression, comment: str = ""
) -> py.Assign:
    """An assignment to one local name, or to those of a tuple."""
    if isinstance(targets, str | Value):
        return py.Assign(py.Name(str(targets)), value, comment)
    return py.Assign(py.Tuple(tuple(py.Name(str(target)) for target in targets)), value, comment)


def listing(items: Iterable[py.Expression]) -> py.List:
    """A list of expressions."""
    return py.List(tuple(items))


def integers(values: Iterable[int]) -> py.List:
    """A list of whole numbers, or of truth values."""
    return py.List(tuple(map(py.Literal, values)))


def texts(values: Iterable[str]) -> py.List:
    """A list of texts."""
    return py.List(tuple(map(py.Literal, values)))


def shape(sizes: Iterable[int]) -> py.Tuple:
    """A tuple of sizes."""
    return py.Tuple(tuple(map(py.Literal, sizes)))


def number(value: float) -> py.Expression:
    """A number with a decimal point, whatever its sign."""
    size = py.Literal(abs(float(value)))
    return py.Unary("-", size) if math.copysign(1, value) < 0 else size


def chain(sign: Among["*", "&", "|"], operands: Iterable[py.Expression]) -> py.Expression:
    """Operands with one sign between them; there is at least one."""
    first, *rest = operands
    for operand in rest:
        first = py.Binary(first, sign, operand)
    return first


def total(summands: Iterable[tuple[bool, Sequence[py.Expression]]]) -> py.Expression:
    """A sum of products: of each, whether it is subtracted, and its factors."""
    result: py.Expression | None = None
    for negative, factors in summands:
        if result is not None:
            result = py.Binary(result, "-" if negative else "+", chain("*", factors))
        elif negative:
            result = chain("*", (py.Unary("-", factors[0]), *factors[1:]))
        else:
            result = chain("*", factors)
    if result is None:
        raise CompilerBug("a sum without summands")
    return result
