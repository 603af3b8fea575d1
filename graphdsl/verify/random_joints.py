"""Random distributions that follow the networks of a spec, one for each network of inference."""

from __future__ import annotations

__all__ = ["Joint", "World", "discrete_world", "gaussian_world", "has_copies", "parents_in"]

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np

from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network
from graphdsl.ir.symbols import NetworkName, P, Variable
from graphdsl.verify.normals import Normal
from graphdsl.verify.structures import COMPLETE, Structure
from graphdsl.verify.tables import Table

Joint: TypeAlias = Table | Normal
World: TypeAlias = Mapping[
    NetworkName, Joint
]  #: under `q`, `p`, and each further inference network

_MOST = 12  #: variables that vary at once


def parents_in(model: Model, network: Network) -> dict[Variable, tuple[Variable, ...]]:
    """Every variable with its parents, parents first; a mixture's selector is one of them."""
    above: dict[Variable, list[Variable]] = {
        node.name: [] for node in model.nodes if network.role != "generation"
    }
    above |= {name: [] for name in network.variables}
    for start, end in network.edges:
        for child in network.nodes[end]:
            above[child] += network.nodes[start]
    for conditional in network.conditionals:
        if conditional.mixes:
            above[conditional.selector] = []
            for child in conditional.children:
                above[child].append(conditional.selector)
    parents: dict[Variable, tuple[Variable, ...]] = {}
    while above:
        ready = [name for name, ups in above.items() if above.keys().isdisjoint(ups)]
        parents |= {name: tuple(above.pop(name)) for name in ready}
    return parents


def has_copies(network: Network) -> bool:
    """Whether a network holds a variable twice: there is a table for that, and no density."""
    return any(name.original != name for name in network.variables)


def discrete_world(
    model: Model,
    interest: Iterable[Variable],
    rng: np.random.Generator,
    structure: Structure = COMPLETE,
) -> World:
    """Tables in which what is of interest varies, and of the rest as much as there is room for.

    What does not vary is constant: such a distribution follows the network too. No variable depends
    on one from which the structure has no edge.
    """
    networks = _networks(model)
    everyone = list(dict.fromkeys(name for parents in networks.values() for name in parents))
    known = set(interest)
    wanted = _shuffled([name for name in everyone if name in known], rng)
    rest = _shuffled([name for name in everyone if name not in known], rng)
    sizes = dict.fromkeys([*wanted, *rest][:_MOST], 2)
    if len(sizes) < _MOST:
        sizes[sorted(sizes)[int(rng.choice(len(sizes)))]] = 3
    data = _data(model)
    base = Table.drawn({}, data, sizes, rng)
    return {
        name: Table.drawn(_left(structure, name, parents), _roots(model, parents), sizes, rng)
        if name == "p"
        else Table.drawn(_left(structure, name, parents), data, sizes, rng, base)
        for name, parents in networks.items()
    }


def gaussian_world(
    model: Model, rng: np.random.Generator, structure: Structure = COMPLETE
) -> World:
    """Gaussians of one or two coordinates a variable."""
    networks = _networks(model)
    everyone = sorted({name for parents in networks.values() for name in parents})
    dims = {name: int(rng.integers(1, 3)) if len(everyone) < 20 else 1 for name in everyone}
    data = _data(model)
    base = Normal.data({name: dims[name] for name in data}, rng)
    return {
        name: Normal.drawn(_left(structure, name, parents), _roots(model, parents), dims, rng)
        if name == "p"
        else Normal.drawn(_left(structure, name, parents), data, dims, rng, base)
        for name, parents in networks.items()
    }


def _left(
    structure: Structure, name: NetworkName, parents: Mapping[Variable, tuple[Variable, ...]]
) -> dict[Variable, tuple[Variable, ...]]:
    """The parents that a structure leaves."""
    return {node: structure.left(name.base, node, above) for node, above in parents.items()}


def _shuffled(names: list[Variable], rng: np.random.Generator) -> list[Variable]:
    return [names[place] for place in rng.permutation(len(names)).tolist()]


def _networks(model: Model) -> dict[NetworkName, dict[Variable, tuple[Variable, ...]]]:
    networks = {
        network.name: parents_in(model, network) for network in (model.inference, *model.further)
    }
    if model.generation is not None:
        networks[P] = parents_in(model, model.generation)
    return networks


def _data(model: Model) -> list[Variable]:
    return [node.name for node in model.nodes if node.role != "latent"]


def _roots(model: Model, parents: Mapping[Variable, tuple[Variable, ...]]) -> list[Variable]:
    """What p conditions on and does not generate: it has the data's joint, which is arbitrary."""
    return [name for name in _data(model) if name in parents and not parents[name]]
