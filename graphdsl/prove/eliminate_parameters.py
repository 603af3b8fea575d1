"""A claim whose weights have parameters, as claims without that imply it."""

from __future__ import annotations

__all__ = ["Combination", "spread"]

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from math import comb
from typing import TypeAlias

from graphdsl.ir.evidence import Distance
from graphdsl.ir.information import Entropy
from graphdsl.ir.networks import Interval
from graphdsl.ir.weight import Weight, accumulate

Combination: TypeAlias = dict[Entropy, Fraction]  #: a sum of entropies with rational weights
_Powers: TypeAlias = list[dict[Entropy, Weight]]  #: by the power of one parameter
Distances: TypeAlias = tuple[Distance, ...]


def spread(
    claim: Mapping[Entropy, Weight], ranges: Mapping[str, Interval]
) -> dict[Distances, Combination] | str:
    """Combinations C_d with claim = sum_d d C_d, each d a product of distances from range ends.

    The claim is nonnegative over the whole range if every C_d is: Taylor's coefficients at the end
    of a half-bounded range, Bernstein's over a bounded one. If the claim is linear in a parameter
    this is also necessary: the C_d are its values at the ends, or its slope.

    Returns:
        The combinations, or the name of a parameter whose range has no end.
    """
    parts: dict[Distances, dict[Entropy, Weight]] = {(): dict(claim)}
    names = sorted({name for weight in claim.values() for name in weight.parameters})
    for name in names:
        if ranges[name].low is None and ranges[name].high is None:
            return name
        parts = {
            (*distances, *more): combination
            for distances, part in parts.items()
            for more, combination in _along(part, name, ranges[name]).items()
        }
    return {
        distances: {atom: weight.constant or Fraction(0) for atom, weight in part.items()}
        for distances, part in parts.items()
    }


def _along(
    part: Mapping[Entropy, Weight], name: str, interval: Interval
) -> dict[Distances, dict[Entropy, Weight]]:
    """The combinations of one parameter's distances."""
    low, high = interval.low, interval.high
    powers = _powers(part, name)
    if low is not None and high is not None and low < high:
        found = _bernstein(_taylor(powers, low), high - low)
        last = len(found) - 1
        ends = [(Distance(name, "low"),) * k for k in range(last + 1)]
        return {
            (*(Distance(name, "high"),) * (last - k), *ends[k]): one
            for k, one in enumerate(found)
            if one
        }
    if low is not None:
        found = _taylor(powers, low)
        return {(Distance(name, "low"),) * k: one for k, one in enumerate(found) if one}
    assert high is not None
    found = [_scaled(one, (-1) ** k) for k, one in enumerate(_taylor(powers, high))]
    return {(Distance(name, "high"),) * k: one for k, one in enumerate(found) if one}


def _powers(part: Mapping[Entropy, Weight], name: str) -> _Powers:
    """What the powers 0, 1, 2, ... of a parameter are multiplied with."""
    found: defaultdict[int, dict[Entropy, Weight]] = defaultdict(dict)
    for atom, weight in part.items():
        for monomial, value in weight:
            power = monomial.count(name)
            rest = tuple(other for other in monomial if other != name)
            accumulate(found[power], atom, Weight(((rest, value),)))
    return [found[power] for power in range(max(found, default=0) + 1)]


def _taylor(powers: _Powers, at: Fraction) -> _Powers:
    """From powers of x to powers of x - at."""
    found: _Powers = [{} for _ in powers]
    for power, one in enumerate(powers):
        for k in range(power + 1):
            _add(found[k], one, comb(power, k) * at ** (power - k))
    return found


def _bernstein(powers: _Powers, width: Fraction) -> _Powers:
    """From powers of t in 0..width to products t^k (width - t)^(d - k)."""
    degree = len(powers) - 1
    found: _Powers = [{} for _ in powers]
    for k in range(degree + 1):
        for j in range(k + 1):
            share = Fraction(comb(degree, k) * comb(k, j), comb(degree, j))
            _add(found[k], powers[j], share * width**j / width**degree)
    return found


def _add(total: dict[Entropy, Weight], part: Mapping[Entropy, Weight], factor: Fraction) -> None:
    for atom, weight in part.items():
        accumulate(total, atom, weight.scaled(factor))


def _scaled(part: Mapping[Entropy, Weight], factor: int) -> dict[Entropy, Weight]:
    return {atom: weight.scaled(factor) for atom, weight in part.items()}
