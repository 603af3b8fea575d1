"""Look for a distribution that follows G^q and violates a claim; nothing is refuted without one."""

from __future__ import annotations

__all__ = ["refute"]

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import islice, product
from math import prod
from typing import TypeAlias

from graphdsl.ir.evidence import Counterexample, Table
from graphdsl.ir.information import Entropy, Term
from graphdsl.ir.networks import Interval
from graphdsl.ir.weight import Weight
from graphdsl.prove.eliminate_parameters import Combination
from graphdsl.prove.evaluate import certain_sign, exact_value
from graphdsl.prove.setting import Setting

Point: TypeAlias = Mapping[str, Fraction]

_POINTS = 25  #: at so many values of the parameters at most
_FAR = 10  #: how far from the end of a range without another


def refute(
    claim: Iterable[Term], setting: Setting, *, equality: bool = False
) -> Counterexample | None:
    """A distribution under which a sum of entropies is negative, or, of an equality, not zero.

    The search is the same in every run. What it finds has been verified in exact arithmetic.

    Raises:
        ImportError: If numpy or scipy cannot be had.
    """
    weights = setting.canon.terms(claim)
    for point in islice(_points(weights, setting), _POINTS):
        combination = _at(weights, point)
        if not combination or (point and not equality and _is_proved(combination, setting)):
            continue
        found = _scaled(combination, point, setting)
        found = found or _searched(combination, point, setting, equality)
        if found is not None:
            return found
    return None


def _is_proved(claim: Combination, setting: Setting) -> bool:
    """Whether nothing needs to be looked for at these values of the parameters."""
    from graphdsl.prove.shannon import Unproved, uses_of

    return not isinstance(uses_of(claim, setting), Unproved)


def _scaled(claim: Combination, point: Point, setting: Setting) -> Counterexample | None:
    """What the unit of a real variable changes has any sign: all is constant but for its scale."""
    for name in sorted(setting.real):
        power = sum(weight for atom, weight in claim.items() if name in atom.of)
        if power:
            width = Fraction(2) if power < 0 else Fraction(1, 2)
            return _counterexample(claim, (), {name: width}, point)
    return None


def _searched(
    claim: Combination, point: Point, setting: Setting, equality: bool
) -> Counterexample | None:
    from graphdsl.prove.search import networks

    for tables in networks(claim, setting, equality):
        cells = {
            str(name): Fraction(1) for table in tables for name in table.of if name in setting.real
        }
        found = _counterexample(claim, tables, cells, point)
        sign = certain_sign(found.value)
        if sign < 0 or (equality and sign):
            return found
    return None


def _counterexample(
    claim: Combination, tables: tuple[Table, ...], cells: Point, point: Point
) -> Counterexample:
    return Counterexample(
        tables=tables,
        cells=tuple(cells.items()),
        parameters=tuple(point.items()),
        value=exact_value(claim, tables, cells),
    )


def _points(claim: Mapping[Entropy, Weight], setting: Setting) -> Iterator[dict[str, Fraction]]:
    """Values of the parameters: the spec's own, then the ends of their ranges and beyond."""
    names = sorted({name for weight in claim.values() for name in weight.parameters})
    choices = [
        dict.fromkeys((setting.values[name], *_notable(setting.ranges[name]))) for name in names
    ]
    for values in product(*choices):
        yield dict(zip(names, values, strict=True))


def _notable(interval: Interval) -> list[Fraction]:
    low, high = interval.low, interval.high
    if low is not None and high is not None:
        return [low, high, *(low + (high - low) * Fraction(k, 4) for k in (2, 1, 3))]
    if low is not None:
        return [low, low + 1, low + _FAR]
    return [high, high - 1, high - _FAR] if high is not None else [Fraction(-_FAR), Fraction(_FAR)]


def _at(claim: Mapping[Entropy, Weight], point: Point) -> Combination:
    found = {}
    for atom, weight in claim.items():
        value = sum(
            (factor * prod(point[name] for name in monomial) for monomial, factor in weight),
            Fraction(0),
        )
        if value:
            found[atom] = value
    return found
