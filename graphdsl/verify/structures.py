"""Structures of learned masks: which edges there are, and which there are not.

The objective under a mask is the mean over structures of each one's own value. So what is derived
once has to hold in every structure by itself.
"""

from __future__ import annotations

__all__ = [
    "COMPLETE",
    "Logits",
    "Structure",
    "Structures",
    "edge_noise",
    "expected_edges",
    "random_logits",
    "structures_of",
]

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from graphdsl.ir.loss import LossModule
from graphdsl.ir.masks import Gate
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional
from graphdsl.ir.symbols import Variable

Table = NDArray[np.bool_]
Logits = NDArray[np.float64]
Edge = tuple[str, str]  #: a parent and a child

_MOST_EDGES = 6  #: whose structures are all tried
_SAMPLED = 16  #: structures of more edges
_DRAWN = 9.0  #: noise that draws an edge, or none, at any probability


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """One assignment of all learned edges."""

    tables: Mapping[str, Table] = field(default_factory=dict)  #: by mask: which edges there are
    absent: Mapping[str, frozenset[Edge]] = field(default_factory=dict)  #: by network

    def left(self, network: str, node: Variable, given: Sequence[Variable]) -> tuple[Variable, ...]:
        """The parents of a node that it keeps; `network` is `r`, of `r(1)` as well."""
        gone = self.absent.get(network, frozenset())
        return tuple(name for name in given if (name, node) not in gone)

    def __str__(self) -> str:
        return "; ".join(f"{name} = {_written(table)}" for name, table in self.tables.items())


COMPLETE = Structure()


@dataclass(frozen=True, slots=True, eq=False)
class Structures:
    """The structures that are tried: all, or a sample that holds the complete and the empty one."""

    several: tuple[Structure, ...]  #: the complete one first
    of: int  #: how many there are

    @property
    def few(self) -> tuple[Structure, ...]:
        """Up to four of them, for what takes many samples."""
        last = len(self.several) - 1
        places = dict.fromkeys(round(last * share / 3) for share in range(4))
        return tuple(self.several[place] for place in places)


def structures_of(model: Model, seed: int = 0) -> Structures:
    """All structures of a spec with few learned edges, else a sample; one if there is no mask."""
    if not model.masks:
        return Structures((COMPLETE,), 1)
    sizes = [prod(mask.extents) for mask in model.masks]
    gates = list(_gates(model))
    return Structures(
        tuple(_structure(model, gates, bits) for bits in _assignments(sum(sizes), seed)),
        2 ** sum(sizes),
    )


def edge_noise(module: LossModule, structure: Structure, rows: int) -> dict[str, Logits]:
    """The noise by which a module draws a structure."""
    return {
        mask.name: np.repeat(
            np.where(structure.tables[mask.name], _DRAWN, -_DRAWN)[None],
            rows if mask.by_row else 1,
            axis=0,
        )
        for mask in module.masks
    }


def random_logits(model: Model) -> dict[str, Logits]:
    """Log-odds of every learned edge, the same in every structure."""
    rng = np.random.default_rng(7)
    return {mask.name: rng.normal(size=mask.extents) for mask in model.masks}


def expected_edges(logits: Logits) -> float:
    """How many edges a mask keeps: a sum over its structures, where that many can be summed."""
    chances = 1 / (1 + np.exp(-logits.reshape(-1)))
    if len(chances) > _MOST_EDGES:
        return float(chances.sum())
    structures = np.array(list(product((0.0, 1.0), repeat=len(chances))))
    weights = np.prod(structures * chances + (1 - structures) * (1 - chances), axis=1)
    return float(weights @ structures.sum(axis=1))


def _assignments(edges: int, seed: int) -> Iterator[tuple[bool, ...]]:
    if edges <= _MOST_EDGES:
        yield from product((True, False), repeat=edges)
        return
    yield (True,) * edges
    yield (False,) * edges
    rng = np.random.default_rng((seed, 6))
    for _ in range(_SAMPLED - 2):
        yield tuple((rng.random(edges) < rng.random()).tolist())


def _structure(model: Model, gates: Iterable[tuple[str, Gate]], bits: Sequence[bool]) -> Structure:
    tables, start = dict[str, Table](), 0
    for mask in model.masks:
        size = prod(mask.extents)
        tables[mask.name] = np.array(bits[start : start + size]).reshape(mask.extents)
        start += size
    absent: dict[str, set[Edge]] = {}
    for network, gate in gates:
        if not tables[gate.mask][tuple(place - 1 for place in gate.entry)]:
            edges = {(parent, gate.child) for parent in _members(gate.parent, model)}
            absent.setdefault(network, set()).update(edges)
    return Structure(tables, {name: frozenset(edges) for name, edges in absent.items()})


def _gates(model: Model) -> Iterator[tuple[str, Gate]]:
    """The learned edges, each with the head of its network: `r` of `r(1)`."""
    for conditional in _conditionals(model):
        for gate in conditional.gates:
            yield conditional.network, gate


def _conditionals(model: Model) -> Iterator[Conditional]:
    for network in (model.inference, *model.further, model.generation):
        if network is not None:
            yield from network.conditionals


def _members(name: Variable, model: Model) -> tuple[Variable, ...]:
    """A variable; of a block its members, and the block itself."""
    block = name.block
    return (name,) if block is None else (name, *model.members(block.head))


def _written(table: Table) -> str:
    """A mask as a spec writes one that is fixed."""
    rows = np.atleast_2d(table).astype(int)
    return f"fixed({'; '.join(', '.join(map(str, row)) for row in rows.tolist())})"
