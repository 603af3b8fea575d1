"""How variables, weights and terms are written: as text, and in LaTeX."""

from __future__ import annotations

__all__ = [
    "Formula",
    "Phrase",
    "factor_latex",
    "factor_text",
    "latex_weight",
    "leading_positive",
    "number_text",
    "plus",
    "shortened",
    "weight_text",
]

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from graphdsl.ir.symbols import latex_word
from graphdsl.ir.weight import ONE, Weight

_Text = TypeVar("_Text")
_MOST = 6  #: longer lists are written as first, dots, last


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula as text and in LaTeX."""

    text: str
    latex: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words and symbols side by side; a tuple of variables is a list, with commas between them."""

    parts: tuple[object, ...]

    def __str__(self) -> str:
        return "".join(", ".join(one) if isinstance(one, tuple) else str(one) for one in self.parts)


def number_text(value: Fraction) -> str:
    """A number as people write it: `0.1`, `3`, `1/3`.

    >>> number_text(Fraction(1, 10)), number_text(Fraction(1, 3))
    ('0.1', '1/3')
    """
    if value.denominator == 1:
        return str(value.numerator)
    decimal = f"{float(value):.10g}"
    return decimal if Fraction(decimal) == value else f"{value.numerator}/{value.denominator}"


def weight_text(weight: Weight) -> str:
    """A weight as an expression: `1 + 2*cross`.

    >>> weight_text(Weight.parameter("beta") - Weight.number(1))
    'beta - 1'
    """
    return _sum_text(weight, "*", str)


def latex_weight(weight: Weight) -> str:
    r"""A weight in LaTeX: `1 + 2\,\mathrm{cross}`."""
    return _sum_text(weight, r"\,", latex_word)


def factor_text(weight: Weight) -> str:
    """A weight in front of what it multiplies: `(1 + cross) `; nothing for one."""
    return _factor(weight_text(weight), weight, " ")


def factor_latex(weight: Weight) -> str:
    """The same in LaTeX."""
    return _factor(latex_weight(weight), weight, r"\,")


def plus(weight: Weight, write: Callable[[Weight], str]) -> str:
    """A weight as the last summand of a sum: ` - 1`."""
    written = write(weight)
    return f" - {written[1:]}" if written[0] == "-" else f" + {written}"


def _factor(text: str, weight: Weight, times: str) -> str:
    if weight == ONE:
        return ""
    return f"{text}{times}" if len(weight.terms) == 1 else f"({text}){times}"


def shortened(items: Sequence[_Text], dots: _Text) -> tuple[_Text, ...]:
    """A long list by its two ends: what stands between follows from the index."""
    return tuple(items) if len(items) <= _MOST else (items[0], dots, items[-1])


def _sum_text(weight: Weight, times: str, parameter: Callable[[str], str]) -> str:
    written = ""
    for monomial, value in leading_positive(weight):
        sign = "-" if value < 0 else "+"
        factors = [] if abs(value) == 1 and monomial else [number_text(abs(value))]
        factors += [parameter(name) for name in monomial]
        body = times.join(factors)
        written = f"{written} {sign} {body}" if written else (f"-{body}" if value < 0 else body)
    return written or "0"


def leading_positive(weight: Weight) -> list[tuple[tuple[str, ...], Fraction]]:
    """Constant first, unless it is negative and a parameter is not: `beta - 1`, `1 + cross`."""
    terms = list(weight.terms)
    if terms and terms[0][1] < 0 and any(value > 0 for _, value in terms):
        first = next(k for k, (_, value) in enumerate(terms) if value > 0)
        terms.insert(0, terms.pop(first))
    return terms
