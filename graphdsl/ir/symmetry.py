"""What a spec leaves unchanged: an order of its variables by meaning alone, and its exchanges."""

from __future__ import annotations

__all__ = ["Exchange", "Reading", "Symmetry", "orbit", "reached"]

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from graphdsl.ir.symbols import NO_VARIABLE, NetworkName, Variable

_Thing = TypeVar("_Thing", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Exchange:
    """Variables and distributions such as `r(1)`, and those that take their places."""

    variables: Mapping[Variable, Variable]  #: those that are not listed stay
    networks: Mapping[NetworkName, NetworkName]

    def variable(self, name: Variable) -> Variable:
        """The variable that takes the place of one; a copy stays a copy."""
        other = self.variables.get(name.original, name.original)
        return other.copied if name.copy else other

    def each(self, names: Iterable[Variable]) -> frozenset[Variable]:
        """The variables that take the places of some."""
        return frozenset(map(self.variable, names))

    def network(self, name: NetworkName) -> NetworkName:
        """The distribution that takes the place of one."""
        return self.networks.get(name, name)


@dataclass(frozen=True, slots=True)
class Symmetry:
    """An order of the variables that no name and no line decides, up to the exchanges."""

    order: tuple[Variable, ...]
    exchanges: tuple[Exchange, ...] = ()  #: they generate all that give the spec itself back

    def rank(self) -> dict[Variable, int]:
        """The place of each variable in the order."""
        return {name: place for place, name in enumerate(self.order)}

    def orbit(self, name: Variable) -> frozenset[Variable]:
        """The variables that exchanges put in the place of one, itself among them."""
        return frozenset(
            reached(name, lambda here: (each.variable(here) for each in self.exchanges))
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """A part of a loss by what it is: a model of a variable, or its own density."""

    node: Variable
    network: NetworkName  #: whose model it is: `p`, `q`, `r(1)`, `new`; `own` for a density
    reads: frozenset[Variable]
    under: NetworkName  #: whose samples it is of
    among: Variable = NO_VARIABLE  #: the block of which the variable is counted as a member

    def exchanged(self, exchange: Exchange) -> Reading:
        """The part that takes its place."""
        return Reading(
            exchange.variable(self.node),
            exchange.network(self.network),
            exchange.each(self.reads),
            exchange.network(self.under),
            self.among,
        )


def orbit(one: Reading, exchanges: Iterable[Exchange]) -> set[Reading]:
    """All parts that exchanges put in the place of one, itself among them."""
    generators = [*exchanges]
    return set(reached(one, lambda here: (here.exchanged(each) for each in generators)))


def reached(
    start: _Thing, steps: Callable[[_Thing], Iterable[_Thing]], most: int | None = None
) -> list[_Thing]:
    """Everything that steps lead to, in the order in which they do; a little above `most` of it."""
    images, waiting = {start: None}, [start]
    while waiting and (most is None or len(images) <= most):
        for there in steps(waiting.pop()):
            if there not in images:
                images[there] = None
                waiting.append(there)
    return [*images]
