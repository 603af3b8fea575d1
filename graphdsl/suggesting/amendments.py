"""Changes of a spec's text: stretches that are replaced, and lines that are added at its end."""

from __future__ import annotations

__all__ = ["Amendment", "amended", "without"]

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from graphdsl.diagnostics import Source, Span

Lines: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """What to change of a spec, and what is known of the outcome."""

    edits: tuple[tuple[Span, str], ...] = ()  #: stretches, and what stands there instead
    added: tuple[str, ...] = ()  #: lines
    targets: tuple[str, ...] = ()  #: the entropies whose bounds it changes; none for an estimator
    known: str
    is_certain: bool = False  #: whether a theorem says that it is no looser, whatever the relation


def without(span: Span) -> tuple[Span, str]:
    """An edit that takes a stretch away."""
    return span, ""


def amended(
    source: Source, amendment: Amendment
) -> tuple[Source, tuple[str, ...], tuple[str, ...]]:
    """The amended spec, the lines that it loses, and those that it gains."""
    lines = list(source.lines)
    removed: list[str] = []
    added: list[str] = []
    for span, text in sorted(amendment.edits, key=lambda edit: edit[0], reverse=True):
        before = lines[span.line - 1 : span.end_line]
        head, tail = before[0][: span.column - 1], before[-1][span.end_column - 1 :]
        after = [line for line in [f"{head}{text}{tail}".rstrip()] if line]
        lines[span.line - 1 : span.end_line] = after
        removed = [*before, *removed]
        added = [*after, *added]
    lines += amendment.added
    return (
        Source(source.name, "\n".join(lines) + "\n"),
        _stripped(removed),
        (*_stripped(added), *amendment.added),
    )


def _stripped(lines: Sequence[str]) -> Lines:
    return tuple(line.strip() for line in lines)
