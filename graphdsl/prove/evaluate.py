"""Entropies of a distribution with rational tables, exactly: sums of c log n with c rational."""

from __future__ import annotations

__all__ = ["Logarithms", "certain_sign", "exact_value"]

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, localcontext
from fractions import Fraction
from math import lcm
from typing import TypeAlias

from graphdsl.ir.evidence import Table
from graphdsl.ir.information import Entropy
from graphdsl.ir.symbols import Names, Variable

Logarithms: TypeAlias = tuple[tuple[Fraction, int], ...]  #: (c, n), of a sum of c log n
_Joint: TypeAlias = dict[tuple[int, ...], Fraction]
_DIGITS = 60
_SMALL_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47)


def exact_value(
    claim: Mapping[Entropy, Fraction], tables: Iterable[Table], cells: Mapping[str, Fraction]
) -> Logarithms:
    """A sum of entropies under q = the product of the tables, in nats.

    The entropy of a variable that is uniform in cells of width w is that of the cell's number plus
    log w.

    >>> from graphdsl.ir.evidence import Row
    >>> coin = Table(("x",), (), (Row((), (0,), Fraction(1, 2)), Row((), (1,), Fraction(1, 2))))
    >>> exact_value({Entropy(("x",)): Fraction(3)}, [coin], {})
    ((Fraction(3, 1), 2),)
    """
    order, joint = _joint(tables)
    total: defaultdict[int, Fraction] = defaultdict(Fraction)
    for atom, weight in claim.items():
        _add_entropy(total, _marginal(joint, order, {*atom.of, *atom.given}), weight)
        _add_entropy(total, _marginal(joint, order, set(atom.given)), -weight)
        for name in atom.of:
            if name in cells:
                _add_log(total, cells[name], weight)
    return tuple((factor, number) for number, factor in sorted(total.items()) if factor)


def certain_sign(logarithms: Logarithms) -> int:
    """1 or -1 if that is certainly the sign of sum c log n; 0 where it is zero or too close.

    Decimal's logarithm is correctly rounded, so each summand is off by a unit in the last place.
    """
    if not logarithms:
        return 0
    common = lcm(*(factor.denominator for factor, _ in logarithms))
    with localcontext() as context:
        context.prec = _DIGITS
        parts = [
            Decimal((factor * common).numerator) * Decimal(number).ln()
            for factor, number in logarithms
        ]
        total = sum(parts, Decimal(0))
        error = len(parts) ** 2 * sum(map(abs, parts), Decimal(0)) * Decimal(10) ** (4 - _DIGITS)
        return 0 if abs(total) <= error else (1 if total > 0 else -1)


def _joint(tables: Iterable[Table]) -> tuple[Names, _Joint]:
    """The product of the tables: the values of all their variables, with probabilities."""
    order: Names = ()
    joint: _Joint = {(): Fraction(1)}
    for table in tables:
        places = [order.index(name) for name in table.given]
        rows: defaultdict[tuple[int, ...], list[tuple[tuple[int, ...], Fraction]]]
        rows = defaultdict(list)
        for row in table.rows:
            rows[row.given].append((row.values, row.probability))
        joint = {
            (*values, *more): mass * share
            for values, mass in joint.items()
            for more, share in rows[tuple(values[place] for place in places)]
        }
        order += table.of
    return order, joint


def _marginal(joint: _Joint, order: Names, of: set[Variable]) -> Iterator[Fraction]:
    places = [place for place, name in enumerate(order) if name in of]
    total: defaultdict[tuple[int, ...], Fraction] = defaultdict(Fraction)
    for values, mass in joint.items():
        total[tuple(values[place] for place in places)] += mass
    return iter(total.values())


def _add_entropy(
    total: defaultdict[int, Fraction], masses: Iterable[Fraction], weight: Fraction
) -> None:
    for mass in masses:
        if mass:
            _add_log(total, mass, -weight * mass)


def _add_log(total: defaultdict[int, Fraction], number: Fraction, factor: Fraction) -> None:
    """Factor times log(number), by small primes, so that equal logarithms meet."""
    for whole, sign in ((number.numerator, 1), (number.denominator, -1)):
        for prime in _SMALL_PRIMES:
            while whole % prime == 0:
                whole //= prime
                total[prime] += sign * factor
        if whole > 1:
            total[whole] += sign * factor
