"""Drawn sets, chosen: what a spec says for one S."""

from __future__ import annotations

__all__ = [
    "Chosen",
    "blocks_at",
    "choices",
    "drawn_noise",
    "functional_at",
    "network_at",
    "spec_at",
    "term_at",
]

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphdsl.ir.draws import Draw, inside, outside
from graphdsl.ir.information import Entropy, Information, Term, TotalCorrelation
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network
from graphdsl.ir.objective import Functional, MultiInformation, Projection, UncertaintyOf
from graphdsl.ir.symbols import Variable

Chosen: TypeAlias = Mapping[str, frozenset[int]]  #: by the set's name, the places in it
_MOST = 16  #: choices that a mean runs over


def choices(model: Model, rng: np.random.Generator) -> list[Chosen]:
    """All sets, or a few of very many: of bipartitions both sides, which are alike."""
    names = [draw.name for draw in model.draws]
    if np.prod([2.0**draw.count for draw in model.draws]) <= 2 * _MOST:
        every = product(*(list(_subsets(draw)) for draw in model.draws))
        return [dict(zip(names, each, strict=True)) for each in every]
    chosen: list[Chosen] = []
    for _ in range(_MOST // 2):
        one = {draw.name: _random(draw, rng) for draw in model.draws}
        other = {
            draw.name: frozenset(range(draw.count)) - one[draw.name]
            if draw.kind == "bipartitions"
            else one[draw.name]
            for draw in model.draws
        }
        chosen += [one, other]
    return chosen


def drawn_noise(model: Model, chosen: Chosen) -> dict[str, NDArray[np.bool_]]:
    """The noise by which a module draws one choice: which members each set holds."""
    return {
        draw.name: np.isin(np.arange(draw.count), sorted(chosen[draw.name]))
        for draw in model.draws
        if draw.name in chosen
    }


def term_at(term: Term, chosen: Chosen, model: Model) -> Term:
    """A term for one choice; the members of an empty block are none."""

    def whole(names: Iterable[Variable]) -> tuple[Variable, ...]:
        return tuple(_members(names, chosen, model))

    match term.atom:
        case Entropy(of, given, under):
            return Term(term.weight, Entropy(whole(of), whole(given), under))
        case Information(left, right, given, under):
            atom = Information(whole(left), whole(right), whole(given), under)
            return Term(term.weight, atom)
        case TotalCorrelation(parts, given, under):
            wholes = tuple(map(whole, parts))
            return Term(term.weight, TotalCorrelation(wholes, whole(given), under))
        case _:
            raise TypeError(f"{term.atom} is no sum of entropies")


def functional_at(functional: Functional, chosen: Chosen, model: Model) -> Functional:
    """D, I, TC or H for one choice; any other as it is."""

    def whole(names: Iterable[Variable]) -> frozenset[Variable]:
        return frozenset(_members(names, chosen, model))

    match functional:
        case Projection(network, under):
            return Projection(network_at(network, chosen, model), under)
        case MultiInformation(parts, given, under):
            return MultiInformation(tuple(map(whole, parts)), whole(given), under)
        case UncertaintyOf(of, given, under):
            return UncertaintyOf(whole(of), whole(given), under)
    return functional


def network_at(network: Network, chosen: Chosen, model: Model) -> Network:
    """A network for one choice: a block that is empty is no node of it."""
    nodes = [tuple(_members(node, chosen, model)) for node in network.nodes]
    kept = [place for place, node in enumerate(nodes) if node]
    number = {old: new for new, old in enumerate(kept)}
    return replace(
        network,
        nodes=tuple(nodes[place] for place in kept),
        edges=tuple(
            (number[a], number[b]) for a, b in network.edges if a in number and b in number
        ),
    )


def spec_at(model: Model, chosen: Chosen) -> Model:
    """A spec whose inference networks see one choice."""
    return replace(
        model,
        inference=network_at(model.inference, chosen, model),
        further=tuple(network_at(network, chosen, model) for network in model.further),
    )


def blocks_at(chosen: Chosen, model: Model) -> dict[Variable, tuple[Variable, ...]]:
    """The members of each block, for one choice."""
    names = [
        block(head, draw.name)
        for draw in model.draws
        for head in draw.families
        for block in (inside, outside)
    ]
    return {name: tuple(_members((name,), chosen, model)) for name in names}


def _members(names: Iterable[Variable], chosen: Chosen, model: Model) -> Iterator[Variable]:
    for name in names:
        block = name.block
        if block is None or block.draw not in chosen:
            yield name
            continue
        for place, member in enumerate(model.members(block.head)):
            if (place in chosen[block.draw]) != block.outside:
                yield member


def _subsets(draw: Draw) -> Iterator[frozenset[int]]:
    most = 2**draw.count - (draw.kind == "bipartitions")
    return (
        frozenset(place for place in range(draw.count) if bits >> place & 1)
        for bits in range(1, most)
    )


def _random(draw: Draw, rng: np.random.Generator) -> frozenset[int]:
    while True:
        members = frozenset(np.flatnonzero(rng.random(draw.count) < 0.5).tolist())
        if members and (draw.kind == "subsets" or len(members) < draw.count):
            return members
