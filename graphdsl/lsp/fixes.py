"""Edits that a diagnostic's hint asks for, each tried before it is offered.

A hint is for people. `_EDITS` says which hints are also an edit, and of which kind. An edit is
offered only if it removes the mistake and introduces none of that stage or an earlier one.
"""

from __future__ import annotations

__all__ = ["Edit", "Fix", "applied", "fixes"]

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from graphdsl.diagnostics import Diagnostic, Source, Span
from graphdsl.lsp.analysis import Analysis, analysed
from graphdsl.lsp.names import occurrence_at, same_name
from graphdsl.lsp.written import statement_at
from graphdsl.syntax import ast

_QUOTED = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Edit:
    """Text in the place of a stretch, which may be empty."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that take a mistake away."""

    title: str
    edits: tuple[Edit, ...]


def fixes(analysis: Analysis, mistake: Diagnostic) -> tuple[Fix, ...]:
    """The edits for a mistake of a text that work."""
    attempt = _EDITS.get(mistake.code, _guess)
    return tuple(one for one in attempt(analysis, mistake) if _works(analysis, mistake, one))


def applied(source: Source, edits: Iterable[Edit]) -> Source:
    """The text with its edits.

    >>> applied(Source("a.mib", "latent z"), [Edit(Span(1, 8, 1, 9), "u")]).text
    'latent u'
    """
    text = source.text
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    for edit in sorted(edits, key=lambda one: one.span, reverse=True):
        span = edit.span
        start = starts[span.line - 1] + span.column - 1
        end = starts[span.end_line - 1] + span.end_column - 1
        text = text[:start] + edit.text + text[end:]
    return Source(source.name, text)


def _works(analysis: Analysis, mistake: Diagnostic, fix: Fix) -> bool:
    """Whether the mistake is gone, and none of its stage or an earlier one is new."""
    before = Counter(diagnostic.code for diagnostic in analysis.diagnostics)
    if mistake.code not in before:  # of the derivation, which is not made for a trial
        return mistake.code in _OF_DERIVATIONS
    after = Counter(
        diagnostic.code for diagnostic in analysed(applied(analysis.source, fix.edits)).diagnostics
    )
    stage = mistake.code[:4]
    new = [code for code in after - before if code[:4] <= stage]
    return after[mistake.code] < before[mistake.code] and not new


# ---- kinds of edits ----------------------------------------------------------------------------

Attempt = Callable[[Analysis, Diagnostic], Iterator[Fix]]


def _guess(analysis: Analysis, mistake: Diagnostic) -> Iterator[Fix]:
    """`did you mean ...?`: the nearest name, wherever the wrong one stands."""
    close = re.match(r"did you mean `([^`]+)`\?", mistake.advice)
    if close is None:
        return
    here = occurrence_at(analysis.occurrences, mistake.span.line, mistake.span.column)
    spans = [one.span for one in same_name(analysis.occurrences, here)] if here else []
    wrong = str(getattr(mistake, "name", "") or getattr(mistake, "found", ""))
    if not spans:
        start = mistake.span
        spans = [Span.at(start.line, start.column, len(wrong)) if wrong else start]
    yield Fix(f"Write `{close[1]}`", tuple(Edit(span, close[1]) for span in spans))


def _replace(_: Analysis, mistake: Diagnostic) -> Iterator[Fix]:
    """Each of the ways in which the hint says to write it."""
    for written in _QUOTED.findall(mistake.advice):
        text = re.sub(r"^(?:~|by|via) ", "", written)
        yield Fix(f"Write `{text}`", (Edit(mistake.span, text),))


def _arrow(analysis: Analysis, mistake: Diagnostic) -> Iterator[Fix]:
    """The arrow of the language for the whole of another one."""
    span = mistake.span
    line = analysis.source.line(span.line)
    sign = re.compile(r"[^\w\s]+").match(line, span.column - 1)
    if sign is not None:
        yield Fix("Write `->`", (Edit(Span.at(span.line, span.column, len(sign[0])), "->"),))


def _insert(_: Analysis, mistake: Diagnostic) -> Iterator[Fix]:
    """The sign that is missing before the place."""
    sign = str(getattr(mistake, "sign", ","))
    start = Span.at(mistake.span.line, mistake.span.column, 0)
    yield Fix(f"Insert `{sign}`", (Edit(start, f"{sign} "),))


def _comma(analysis: Analysis, mistake: Diagnostic) -> Iterator[Fix]:
    """A comma behind the word before the place."""
    line = analysis.source.line(mistake.span.line)
    column = len(line[: mistake.span.column - 1].rstrip()) + 1
    yield Fix("Insert `,`", (Edit(Span.at(mistake.span.line, column, 0), ","),))


def _delete(analysis: Analysis, mistake: Diagnostic) -> Iterator[Fix]:
    """What stands there, with the space before it."""
    span = mistake.span
    line = analysis.source.line(span.line)
    before = re.sub(r"(?:\b(?:by|via|if))?\s*$", "", line[: span.column - 1])
    start = len(before.rstrip()) + 1
    gone = line[start - 1 : span.end_column - 1].strip()
    yield Fix(
        f"Delete `{gone}`", (Edit(Span(span.line, start, span.end_line, span.end_column), ""),)
    )


def _delete_statement(analysis: Analysis, mistake: Diagnostic) -> Iterator[Fix]:
    """The statement at the place; its line too, where nothing else is on it."""
    statement = statement_at(analysis.spec, mistake.span.line, mistake.span.column)
    if statement is None:
        return
    span = statement.span
    before = analysis.source.line(span.line)[: span.column - 1]
    behind = analysis.source.line(span.end_line)[span.end_column - 1 :]
    if not before.strip() and not behind.partition("#")[0].strip():
        last = span.end_line == len(analysis.source.text.split("\n"))
        end = (span.end_line, span.end_column) if last else (span.end_line + 1, 1)
        span = Span(span.line, 1, *end)
    yield Fix("Delete the statement", (Edit(span, ""),))


def _rename(analysis: Analysis, mistake: Diagnostic) -> Iterator[Fix]:
    """The name that the hint proposes, wherever the wrong one stands."""
    proposed = _QUOTED.findall(mistake.advice)
    here = occurrence_at(analysis.occurrences, mistake.span.line, mistake.span.column)
    known = same_name(analysis.occurrences, here) if here else ()
    spans = tuple(one.span for one in known) or (mistake.span,)
    for name in proposed:
        yield Fix(f"Rename to `{name}`", tuple(Edit(span, name) for span in spans))


def _default(_: Analysis, mistake: Diagnostic) -> Iterator[Fix]:
    """A value behind the name that has none."""
    span = mistake.span
    end = Span.at(span.end_line, span.end_column, 0)
    yield Fix("Insert `= 1`", (Edit(end, " = 1"),))


def _brace(analysis: Analysis, mistake: Diagnostic) -> Iterator[Fix]:
    """A brace on a line of its own, before the next statement or at the end."""
    lines = analysis.source.text.split("\n")
    for number in range(mistake.span.line, len(lines) + 1):
        following = lines[number:]
        if not following or re.match(r"\s*($|[a-z]+\b)", following[0]):
            bare = lines[number - 1].partition("#")[0].rstrip()
            place = Span.at(number, len(bare) + 1, 0)
            yield Fix("Close the brace", (Edit(place, "\n}"),))


def _append(analysis: Analysis, mistake: Diagnostic) -> Iterator[Fix]:
    """The statement that is missing, at the end."""
    lines = analysis.source.text.split("\n")
    end = Span.at(len(lines), len(lines[-1]) + 1, 0)
    start = "\n" if lines[-1] else ""
    for written in _QUOTED.findall(mistake.advice):
        yield Fix(f"Add `{written}`", (Edit(end, f"{start}{written}\n"),))


def _edge(analysis: Analysis, mistake: Diagnostic) -> Iterator[Fix]:
    """The line that a network lacks, as its last."""
    written = next(iter(_QUOTED.findall(mistake.advice)), "")
    for statement in analysis.spec.statements:
        if (
            isinstance(statement, ast.NetworkBlock)
            and statement.name.text == "q"
            and "->" in written
        ):
            number, column = statement.body.span.end_line, statement.body.span.end_column - 1
            if analysis.source.line(number)[: column - 1].strip():
                edit = Edit(Span.at(number, column, 0), f"; {written} ")
            else:  # the brace has a line of its own
                edit = Edit(Span.at(number, 1, 0), f"    {written}\n")
            yield Fix(f"Add `{written}`", (edit,))


def _declare(analysis: Analysis, mistake: Diagnostic) -> Iterator[Fix]:
    """The declaration that the hint writes out, in the place of the one that there is."""
    written = next((match for match in _QUOTED.findall(mistake.advice) if " " in match), "")
    words = written.split()
    for statement in analysis.spec.statements:
        if isinstance(statement, ast.Parameter) and words[1:2] == [statement.name.text]:
            yield Fix(f"Write `{written}`", (Edit(statement.span, written),))


#: Which hints are edits. Every other hint is one where it says `did you mean ...?`.
_EDITS: Mapping[str, Attempt] = {
    "MIB102": _comma,
    "MIB103": _brace,
    "MIB110": _delete,
    "MIB111": _insert,
    "MIB113": _rename,
    "MIB115": _replace,
    "MIB116": _arrow,
    "MIB121": _default,
    "MIB203": _rename,
    "MIB205": _replace,
    "MIB206": _replace,
    "MIB207": _replace,
    "MIB209": _declare,
    "MIB210": _append,
    "MIB218": _replace,
    "MIB219": _replace,
    "MIB226": _delete_statement,
    "MIB228": _rename,
    "MIB231": _delete,
    "MIB281": _delete,
    "MIB302": _edge,
    "MIB502": _delete_statement,
}
#: Those that go away whatever the derivation is.
_OF_DERIVATIONS = frozenset(("MIB502",))
