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

from graphdsl.codegen.tree import (
    Attribute,
    Binary,
    Call,
    Comprehension,
    Conditional,
    Dict,
    Entry,
    Expression,
    Index,
    Item,
    Keyword,
    Lambda,
    List,
    Literal,
    Loop,
    Name,
    Slice,
    Starred,
    Template,
    Tuple,
    Unary,
    Word,
)

#: How tightly operators bind; an atom needs no parentheses.
LEVELS = {"is": 2, ">": 2, "|": 3, "&": 4, "+": 5, "-": 5, "*": 6, "/": 6}
UNARY, ATOM = 7, 8
COMPARISONS = ("is", ">")


def printed(node: Item) -> str:  # noqa: C901  (a case for each kind of node)
    r"""An expression on one line.

    >>> printed(Index(Name("x"), (Slice(), Literal(0))))
    'x[:, 0]'
    >>> printed(Unary("-", Binary(Name("x"), "+", Literal('a "b"'))))
    '-(x + "a \\"b\\"")'
    """
    match node:
        case Name(name) | Word(name):
            return name
        case Literal(value):
            return quoted(value) if isinstance(value, str) else _constant(value)
        case Attribute(of, name):
            return f"{operand(of, ATOM)}.{name}"
        case Call(function, arguments):
            return f"{operand(function, ATOM)}({listed(arguments)})"
        case Keyword(name, value):
            return f"{name}={printed(value)}"
        case Starred(value):
            return f"*{printed(value)}"
        case Index(of, places):
            return f"{operand(of, ATOM)}[{listed(places)}]"
        case Slice(start, stop):
            return f"{'' if start is None else start}:{'' if stop is None else stop}"
        case Tuple(items):
            return f"({listed(items)}{',' * (len(items) == 1)})"
        case List(items):
            return f"[{listed(items)}]"
        case Dict(entries):
            return f"{{{listed(entries)}}}"
        case Entry(key, value):
            return f"{quoted(key)}: {printed(value)}"
        case Unary(sign, value):
            return f"{sign}{operand(value, UNARY)}"
        case Binary(left, sign, right):
            return f"{left_operand(left, sign)} {sign} {operand(right, LEVELS[sign] + 1)}"
        case Conditional(then, test, otherwise):
            return f"{operand(then, 2)} if {operand(test, 2)} else {printed(otherwise)}"
        case Lambda(value):
            return f"lambda: {printed(value)}"
        case Template(parts):
            return "f" + _quotes("".join(map(_of_template, parts)))
        case Comprehension(item, loops):
            return f"[{' '.join(map(printed, (item, *loops)))}]"
        case Loop(name, start, stop):
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


def level(node: Expression) -> int:
    """How tightly an expression holds together."""
    match node:
        case Binary(sign=sign):
            return LEVELS[sign]
        case Unary():
            return UNARY
        case Conditional() | Lambda():
            return 1
        case Literal(int() | float()):
            return UNARY  # `3.real` would be no attribute of 3
        case _:
            return ATOM


def operand(node: Expression, bound: int) -> str:
    """An operand that has to bind at least so tightly."""
    return printed(node) if level(node) >= bound else f"({printed(node)})"


def left_operand(node: Expression, sign: str) -> str:
    """A left operand: comparisons do not chain, and a fraction that is a factor has parentheses."""
    if sign == "*" and isinstance(node, Binary) and node.sign == "/":
        return operand(node, ATOM)
    return operand(node, LEVELS[sign] + (sign in COMPARISONS))


def listed(items: Iterable[Item]) -> str:
    """Items between two brackets."""
    return ", ".join(map(printed, items))


def _quotes(text: str) -> str:
    return f'"{text}"'


def _escaped(sign: str) -> str:
    if sign in ('"', "\\"):
        return f"\\{sign}"
    return sign if sign.isprintable() else sign.encode("unicode_escape").decode()


def _of_template(part: str | Name) -> str:
    if isinstance(part, Name):
        return f"{{{part.name}}}"
    return "".join(map(_escaped, part)).replace("{", "{{").replace("}", "}}")


def _constant(value: object) -> str:
    return "..." if value is Ellipsis else repr(value)
