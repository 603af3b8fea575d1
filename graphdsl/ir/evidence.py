"""What the verdict on an assertion rests on: a certificate, a counterexample, or a reason."""

from __future__ import annotations

__all__ = [
    "CanonicalForm",
    "Certificate",
    "Counterexample",
    "Distance",
    "Proof",
    "Row",
    "Table",
    "Use",
]

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import log
from typing import Literal, Protocol

from graphdsl.ir.graph import Independence
from graphdsl.ir.information import Entropy, Information, Term
from graphdsl.ir.networks import Interval
from graphdsl.ir.objective import Assertion
from graphdsl.ir.symbols import Names, Variable
from graphdsl.ir.weight import Weight


class CanonicalForm(Protocol):
    """The form in which equal informations under G^q are the same sum of entropies."""

    @property
    def independence(self) -> Independence:
        """What G^q guarantees."""
        ...

    def joint(self, variables: frozenset[Variable]) -> tuple[Entropy, ...]:
        """H(variables) as canonical entropies, each with weight one."""
        ...

    def terms(self, terms: Iterable[Term]) -> Mapping[Entropy, Weight]:
        """Any weighted sum of H, I and TC as one of canonical entropies."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Distance:
    """How far a parameter is from an end of its range: never negative."""

    parameter: str
    end: Literal["low", "high"]


@dataclass(frozen=True, slots=True)
class Use:
    """One inequality of a certificate, `atom >= 0`, and what it is multiplied with."""

    multiplier: Fraction  #: positive
    atom: Entropy | Information  #: an information, or the entropy of discrete variables
    distances: tuple[Distance, ...] = ()  #: their product multiplies it too

    def weight(self, ranges: Mapping[str, Interval]) -> Weight:
        """All that the atom is multiplied with, as a polynomial in the parameters.

        Raises:
            ValueError: If a range lacks the end that a distance is from.
        """
        weight = Weight.number(self.multiplier)
        for distance in self.distances:
            end = (
                ranges[distance.parameter].low
                if distance.end == "low"
                else ranges[distance.parameter].high
            )
            if end is None:
                raise ValueError(f"the range of {distance.parameter} has no {distance.end} end")
            away = Weight.parameter(distance.parameter) - Weight.number(end)
            weight *= away if distance.end == "low" else -away
        return weight


@dataclass(frozen=True, slots=True)
class Certificate:
    """A proof that a sum is >= 0: it equals a sum of products that are, in canonical form."""

    uses: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """q(values | given) = probability; what a table leaves out is zero."""

    given: tuple[int, ...]
    values: tuple[int, ...]
    probability: Fraction


@dataclass(frozen=True, slots=True)
class Table:
    """A conditional distribution q(of | given), without the conditions that never hold."""

    of: Names
    given: Names
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterexample:
    """A distribution that follows G^q and violates an assertion.

    Variables without a table are constant. A real variable is uniform in cells of equal width: the
    tables are of the cell's number.
    """

    tables: tuple[Table, ...]
    cells: tuple[tuple[str, Fraction], ...]  #: real variables and the widths of their cells
    parameters: tuple[tuple[str, Fraction], ...]  #: at these values
    value: tuple[tuple[Fraction, int], ...]  #: of `Proof.nonnegative`: (c, n) of sum c log n, exact

    @property
    def nats(self) -> float:
        """The value, rounded."""
        return sum(float(factor) * log(number) for factor, number in self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What became of an assertion."""

    assertion: Assertion
    status: Literal["proved", "refuted", "unknown"]
    because: str
    remainder: tuple[Term, ...] = ()  #: left side minus right side in canonical form
    terms: tuple[Term, ...] = ()  #: the same as it was asserted
    certificate: Certificate | None = None  #: of an inequality that is proved
    counterexample: Counterexample | None = None  #: None if refuted by canonical form alone

    @property
    def nonnegative(self) -> tuple[Term, ...]:
        """What is said to be >= 0, or 0: right minus left of a `<=`, else left minus right."""
        return self._signed(self.remainder)

    @property
    def claim(self) -> tuple[Term, ...]:
        """The same as it was asserted, before any terms cancelled."""
        return self._signed(self.terms)

    def _signed(self, terms: tuple[Term, ...]) -> tuple[Term, ...]:
        if self.assertion.relation != "<=":
            return terms
        return tuple(Term(-term.weight, term.atom) for term in terms)
