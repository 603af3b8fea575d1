"""Expressions of the tree on one line, with parentheses where precedence asks for them."""

from __future__ import annotations

__all__ = [
    "ATOM",
    "COMPARISONS",
    "LEVELS",
    "UNARY",
    "in_docstring",
    "left_operand",
    "level",
    "listed",
    "operand",
    "printed",
    "quoted",
]

from collections.abc import Iterable

from graphdsl.codegen import tree as py

#: How tightly operators bind; an atom needs no parentheses.
LEVELS = {"is": 2, ">": 2, "|": 3, "&": 4, "+": 5, "-": 5, "*": 6, "/": 6}
UNARY, ATOM = 7, 8
COMPARISONS = ("is", ">")


def printed(node: py.Item) -> str:  # noqa: C901  (a case for each kind of node)
    r"""An expression on one line.

    >>> printed(py.Index(py.Name("x"), (py.Slice(), py.Literal(0))))
    'x[:, 0]'
    >>> printed(py.Unary("-", py.Binary(py.Name("x"), "+", py.Literal('a "b"'))))
    '-(x + "a \\"b\\"")'
    """
    match node:
        case py.Name(name) | py.Word(name):
            return name
        case py.Literal(value):
            return quoted(value) if isinstance(value, str) else _constant(value)
        case py.Attribute(of, name):
            return f"{operand(of, ATOM)}.{name}"
        case py.Call(function, arguments):
            return f"{operand(function, ATOM)}({listed(arguments)})"
        case py.Keyword(name, value):
            return f"{name}={printed(value)}"
        case py.Starred(value):
            return f"*{printed(value)}"
        case py.Index(of, places):
            return f"{operand(of, ATOM)}[{listed(places)}]"
        case py.Slice(start, stop):
            return f"{'' if start is None else start}:{'' if stop is None else stop}"
        case py.Tuple(items):
            return f"({listed(items)}{',' * (len(items) == 1)})"
        case py.List(items):
            return f"[{listed(items)}]"
        case py.Dict(entries):
            return f"{{{listed(entries)}}}"
        case py.Entry(key, value):
            return f"{quoted(key)}: {printed(value)}"
        case py.Unary(sign, value):
            return f"{sign}{operand(value, UNARY)}"
        case py.Binary(left, sign, right):
            return f"{left_operand(left, sign)} {sign} {operand(right, LEVELS[sign] + 1)}"
        case py.Conditional(then, test, otherwise):
            return f"{operand(then, 2)} if {operand(test, 2)} else {printed(otherwise)}"
        case py.Lambda(value):
            return f"lambda: {printed(value)}"
        case py.Template(parts):
            return "f" + _quotes("".join(map(_of_template, parts)))
        case py.Comprehension(item, loops):
            return f"[{' '.join(map(printed, (item, *loops)))}]"
        case py.Loop(name, start, stop):
            return f"for {name} in range({f'{start}, ' * (start != 0)}{stop})"


def quoted(text: str) -> str:
    r"""A text as a literal of Python, whatever is in it.

    >>> quoted('a "b"')
    '"a \\"b\\""'
    """
    return _quotes("".join(map(_escaped, text)))


def in_docstring(text: str) -> str:
    r"""A text as part of a docstring, which it can neither end nor escape from.

    >>> print(in_docstring('a "b" and \\ and "c"'))
    a "b" and \\ and "c\"
    """
    if text.endswith('"'):
        return in_docstring(f"{text[:-1]} ")[:-1] + '\\"'
    signs = (sign if sign in '\n"' else _escaped(sign) for sign in text)
    return "".join(signs).replace('"' * 3, '\\"' * 3)


def level(node: py.Expression) -> int:
    """How tightly an expression holds together."""
    match node:
        case py.Binary(sign=sign):
            return LEVELS[sign]
        case py.Unary():
            return UNARY
        case py.Conditional() | py.Lambda():
            return 1
        case py.Literal(int() | float()):
            return UNARY  # `3.real` would be no attribute of 3
        case _:
            return ATOM


def operand(node: py.Expression, bound: int) -> str:
    """An operand that has to bind at least so tightly."""
    return printed(node) if level(node) >= bound else f"({printed(node)})"


def left_operand(node: py.Expression, sign: str) -> str:
    """A left operand: comparisons do not chain, and a fraction that is a factor has parentheses."""
    if sign == "*" and isinstance(node, py.Binary) and node.sign == "/":
        return operand(node, ATOM)
    return operand(node, LEVELS[sign] + (sign in COMPARISONS))


def listed(items: Iterable[py.Item]) -> str:
    """Items between two brackets."""
    return ", ".join(map(printed, items))


def _quotes(text: str) -> str:
    return f'"{text}"'


def _escaped(sign: str) -> str:
    if sign in ('"', "\\"):
        return f"\\{sign}"
    return sign if sign.isprintable() else sign.encode("unicode_escape").decode()


def _of_template(part: str | py.Name) -> str:
    if isinstance(part, py.Name):
        return f"{{{part.name}}}"
    return "".join(map(_escaped, part)).replace("{", "{{").replace("}", "}}")


def _constant(value: object) -> str:
    return "..." if value is Ellipsis else repr(value)
