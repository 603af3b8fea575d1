"""The sign that a weight keeps over the whole declared range of its parameters."""

from __future__ import annotations

__all__ = ["Sign", "opposite", "product_of", "ranges_text", "sign"]

from collections import Counter
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from itertools import product
from math import prod
from typing import Literal, TypeAlias

from graphdsl.ir.networks import Interval, Parameter
from graphdsl.ir.weight import ONE, ZERO, Weight

Sign: TypeAlias = Literal["zero", "nonnegative", "nonpositive", "unknown"]
_Part: TypeAlias = tuple[Fraction | None, Fraction | None]  #: of a range; one end is finite

_MOST = 64  #: boxes that a range is cut into; beyond it the sign is unknown


def sign(weight: Weight, parameters: Iterable[Parameter]) -> Sign:
    """The sign that a weight keeps over the whole declared range of its parameters.

    Each range is cut at zero. A parameter between finite ends is `(low + high t) / (1 + t)`, one
    with a single finite end is `low + t` or `high - t`. If the polynomial in `t >= 0` has no
    negative coefficient, the weight is nonnegative: Bernstein's test, which is sufficient, and
    exact for weights that are linear in each parameter.

    >>> beta = Parameter(name="beta", value=Fraction(6), range=Interval(low=Fraction(1)))
    >>> sign(Weight.parameter("beta") - Weight.number(1), [beta])
    'nonnegative'
    """
    constant = weight.constant
    if constant is not None:
        return _sign_of([constant])
    ranges = {parameter.name: parameter.range for parameter in parameters}
    return _sign(weight, tuple((name, ranges[name]) for name in weight.parameters))


def opposite(one: Sign) -> Sign:
    """The sign of minus the weight.

    >>> opposite("nonnegative")
    'nonpositive'
    """
    turned: dict[Sign, Sign] = {"nonnegative": "nonpositive", "nonpositive": "nonnegative"}
    return turned.get(one, one)


def product_of(one: Sign, other: Sign) -> Sign:
    """The sign of a product.

    >>> product_of("nonpositive", "nonpositive")
    'nonnegative'
    """
    if "zero" in (one, other):
        return "zero"
    if "unknown" in (one, other):
        return "unknown"
    return "nonnegative" if one == other else "nonpositive"


def ranges_text(weight: Weight, parameters: Iterable[Parameter]) -> str:
    """The parameters of a weight with their ranges: `gain in -1..1, beta in 0..inf`."""
    known = {parameter.name: parameter.range for parameter in parameters}
    return ", ".join(f"{name} in {known[name]}" for name in weight.parameters)


@cache
def _sign(weight: Weight, ranges: tuple[tuple[str, Interval], ...]) -> Sign:
    parts = [(name, list(_parts(interval))) for name, interval in ranges]
    if prod(len(choices) for _, choices in parts) > _MOST:
        return "unknown"
    names = [name for name, _ in parts]
    signs = {
        _sign_within(weight, dict(zip(names, box, strict=True)))
        for box in product(*(choices for _, choices in parts))
    }
    signs.discard("zero")
    return signs.pop() if len(signs) == 1 else "unknown" if signs else "zero"


def _parts(interval: Interval) -> Iterator[_Part]:
    """A range, cut at zero."""
    low, high = interval.low, interval.high
    if (low is None or low < 0) and (high is None or high > 0):
        yield low, Fraction(0)
        low = Fraction(0)
    yield low, high


def _sign_within(weight: Weight, box: dict[str, _Part]) -> Sign:
    """The sign over the product of some ranges, each with a finite end."""
    degrees: Counter[str] = Counter()
    for monomial, _ in weight:
        degrees |= Counter(monomial)
    total = ZERO
    for monomial, value in weight:
        powers, term = Counter(monomial), Weight.number(value)
        for name, part in box.items():
            term = term * _in_distance(name, part, powers[name], degrees[name])
        total = total + term
    return _sign_of([value for _, value in total])


def _in_distance(name: str, part: _Part, power: int, degree: int) -> Weight:
    """A parameter's power in terms of `t >= 0`; between two finite ends, times `(1 + t)^degree`."""
    (low, high), t = part, Weight.parameter(name)
    if low is not None and high is not None:
        between = Weight.number(low) + t.scaled(high)
        return _raised(between, power) * _raised(ONE + t, degree - power)
    if low is not None:
        return _raised(Weight.number(low) + t, power)
    return _raised(Weight.number(high or 0) - t, power)


def _raised(base: Weight, power: int) -> Weight:
    return prod([base] * power, start=ONE)


def _sign_of(coefficients: list[Fraction]) -> Sign:
    if not any(coefficients):
        return "zero"
    if min(coefficients) >= 0:
        return "nonnegative"
    return "nonpositive" if max(coefficients) <= 0 else "unknown"
