r"""Formulas as trees, read from the LaTeX that we write.

The LaTeX of an audit is a small language of our own, made from structures: letters, words in
`\mathrm`, indices, fractions, bars, and a few signs. `parsed` reads all of it and nothing else, and
`latex` writes a tree as the text that it came from.
"""

from __future__ import annotations

__all__ = [
    "Barred",
    "Formula",
    "Quotient",
    "Row",
    "Script",
    "Sign",
    "UnknownSignError",
    "latex",
    "parsed",
]

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from graphdsl.ir.symbols import GREEK


class UnknownSignError(ValueError):
    """A formula has a command that no printer knows."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A letter, a number, a word, an operator, a bracket or a space."""

    kind: Literal["letter", "number", "word", "operator", "open", "close", "space"]
    text: str  #: in Unicode
    written: str  #: in LaTeX


@dataclass(frozen=True, slots=True)
class Row:
    """Formulas side by side."""

    parts: tuple[Formula, ...]
    braced: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """A formula with an index, an exponent, or both."""

    base: Formula
    low: Formula | None = None
    high: Formula | None = None


@dataclass(frozen=True, slots=True)
class Quotient:
    """One formula over another."""

    top: Formula
    bottom: Formula
    written: str


@dataclass(frozen=True, slots=True)
class Barred:
    """A formula under a bar."""

    inner: Formula


Formula: TypeAlias = Sign | Row | Script | Quotient | Barred


_OPERATORS = {
    r"\mid": "|", r"\|": "‖", r"\sum": "∑", r"\to": "→", r"\in": "∈", r"\notin": "∉",
    r"\setminus": "∖", r"\emptyset": "∅", r"\ne": "≠", r"\subseteq": "⊆", r"\cdot": "⋅",
    r"\dots": "…", r"\ge": "≥", r"\le": "≤", r"\approx": "≈",
}  # fmt: skip


WORDS = {r"\log": "log", r"\min": "min", r"\max": "max"}


_SPACES = {r"\,": " ", r"\ ": " ", r"\quad": "  ", r"\;": " "}


_OPEN = ("(", "[", r"\{")


_CLOSE = (")", "]", r"\}")


_SHOWN = {"-": "−", "'": "′", "*": "∗"}  #: operators that look otherwise than they are typed


_KNOWN = {
    **{f"\\{name}": Sign("letter", letter, f"\\{name}") for name, letter in GREEK.items()},
    **{name: Sign("operator", shown, name) for name, shown in _OPERATORS.items()},
    **{name: Sign("word", shown, name) for name, shown in WORDS.items()},
    **{name: Sign("space", shown, name) for name, shown in _SPACES.items()},
    **{one: Sign("open", one.lstrip("\\"), one) for one in _OPEN},
    **{one: Sign("close", one.lstrip("\\"), one) for one in _CLOSE},
    **{one: Sign("operator", _SHOWN.get(one, one), one) for one in "+-=,;/|':.<>*!"},
}


_SIZES = (r"\bigl", r"\bigr", r"\left", r"\right")


_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\s+|.", re.DOTALL)


def parsed(text: str) -> Formula:
    r"""Read a formula.

    Raises:
        UnknownSignError: If it has a command that we never write.

    >>> latex(parsed(r"x_{1} \mid z")), parsed("x").text
    ('x_{1}\\mid z', 'x')
    """
    reader = _Reader([*_TOKEN.findall(text)])
    row = Row(tuple(reader.row()))
    if reader.tokens:
        raise UnknownSignError(f"a formula has a brace too many: {text}")
    return row.parts[0] if len(row.parts) == 1 else row


def latex(formula: Formula) -> str:
    """The LaTeX that a formula was read from, spaces apart."""
    match formula:
        case Sign():
            return formula.written
        case Row(parts, braced):
            inner = _spaced([latex(part) for part in parts])
            return f"{{{inner}}}" if braced else inner
        case Script(base, low, high):
            below = "" if low is None else f"_{latex(low)}"
            above = "" if high is None else f"^{latex(high)}"
            return f"{latex(base)}{below}{above}"
        case Quotient(top, bottom, written):
            return f"{written}{latex(top)}{latex(bottom)}"
        case Barred(inner):
            return rf"\bar{latex(inner)}"


@dataclass
class _Reader:
    """The rest of a formula."""

    tokens: list[str]

    def row(self) -> Iterator[Formula]:
        """Formulas until a closing brace, or all that is left."""
        while self.tokens and self.tokens[0] != "}":
            if self.tokens[0].isspace():
                self.tokens.pop(0)
                continue
            yield self._scripted()

    def _scripted(self) -> Formula:
        base = self._atom()
        scripts: dict[str, Formula] = {}
        while self.tokens and self.tokens[0] in ("_", "^"):
            place = self.tokens.pop(0)
            scripts[place] = self._argument()
        return Script(base, scripts.get("_"), scripts.get("^")) if scripts else base

    def _argument(self) -> Formula:
        if self.tokens and self.tokens[0] == "{":
            self.tokens.pop(0)
            inner = Row(tuple(self.row()), braced=True)
            if not self.tokens:
                raise UnknownSignError("a formula ends within braces")
            self.tokens.pop(0)
            return inner
        return self._atom()

    def _atom(self) -> Formula:
        if not self.tokens:
            raise UnknownSignError("a formula ends where something has to stand")
        token = self.tokens.pop(0)
        if token == "{":
            self.tokens.insert(0, token)
            return self._argument()
        if token in _SIZES:
            return self._sized(token)
        if token in (r"\mathrm", r"\text", r"\mathbb"):
            return self._word(token)
        if token == r"\bar":
            return Barred(self._argument())
        if token in (r"\frac", r"\tfrac"):
            return Quotient(self._argument(), self._argument(), token)
        return _sign(token)

    def _sized(self, size: str) -> Sign:
        bracket = self.tokens.pop(0) if self.tokens else ""
        kind: Literal["open", "close"] = "open" if size in (r"\bigl", r"\left") else "close"
        if bracket not in (*_OPEN, *_CLOSE, "|", r"\|", "."):
            raise UnknownSignError(f"{size} stands before {bracket or 'nothing'}")
        shown = _OPERATORS.get(bracket, bracket.lstrip("\\")).replace(".", "")
        return Sign(kind, shown, f"{size}{bracket}")

    def _word(self, font: str) -> Sign:
        written = ""
        if not self.tokens or self.tokens.pop(0) != "{":
            raise UnknownSignError(f"{font} has no braces")
        while self.tokens and self.tokens[0] != "}":
            written += self.tokens.pop(0)
        if not self.tokens:
            raise UnknownSignError(f"{font} is not closed")
        self.tokens.pop(0)
        shown = re.sub(r"\\(.)", r"\1", written)
        if font == r"\mathbb":
            return Sign("word", {"E": "𝔼"}.get(shown, shown), f"{font}{{{written}}}")
        return Sign("word", shown, f"{font}{{{written}}}")


def _sign(token: str) -> Sign:
    """A token that stands by itself."""
    known = _KNOWN.get(token)
    if known is not None:
        return known
    if token[0].isdigit():
        return Sign("number", token, token)
    if len(token) == 1 and token.isascii() and token.isalpha():
        return Sign("letter", token, token)
    raise UnknownSignError(f"{token} has no meaning in a formula")


def _spaced(parts: list[str]) -> str:
    """Side by side, with a space where a command would run into a letter."""
    written = ""
    for part in parts:
        runs_on = re.search(r"\\[A-Za-z]+$", written) and re.match(r"[A-Za-z]", part)
        written += f" {part}" if runs_on else part
    return written
