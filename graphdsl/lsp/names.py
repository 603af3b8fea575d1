"""Where a spec declares its names, and where it uses them: what `go to definition` needs."""

from __future__ import annotations

__all__ = ["GLOBAL", "Occurrence", "occurrence_at", "occurrences", "same_name"]

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import get_args

from graphdsl.catalog.architectures import OPTIONS_OF_WORDS
from graphdsl.catalog.methods import EXPERTS, METHODS
from graphdsl.diagnostics import Span
from graphdsl.ir.masks import EdgeGradient
from graphdsl.syntax import ast

#: The scope of constants, parameters, variables, masks and networks.
GLOBAL = "spec"
_MODEL = "model"  #: the scope of the name behind `model`, which nothing refers to
_PLAYER = "player"  #: the scope of players that are no networks of the spec, such as `critic`

#: Words in the brackets of a distribution that are never names of the spec.
_OF_LAWS = frozenset(("full", "learned", "network", *get_args(EdgeGradient)))

Scope = str | Span  #: of an index, the place where it is bound
Scopes = Mapping[str, Scope]  #: of each index that is bound here


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A name at a place; occurrences of one name in one scope mean the same thing."""

    name: str
    span: Span
    scope: Scope
    declares: bool = False


def occurrences(spec: ast.Spec) -> tuple[Occurrence, ...]:
    r"""Every name of a spec in the order of the text, with the scope that it belongs to.

    Words of the language, of distributions, of estimators and of a caller's modules are no names.

    >>> from graphdsl.diagnostics import Source
    >>> from graphdsl.syntax import parse
    >>> spec, _ = parse(Source("a.mib", "const n = 2\nobserved x[1..n] : real"))
    >>> [(one.name, one.declares) for one in occurrences(spec)]
    [('n', True), ('x', True), ('n', False)]
    """
    walk = _Walk(spec)
    words = [one for statement in spec.statements for one in walk.statement(statement)]
    return tuple(sorted(words, key=lambda word: word.span))


def occurrence_at(known: tuple[Occurrence, ...], line: int, column: int) -> Occurrence | None:
    """The name at a place, or that ends there."""
    for one in known:
        span = one.span
        if span.line == line and span.column <= column <= span.end_column:
            return one
    return None


def same_name(known: tuple[Occurrence, ...], one: Occurrence) -> tuple[Occurrence, ...]:
    """Every occurrence of the same thing."""
    return tuple(each for each in known if (each.name, each.scope) == (one.name, one.scope))


class _Walk:
    """A walk over a spec that knows which networks it declares."""

    def __init__(self, spec: ast.Spec) -> None:
        blocks = [
            statement for statement in spec.statements if isinstance(statement, ast.NetworkBlock)
        ]
        self.networks = {block.name.text for block in blocks}

    def statement(self, one: ast.Statement) -> Iterator[Occurrence]:
        match one:
            case ast.ModelName(name):
                yield _occurrence(name, _MODEL, declares=True)
            case ast.Goal(owners=owners):
                yield from self.visit(one.expression, {})
                yield from map(self._player, owners)
            case ast.NetworkBlock(name=name, formals=formals):
                yield _occurrence(name, GLOBAL, declares=True)
                yield from self._scoped(formals, one.body, {})
            case (
                ast.Constant(name=name)
                | ast.Parameter(name=name)
                | ast.VariableDeclaration(name=name)
                | ast.MaskDeclaration(name=name)
            ):
                yield _occurrence(name, GLOBAL, declares=True)
                yield from self._fields(one, {}, without=("name",))
            case _:
                yield from self.visit(one, {})

    def visit(self, node: object, scopes: Scopes) -> Iterator[Occurrence]:  # noqa: C901  # one case a class
        match node:
            case ast.Word():
                yield _occurrence(node, scopes.get(node.text, GLOBAL))
            case ast.Total(binders=binders, body=body):
                yield from self._bound(binders, (body,), scopes)
            case ast.Line(binders=binders):
                inner = (node.groups, node.gate, node.drawn, node.via)
                yield from self._bound(binders, inner, scopes)
            case ast.Setting(value=ast.Word()) if node.name.text in OPTIONS_OF_WORDS:
                pass  # `act = gelu` means the word, whatever the spec calls gelu
            case ast.Information() | ast.Divergence():
                yield from self._fields(node, scopes, without=("functional",))
            case ast.Kind() | ast.Function() | ast.Setting():
                yield from self._fields(node, scopes, without=("name",))
            case ast.Turn(player, count):
                yield self._player(player)
                yield from self.visit(count, scopes)
            case ast.Choice():
                yield from self._choice(node, scopes)
            case tuple():
                for part in node:
                    yield from self.visit(part, scopes)
            case _ if is_dataclass(node) and not isinstance(node, Span | type):
                yield from self._fields(node, scopes)
            case _:
                pass

    def _fields(
        self, node: object, scopes: Scopes, without: tuple[str, ...] = ()
    ) -> Iterator[Occurrence]:
        for field in fields(node):  # type: ignore[arg-type]  # of the abstract syntax
            if field.name not in without:
                yield from self.visit(getattr(node, field.name), scopes)

    def _bound(
        self,
        binders: tuple[ast.Comprehension, ...],
        inner: tuple[object, ...],
        scopes: Scopes,
    ) -> Iterator[Occurrence]:
        """What binders bind holds in the binders behind them, and in all that they are about."""
        for binder in binders:
            yield from self.visit(binder.domain, scopes)
            scopes = {**scopes, **{word.text: _scope_of(word) for word in binder.names}}
            for word in binder.names:
                yield _occurrence(word, _scope_of(word), declares=True)
        yield from self.visit(inner, scopes)

    def _scoped(
        self, formals: tuple[ast.Word, ...], body: object, scopes: Scopes
    ) -> Iterator[Occurrence]:
        for word in formals:
            yield _occurrence(word, _scope_of(word), declares=True)
        yield from self.visit(body, {**scopes, **{word.text: _scope_of(word) for word in formals}})

    def _choice(self, choice: ast.Choice, scopes: Scopes) -> Iterator[Occurrence]:
        """A law, an estimator or a module is no name; a network that bounds a term is one."""
        name = choice.name
        if name.text in self.networks and name.text not in METHODS:
            yield _occurrence(name, GLOBAL)
        words = frozenset(EXPERTS) if name.text in METHODS else _OF_LAWS
        for argument in choice.arguments:
            if not (isinstance(argument, ast.Word) and argument.text in words):
                yield from self.visit(argument, scopes)
        yield from self.visit(choice.settings, scopes)

    def _player(self, word: ast.Word) -> Occurrence:
        return _occurrence(word, GLOBAL if word.text in self.networks else _PLAYER)


def _scope_of(word: ast.Word) -> Scope:
    """The scope of an index: where it is bound."""
    return word.span


def _occurrence(word: ast.Word, scope: Scope, *, declares: bool = False) -> Occurrence:
    span = Span.at(word.span.line, word.span.column, len(word.text))  # `x'` is x
    return Occurrence(word.text, span, scope, declares)
