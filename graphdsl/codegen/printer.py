"""The printer of emitted Python: the one place where lines are broken, from structure alone.

An expression that does not fit on its line is broken in a bracket: the last one whose beginning
fits. Its items go on one line between the brackets, or on a line each. A sum is broken before its
signs. A comment stands behind its statement where both fit, and above it where they do not.
"""

from __future__ import annotations

__all__ = ["WIDTH", "printed_lines"]

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeGuard

from graphdsl.codegen import tree as py
from graphdsl.codegen.flat import (
    ATOM,
    COMPARISONS,
    LEVELS,
    UNARY,
    in_docstring,
    left_operand,
    level,
    listed,
    operand,
    printed,
    quoted,
)

WIDTH = 88  #: of emitted lines
_STEP = 4  #: of indentation


@dataclass(frozen=True, slots=True)
class _Bracket:
    """A place where an expression may be broken: what is before it, in it and behind it."""

    head: str
    items: tuple[py.Item, ...]
    tail: str
    separator: str = ","
    tall: bool = False
    last: str = ""  #: behind the last item, even on one line

    @property
    def inner(self) -> str:
        """The items on one line."""
        return f"{self.separator} ".join(map(printed, self.items)) + self.last


def printed_lines(node: py.Statement | py.Function | py.Class, indent: int = 0) -> Iterator[str]:  # noqa: C901
    """A statement, a function or a class as lines, each with its indentation."""
    space = " " * indent
    match node:
        case py.Assign(target, value, comment):
            yield from _assignment(_target(target), value, comment, indent)
        case py.Do(value):
            yield from _on_lines("", value, "", indent)
        case py.Return(value):
            yield from _on_lines("return ", value, "", indent)
        case py.Comment(text):
            yield from _commented(text, indent)
        case py.Blank():
            yield ""
        case py.Function():
            yield from _function(node, indent)
        case py.Class(name, base, docstring, body):
            yield f"{space}class {name}({printed(base)}):"
            yield f'{space}    """{in_docstring(docstring)}"""'
            yield ""
            for part in body:
                if isinstance(part, py.Function) and part is not body[0]:
                    yield ""
                yield from printed_lines(part, indent + _STEP)


def _target(target: py.Name | py.Attribute | py.Tuple) -> str:
    """What is assigned: several names without parentheses."""
    if isinstance(target, py.Tuple) and len(target.items) > 1:
        return listed(target.items)
    return printed(target)


def _on_lines(before: str, node: py.Item, behind: str, indent: int) -> Iterator[str]:
    """An expression with text around it, on as many lines as it needs."""
    space = " " * indent
    flat = f"{space}{before}{printed(node)}{behind}"
    if len(flat) <= WIDTH and not _is_tall(node):
        yield flat
        return
    if isinstance(node, py.Keyword | py.Entry):
        name = f"{node.name}=" if isinstance(node, py.Keyword) else f"{quoted(node.key)}: "
        yield from _on_lines(before + name, node.value, behind, indent)
    elif _is_sum(node) and not _is_bracketed(node, WIDTH - indent - len(before)):
        yield from _sum(before, node, behind, indent)
    else:
        brackets = list(_brackets(node))
        fitting = (one for one in brackets if len(f"{space}{before}{one.head}") <= WIDTH)
        bracket = next(fitting, brackets[0] if brackets else None)
        if bracket is None:
            yield flat
        else:
            yield from _broken(before, bracket, behind, indent)


def _broken(before: str, bracket: _Bracket, behind: str, indent: int) -> Iterator[str]:
    """The items of a bracket on one line each; arguments of a call on a line for them all."""
    space, deep = " " * indent, " " * (indent + _STEP)
    yield f"{space}{before}{bracket.head}"
    if len(deep) + len(bracket.inner) <= WIDTH and not bracket.tall:
        yield f"{deep}{bracket.inner}"
    else:
        for item in bracket.items:
            yield from _on_lines("", item, bracket.separator, indent + _STEP)
    yield f"{space}{bracket.tail}{behind}"


def _sum(before: str, node: py.Binary, behind: str, indent: int) -> Iterator[str]:
    """A sum in parentheses, on a line or with a line for each summand."""
    space, deep = " " * indent, " " * (indent + _STEP)
    yield f"{space}{before}("
    if len(deep) + len(printed(node)) <= WIDTH:
        yield f"{deep}{printed(node)}"
    else:
        summands: list[tuple[str, py.Expression]] = []
        rest: py.Expression = node
        while _is_sum(rest):
            summands.insert(0, (f"{rest.sign} ", rest.right))
            rest = rest.left
        for sign, one in (("", rest), *summands):
            is_sum = level(one) <= LEVELS["+"]
            yield from _on_lines(f"{sign}{'(' * is_sum}", one, ")" * is_sum, indent + _STEP)
    yield f"{space}){behind}"


def _is_sum(node: py.Item) -> TypeGuard[py.Binary]:
    return isinstance(node, py.Binary) and node.sign in "+-"


def _is_bracketed(node: py.Binary, width: int) -> bool:
    """Whether a sum of two begins or ends with a bracket, and its last begins on the first line."""
    last = next(_brackets(node.right), None)
    if last is None or _is_sum(node.left):
        return False
    left = left_operand(node.left, node.sign)
    fits = len(f"{left} {node.sign} {last.head}") <= width
    return fits and (left[0] == "(" or len(last.tail) == 1)


def _is_tall(node: py.Item) -> bool:
    match node:
        case py.Keyword(value=value) | py.Entry(value=value) | py.Lambda(value):
            return _is_tall(value)
        case py.Call(tall=tall) | py.Tuple(tall=tall) | py.Dict(tall=tall):
            return tall
        case _:
            return False


def _brackets(node: py.Item) -> Iterator[_Bracket]:  # noqa: C901  (a case for each kind of node)
    """The places where an expression may be broken, the last first."""
    match node:
        case py.Call(function, arguments, tall):
            if arguments:
                yield _Bracket(f"{operand(function, ATOM)}(", arguments, ")", tall=tall)
            yield from _around("", function, f"({listed(arguments)})", ATOM)
        case py.Tuple(items) if items:
            yield _Bracket("(", items, ")", tall=True, last="," * (len(items) == 1))
        case py.List(items) if items:
            yield _Bracket("[", items, "]", tall=True)
        case py.Dict(entries) if entries:
            yield _Bracket("{", entries, "}", tall=True)
        case py.Comprehension(item, loops):
            yield _Bracket("[", (item, *loops), "]", separator="")
        case py.Attribute(of, name):
            yield from _around("", of, f".{name}", ATOM)
        case py.Index(of, places):
            yield from _around("", of, f"[{listed(places)}]", ATOM)
        case py.Starred(value):
            yield from _around("*", value, "")
        case py.Unary(sign, value):
            yield from _around(sign, value, "", UNARY)
        case py.Lambda(value):
            yield from _around("lambda: ", value, "")
        case py.Binary(left, sign, right):
            yield from _around(f"{left_operand(left, sign)} {sign} ", right, "", LEVELS[sign] + 1)
            behind = f" {sign} {operand(right, LEVELS[sign] + 1)}"
            yield from _around("", left, behind, LEVELS[sign] + (sign in COMPARISONS))
        case py.Conditional(then, test, otherwise):
            yield from _around(f"{operand(then, 2)} if {operand(test, 2)} else ", otherwise, "")
        case _:
            return


def _around(before: str, node: py.Expression, behind: str, bound: int = 0) -> Iterator[_Bracket]:
    """The brackets of an operand, with what is on either side of it."""
    if level(node) < bound:
        before, behind = f"{before}(", f"){behind}"
        yield _Bracket(before, (node,), behind, separator="")
    for one in _brackets(node):
        yield replace(one, head=before + one.head, tail=one.tail + behind)


def _assignment(target: str, value: py.Expression, comment: str, indent: int) -> Iterator[str]:
    flat = f"{' ' * indent}{target} = {printed(value)}"
    words = _plain(comment)
    if words and len(flat) + len(words) + 4 <= WIDTH and not _is_tall(value):
        yield f"{flat}  # {words}"
        return
    yield from _commented(words, indent)
    yield from _on_lines(f"{target} = ", value, "", indent)


def _commented(text: str, indent: int) -> Iterator[str]:
    width = WIDTH - indent - 2
    lines = textwrap.wrap(_plain(text), width, break_long_words=False, break_on_hyphens=False)
    yield from (f"{' ' * indent}# {line}" for line in lines)


def _plain(text: str) -> str:
    """A text that stays on its line."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _function(node: py.Function, indent: int) -> Iterator[str]:
    space, returns = " " * indent, printed(node.returns)
    if node.decorator is not None:
        yield f"{space}@{printed(node.decorator)}"
    parameters = list(map(_parameter, node.parameters))
    if node.by_name:
        parameters += ["*", *map(_parameter, node.by_name)]
    flat = f"{space}def {node.name}({', '.join(parameters)}) -> {returns}:"
    if node.by_name or len(flat) > WIDTH:
        yield f"{space}def {node.name}("
        yield from (f"{space}    {parameter}," for parameter in parameters)
        yield f"{space}) -> {returns}:"
    else:
        yield flat
    for statement in node.body:
        yield from printed_lines(statement, indent + _STEP)


def _parameter(one: py.Parameter) -> str:
    annotation = "" if one.annotation is None else f": {printed(one.annotation)}"
    if one.default is None:
        return one.name + annotation
    return f"{one.name}{annotation}{' = ' if annotation else '='}{printed(one.default)}"
