"""Weights and sympy: the only border between our own words and sympy's.

sympy's symbols are our own, made from the spec's parameters with what their ranges say of them;
nothing of a spec is ever handed to `sympify`.
"""

from __future__ import annotations

__all__ = ["factored"]

from functools import cache

import sympy

from graphdsl.ir.weight import Weight


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
