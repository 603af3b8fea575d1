"""Variables, and what is known of them, by their printed names."""

from __future__ import annotations

__all__ = ["entropy", "information", "separation", "variables"]

from collections.abc import Iterable, Mapping

from graphdsl.graphs import Separation
from graphdsl.ir import information as atoms
from graphdsl.ir.information import Atom, Entropy
from graphdsl.ir.symbols import NetworkName, Q, Variable, variable


def variables(names: Iterable[str]) -> tuple[Variable, ...]:
    """Variables by their names: `variables("xz")` are x and z."""
    return tuple(map(variable, names))


def entropy(of: Iterable[str], given: Iterable[str] = (), under: NetworkName = Q) -> Entropy:
    """H(of | given)."""
    return atoms.entropy(variables(of), variables(given), under)


def information(
    parts: Iterable[Iterable[str]], given: Iterable[str] = (), under: NetworkName = Q
) -> Atom:
    """I between two parts, TC between more."""
    return atoms.information(map(variables, parts), variables(given), under)


def separation(
    order: Iterable[str], parents: Mapping[str, Iterable[str]], data: Iterable[str]
) -> Separation:
    """What a network of these variables guarantees."""
    above = {variable(name): variables(several) for name, several in parents.items()}
    return Separation(variables(order), above, variables(data))
