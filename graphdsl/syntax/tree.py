"""From Lark's tree to our own abstract syntax; no Lark object leaves this room.

The file is long because it is one list: a method for each rule of the grammar.
"""

from __future__ import annotations

__all__ = ["to_statements"]

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Literal, TypeAlias, TypeVar

from lark import Token, Tree, v_args
from lark.tree import Meta
from lark.visitors import Transformer_NonRecursive

from graphdsl.diagnostics import Span
from graphdsl.syntax import ast

_Sign: TypeAlias = Literal["==", "<=", ">="]
_SIGNS: dict[str, _Sign] = {"==": "==", "<=": "<=", ">=": ">="}
_ROLES: dict[str, Literal["observed", "latent", "given"]] = {
    "observed": "observed",
    "latent": "latent",
    "given": "given",
}

_COLLECTIONS: dict[str, Literal["pairs", "subsets", "bipartitions"]] = {
    "pairs": "pairs",
    "subsets": "subsets",
    "bipartitions": "bipartitions",
}
_ADDED: dict[str, Literal["+", "-"]] = {"+": "+", "-": "-"}
_MULTIPLIED: dict[str, Literal["*", "/"]] = {"*": "*", "/": "/"}
_Kind = TypeVar("_Kind")
_Join = TypeVar("_Join", bound=str)


def to_statements(tree: Tree[Token]) -> tuple[ast.Statement, ...]:
    """The abstract syntax of a parsed spec."""
    statements: tuple[ast.Statement, ...] = _ToAst().transform(tree)
    return statements


@v_args(meta=True, inline=True)
class _ToAst(Transformer_NonRecursive[Token, tuple[ast.Statement, ...]]):
    """One method for each rule of the grammar, named as the rule is."""

    def spec(self, meta: Meta, *statements: ast.Statement) -> tuple[ast.Statement, ...]:
        return statements

    def model(self, meta: Meta, name: Token) -> ast.ModelName:
        return ast.ModelName(_word_of(name), _span_of(meta))

    def const(self, meta: Meta, name: Token, value: ast.Expression) -> ast.Constant:
        return ast.Constant(_word_of(name), value, _span_of(meta))

    def param(
        self,
        meta: Meta,
        name: Token,
        value: ast.Expression | ast.Schedule,
        bounds: ast.Range | None,
    ) -> ast.Parameter:
        return ast.Parameter(_word_of(name), value, bounds, _span_of(meta))

    def schedule(
        self,
        meta: Meta,
        name: Token,
        start: ast.Expression,
        end: ast.Expression,
        *settings: ast.Setting,
    ) -> ast.Schedule:
        return ast.Schedule(_word_of(name), start, end, settings, _span_of(meta))

    def variable(
        self,
        meta: Meta,
        role: Token,
        name: Token,
        family: tuple[ast.Subscript, ...] | None,
        kind: ast.Kind,
        shape: tuple[ast.Expression, ...] | None,
        prior: ast.Choice | None,
        optional: Token | None,
    ) -> ast.VariableDeclaration:
        return ast.VariableDeclaration(
            _ROLES[str(role)],
            _word_of(name),
            family or (),
            kind,
            shape or (),
            prior,
            optional is not None,
            _span_of(meta),
        )

    def kind(self, meta: Meta, name: Token, argument: ast.Expression | None) -> ast.Kind:
        return ast.Kind(_word_of(name), argument, _span_of(meta))

    def mask(
        self,
        meta: Meta,
        name: Token,
        family: tuple[ast.Subscript, ...],
        value: ast.Choice | tuple[tuple[ast.Expression, ...], ...],
    ) -> ast.MaskDeclaration:
        learned = value if isinstance(value, ast.Choice) else None
        rows = value if isinstance(value, tuple) else ()
        return ast.MaskDeclaration(_word_of(name), family, learned, rows, _span_of(meta))

    def learned(self, meta: Meta, sign: Token, prior: ast.Choice) -> ast.Choice:
        return prior

    def fixed(
        self, meta: Meta, sign: Token, *rows: tuple[ast.Expression, ...]
    ) -> tuple[tuple[ast.Expression, ...], ...]:
        return rows

    def inference(self, meta: Meta, body: ast.Body) -> ast.NetworkBlock:
        return ast.NetworkBlock("inference", _first_letter("q", meta), (), body, _span_of(meta))

    def generation(self, meta: Meta, body: ast.Body) -> ast.NetworkBlock:
        return ast.NetworkBlock("generation", _first_letter("p", meta), (), body, _span_of(meta))

    def further(
        self, meta: Meta, name: Token, formals: tuple[ast.Word, ...] | None, body: ast.Body
    ) -> ast.NetworkBlock:
        return ast.NetworkBlock("further", _word_of(name), formals or (), body, _span_of(meta))

    def regularizer(
        self, meta: Meta, name: Token, formals: tuple[ast.Word, ...] | None, body: ast.Body
    ) -> ast.NetworkBlock:
        return ast.NetworkBlock("regularizer", _word_of(name), formals or (), body, _span_of(meta))

    def objective(
        self,
        meta: Meta,
        aim: Token,
        expression: ast.Expression,
        owners: tuple[ast.Word, ...] | None,
    ) -> ast.Goal:
        direction: Literal["minimize", "maximize"] = "minimize" if aim == "minimize" else "maximize"
        return ast.Goal(direction, expression, _span_of(meta), owners or ())

    def owners(self, meta: Meta, *names: Token) -> tuple[ast.Word, ...]:
        return tuple(map(_word_of, names))

    def constraint(
        self, meta: Meta, left: ast.Expression, relation: Token, right: ast.Expression
    ) -> ast.Constraint:
        return ast.Constraint(left, _SIGNS[str(relation)], right, _span_of(meta))

    def constraints(self, meta: Meta, *constraints: ast.Constraint) -> ast.Constraints:
        return ast.Constraints(constraints, _span_of(meta))

    def turn(self, meta: Meta, player: Token, count: ast.Expression) -> ast.Turn:
        return ast.Turn(_word_of(player), count)

    def turns(self, meta: Meta, *turns: ast.Turn) -> ast.Turns:
        return ast.Turns(turns, _span_of(meta))

    def estimate(
        self, meta: Meta, target: ast.Information | ast.Divergence, choice: ast.Choice
    ) -> ast.Estimate:
        return ast.Estimate(target, choice, _span_of(meta))

    def assertion(
        self, meta: Meta, left: ast.Expression, relation: Token, right: ast.Expression
    ) -> ast.Assertion:
        return ast.Assertion(left, _SIGNS[str(relation)], right, _span_of(meta))

    def family(self, meta: Meta, *extents: ast.Subscript) -> tuple[ast.Subscript, ...]:
        return extents

    def shape(self, meta: Meta, *sizes: ast.Expression) -> tuple[ast.Expression, ...]:
        return sizes

    def row(self, meta: Meta, *entries: ast.Expression) -> tuple[ast.Expression, ...]:
        return entries

    def formals(self, meta: Meta, *names: Token) -> tuple[ast.Word, ...]:
        return tuple(_word_of(name) for name in names)

    # ---- networks ----------------------------------------------------------------------------

    def body(self, meta: Meta, *lines: ast.Line | None) -> ast.Body:
        return ast.Body(tuple(line for line in lines if line is not None), _span_of(meta))

    def line(self, meta: Meta, *parts: ast.Group | _Modifier) -> ast.Line:
        modifiers = [part for part in parts if isinstance(part, _Modifier)]
        by_name: dict[str, _Modifier] = {}
        repeated = []
        for modifier in modifiers:
            if by_name.setdefault(modifier.name, modifier) is not modifier:
                repeated.append(modifier.span)
        values = {name: one.value for name, one in by_name.items()}
        return ast.Line(
            tuple(part for part in parts if isinstance(part, tuple)),
            _first(ast.Word, [values.get("by")]),
            _first(ast.Choice, [values.get("via")]),
            _first(ast.Reference, [values.get("if")]),
            _first(ast.Choice, [values.get("~")]),
            by_name["for"].binders if "for" in by_name else (),
            _span_of(meta),
            tuple(repeated),
        )

    def by(self, meta: Meta, name: Token) -> _Modifier:
        return _Modifier("by", _span_of(meta), _word_of(name))

    def via(self, meta: Meta, shared: Token | None, name: Token, *rest: _Detail) -> _Modifier:
        choice = self.choice_of(meta, name, rest, shared is not None)
        return _Modifier("via", _span_of(meta), choice)

    def gate(self, meta: Meta, name: Token, *subscripts: ast.Subscript | None) -> _Modifier:
        return _Modifier("if", _span_of(meta), self.place(meta, name, *subscripts))

    def drawn(self, meta: Meta, name: Token, *rest: _Detail) -> _Modifier:
        return _Modifier("~", _span_of(meta), self.choice_of(meta, name, rest))

    def comprehension(self, meta: Meta, *binders: ast.Comprehension) -> _Modifier:
        return _Modifier("for", _span_of(meta), None, binders)

    def group(self, meta: Meta, *places: ast.Reference | ast.Block) -> ast.Group:
        return places

    def block(self, meta: Meta, members: ast.Group) -> ast.Block:
        flat: list[ast.Reference] = []
        for member in members:
            flat.extend(member.members if isinstance(member, ast.Block) else (member,))
        return ast.Block(tuple(flat), _span_of(meta))

    # ---- indices -----------------------------------------------------------------------------

    def binder(self, meta: Meta, *parts: Token | ast.Range | ast.Domain) -> ast.Comprehension:
        names = tuple(_word_of(part) for part in parts if isinstance(part, Token))
        last = parts[-1]
        if isinstance(last, ast.Range):
            last = ast.Domain("range", last, None, last.span)
        assert isinstance(last, ast.Domain)  # the grammar ends a binder with its domain
        return ast.Comprehension(names, last, _span_of(meta))

    line_binder = binder

    def collection(self, meta: Meta, sign: Token, extent: ast.Range) -> ast.Domain:
        return ast.Domain(_COLLECTIONS[str(sign)], extent, None, _span_of(meta))

    def members_of(self, meta: Meta, name: ast.Expression) -> ast.Domain:
        # `i in 3` reads as the members of a set that has no name: resolving says so.
        known = name if isinstance(name, ast.Word) else None
        return ast.Domain("members", None, known, _span_of(meta))

    def member_of(self, meta: Meta, name: Token) -> ast.Domain:
        return ast.Domain("members", None, _word_of(name), _span_of(meta))

    def outside_of(self, meta: Meta, name: Token) -> ast.Domain:
        return ast.Domain("outside", None, _word_of(name), _span_of(meta))

    def range(self, meta: Meta, low: ast.Expression, high: ast.Expression) -> ast.Range:
        return ast.Range(low, high, _span_of(meta))

    line_range = range

    def at(self, meta: Meta, value: ast.Expression) -> ast.Expression:
        return value

    def slice(self, meta: Meta, extent: ast.Range) -> ast.Range:
        return extent

    def all_but(self, meta: Meta, index: ast.Expression) -> ast.AllBut:
        return ast.AllBut(index, _span_of(meta))

    def place(self, meta: Meta, name: Token, *subscripts: ast.Subscript | None) -> ast.Reference:
        known = tuple(subscript for subscript in subscripts if subscript is not None)
        return ast.Reference(_word_of(name), known, _span_of(meta))

    def copied(self, meta: Meta, name: Token, *subscripts: ast.Subscript | None) -> ast.Reference:
        known = tuple(subscript for subscript in subscripts if subscript is not None)
        written = _word_of(name)
        word = ast.Word(written.text.rstrip("'"), written.span)
        return ast.Reference(word, known, _span_of(meta), copy=True)

    # ---- choices -----------------------------------------------------------------------------

    def setting(
        self, meta: Meta, name: Token, value: ast.Expression | Token, *details: Token
    ) -> ast.Setting:
        known = _word_of(value) if isinstance(value, Token) else value
        by = tuple(_word_of(detail) for detail in details if detail != "each")
        return ast.Setting(_word_of(name), known, _span_of(meta), "each" in details, by)

    def choice(
        self, meta: Meta, name: Token, *rest: ast.Argument | ast.Setting | None
    ) -> ast.Choice:
        return self.choice_of(meta, name, rest)

    distribution = choice

    def choice_of(
        self,
        meta: Meta,
        name: Token,
        rest: Iterable[ast.Argument | ast.Setting | None],
        shared: bool = False,
    ) -> ast.Choice:
        """One of many, with its arguments and settings told apart."""
        details = [one for one in rest if one is not None]
        return ast.Choice(
            _word_of(name),
            tuple(detail for detail in details if not isinstance(detail, ast.Setting)),
            tuple(detail for detail in details if isinstance(detail, ast.Setting)),
            _span_of(meta),
            shared,
        )

    # ---- arithmetic --------------------------------------------------------------------------

    def sum(self, meta: Meta, *parts: ast.Expression | Token) -> ast.Sum:
        return ast.Sum(*_joined(parts, _ADDED), _span_of(meta))

    def product(self, meta: Meta, *parts: ast.Expression | Token) -> ast.Product:
        return ast.Product(*_joined(parts, _MULTIPLIED), _span_of(meta))

    def negate(self, meta: Meta, operand: ast.Expression) -> ast.Negate:
        return ast.Negate(operand, _span_of(meta))

    def total(
        self, meta: Meta, sign: Token | ast.Expression, *parts: ast.Comprehension | ast.Expression
    ) -> ast.Expression:
        if not isinstance(sign, Token):
            return sign
        binders = tuple(part for part in parts if isinstance(part, ast.Comprehension))
        body = parts[-1]
        assert not isinstance(body, ast.Comprehension)  # the grammar ends a sum with its body
        return ast.Total(_word_of(sign), binders, body, _span_of(meta))

    def number(self, meta: Meta, digits: Token) -> ast.Number:
        return ast.Number(Fraction(str(digits)), _span_of(meta))

    def name(self, meta: Meta, name: Token) -> ast.Word:
        return _word_of(name)

    def function(self, meta: Meta, name: Token, *arguments: ast.Expression) -> ast.Function:
        return ast.Function(_word_of(name), arguments, _span_of(meta))

    # ---- functionals -------------------------------------------------------------------------

    def information(
        self,
        meta: Meta,
        functional: Token,
        under: ast.Operand | None,
        parts: tuple[tuple[ast.Reference, ...], ...],
        given: tuple[ast.Reference, ...] | None,
    ) -> ast.Information:
        return ast.Information(_word_of(functional), parts, given or (), _span_of(meta), under)

    def divergence(
        self, meta: Meta, functional: Token, left: ast.Operand, right: ast.Operand
    ) -> ast.Divergence:
        return ast.Divergence(_word_of(functional), left, right, _span_of(meta))

    def chosen(
        self, meta: Meta, target: ast.Information | ast.Divergence, choice: ast.Choice
    ) -> ast.Chosen:
        return ast.Chosen(target, choice, _span_of(meta))

    def under(self, meta: Meta, operand: ast.Operand) -> ast.Operand:
        return operand

    def parts(
        self, meta: Meta, *joints: tuple[ast.Reference, ...]
    ) -> tuple[tuple[ast.Reference, ...], ...]:
        return joints

    def joint(self, meta: Meta, *references: ast.Reference) -> tuple[ast.Reference, ...]:
        return references

    def operand(
        self,
        meta: Meta,
        head: Token | ast.Body,
        *parts: ast.Argument | tuple[ast.Reference, ...] | ast.Marginal | None,
    ) -> ast.Operand:
        if isinstance(head, ast.Body):
            return head
        arguments = tuple(
            part
            for part in parts
            if part is not None and not isinstance(part, tuple | ast.Marginal)
        )
        given: tuple[ast.Reference, ...] = _first(tuple, parts) or ()
        marginal = _first(ast.Marginal, parts)
        return ast.Named(_word_of(head), arguments, _span_of(meta), given, marginal)

    def marginal(
        self,
        meta: Meta,
        of: tuple[ast.Reference, ...],
        given: tuple[ast.Reference, ...] | None,
    ) -> ast.Marginal:
        return ast.Marginal(of, given or ())


def _joined(
    parts: Sequence[ast.Expression | Token], signs: Mapping[str, _Join]
) -> tuple[ast.Expression, tuple[tuple[_Join, ast.Expression], ...]]:
    """A chain as it was flattened: its first operand, and the others behind their signs."""
    first, *others = (part for part in parts if not isinstance(part, Token))
    written = (signs[str(part)] for part in parts if isinstance(part, Token))
    return first, tuple(zip(written, others, strict=True))


_Detail: TypeAlias = ast.Argument | ast.Setting | None


class _Modifier:
    """What stands behind a line's groups, before the line is put together."""

    __slots__ = ("binders", "name", "span", "value")

    def __init__(
        self,
        name: Literal["by", "via", "if", "~", "for"],
        span: Span,
        value: ast.Word | ast.Choice | ast.Reference | None,
        binders: tuple[ast.Comprehension, ...] = (),
    ) -> None:
        self.name, self.span, self.value, self.binders = name, span, value, binders


def _first_letter(name: str, meta: Meta) -> ast.Word:
    return ast.Word(name, Span(meta.line, meta.column, meta.line, meta.column + 1))


def _span_of(meta: Meta) -> Span:
    """The stretch of text that a rule matched."""
    return Span(meta.line, meta.column, meta.end_line, meta.end_column)


def _word_of(token: Token) -> ast.Word:
    """A name as it was written."""
    line, column = token.line or 1, token.column or 1
    end = token.end_line or line, token.end_column or column + len(token)
    return ast.Word(str(token), Span(line, column, *end))


def _first(kind: type[_Kind], parts: Iterable[object]) -> _Kind | None:
    """The first part of a kind, if there is one."""
    return next((part for part in parts if isinstance(part, kind)), None)
