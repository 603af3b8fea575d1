"""Projections that are one derivation under other names: a report shows one of them."""

from __future__ import annotations

__all__ = ["Alike", "alike", "unlike"]

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from graphdsl.ir.information import (
    Atom,
    CrossEntropy,
    DivergenceAtom,
    Entropy,
    Information,
    PenaltyAtom,
    ProjectionDerivation,
    Term,
    TotalCorrelation,
)
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network


@dataclass(frozen=True, slots=True)
class Alike:
    """A derivation, and those that it becomes when variables are exchanged."""

    shown: ProjectionDerivation
    others: tuple[ProjectionDerivation, ...] = ()


def alike(projections: Iterable[ProjectionDerivation], model: Model) -> tuple[Alike, ...]:
    """Group derivations: in each group, a renaming of members turns one into any other."""
    groups: list[list[ProjectionDerivation]] = []
    for projection in projections:
        group = next((known for known in groups if _renaming(known[0], projection, model)), None)
        if group is None:
            groups.append([projection])
        else:
            group.append(projection)
    return tuple(Alike(first, tuple(others)) for first, *others in groups)


def unlike(networks: Iterable[Network], groups: Iterable[Alike]) -> tuple[Network, ...]:
    """The networks, one of those whose projections are alike."""
    others = {one.network.name for group in groups for one in group.others}
    return tuple(network for network in networks if network.name not in others)


def _renaming(
    one: ProjectionDerivation, other: ProjectionDerivation, model: Model
) -> dict[str, str] | None:
    """Which variables to exchange in one derivation for it to be the other."""
    first, second = one.network, other.network
    if (one.under, one.weight, first.edges) != (other.under, other.weight, second.edges):
        return None
    if list(map(len, first.nodes)) != list(map(len, second.nodes)):
        return None
    renaming: dict[str, str] = {}
    for name, new in zip(first.variables, second.variables, strict=True):
        same_family = model.family_of(name).name == model.family_of(new).name
        if not same_family or renaming.setdefault(name, new) != new:
            return None
    if len(set(renaming.values())) != len(renaming):
        return None
    forms = ("entropies", "multi_information", "local_markov", "simplified", "constant")
    same = all(
        _counted(getattr(one, form), renaming) == _counted(getattr(other, form), {})
        for form in forms
    )
    return renaming if same else None


def _counted(terms: Iterable[Term], renaming: Mapping[str, str]) -> Counter[Hashable]:
    """The terms of a sum, whatever their order and that of their variables."""
    return Counter((term.weight, _content(term.atom, renaming)) for term in terms)


def _content(atom: Atom, renaming: Mapping[str, str]) -> Hashable:
    def new(names: Iterable[str]) -> frozenset[str]:
        return frozenset(renaming.get(name, name) for name in names)

    match atom:
        case Entropy(of, given, under):
            return "H", new(of), new(given), under
        case Information(left, right, given, under):
            return "I", frozenset((new(left), new(right))), new(given), under
        case TotalCorrelation(parts, given, under):
            return "TC", frozenset(map(new, parts)), new(given), under
        case CrossEntropy() | DivergenceAtom() | PenaltyAtom():
            return atom
