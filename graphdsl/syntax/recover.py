"""Reading on behind mistakes, so that all of them are said at once."""

from __future__ import annotations

__all__ = ["recover"]

import re

from lark import Token, Tree, UnexpectedInput

from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.syntax import ast
from graphdsl.syntax.chains import flatten_chains
from graphdsl.syntax.chunks import Chunk, blank, chunks, without_comments
from graphdsl.syntax.errors import LongNumber, NestedTooDeep, UnclosedBrace
from graphdsl.syntax.explain import Stop, explain, span_at
from graphdsl.syntax.limits import DEEPEST, LONGEST, deepest_bracket, long_number, too_deep
from graphdsl.syntax.tables import load_parser
from graphdsl.syntax.tree import to_statements

_MOST_MISTAKES = 20  # of writing; after so many, the file is hardly a spec


def recover(text: str) -> tuple[ast.Spec, tuple[Diagnostic, ...]]:
    """What can be read of a text with mistakes, and what they are."""
    reading = _Reading(text)
    _leave_out_monsters(reading)
    while len(reading.found) < _MOST_MISTAKES:
        try:
            tree = flatten_chains(load_parser().parse(reading.text))
        except UnexpectedInput as problem:
            _step_over(reading, problem)
        else:
            _prune(tree, reading)
            spec = ast.Spec(to_statements(tree), bool(reading.found), frozenset(reading.lost))
            return spec, tuple(reading.found)
    words = frozenset(re.findall(r"\w+", text))
    return ast.Spec((), broken=True, lost_words=words), tuple(reading.found)


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
        before = (chunk for chunk in reversed(self.chunks) if chunk.start <= place)
        return next(before, self.chunks[0])

    def leave_out(self, mistake: Diagnostic, chunk: Chunk, place: int) -> None:
        """Keep a mistake, and read on without what is at fault."""
        self.found.append(mistake)
        self.text, names = blank(self.text, self.bare, chunk, place)
        self.lost |= names
        self.look()


def _step_over(reading: _Reading, problem: UnexpectedInput) -> None:
    """Say what the parser stopped at, and take out as little as lets it go on."""
    stop = Stop.of(problem, reading.bare)
    here = reading.chunk_at(stop.at)
    for chunk in reading.chunks:
        if chunk.open_brace is not None and chunk.end <= stop.at:
            _close_brace(reading, chunk, chunk.open_brace, here)
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
    if chunk.word not in ("q", "p", "infer", "network"):
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
    place = deepest_bracket(bare, chunk.start, chunk.end)
    if place is not None:
        return NestedTooDeep(span=span_at(bare, place, 1), limit=DEEPEST)
    long = long_number(bare, chunk.start, chunk.end)
    if long is not None:
        return LongNumber(span=span_at(bare, long[0], long[1] - long[0]), digits=LONGEST)
    return None


def _prune(tree: Tree[Token], reading: _Reading) -> None:
    """Leave out statements whose operators go too deep for the stages that walk over them."""
    kept: list[Tree[Token] | Token] = []
    for statement in tree.children:
        deep = too_deep(statement)
        if deep is None or not isinstance(statement, Tree):
            kept.append(statement)
            continue
        meta = deep.meta
        span = Span(meta.line, meta.column, meta.end_line, meta.end_column)
        reading.found.append(NestedTooDeep(span=span, limit=DEEPEST))
        reading.lost |= {str(child) for child in statement.children if isinstance(child, Token)}
    tree.children = kept
