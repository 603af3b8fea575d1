"""What is known of one text of a spec: read at once, derived once, and kept while it is edited."""

from __future__ import annotations

__all__ = ["Analysis", "Derived", "Shelf", "analysed", "derived"]

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property

from graphdsl.compiler import Checked, Compiled, check_spec, derive, read
from graphdsl.diagnostics import Diagnostic, Source, SpecError
from graphdsl.ir.audit import Audit
from graphdsl.lsp.names import Occurrence, occurrences
from graphdsl.syntax import ast, parse

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
    checked: Checked | None  #: None where there are such mistakes
    diagnostics: tuple[Diagnostic, ...]

    @cached_property
    def parsed(self) -> tuple[ast.Spec, tuple[Diagnostic, ...]]:
        """What can be read of the text, and the mistakes of the rest."""
        return (self.checked.spec, ()) if self.checked else parse(self.source)

    @property
    def spec(self) -> ast.Spec:
        """What can be read of the text."""
        return self.parsed[0]

    @cached_property
    def occurrences(self) -> tuple[Occurrence, ...]:
        """Its names, in the order of the text."""
        return occurrences(self.spec)


def analysed(source: Source) -> Analysis:
    """Read a text as far as its networks; nothing is derived."""
    try:
        checked = check_spec(source)
    except SpecError as problem:
        return Analysis(source, None, problem.diagnostics)
    return Analysis(source, checked, checked.warnings)


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

    def analysis(self, source: Source) -> Analysis:
        """The analysis of a text."""
        if source not in self._kept:
            self._kept[source] = analysed(source)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(source)
        return self._kept[source]
