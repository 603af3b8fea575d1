"""Coefficients of an objective: polynomials in the spec's parameters, with exact coefficients."""

from __future__ import annotations

__all__ = ["ONE", "ZERO", "Weight", "accumulate"]

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias, TypeVar

Monomial: TypeAlias = tuple[str, ...]  #: parameter names in order, repeated as often as the power
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Weight:
    """A polynomial such as `1 + 2*cross`, in canonical form: equal weights compare equal.

    >>> beta = Weight.parameter("beta")
    >>> (beta - ONE) + ONE == beta
    True
    """

    terms: tuple[tuple[Monomial, Fraction], ...] = ()

    @classmethod
    def number(cls, value: Fraction | int) -> Weight:
        """A weight without parameters."""
        return cls._of([((), Fraction(value))])

    @classmethod
    def parameter(cls, name: str) -> Weight:
        """The weight that is one parameter."""
        return cls((((name,), Fraction(1)),))

    @classmethod
    def _of(cls, terms: Iterable[tuple[Monomial, Fraction]]) -> Weight:
        total: defaultdict[Monomial, Fraction] = defaultdict(Fraction)
        for monomial, value in terms:
            total[monomial] += value
        return cls(tuple(sorted((m, v) for m, v in total.items() if v)))

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names that occur, sorted."""
        return tuple(sorted({name for monomial, _ in self.terms for name in monomial}))

    @property
    def constant(self) -> Fraction | None:
        """The value of a weight without parameters, or None."""
        if not self.terms:
            return Fraction(0)
        return self.terms[0][1] if self.terms[0][0] == () and len(self.terms) == 1 else None

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __iter__(self) -> Iterator[tuple[Monomial, Fraction]]:
        return iter(self.terms)

    def __add__(self, other: Weight) -> Weight:
        if not self.terms or not other.terms:
            return self if self.terms else other
        return Weight._of((*self.terms, *other.terms))

    def __neg__(self) -> Weight:
        return Weight(tuple((monomial, -value) for monomial, value in self.terms))

    def __sub__(self, other: Weight) -> Weight:
        return self + -other

    def __mul__(self, other: Weight) -> Weight:
        if other is ONE or self is ONE:
            return self if other is ONE else other
        return Weight._of(
            (tuple(sorted(m + n)), v * w) for m, v in self.terms for n, w in other.terms
        )

    def scaled(self, factor: Fraction | int) -> Weight:
        """The weight times a number."""
        if factor == 1:
            return self
        return Weight(tuple((m, v * factor) for m, v in self.terms)) if factor else ZERO


ZERO = Weight()
ONE = Weight.number(1)


def accumulate(total: dict[_Key, Weight], key: _Key, weight: Weight) -> None:
    """Add to one entry of a weighted sum; what cancels is gone."""
    value = total.get(key, ZERO) + weight
    if value:
        total[key] = value
    else:
        total.pop(key, None)
