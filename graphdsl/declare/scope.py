"""The names that a spec declares, what they stand for, and the mistakes found on the way."""

from __future__ import annotations

__all__ = ["Declared", "Members", "Scope"]

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal, TypeAlias

from graphdsl.declare.errors import NotAVariable, UnknownName
from graphdsl.diagnostics import Diagnostic, Span, nearest
from graphdsl.ir.draws import Draw
from graphdsl.ir.masks import Mask
from graphdsl.ir.networks import Family, Parameter
from graphdsl.ir.symbols import Variable, natural
from graphdsl.syntax import ast

_Declaration: TypeAlias = (
    ast.Constant | ast.Parameter | ast.VariableDeclaration | ast.MaskDeclaration | ast.NetworkBlock
)


@dataclass(frozen=True, slots=True)
class Declared:
    """A name, where it is declared, and as what."""

    what: Literal["constant", "parameter", "variable", "mask", "network"]
    span: Span
    statement: ast.Statement


@dataclass(frozen=True)
class Members:
    """What is declared under one name: a variable, or the members of a family in their order."""

    names: tuple[Variable, ...]

    @cached_property
    def known(self) -> frozenset[Variable]:
        """The names, to look one up."""
        return frozenset(self.names)

    @cached_property
    def extents(self) -> tuple[tuple[int, ...], ...]:
        """The values of each index; nothing for a variable without one."""
        indices = (name.member for name in self.names)
        return tuple(tuple(sorted(set(along))) for along in zip(*indices, strict=True))


class Scope:
    """What is declared. A mistake is noted, and what it touches comes out as None."""

    def __init__(self, lost_words: frozenset[str] = frozenset()) -> None:
        self.declared: dict[str, Declared] = {}  #: every name of the spec, from the start
        self.constants: dict[str, Fraction] = {}
        self.parameters: dict[str, Parameter] = {}
        self.families: dict[str, Family] = {}
        self.masks: dict[str, Mask] = {}
        self.apart: set[str] = set()  #: the families whose members are declared one by one
        self._parts: dict[str, tuple[Family, ...]] = {}
        self._members: dict[str, Members] = {}
        self.networks: dict[str, ast.NetworkBlock] = {}
        self.inferences: dict[str, ast.NetworkBlock] = {}
        self.used: set[str] = set()  #: names that something refers to
        self.bound = 0  #: how many values indices have taken so far
        self.draws: dict[str, Draw] = {}  #: sets that are drawn, where there are too many
        self._unread = lost_words
        self._doubtful: set[str] = set()
        self._found: dict[tuple[str, object], Diagnostic] = {}
        self._unknown: dict[str, list[ast.Word]] = {}
        self._examples: dict[str, str] = {}

    def trial(self) -> Scope:
        """The same names, and a list of mistakes of its own."""
        other = Scope(self._unread)
        other.declared, other.constants, other.parameters = (
            self.declared,
            self.constants,
            self.parameters,
        )
        other.families, other.networks, other.inferences = (
            self.families,
            self.networks,
            self.inferences,
        )
        other.apart, other._parts, other._members = self.apart, self._parts, self._members
        other.masks = self.masks
        other.draws, other.bound = dict(self.draws), self.bound
        return other

    @property
    def found(self) -> tuple[Diagnostic, ...]:
        """The mistakes noted so far: one for a place, and one for a name that is unknown."""
        return (*self._found.values(), *map(self._unknown_name, self._unknown.values()))

    def note(self, mistake: Diagnostic, about: object = None) -> None:
        """Keep a mistake, unless the same was noted at the same place, or about the same."""
        self._found.setdefault((mistake.code, about or mistake.span), mistake)

    def lose(self, name: str) -> None:
        """From now on say nothing of a name: what is wrong with it was said."""
        self._doubtful.add(name)

    def is_lost(self, name: str) -> bool:
        """Whether a name was perhaps declared by something that could not be read."""
        # `x1..2]` loses `x`.
        return name in self._doubtful or any(word.startswith(name) for word in self._unread)

    def unknown(self, word: ast.Word, example: str) -> None:
        """Note a name that is not declared, with what could declare it."""
        if word.text not in self.declared and not self.is_lost(word.text):
            self._unknown.setdefault(word.text, []).append(word)
            self._examples.setdefault(word.text, example)

    def is_of(self, statement: _Declaration) -> bool:
        """Whether a statement is what its name stands for: the first, and the name allowed."""
        declared = self.declared.get(statement.name.text)
        if isinstance(statement, ast.VariableDeclaration) and statement.family:
            if statement.name.text in self.apart:
                return True  # one of several
        return declared is not None and declared.statement is statement

    def add(self, family: Family) -> None:
        """Take a variable or a family in."""
        self.families[family.name] = family
        self._parts[family.head] = (*self.parts(family.head), family)
        self._members.pop(family.head, None)

    def replace(self, families: Mapping[str, Family]) -> None:
        """Take others in the place of all variables."""
        self.families, self._parts, self._members = {}, {}, {}
        for family in families.values():
            self.add(family)

    def parts(self, name: str) -> tuple[Family, ...]:
        """What a bare name stands for: a family, or its members where each has its own kind."""
        return self._parts.get(name, ())

    def members(self, head: str) -> Members:
        """All that is declared under a name."""
        if head not in self._members:
            nodes = (node for part in self.parts(head) for node in part.nodes)
            self._members[head] = Members(tuple(sorted(nodes, key=natural)))
        return self._members[head]

    def family_of(self, node: Variable) -> Family:
        """The family of a variable that was resolved."""
        name = node.original
        head = name.head
        return self.families.get(name) or self.families.get(head) or self.parts(head)[0]

    def family(self, word: ast.Word) -> Family | None:
        """The variable or family of that name; None, and a note, if it is something else.

        Of a family whose members have kinds of their own it is the first; `parts` has them all.
        """
        self.used.add(word.text)
        family = next(iter(self.parts(word.text)), None)
        if family is None:
            declared = self.declared.get(word.text)
            if declared is None:
                self.unknown(word, f"latent {word} : real")
            elif declared.what != "variable" and not self.is_lost(word.text):
                mistake = NotAVariable(span=word.span, name=word.text, what=declared.what)
                self.note(mistake, about=word.text)
        return family

    def _unknown_name(self, words: list[ast.Word]) -> Diagnostic:
        first = min(words, key=lambda word: word.span)
        lines = sorted({word.span.line for word in words} - {first.span.line})
        listed = f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}"
        also = f", and appears in {listed} as well" if lines else ""
        guess = nearest(first.text, self.declared)
        example = self._examples[first.text]
        hint = f"did you mean `{guess}`?" if guess else f"declare it: `{example}`"
        return UnknownName(span=first.span, name=first.text, also=also, guess=hint)
