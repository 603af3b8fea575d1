"""Numbers that a user gives for names of a spec: whatever they are, they become exact."""

from __future__ import annotations

__all__ = ["Number", "WrongValue", "exact", "exact_text"]

import re
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import TypeAlias

Number: TypeAlias = int | float | Fraction | str

#: Numbers are exact, and longer ones would only be slow.
_NUMBER = re.compile(r"[-+]?\d{1,18}(\.\d{1,18})?([eE][-+]?\d{1,2})?(/\d{1,18})?")


class WrongValue(ValueError):  # noqa: N818  # it is named after the mistake
    """A value, or a name that a value is for, which the spec has no use for."""


def exact(name: str, value: Number) -> Fraction:
    """Give the number that a value is, a float as the decimal that Python writes it as.

    Raises `WrongValue`.

    >>> exact("beta", 0.1), exact("views", 3), exact("beta", "1/3")
    (Fraction(1, 10), Fraction(3, 1), Fraction(1, 3))
    >>> exact("beta", "a lot")
    Traceback (most recent call last):
    graphdsl.api.numbers.WrongValue: beta is 'a lot'; expected a number, such as 4, 0.1 or "1/3"
    """
    number: Fraction | None = None
    if isinstance(value, bool):
        pass
    elif isinstance(value, Integral):
        number = exact_text(str(int(value)))
    elif isinstance(value, Rational):
        number = Fraction(value.numerator, value.denominator)
    elif isinstance(value, Real):
        number = exact_text(repr(float(value)))
    elif isinstance(value, str):
        number = exact_text(value)
    if number is None:
        said = repr(value)[:100]
        raise WrongValue(f'{name} is {said}; expected a number, such as 4, 0.1 or "1/3"')
    return number


def exact_text(text: str) -> Fraction | None:
    """Give the number that a text is, or None: of at most 18 digits on each side of the point.

    >>> exact_text("1e-3"), exact_text("1/0"), exact_text("ten")
    (Fraction(1, 1000), None, None)
    """
    if not _NUMBER.fullmatch(text.strip()):
        return None
    try:
        return Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        return None
