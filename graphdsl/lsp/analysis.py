"""What is known of one text of a spec: read at once, derived once, and kept while it is edited."""

from __future__ import annotations

__all__ = ["Analysis", "Derived", "Shelf", "analysed", "derived"]

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property

from graphdsl.compiler import Checked, Compiled, check_parsed, derive, read
from graphdsl.diagnostics import Diagnostic, Source, SpecError
from graphdsl.ir.audit import Audit
from graphdsl.lsp.names import Occurrence, occurrences
from graphdsl.syntax import ast
from graphdsl.syntax.reader import Reader

_KEPT = 16  #: texts whose analyses are kept: undo and redo find theirs


@dataclass(frozen=True)
class Derived:
    """A derivation, or why there is none."""

    compiled: Compiled | None
    diagnostics: tuple[Diagnostic, ...]  #: of all stages

    @cached_property
    def audit(self) -> Audit | None:
        """The same with each projection in all its forms."""
        return None if self.compiled is None else read(self.compiled)


@dataclass(frozen=True)
class Analysis:
    """A text with the mistakes of its writing, its names and its networks."""

    source: Source
    parsed: tuple[
        ast.Spec, tuple[Diagnostic, ...]
    ]  #: what can be read, and the mistakes of the rest
    checked: Checked | None  #: None where there are such mistakes
    diagnostics: tuple[Diagnostic, ...]

    @property
    def spec(self) -> ast.Spec:
        """What can be read of the text."""
        return self.parsed[0]

    @cached_property
    def occurrences(self) -> tuple[Occurrence, ...]:
        """Its names, in the order of the text."""
        return occurrences(self.spec)


def analysed(source: Source, reader: Reader | None = None) -> Analysis:
    """Read a text as far as its networks; nothing is derived.

    Args:
        source: The text.
        reader: What has read an earlier version of it, and remembers its statements.
    """
    parsed = (reader or Reader()).read(source)
    try:
        checked = check_parsed(*parsed, source)
    except SpecError as problem:
        return Analysis(source, parsed, None, problem.diagnostics)
    return Analysis(source, parsed, checked, checked.warnings)


def derived(analysis: Analysis) -> Derived:
    """Derive the objective of a text without mistakes; a refuted assertion does not stop it."""
    if analysis.checked is None:
        return Derived(None, analysis.diagnostics)
    try:
        compiled = derive(analysis.checked, keep_refuted=True)
    except SpecError as problem:
        return Derived(None, problem.diagnostics)
    return Derived(compiled, compiled.warnings)


class Shelf:
    """The analyses of the latest texts: an unchanged text is never read again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Source, Analysis] = OrderedDict()
        self._reader = Reader()

    def analysis(self, source: Source) -> Analysis:
        """The analysis of a text."""
        if source not in self._kept:
            self._kept[source] = analysed(source, self._reader)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(source)
        return self._kept[source]
