"""Text to abstract syntax, with every syntax error that the text holds."""

from __future__ import annotations

__all__ = ["parse"]

import re
from functools import cache

from lark import Lark, Token, Tree, UnexpectedInput

from graphdsl.diagnostics import Diagnostic, Source, Span
from graphdsl.syntax import ast
from graphdsl.syntax.chunks import Chunk, blank, chunks, without_comments
from graphdsl.syntax.errors import LongNumber, NestedTooDeep, UnclosedBrace
from graphdsl.syntax.explain import Stop, explain, span_at
from graphdsl.syntax.tables import load_parser
from graphdsl.syntax.tree import to_statements

_MOST_MISTAKES = 20  # of writing; after so many, the file is hardly a spec
_DEEPEST = 200  # brackets in brackets, and operators in operators
_LONGEST = 40  # digits of a number
_LONG = re.compile(rf"\d{{{_LONGEST + 1},}}|\d[eE][+-]?\d{{3,}}")


class _Reading:
    """A text, what is wrong with it, and what is left of it once that is taken out."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: list[Diagnostic] = []
        self.lost: set[str] = set()
        self.look()

    def look(self) -> None:
        """See the text anew, after it was changed."""
        self.bare = without_comments(self.text)
        self.chunks = chunks(self.bare)

    def chunk_at(self, place: int) -> Chunk:
        """The statement that a place is in."""
        before = (one for one in reversed(self.chunks) if one.start <= place)
        return next(before, self.chunks[0])

    def leave_out(self, mistake: Diagnostic, chunk: Chunk, place: int) -> None:
        """Keep a mistake, and read on without what is at fault."""
        self.found.append(mistake)
        self.text, names = blank(self.text, self.bare, chunk, place)
        self.lost |= names
        self.look()


def parse(source: Source) -> tuple[ast.Spec, tuple[Diagnostic, ...]]:
    """Read a spec; where something cannot be read, say so and read on behind it.

    Returns:
        What could be read, and what is wrong with the rest.
    """
    reading = _Reading(source.text)
    _leave_out_monsters(reading)
    while len(reading.found) < _MOST_MISTAKES:
        try:
            tree = _parser().parse(reading.text)
        except UnexpectedInput as problem:
            _recover(reading, problem)
        else:
            _prune(tree, reading)
            statements = to_statements(tree)
            lost = frozenset(reading.lost)
            return ast.Spec(statements, bool(reading.found), lost), tuple(reading.found)
    everything = frozenset(re.findall(r"\w+", source.text))
    return ast.Spec((), broken=True, lost_words=everything), tuple(reading.found)


@cache
def _parser() -> Lark:
    return load_parser()


def _recover(reading: _Reading, problem: UnexpectedInput) -> None:
    """Say what the parser stopped at, and take out as little as lets it go on."""
    stop = Stop.of(problem, reading.bare)
    here = reading.chunk_at(stop.at)
    for one in reading.chunks:
        if one.open_brace is not None and one.end <= stop.at:
            _close_brace(reading, one, one.open_brace, here)
            return
    if here.start == stop.at and not stop.is_complete and here is not reading.chunks[0]:
        # The statement before stopped too early: it, not this one, is at fault.
        here = reading.chunks[reading.chunks.index(here) - 1]
    mistake = explain(stop, here)
    if stop.is_complete and here.word not in ("minimize", "maximize", "assert"):
        here = Chunk("", stop.at, here.end, None)  # what came before it can stay
    reading.leave_out(mistake, here, stop.at)


def _close_brace(reading: _Reading, chunk: Chunk, brace: int, here: Chunk) -> None:
    """Say that a brace is missing, and read on as if it stood before the next statement."""
    before = "the end of the file" if here is chunk else f"`{here.word}`"
    mistake = UnclosedBrace(span=span_at(reading.bare, brace, 1), before=before)
    if chunk.word not in ("q", "p", "network"):
        reading.leave_out(mistake, chunk, chunk.start)
        return
    reading.found.append(mistake)
    end = chunk.start + len(reading.bare[chunk.start : chunk.end].rstrip())
    reading.text = f"{reading.text[:end]}}}{reading.text[end:]}"
    reading.look()


def _leave_out_monsters(reading: _Reading) -> None:
    """Take out what would cost more to read than any spec is worth."""
    for chunk in reversed(reading.chunks):
        mistake = _monster(reading.bare, chunk)
        if mistake is not None:
            reading.leave_out(mistake, chunk, chunk.start)


def _monster(bare: str, chunk: Chunk) -> Diagnostic | None:
    depth = 0
    for mark in re.finditer(r"[()\[\]{}]", bare[chunk.start : chunk.end]):
        depth += 1 if mark[0] in "([{" else -1
        if depth > _DEEPEST:
            span = span_at(bare, chunk.start + mark.start(), 1)
            return NestedTooDeep(span=span, limit=_DEEPEST)
    long = _LONG.search(bare, chunk.start, chunk.end)
    if long is None:
        return None
    return LongNumber(span=span_at(bare, long.start(), len(long[0])), digits=_LONGEST)


def _prune(tree: Tree[Token], reading: _Reading) -> None:
    """Leave out statements whose operators go too deep for the stages that walk over them."""
    kept: list[Tree[Token] | Token] = []
    for statement in tree.children:
        deep = _too_deep(statement)
        if deep is None or not isinstance(statement, Tree):
            kept.append(statement)
            continue
        meta = deep.meta
        span = Span(meta.line, meta.column, meta.end_line, meta.end_column)
        reading.found.append(NestedTooDeep(span=span, limit=_DEEPEST))
        reading.lost |= {str(one) for one in statement.children if isinstance(one, Token)}
    tree.children = kept


def _too_deep(statement: Tree[Token] | Token) -> Tree[Token] | None:
    """What in a statement stands deeper than it may; no recursion, since that is the point."""
    level = [statement]
    for _ in range(_DEEPEST):
        level = [one for tree in level if isinstance(tree, Tree) for one in tree.children]
    return next((tree for tree in level if isinstance(tree, Tree)), None)
