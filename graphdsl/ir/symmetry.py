"""What a spec leaves unchanged: an order of its variables by meaning alone, and its exchanges."""

from __future__ import annotations

__all__ = ["Exchange", "Reading", "Symmetry", "exchanged", "exchanged_names", "orbit"]

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from graphdsl.ir.notation import copied, original

#: Variables, and distributions such as `r(1)`, to those that take their places; the rest stay.
Exchange: TypeAlias = Mapping[str, str]
_Thing = TypeVar("_Thing", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Symmetry:
    """An order of the variables that no name and no line decides, up to the exchanges."""

    order: tuple[str, ...]
    exchanges: tuple[Exchange, ...] = ()  #: they generate all that give the spec itself back

    def rank(self) -> dict[str, int]:
        """The place of each variable in the order."""
        return {name: place for place, name in enumerate(self.order)}

    def orbit(self, name: str) -> frozenset[str]:
        """The variables that exchanges put in the place of one, itself among them."""
        return frozenset(reached(name, lambda here: (e.get(here, here) for e in self.exchanges)))


@dataclass(frozen=True, slots=True)
class Reading:
    """A part of a loss by what it is: a model of a variable, or its own density."""

    node: str
    network: str  #: whose model it is: `p`, `q`, `r(1)`, `new`; `own` for a density
    reads: frozenset[str]
    under: str  #: whose samples it is of
    among: str = ""  #: the block of which the variable is counted as a member

    def exchanged(self, exchange: Exchange) -> Reading:
        """The part that takes its place."""
        return Reading(
            exchanged(self.node, exchange),
            exchange.get(self.network, self.network),
            exchanged_names(self.reads, exchange),
            exchange.get(self.under, self.under),
            self.among,
        )


def exchanged(name: str, exchange: Exchange) -> str:
    """The variable that takes the place of one; a copy stays a copy."""
    plain = original(name)
    other = exchange.get(plain, plain)
    return other if plain == name else copied(other)


def exchanged_names(names: Iterable[str], exchange: Exchange) -> frozenset[str]:
    """The variables that take the places of some."""
    return frozenset(exchanged(name, exchange) for name in names)


def orbit(one: Reading, exchanges: Iterable[Exchange]) -> set[Reading]:
    """All parts that exchanges put in the place of one, itself among them."""
    several = [*exchanges]
    return set(reached(one, lambda here: (here.exchanged(each) for each in several)))


def reached(
    start: _Thing, steps: Callable[[_Thing], Iterable[_Thing]], most: int | None = None
) -> list[_Thing]:
    """Everything that steps lead to, in the order in which they do; a little above `most` of it."""
    found, waiting = {start: None}, [start]
    while waiting and (most is None or len(found) <= most):
        for there in steps(waiting.pop()):
            if there not in found:
                found[there] = None
                waiting.append(there)
    return [*found]
