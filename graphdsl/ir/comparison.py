"""Two specs side by side: what changes, and whether their objectives are the same."""

from __future__ import annotations

__all__ = ["Change", "Comparison", "Sameness", "Section", "Share", "Unequal"]

from dataclasses import dataclass
from typing import Literal, TypeAlias

from graphdsl.ir.notation import Phrase
from graphdsl.ir.weight import Weight

#: What is known of two objectives: `same` and `different` are proved, `unknown` says so, and
#: `apart` is for distributions over networks that differ.
Sameness: TypeAlias = Literal["same", "different", "unknown", "apart"]


@dataclass(frozen=True, slots=True)
class Share:
    """A summand of an objective in canonical form."""

    weight: Weight
    quantity: Phrase
    constant: bool = False  #: whether it depends on the data alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Unequal:
    """One objective minus another, for one player."""

    player: str  #: empty where there is one objective
    common: tuple[Share, ...]  #: the canonical form of the first
    rest: tuple[Share, ...]  #: the second minus the first
    doubt: str = ""  #: why a rest need not mean that they differ; empty if it does


@dataclass(frozen=True, slots=True)
class Change:
    """One thing before and after; empty where it is not there."""

    subject: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Section:
    """The changes of one kind: of variables, networks, terms and so on."""

    title: str
    changes: tuple[Change, ...]
    trains: bool = True  #: whether such a change makes another model, or another loss of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two specs have in common, and what not."""

    names: tuple[str, str]  #: of their files
    renamed: tuple[tuple[str, str], ...]  #: names in the first and in the second, where they differ
    sameness: Sameness
    sentences: tuple[str, ...]  #: what that means, and why
    objectives: tuple[Unequal, ...]  #: of each player; nothing where the networks differ
    sections: tuple[Section, ...]  #: those with changes

    @property
    def equal(self) -> bool:
        """Whether the specs train the same model by the same loss."""
        return self.sameness == "same" and not any(section.trains for section in self.sections)
