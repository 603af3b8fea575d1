r"""Formulas as trees: read from the LaTeX that we write, shown as MathML or in Unicode.

The LaTeX of an audit is a small language of our own, made from structures: letters, words in
`\mathrm`, indices, fractions, bars, and a few signs. `parsed` reads all of it and nothing else, and
`latex` writes a tree as the text that it came from.
"""

from __future__ import annotations

__all__ = [
    "Formula",
    "UnknownSignError",
    "latex",
    "mathml",
    "parsed",
    "summands",
    "typed",
    "unicode_text",
]

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
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
_WORDS = {r"\log": "log", r"\min": "min", r"\max": "max"}
_SPACES = {r"\,": " ", r"\ ": " ", r"\quad": "  ", r"\;": " "}
_OPEN, _CLOSE = ("(", "[", r"\{"), (")", "]", r"\}")
_SHOWN = {"-": "−", "'": "′", "*": "∗"}  #: operators that look otherwise than they are typed
_KNOWN = {
    **{f"\\{name}": Sign("letter", letter, f"\\{name}") for name, letter in GREEK.items()},
    **{name: Sign("operator", shown, name) for name, shown in _OPERATORS.items()},
    **{name: Sign("word", shown, name) for name, shown in _WORDS.items()},
    **{name: Sign("space", shown, name) for name, shown in _SPACES.items()},
    **{one: Sign("open", one.lstrip("\\"), one) for one in _OPEN},
    **{one: Sign("close", one.lstrip("\\"), one) for one in _CLOSE},
    **{one: Sign("operator", _SHOWN.get(one, one), one) for one in "+-=,;/|':.<>*!"},
}
_STRETCHED = {
    r"\mid": ' stretchy="false"',
    r"\|": ' stretchy="false"',
    "/": ' stretchy="false"',
    "|": ' stretchy="false" lspace="0" rspace="0"',  # around what is counted
}
_PREFIX = re.compile(r'^((?:<mrow>)*)<mo(?: form="prefix")?>([+−])')
_TYPED = {
    **{letter: name for name, letter in GREEK.items()},
    "∑": "sum", "𝔼": "E", "‖": "||", "−": "-", "→": "->", "∈": "in", "∉": "not in", "…": "...",
    "∖": "not ", "⋅": "*", "≠": "!=", "≥": ">=", "≤": "<=", "∅": "{}", "⊆": "in",
    "′": "'", "∗": "*",
}  # fmt: skip
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
    found = Row(tuple(reader.row()))
    if reader.tokens:
        raise UnknownSignError(f"a formula has a brace too many: {text}")
    return found.parts[0] if len(found.parts) == 1 else found


def latex(formula: Formula) -> str:
    """The LaTeX that a formula was read from, spaces apart."""
    match formula:
        case Sign():
            return formula.written
        case Row(parts, braced):
            inner = _spaced([latex(one) for one in parts])
            return f"{{{inner}}}" if braced else inner
        case Script(base, low, high):
            below = "" if low is None else f"_{latex(low)}"
            above = "" if high is None else f"^{latex(high)}"
            return f"{latex(base)}{below}{above}"
        case Quotient(top, bottom, written):
            return f"{written}{latex(top)}{latex(bottom)}"
        case Barred(inner):
            return rf"\bar{latex(inner)}"


def mathml(formula: Formula, *, further: bool = False) -> str:
    """A whole `math` element, with the LaTeX as its annotation for readers without MathML.

    Args:
        formula: The formula.
        further: Whether it is a further summand of a sum: its sign stands between two of them.
    """
    inner = _element(formula)
    if further:
        inner = re.sub(
            r'^((?:<mrow>)*)<mo(?: form="prefix")?>([+−])', r'\1<mo form="infix">\2', inner
        )
    return (
        f"<math><semantics><mrow>{inner}</mrow><annotation "
        f'encoding="application/x-tex">{escape(latex(formula))}</annotation></semantics></math>'
    )


def summands(formula: Formula, longest: int = 10_000) -> tuple[Formula, ...]:
    r"""The summands of a sum, each but the first with its sign: what a line may be broken at.

    Args:
        formula: The sum.
        longest: Letters of a summand: a longer one is broken within its brackets too.

    >>> [latex(one) for one in summands(parsed("a - (b + c) + d"))]
    ['a', '-(b+c)', '+d']
    >>> [latex(one) for one in summands(parsed("a - (b + c) + d"), 3)]
    ['a', '-(b', '+c)', '+d']
    """
    found: list[Formula] = []
    for one in _cut(formula, 0):
        long = len(unicode_text(one)) > longest
        found += _cut(one, 1) if long else (one,)
    return tuple(found)


def _cut(formula: Formula, deepest: int) -> Iterator[Formula]:
    """The formula, cut in front of signs that at most so many brackets enclose."""
    parts = formula.parts if isinstance(formula, Row) else (formula,)
    depth, run = 0, list[Formula]()
    for one in parts:
        if isinstance(one, Sign):
            depth += (one.kind == "open") - (one.kind == "close")
            if depth <= deepest and one.written in ("+", "-") and run:
                yield Row(tuple(run))
                run = []
        run.append(one)
    yield Row(tuple(run))


def unicode_text(formula: Formula) -> str:
    r"""A formula in a line of text: `∑_{i=1}^{2} E_q KL(q̄(z) ‖ p(z))`.

    >>> unicode_text(parsed(r"\mathrm{KL}(\bar{q}(x_{1} \mid z) \,\|\, p(x_{1}))"))
    'KL(q̄(x[1] | z) ‖ p(x[1]))'
    """
    return re.sub(r" {2,}", " ", "".join(_plain(formula))).strip()


def typed(formula: Formula) -> str:
    r"""The same in the signs of a spec: only the bar of a conditional of q's joint is no ASCII.

    >>> typed(parsed(r"\sum_{i=1}^{2} \mathbb{E}_q\,\mathrm{KL}(\bar{q}(x_{i}) \,\|\, p(x_{i}))"))
    'sum(i in 1..2) E_q KL(q̄(x[i]) || p(x[i]))'
    """
    text = unicode_text(formula)
    text = re.sub(r"∑_\{(\w+)=([^{}]*)\} ", r"sum(\1 in \2) ", text)
    text = re.sub(r"∑_\{(\w+) ∈ (\{[^{}]*\})\} ", r"sum(\1 in \2) ", text)
    for sign, plain in _TYPED.items():
        text = text.replace(sign, plain)
    return text


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
        found: dict[str, Formula] = {}
        while self.tokens and self.tokens[0] in ("_", "^"):
            place = self.tokens.pop(0)
            found[place] = self._argument()
        return Script(base, found.get("_"), found.get("^")) if found else base

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


# ---- MathML ------------------------------------------------------------------------------------


def _element(formula: Formula) -> str:
    match formula:
        case Sign():
            return _token(formula)
        case Row(parts):
            return f"<mrow>{''.join(_in_row(parts))}</mrow>"
        case Script():
            return _script(formula)
        case Quotient(top, bottom):
            return f"<mfrac>{_element(top)}{_element(bottom)}</mfrac>"
        case Barred(inner):
            return f'<mover accent="true">{_element(inner)}<mo stretchy="false">¯</mo></mover>'


def _in_row(parts: tuple[Formula, ...]) -> Iterator[str]:
    """Side by side: a minus behind a bracket or a sign is the one of a number."""
    before: Formula | None = None
    for one in parts:
        starts = before is None or (
            isinstance(before, Sign) and before.kind in ("open", "operator")
        )
        if isinstance(one, Sign) and one.written in ("+", "-") and starts:
            yield f'<mo form="prefix">{one.text}</mo>'
        else:
            yield _element(one)
        before = one


def _token(sign: Sign) -> str:
    text = escape(sign.text)
    if sign.written in _WORDS:
        return f'<mi>{text}</mi><mspace width="0.17em"></mspace>'
    match sign.kind:
        case "letter":
            return f"<mi>{text}</mi>"
        case "word":
            upright = ' mathvariant="normal"' if len(sign.text) == 1 else ""
            return f"<mi{upright}>{text}</mi>"
        case "number":
            return f"<mn>{text}</mn>"
        case "space":
            return f'<mspace width="{"1em" if len(sign.text) > 1 else "0.17em"}"></mspace>'
        case "operator":
            return f"<mo{_STRETCHED.get(sign.written, '')}>{text}</mo>"
        case "open" | "close":
            return f'<mo stretchy="false">{text}</mo>'


def _script(formula: Script) -> str:
    base, low, high = formula.base, formula.low, formula.high
    limits = isinstance(base, Sign) and base.text in ("∑", "min", "max")
    names = ("munderover", "munder", "mover") if limits else ("msubsup", "msub", "msup")
    name = names[1] if high is None else names[2] if low is None else names[0]
    inner = "".join(_element(one) for one in (base, low, high) if one is not None)
    return f"<{name}>{inner}</{name}>"


# ---- text --------------------------------------------------------------------------------------


def _plain(formula: Formula) -> Iterator[str]:
    match formula:
        case Sign():
            yield _spelled(formula)
        case Row(parts):
            for one in parts:
                yield from _plain(one)
        case Barred(inner):
            yield f"{unicode_text(inner)}\u0304"
        case Quotient(top, bottom):
            yield f"{unicode_text(top)}/{unicode_text(bottom)} "
        case Script():
            yield _scripted_text(formula)


def _spelled(sign: Sign) -> str:
    around = ("+", "−", "=", "|", "‖", "→", "∈", "∉", "≠", "⊆", "≥", "≤", "≈", "∖")
    if sign.kind == "operator" and sign.text in around and sign.written != "|":
        return f" {sign.text} "
    if sign.text in (",", ";"):
        return f"{sign.text} "
    if sign.kind == "word" and sign.text in ("log", "min", "max"):
        return f"{sign.text} "
    return sign.text


def _scripted_text(formula: Script) -> str:
    base = unicode_text(formula.base)
    low = "" if formula.low is None else unicode_text(formula.low)
    high = "" if formula.high is None else unicode_text(formula.high)
    if base == "∑":
        span = f"{low}..{high}" if high else low
        return f"∑_{{{span.replace(' = ', '=')}}} " if span else "∑ "
    if isinstance(formula.base, Sign) and formula.base.text == "𝔼":
        return f"𝔼_{low} " if low else "𝔼"
    if isinstance(formula.low, Row) and _is_word(formula.low):  # a parameter: `beta_cross`
        return f"{base}_{low}" + (f"^{high}" if high else "")
    of_a_member = base not in ("H", "I", "TC", "min", "max")
    index = f"[{low.replace(' ', '')}]" if of_a_member else f"_{low}"
    return f"{base}{index if low else ''}" + (f"^{high}" if high else "")


def _is_word(formula: Row) -> bool:
    """Whether it is one word, set upright."""
    return len(formula.parts) == 1 and latex(formula.parts[0]).startswith(r"\mathrm")
