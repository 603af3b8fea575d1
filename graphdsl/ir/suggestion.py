"""What would make a loss tighter: its weak terms, and spec lines that mend them."""

from __future__ import annotations

__all__ = ["Advice", "Suggestion", "Weakness"]

from dataclasses import dataclass

from graphdsl.catalog.methods import Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """An amendment of a spec, which was compiled, and what it comes to."""

    removed: tuple[str, ...]  #: lines of the spec
    added: tuple[str, ...]
    text: str  #: the amended spec
    before: tuple[str, ...]  #: the gap, or what is known instead of one
    after: tuple[str, ...]
    relation: Relation  #: of the whole loss, once it is amended
    known: str  #: why it is no looser, or what is known instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakness:
    """A term that is loose, an estimate, the value of a game, or a surrogate."""

    term: str
    formula: str
    relation: Relation
    suggestions: tuple[Suggestion, ...]
    because: str  #: why there are none; empty if there are


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """All that is suggested for a spec."""

    name: str  #: of its file
    relation: Relation  #: of the loss as it is
    weaknesses: tuple[Weakness, ...]
