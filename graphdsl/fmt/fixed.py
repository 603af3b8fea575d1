"""A spec whose learned masks are fixed: the structure that training came to, as a spec again."""

from __future__ import annotations

__all__ = ["with_structure"]

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

from graphdsl.diagnostics import Source, Span
from graphdsl.fmt.format import format_spec
from graphdsl.ir.notation import number_text
from graphdsl.syntax import ast, parse

#: Of a mask: its rows, or its one row, of edges.
Rows: TypeAlias = Sequence[Sequence[bool]]


def with_structure(
    source: Source, structure: Mapping[str, Rows], constants: Mapping[str, Fraction]
) -> str:
    r"""Write the masks of a spec as `fixed(...)`, and its constants as they were compiled with.

    All else stays as it stands, comments included, but that no player is left to have the turns of
    the structure. Fixed edges are the edges of the networks, so that the spec compiles to the model
    of that structure alone.

    >>> spec = Source("m.mib", "model m\nmask M[1..2] : learned bernoulli(0.5)\n")
    >>> print(with_structure(spec, {"M": [[True, False]]}, {}), end="")
    model m
    mask     M[1..2] : fixed(1, 0)
    """
    parsed, _ = parse(source)
    changes = [*_changes(parsed, structure, constants), *_turns_left(source, parsed, structure)]
    lines = list(source.lines)
    for span, text in sorted(changes, key=lambda change: change[0], reverse=True):
        before = lines[span.line - 1][: span.column - 1]
        behind = lines[span.end_line - 1][span.end_column - 1 :]
        lines[span.line - 1 : span.end_line] = [before + text + behind]
    return format_spec(Source(source.name, "\n".join(lines) + "\n"))


def _changes(
    parsed: ast.Spec, structure: Mapping[str, Rows], constants: Mapping[str, Fraction]
) -> Iterator[tuple[Span, str]]:
    for statement in parsed.statements:
        match statement:
            case ast.Constant(name=name) if name.text in constants:
                yield statement.value.span, number_text(constants[name.text])
            case ast.MaskDeclaration(name=name, learned=learned) if name.text in structure:
                if learned is not None:
                    family = statement.family[-1].span
                    span = Span(family.end_line, family.end_column, *_end(statement.span))
                    yield span, f"] : fixed({_table(structure[name.text])})"
            case _:
                pass


def _turns_left(
    source: Source, parsed: ast.Spec, structure: Mapping[str, Rows]
) -> Iterator[tuple[Span, str]]:
    """Take the structure's turns away, unless a mask stays learned."""
    masks = [one for one in parsed.statements if isinstance(one, ast.MaskDeclaration)]
    if any(mask.learned is not None and mask.name.text not in structure for mask in masks):
        return
    for statement in parsed.statements:
        if not isinstance(statement, ast.Turns):
            continue
        starts = [(turn.player.span.line, turn.player.span.column) for turn in statement.turns]
        ends = [*starts[1:], _end(statement.span)]
        others = [
            _between(source, start, end).rstrip(", ")
            for turn, start, end in zip(statement.turns, starts, ends, strict=True)
            if turn.player.text != "structure"
        ]
        if len(others) < len(statement.turns):
            yield statement.span, f"turns {', '.join(others)}" if others else ""


def _between(source: Source, start: tuple[int, int], end: tuple[int, int]) -> str:
    """What stands there, on one line and without its comments."""
    lines = list(source.lines[start[0] - 1 : end[0]])
    lines[-1] = lines[-1][: end[1] - 1]
    lines[0] = lines[0][start[1] - 1 :]
    return " ".join(line.partition("#")[0].strip() for line in lines)


def _end(span: Span) -> tuple[int, int]:
    return span.end_line, span.end_column


def _table(rows: Rows) -> str:
    return "; ".join(", ".join(str(int(edge)) for edge in row) for row in rows)
