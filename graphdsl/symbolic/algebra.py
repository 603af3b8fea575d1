"""Weights and sympy: the only border between our own words and sympy's.

sympy's symbols are our own, made from the spec's parameters with what their ranges say of them;
nothing of a spec is ever handed to `sympify`.
"""

from __future__ import annotations

__all__ = ["factored", "sign"]

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Literal, TypeAlias

import sympy

from graphdsl.ir.model import Interval, Parameter
from graphdsl.ir.weight import Weight

Sign: TypeAlias = Literal["zero", "nonnegative", "nonpositive", "unknown"]


def sign(weight: Weight, parameters: Iterable[Parameter]) -> Sign:
    """The sign that a weight keeps over the whole declared range of its parameters.

    A parameter at or above `low` is `low + t`; if the polynomial in t has no negative coefficient,
    the weight is nonnegative. A sufficient test, and exact for weights linear in each parameter
    with half-bounded ranges.

    >>> from fractions import Fraction
    >>> beta = Parameter(name="beta", value=Fraction(6), range=Interval(low=Fraction(1)))
    >>> sign(Weight.parameter("beta") - Weight.number(1), [beta])
    'nonnegative'
    """
    constant = weight.constant
    if constant is not None:
        return "zero" if not constant else ("nonnegative" if constant > 0 else "nonpositive")
    ranges = {one.name: one.range for one in parameters}
    return _sign(weight, tuple((name, ranges[name]) for name in weight.parameters))


def factored(weight: Weight) -> str:
    """A weight as the shortest product that sympy finds: `2*(1 + cross)`.

    >>> factored(Weight.parameter("a") * Weight.parameter("b") + Weight.parameter("a"))
    'a*(b + 1)'
    """
    return str(sympy.factor(_expression(weight)))


@cache
def _symbol(name: str) -> sympy.Symbol:
    return sympy.Symbol(name, real=True)


def _expression(weight: Weight) -> sympy.Expr:
    return sympy.Add(
        *(
            sympy.Mul(sympy.Rational(value.numerator, value.denominator), *map(_symbol, monomial))
            for monomial, value in weight
        )
    )


@cache
def _sign(weight: Weight, ranges: tuple[tuple[str, Interval], ...]) -> Sign:
    symbols = [_symbol(name) for name, _ in ranges]
    choices: list[Mapping[sympy.Symbol, sympy.Expr]] = [{}]
    for symbol, (_, interval) in zip(symbols, ranges, strict=True):
        choices = [{**chosen, symbol: end} for chosen in choices for end in _ends(symbol, interval)]
    signs = [_sign_of_shifted(weight, symbols, chosen) for chosen in choices]
    return next((found for found in signs if found != "unknown"), "unknown")


def _ends(symbol: sympy.Symbol, interval: Interval) -> list[sympy.Expr]:
    """A parameter in terms of its distance, which is >= 0, from an end of its range."""
    ends = []
    if interval.low is not None:
        ends.append(sympy.Rational(interval.low) + symbol)
    if interval.high is not None:
        ends.append(sympy.Rational(interval.high) - symbol)
    return ends or [sympy.nan]


def _sign_of_shifted(
    weight: Weight, symbols: list[sympy.Symbol], ends: Mapping[sympy.Symbol, sympy.Expr]
) -> Sign:
    if sympy.nan in ends.values():
        return "unknown"
    shifted = sympy.Poly(_expression(weight).subs(dict(ends), simultaneous=True), *symbols)
    coefficients = shifted.coeffs()
    if all(value >= 0 for value in coefficients):
        return "nonnegative"
    if all(value <= 0 for value in coefficients):
        return "nonpositive"
    return "unknown"
