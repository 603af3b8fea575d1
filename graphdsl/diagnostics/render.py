"""Carets: a diagnostic as text, with the line it is about."""

from __future__ import annotations

__all__ = ["render"]

from graphdsl.diagnostics.diagnostic import Diagnostic
from graphdsl.diagnostics.span import Source


def render(found: Diagnostic, source: Source) -> str:
    """The title and place, the numbered line, a caret with the sentence, and the next step.

    >>> from graphdsl.diagnostics import Span
    >>> class Typo(Diagnostic):
    ...     code, title, said, hint = "MIB999", "A typo", "`y` is not a name", "write `x`"
    >>> print(render(Typo(span=Span(2, 3, 2, 4)), Source("a.mib", "q {\\n  y -> z\\n}")))
    error[MIB999] A typo in a.mib:2:3
      2 |   y -> z
        |   ^ `y` is not a name
    Hint: write `x`
    """
    span = found.span
    line = source.line(span.line)
    number = f"{span.line:>3}"
    margin = " " * len(number)
    # Tabs stay tabs before the caret, so that it stands under its word in any terminal.
    lead = "".join("\t" if sign == "\t" else " " for sign in line[: span.column - 1])
    end = span.end_column if span.end_line == span.line else len(line) + 1
    width = max(1, min(end, len(line) + 1) - span.column)
    return "\n".join(
        (
            f"{found.severity}[{found.code}] {found.title} in "
            f"{source.name}:{span.line}:{span.column}",
            f"{number} | {line}".rstrip(),
            f"{margin} | {lead}{'^' * width} {found.message}",
            f"Hint: {found.advice}",
        )
    )
