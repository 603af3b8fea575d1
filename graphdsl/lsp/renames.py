"""A name exchanged for another in the whole file, where that leaves the meaning as it is."""

from __future__ import annotations

__all__ = ["Refused", "rename", "renamed_name"]

import re

from graphdsl.diagnostics import Span
from graphdsl.lsp.analysis import Analysis, analysed
from graphdsl.lsp.fixes import Edit, applied
from graphdsl.lsp.names import GLOBAL, Occurrence, occurrence_at, same_name
from graphdsl.syntax import ast, declarations


class Refused(Exception):  # noqa: N818  # an answer, not a failure
    """Why a name stays as it is."""


def renamed_name(analysis: Analysis, line: int, column: int) -> Occurrence:
    """The name at a place, if it can have another one.

    Raises:
        Refused: If there is no name of the spec, or the text has mistakes of writing.
    """
    if analysis.parsed[1]:
        raise Refused("correct the syntax errors first: names in unreadable lines would stay")
    here = occurrence_at(analysis.occurrences, line, column)
    if here is None or not any(one.declares for one in same_name(analysis.occurrences, here)):
        raise Refused("this word is no name that the spec declares")
    declared = declarations(analysis.spec).get(here.name)
    fixed = isinstance(declared, ast.NetworkBlock) and here.name in ("q", "p")
    if here.scope == GLOBAL and fixed:
        raise Refused(f"`{here.name}` is a word of the language")
    return here


def rename(analysis: Analysis, line: int, column: int, name: str) -> tuple[Edit, ...]:
    """The edits that give a name's every occurrence another name.

    Raises:
        Refused: If the text would have new mistakes, or would mean something else.
    """
    here = renamed_name(analysis, line, column)
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise Refused("a name begins with a letter, and goes on with letters, digits and `_`")
    if name == here.name:
        return ()
    places = same_name(analysis.occurrences, here)
    edits = tuple(Edit(place.span, name) for place in places)
    after = analysed(applied(analysis.source, edits))
    known = {diagnostic.code for diagnostic in analysis.diagnostics}
    new = [diagnostic for diagnostic in after.diagnostics if diagnostic.code not in known]
    if new:
        raise Refused(f"`{name}` cannot be the name: {new[0].message}")
    if len(after.occurrences) != len(analysis.occurrences) or not _alike(analysis, after, places):
        raise Refused(f"`{name}` is in use already: the spec would mean something else")
    return edits


def _alike(before: Analysis, after: Analysis, places: tuple[Occurrence, ...]) -> bool:
    """Whether the renamed places, and no others, are one name in one scope."""
    spans = {place.span for place in places}
    renamed = [
        new
        for old, new in zip(before.occurrences, after.occurrences, strict=True)
        if old.span in spans
    ]
    same = same_name(after.occurrences, renamed[0])
    return [_start(one.span) for one in same] == [_start(one.span) for one in renamed]


def _start(span: Span) -> tuple[int, int]:
    return span.line, span.column
