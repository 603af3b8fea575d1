"""The same spec in another order: of statements, lines, parents, summands and parts."""

from __future__ import annotations

__all__ = ["shuffled"]

import random
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from graphdsl.diagnostics import Source, Span
from graphdsl.syntax import ast, parse

T = TypeVar("T")


def shuffled(text: str, chance: random.Random) -> str:
    """A spec with everything in another order that has none, its comments left out."""
    spec, mistakes = parse(Source("spec.mib", text))
    assert not [one for one in mistakes if one.severity == "error"], mistakes
    return _Shuffle(text, chance).spec(spec)


class _Shuffle:
    def __init__(self, text: str, chance: random.Random) -> None:
        self.lines = text.split("\n")
        self.chance = chance

    def spec(self, spec: ast.Spec) -> str:
        """Constants stand before what uses them, and constraints behind their objective."""
        first = [one for one in spec.statements if isinstance(one, ast.ModelName | ast.Constant)]
        goals, others = self.goals(spec.statements), []
        for one in spec.statements:
            if not isinstance(one, ast.ModelName | ast.Constant | ast.Goal | ast.Constraints):
                others.append([one])
        waiting = iter(goals)
        places = self.mixed([*range(len(others)), *[-1] * len(goals)])
        body = [next(waiting) if place < 0 else others[place] for place in places]
        written = [one for several in body for one in several]
        return "\n".join(map(self.statement, (*first, *written))) + "\n"

    def goals(self, statements: Iterable[ast.Statement]) -> list[list[ast.Statement]]:
        """Each objective with the constraints behind it; the first objective stays the first."""
        found: list[list[ast.Statement]] = []
        for one in statements:
            if isinstance(one, ast.Goal) or (isinstance(one, ast.Constraints) and not found):
                found.append([one])
            elif isinstance(one, ast.Constraints):
                found[-1].append(one)
        return found

    def statement(self, one: ast.Statement) -> str:
        if isinstance(one, ast.NetworkBlock):
            return self.replaced(one.span, [(one.body.span, self.body(one.body))])
        if isinstance(one, ast.Goal):
            return self.replaced(one.span, [(one.expression.span, self.sum(one.expression))])
        if isinstance(one, ast.Constraints):
            several = [(each.left.span, self.sum(each.left)) for each in one.constraints]
            return self.replaced(one.span, several)
        return self.slice(one.span)

    # ---- networks --------------------------------------------------------------------------

    def body(self, body: ast.Body) -> str:
        return "{\n    " + "\n    ".join(self.mixed([*map(self.line, body.lines)])) + "\n}"

    def line(self, line: ast.Line) -> str:
        """What a convolution reads comes first; a module of one's own is called in its order."""
        if line.via is not None and line.via.name.text not in ("mlp",):
            return self.slice(line.span)
        return self.replaced(line.span, [one for each in line.groups for one in self.group(each)])

    def group(self, group: ast.Group) -> list[tuple[Span, str]]:
        return self.swapped(group, lambda one: one.span, lambda one: self.node(one))

    def node(self, node: ast.Reference | ast.Block) -> str:
        if isinstance(node, ast.Block):
            several = self.swapped(node.members, lambda one: one.span, lambda one: self.node(one))
            return self.replaced(node.span, several)
        return self.slice(node.span)

    # ---- objectives ------------------------------------------------------------------------

    def sum(self, one: ast.Expression) -> str:
        """Summands in another order, each with its sign."""
        summands = self.mixed([*self.summands(one, "+")])
        written = " ".join(f"{sign} {text}" for sign, text in summands)
        return written.removeprefix("+ ")

    def summands(self, one: ast.Expression, sign: str) -> Iterable[tuple[str, str]]:
        if isinstance(one, ast.Sum):
            yield from self.summands(one.first, sign)
            for before, other in one.others:
                turned = {"+": "-", "-": "+"}[sign] if before == "-" else sign
                yield from self.summands(other, turned)
        elif isinstance(one, ast.Negate) and not isinstance(one.operand, ast.Sum | ast.Product):
            yield from self.summands(one.operand, {"+": "-", "-": "+"}[sign])
        elif isinstance(one, ast.Negate):
            yield sign, f"({self.slice(one.span)})"
        else:
            yield sign, self.term(one)

    def term(self, one: ast.Expression) -> str:
        if isinstance(one, ast.Product) and all(sign == "*" for sign, _ in one.others):
            factors = (one.first, *(factor for _, factor in one.others))
            return " * ".join(map(self.factor, factors))
        if isinstance(one, ast.Information):
            return self.information(one)
        if isinstance(one, ast.Divergence) and isinstance(one.right, ast.Body):
            return self.replaced(one.span, [(one.right.span, self.body(one.right))])
        return self.slice(one.span)

    def factor(self, one: ast.Expression) -> str:
        if isinstance(one, ast.Sum):
            return f"({self.sum(one)})"
        return f"({self.term(one)})" if isinstance(one, ast.Negate) else self.term(one)

    def information(self, one: ast.Information) -> str:
        """Variables within a part, and the parts of I and TC: they are symmetric in them."""
        if one.functional.text not in ("I", "TC", "H", "CE"):
            return self.slice(one.span)  # of a cost, or a penalty, the last word has its place
        several = list(self.swapped(one.given, lambda each: each.span, self.node))
        if one.functional.text in ("I", "TC") and len(one.parts) > 1:
            parts = [", ".join(self.mixed([*map(self.node, part)])) for part in one.parts]
            spans = [self.around(part) for part in one.parts]
            several += zip(spans, self.mixed(parts), strict=True)
        else:
            for part in one.parts:
                several += self.swapped(part, lambda each: each.span, self.node)
        return self.replaced(one.span, several)

    # ---- text ------------------------------------------------------------------------------

    def mixed(self, several: Sequence[T]) -> list[T]:
        return self.chance.sample([*several], len(several))

    def swapped(
        self, several: Sequence[T], span: Callable[[T], Span], text: Callable[[T], str]
    ) -> list[tuple[Span, str]]:
        """The places of some, each with the text of another."""
        spans = [span(one) for one in several]
        return list(zip(spans, self.mixed([*map(text, several)]), strict=True))

    def around(self, several: Sequence[ast.Reference]) -> Span:
        first, last = several[0].span, several[-1].span
        return Span(first.line, first.column, last.end_line, last.end_column)

    def slice(self, span: Span) -> str:
        lines = self.lines[span.line - 1 : span.end_line]
        lines = [*lines[:-1], lines[-1][: span.end_column - 1]]
        lines[0] = lines[0][span.column - 1 :]
        return "\n".join(lines)

    def replaced(self, span: Span, several: Iterable[tuple[Span, str]]) -> str:
        """A stretch of the spec with other text in some places of it."""
        written, line, column = "", span.line, span.column
        for place, text in sorted(several, key=lambda one: (one[0].line, one[0].column)):
            written += self.slice(Span(line, column, place.line, place.column)) + text
            line, column = place.end_line, place.end_column
        return written + self.slice(Span(line, column, span.end_line, span.end_column))
