"""Trees of emitted code as those of Python's own parser, and trees at random."""

from __future__ import annotations

__all__ = ["as_ast", "dumped", "random_body", "random_class"]

import ast
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Literal

from graphdsl.codegen import tree as py
from graphdsl.slots.words import OF_THE_RUNTIME

_OPERATORS: dict[str, ast.operator] = {
    "+": ast.Add(), "-": ast.Sub(), "*": ast.Mult(), "/": ast.Div(), "&": ast.BitAnd(),
    "|": ast.BitOr(),
}  # fmt: skip
_LOAD, _STORE = ast.Load(), ast.Store()


def dumped(nodes: Sequence[py.Statement | py.Function | py.Class]) -> str:
    """What Python's parser would make of these, as text."""
    body = [as_ast(one) for one in nodes if not isinstance(one, py.Comment | py.Blank)]
    return ast.dump(ast.Module(body, []))


def as_ast(node: py.Statement | py.Function | py.Class) -> ast.stmt:
    """A statement, a function or a class."""
    match node:
        case py.Assign(py.Name(name), value):
            return ast.Assign([ast.Name(name, _STORE)], _of(value))
        case py.Assign(py.Attribute(of, name), value):
            return ast.Assign([ast.Attribute(_of(of), name, _STORE)], _of(value))
        case py.Assign(py.Tuple(items), value):
            names: list[ast.expr] = [
                ast.Name(one.name, _STORE) for one in items if isinstance(one, py.Name)
            ]
            return ast.Assign([ast.Tuple(names, _STORE)], _of(value))
        case py.Do(value):
            return ast.Expr(_of(value))
        case py.Return(value):
            return ast.Return(_of(value))
        case py.Function():
            return _function(node)
        case py.Class(name, base, docstring, body):
            inner = [as_ast(one) for one in body]
            doc = ast.Expr(ast.Constant(docstring))
            return ast.ClassDef(name, [_of(base)], [], [doc, *inner], [])
        case _:
            raise AssertionError(node)


def _function(node: py.Function) -> ast.FunctionDef:
    defaults = [_of(one.default) for one in node.parameters if one.default is not None]
    arguments = ast.arguments(
        [],
        list(map(_argument, node.parameters)),
        None,
        list(map(_argument, node.by_name)),
        [None if one.default is None else _of(one.default) for one in node.by_name],
        None,
        defaults,
    )
    decorators = [] if node.decorator is None else [_of(node.decorator)]
    body = [as_ast(one) for one in node.body if not isinstance(one, py.Comment | py.Blank)]
    return ast.FunctionDef(node.name, arguments, body, decorators, _of(node.returns))


def _argument(one: py.Parameter) -> ast.arg:
    return ast.arg(one.name, None if one.annotation is None else _of(one.annotation))


def _of(node: py.Expression) -> ast.expr:  # noqa: C901  (a case for each kind of node)
    match node:
        case py.Name(name) | py.Word(name):
            return ast.Name(name, _LOAD)
        case py.Literal(value):
            return ast.Constant(value)
        case py.Attribute(of, name):
            return ast.Attribute(_of(of), name, _LOAD)
        case py.Call(function, arguments):
            placed = [one for one in arguments if not isinstance(one, py.Keyword)]
            named = [one for one in arguments if isinstance(one, py.Keyword)]
            return ast.Call(
                _of(function),
                [ast.Starred(_of(one.value), _LOAD) if isinstance(one, py.Starred) else _of(one)
                 for one in placed],
                [ast.keyword(one.name, _of(one.value)) for one in named],
            )  # fmt: skip
        case py.Index(of, places):
            inner = [_place(one) for one in places]
            index = inner[0] if len(inner) == 1 else ast.Tuple(inner, _LOAD)
            return ast.Subscript(_of(of), index, _LOAD)
        case py.Tuple(items):
            return ast.Tuple(list(map(_of, items)), _LOAD)
        case py.List(items):
            return ast.List(list(map(_of, items)), _LOAD)
        case py.Dict(entries):
            keys: list[ast.expr | None] = [ast.Constant(one.key) for one in entries]
            return ast.Dict(keys, [_of(one.value) for one in entries])
        case _:
            return _of_rest(node)


def _of_rest(node: py.Expression) -> ast.expr:
    match node:
        case py.Unary(sign, value):
            return ast.UnaryOp(ast.USub() if sign == "-" else ast.Invert(), _of(value))
        case py.Binary(left, "is" | ">" as sign, right):
            operator = ast.Is() if sign == "is" else ast.Gt()
            return ast.Compare(_of(left), [operator], [_of(right)])
        case py.Binary(left, sign, right):
            return ast.BinOp(_of(left), _OPERATORS[sign], _of(right))
        case py.Conditional(then, test, otherwise):
            return ast.IfExp(_of(test), _of(then), _of(otherwise))
        case py.Lambda(value):
            nothing = ast.arguments([], [], None, [], [], None, [])
            return ast.Lambda(nothing, _of(value))
        case py.Template(parts):
            return ast.JoinedStr(list(_parts(parts)))
        case py.Comprehension(item, loops):
            return ast.ListComp(_of(item), list(map(_loop, loops)))
        case _:
            raise AssertionError(node)


def _place(node: py.Expression | py.Slice) -> ast.expr:
    if not isinstance(node, py.Slice):
        return _of(node)
    ends = [None if end is None else ast.Constant(end) for end in (node.start, node.stop)]
    return ast.Slice(*ends)


def _parts(parts: Sequence[str | py.Name]) -> Iterator[ast.expr]:
    """Texts side by side are one, and an empty one is none."""
    for is_text, run in groupby(parts, lambda one: isinstance(one, str)):
        if is_text:
            text = "".join(map(str, run))
            yield from [ast.Constant(text)] if text else []
        else:
            yield from (ast.FormattedValue(_of(one), -1) for one in run if isinstance(one, py.Name))


def _loop(one: py.Loop) -> ast.comprehension:
    ends: list[ast.expr] = [ast.Constant(end) for end in (one.start, one.stop)]
    run = ast.Call(ast.Name("range", _LOAD), ends if one.start else ends[1:], [])
    return ast.comprehension(ast.Name(one.name, _STORE), run, [], 0)


# ---- trees at random -----------------------------------------------------------------------------

_WORDS = sorted(OF_THE_RUNTIME)
_SIGNS: list[Literal["+", "-", "*", "/", "&", "|", ">", "is"]] = [
    "+",
    "-",
    "*",
    "/",
    "&",
    "|",
    ">",
    "is",
]
_ODD = ['a "quote"', "it's", "{braces}", "}{", "a\nline", "\\", "\\n", '"""', "é ∑ 統計", "\u2028",
        "\x00", "\ud800", "# no comment", "f(x, [y])", ""]  # fmt: skip


def random_body(chance: random.Random) -> tuple[py.Statement, ...]:
    """A few statements, of expressions of every kind."""
    return tuple(_statement(chance) for _ in range(4))


def random_class(chance: random.Random) -> py.Class:
    """A class with an odd docstring."""
    docstring = " ".join(chance.choices([*_ODD, '"', "\t", "words"], k=3))
    body = tuple(one for one in random_body(chance) if not isinstance(one, py.Comment))
    return py.Class(_name(chance), py.Name(_name(chance)), docstring, body)


def _statement(chance: random.Random) -> py.Statement:
    value, comment = _random(chance, chance.randint(0, 4)), chance.choice(["", *_ODD])
    names = tuple(py.Name(_name(chance)) for _ in range(chance.randint(1, 3)))
    statements: list[py.Statement] = [
        py.Assign(names[0], value, comment),
        py.Assign(py.Attribute(names[0], _name(chance)), value, comment),
        py.Assign(py.Tuple(names), value, comment),
        py.Do(value),
        py.Comment(comment),
    ]
    return chance.choice(statements)


def _name(chance: random.Random) -> str:
    return "".join(chance.choices("abcxyz_é", k=chance.choice([1, 3, 8, 20, 90]))) + "_"


def _random(chance: random.Random, depth: int) -> py.Expression:
    if depth == 0:
        return chance.choice(_LEAVES)(chance)
    return chance.choice(_NODES)(chance, depth - 1)


def _several(chance: random.Random, depth: int) -> tuple[py.Expression, ...]:
    return tuple(_random(chance, depth) for _ in range(chance.randint(0, 4)))


def _arguments(
    chance: random.Random, depth: int
) -> tuple[py.Expression | py.Keyword | py.Starred, ...]:
    starred = [py.Starred(py.Name(_name(chance)))] * chance.randint(0, 1)
    named = (py.Keyword(f"k{k}", one) for k, one in enumerate(_several(chance, depth)))
    return (*_several(chance, depth), *starred, *named)


def _index(chance: random.Random, depth: int) -> py.Index:
    places = (py.Slice(), py.Slice(1, None), py.Slice(0, 2), _random(chance, depth))
    return py.Index(_random(chance, depth), tuple(chance.sample(places, chance.randint(1, 4))))


_LEAVES: tuple[Callable[[random.Random], py.Expression], ...] = (
    lambda c: py.Name(_name(c)),
    lambda c: py.Word(c.choice(_WORDS)),
    lambda c: py.Literal(c.choice([None, True, ..., 3, 0.5, 1e-30, 1e30, *_ODD])),
    lambda c: py.Template((c.choice(_ODD[:-1]), py.Name("i"), c.choice(_ODD[:-1]))),
)
_NODES: tuple[Callable[[random.Random, int], py.Expression], ...] = (
    lambda c, d: py.Attribute(_random(c, d), _name(c)),
    lambda c, d: py.Call(_random(c, d), _arguments(c, d), tall=c.random() < 0.2),
    _index,
    lambda c, d: py.Tuple(_several(c, d), tall=c.random() < 0.2),
    lambda c, d: py.List(_several(c, d)),
    lambda c, d: py.Dict(tuple(py.Entry(c.choice(_ODD), one) for one in _several(c, d))),
    lambda c, d: py.Unary(c.choice(["-", "~"]), _random(c, d)),
    lambda c, d: py.Binary(_random(c, d), c.choice(_SIGNS), _random(c, d)),
    lambda c, d: py.Conditional(_random(c, d), _random(c, d), _random(c, d)),
    lambda c, d: py.Lambda(_random(c, d)),
    lambda c, d: py.Comprehension(_random(c, d), (py.Loop("i", 0, 3), py.Loop("j", 1, 2))),
)
