"""Carets: a diagnostic as text, with the line it is about."""

from __future__ import annotations

__all__ = ["render"]

from graphdsl.diagnostics.diagnostic import Diagnostic
from graphdsl.diagnostics.span import Source
from graphdsl_files import visible

_WIDEST = 160  # of a line of the spec that is shown as it is; others are shown around the caret
_AROUND = 60
_TAB = "    "


def render(diagnostic: Diagnostic, source: Source) -> str:
    r"""The title and place, the numbered line, a caret with the sentence, and the next step.

    >>> from graphdsl.diagnostics import Span
    >>> class Typo(Diagnostic):
    ...     code, title, said, hint = "MIB999", "A typo", "`y` is not a name", "write `x`"
    >>> print(render(Typo(span=Span(2, 3, 2, 4)), Source("a.mib", "q {\n  y -> z\n}")))
    error[MIB999] A typo in a.mib:2:3
      2 |   y -> z
        |   ^ `y` is not a name
    Hint: write `x`
    """
    span = diagnostic.span
    line = source.line(span.line)
    end = span.end_column if span.end_line == span.line else len(line) + 1
    shown, start, width = _window(line, span.column - 1, end - span.column)
    number = f"{span.line:>3}"
    margin = " " * len(number)
    return "\n".join(
        (
            f"{diagnostic.severity}[{diagnostic.code}] {diagnostic.title} in "
            f"{source.name}:{span.line}:{span.column}",
            f"{number} | {shown}".rstrip(),
            f"{margin} | {' ' * start}{'^' * width} {diagnostic.message}",
            f"Hint: {diagnostic.advice}",
        )
    )


def _window(line: str, start: int, width: int) -> tuple[str, int, int]:
    """What is shown of a line, where the caret stands in it, and how wide it is."""
    if len(line) > _WIDEST:
        before = max(0, start - _AROUND)
        head = "..." if before else ""
        rest = line[before : start + _AROUND]
        line = head + rest + ("..." if start + _AROUND < len(line) else "")
        start += len(head) - before
    lead, marked, rest = (
        _shown(line[:start]),
        _shown(line[start : start + width]),
        _shown(line[start + width :]),
    )
    return lead + marked + rest, len(lead), max(1, len(marked))


def _shown(part: str) -> str:
    """A part of a line as a terminal shows it, a column for each of its characters."""
    return visible(part.replace("\t", _TAB), keep="")
