"""From Lark's tree to our own abstract syntax; no Lark object leaves this room."""

from __future__ import annotations

__all__ = ["to_statements"]

from fractions import Fraction
from typing import Literal

from lark import Token, Tree, v_args
from lark.tree import Meta
from lark.visitors import Transformer_NonRecursive

from graphdsl.diagnostics import Span
from graphdsl.syntax import ast


def to_statements(tree: Tree[Token]) -> tuple[ast.Statement, ...]:
    """The abstract syntax of a parsed spec."""
    statements: tuple[ast.Statement, ...] = _ToAst().transform(tree)
    return statements


def _span(meta: Meta) -> Span:
    return Span(meta.line, meta.column, meta.end_line, meta.end_column)


def _word(token: Token) -> ast.Word:
    return ast.Word(str(token), _token_span(token))


def _token_span(token: Token) -> Span:
    line, column = token.line or 1, token.column or 1
    return Span(line, column, token.end_line or line, token.end_column or column + len(token))


@v_args(meta=True, inline=True)
class _ToAst(Transformer_NonRecursive[Token, tuple[ast.Statement, ...]]):
    """One method for each rule of the grammar, named as the rule is."""

    def spec(self, meta: Meta, *statements: ast.Statement) -> tuple[ast.Statement, ...]:
        return statements

    def model(self, meta: Meta, name: Token) -> ast.ModelName:
        return ast.ModelName(_word(name), _span(meta))

    def const(self, meta: Meta, name: Token, value: ast.Expression) -> ast.Constant:
        return ast.Constant(_word(name), value, _span(meta))

    def param(
        self, meta: Meta, name: Token, value: ast.Expression, bounds: ast.Range | None
    ) -> ast.Parameter:
        return ast.Parameter(_word(name), value, bounds, _span(meta))

    def variable(
        self,
        meta: Meta,
        role: Literal["observed", "latent"],
        name: Token,
        family: ast.Range | None,
        kind: Token,
        shape: tuple[ast.Expression, ...] | None,
        prior: Token | None,
    ) -> ast.VariableDeclaration:
        return ast.VariableDeclaration(
            "observed" if role == "observed" else "latent",
            _word(name),
            family,
            _word(kind),
            shape or (),
            _word(prior) if prior else None,
            _span(meta),
        )

    def inference(self, meta: Meta, body: ast.Body) -> ast.NetworkBlock:
        return ast.NetworkBlock("inference", _first_letter("q", meta), (), body, _span(meta))

    def generation(self, meta: Meta, body: ast.Body) -> ast.NetworkBlock:
        return ast.NetworkBlock("generation", _first_letter("p", meta), (), body, _span(meta))

    def regularizer(
        self, meta: Meta, name: Token, formals: tuple[ast.Word, ...] | None, body: ast.Body
    ) -> ast.NetworkBlock:
        return ast.NetworkBlock("regularizer", _word(name), formals or (), body, _span(meta))

    def objective(self, meta: Meta, aim: Token, expression: ast.Expression) -> ast.Goal:
        direction: Literal["minimize", "maximize"] = "minimize" if aim == "minimize" else "maximize"
        return ast.Goal(direction, expression, _span(meta))

    def estimate(
        self, meta: Meta, target: ast.Information | ast.Divergence, estimator: Token
    ) -> ast.Estimate:
        return ast.Estimate(target, _word(estimator), _span(meta))

    def assertion(
        self,
        meta: Meta,
        left: ast.Expression,
        relation: Literal["==", "<=", ">="],
        right: ast.Expression,
    ) -> ast.Assertion:
        signs: dict[str, Literal["==", "<=", ">="]] = {"==": "==", "<=": "<=", ">=": ">="}
        return ast.Assertion(left, signs[relation], right, _span(meta))

    def family(self, meta: Meta, extent: ast.Range) -> ast.Range:
        return extent

    def shape(self, meta: Meta, *sizes: ast.Expression) -> tuple[ast.Expression, ...]:
        return sizes

    def formals(self, meta: Meta, *names: Token) -> tuple[ast.Word, ...]:
        return tuple(_word(name) for name in names)

    def body(self, meta: Meta, *lines: ast.Line | None) -> ast.Body:
        return ast.Body(tuple(line for line in lines if line is not None), _span(meta))

    def line(
        self, meta: Meta, *parts: ast.Group | ast.Word | ast.Via | ast.Comprehension | None
    ) -> ast.Line:
        groups = tuple(part for part in parts if isinstance(part, tuple))
        by = next((part for part in parts if isinstance(part, ast.Word)), None)
        via = next((part for part in parts if isinstance(part, ast.Via)), None)
        binder = next((part for part in parts if isinstance(part, ast.Comprehension)), None)
        return ast.Line(groups, by, via, binder, _span(meta))

    def by(self, meta: Meta, name: Token) -> ast.Word:
        return _word(name)

    def via(self, meta: Meta, name: Token, *arguments: ast.Expression | None) -> ast.Via:
        return ast.Via(_word(name), tuple(one for one in arguments if one is not None))

    def comprehension(
        self, meta: Meta, *parts: Token | ast.Range | ast.Domain
    ) -> ast.Comprehension:
        return self.binder(meta, *parts)

    def binder(self, meta: Meta, *parts: Token | ast.Range | ast.Domain) -> ast.Comprehension:
        names = tuple(_word(part) for part in parts if isinstance(part, Token))
        last = parts[-1]
        domain = ast.Domain(last, False, last.span) if isinstance(last, ast.Range) else last
        assert isinstance(domain, ast.Domain)  # the grammar ends a binder with its domain
        return ast.Comprehension(names, domain, _span(meta))

    def pairs(self, meta: Meta, extent: ast.Range) -> ast.Domain:
        return ast.Domain(extent, True, _span(meta))

    def range(self, meta: Meta, low: ast.Expression, high: ast.Expression) -> ast.Range:
        return ast.Range(low, high, _span(meta))

    line_range = range

    def group(self, meta: Meta, *places: ast.Reference | ast.Block) -> ast.Group:
        return places

    def place(
        self, meta: Meta, name: Token, subscript: ast.Expression | ast.Range | None = None
    ) -> ast.Reference:
        return ast.Reference(_word(name), subscript, _span(meta))

    reference = place

    def block(self, meta: Meta, members: ast.Group) -> ast.Block:
        flat: list[ast.Reference] = []
        for member in members:
            flat.extend(member.members if isinstance(member, ast.Block) else (member,))
        return ast.Block(tuple(flat), _span(meta))

    def index(self, meta: Meta, value: ast.Expression) -> ast.Expression:
        return value

    def slice(self, meta: Meta, extent: ast.Range) -> ast.Range:
        return extent

    def add(self, meta: Meta, left: ast.Expression, right: ast.Expression) -> ast.Binary:
        return ast.Binary("+", left, right, _span(meta))

    def subtract(self, meta: Meta, left: ast.Expression, right: ast.Expression) -> ast.Binary:
        return ast.Binary("-", left, right, _span(meta))

    def multiply(self, meta: Meta, left: ast.Expression, right: ast.Expression) -> ast.Binary:
        return ast.Binary("*", left, right, _span(meta))

    def divide(self, meta: Meta, left: ast.Expression, right: ast.Expression) -> ast.Binary:
        return ast.Binary("/", left, right, _span(meta))

    def negate(self, meta: Meta, operand: ast.Expression) -> ast.Negate:
        return ast.Negate(operand, _span(meta))

    def total(
        self, meta: Meta, sign: Token, binder: ast.Comprehension, body: ast.Expression
    ) -> ast.Total:
        return ast.Total(binder, body, _span(meta))

    def number(self, meta: Meta, digits: Token) -> ast.Number:
        return ast.Number(Fraction(str(digits)), _span(meta))

    def name(self, meta: Meta, name: Token) -> ast.Word:
        return _word(name)

    def information(
        self,
        meta: Meta,
        functional: Token,
        parts: tuple[tuple[ast.Reference, ...], ...],
        given: tuple[ast.Reference, ...] | None,
    ) -> ast.Information:
        return ast.Information(_word(functional), parts, given or (), _span(meta))

    def divergence(
        self, meta: Meta, functional: Token, left: ast.Operand, right: ast.Operand
    ) -> ast.Divergence:
        return ast.Divergence(_word(functional), left, right, _span(meta))

    def parts(
        self, meta: Meta, *joints: tuple[ast.Reference, ...]
    ) -> tuple[tuple[ast.Reference, ...], ...]:
        return joints

    def joint(self, meta: Meta, *references: ast.Reference) -> tuple[ast.Reference, ...]:
        return references

    def operand(
        self, meta: Meta, head: Token | ast.Body, *arguments: ast.Expression | ast.Reference
    ) -> ast.Operand:
        if isinstance(head, ast.Body):
            return head
        return ast.Named(_word(head), arguments, _span(meta))


def _first_letter(name: str, meta: Meta) -> ast.Word:
    return ast.Word(name, Span(meta.line, meta.column, meta.line, meta.column + 1))
