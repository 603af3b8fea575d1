"""From a network to what is drawn of it."""

from __future__ import annotations

__all__ = ["pictured", "projected"]

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias

from graphdsl.draw.cliques import Nodes, blocks_label, joined
from graphdsl.draw.labels import Label, label_of
from graphdsl.draw.picture import Arrow, Mark, MarkKind, Picture, Plate, Tone
from graphdsl.draw.plates import Group, foldable
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network
from graphdsl.ir.symbols import Selector, Variable
from graphdsl.notation.networks import network_title

_LETTERS = "ijklmnabcdefgh"

Look: TypeAlias = tuple[bool, Tone]  #: of an arrow: whether it is learned, and its tone
Looks: TypeAlias = dict[tuple[Variable, Variable], Look]  #: by the first variable of either node


def pictured(network: Network, model: Model, *, full: bool = False) -> Picture:
    """What is drawn of a network.

    Args:
        network: One of the spec's, or one that something is projected on.
        model: The spec.
        full: Whether every member is drawn by itself.
    """
    compared = network.role == "regularizer"
    edges = _edges(network)
    if compared:
        edges = _beside(edges, network, projected(network, model))
    selectors = _selectors(network)
    nodes = network.nodes if full else joined(network.nodes, edges, selectors)
    edges = _between(nodes, edges)
    groups = () if full else _groups(nodes, model, edges, selectors)
    edges |= {(selector, child): (False, "kept") for child, selector in selectors.items()}
    units = [*_units(nodes, model, groups), *_chosen(groups, selectors)]
    letters = _letters(model, groups)
    mark_of = {name: place for place, unit in enumerate(units) for name in unit.stands_for}
    arrows = {
        Arrow(mark_of[start], mark_of[end], *look): None for (start, end), look in edges.items()
    }
    return Picture(
        title=str(network_title(network)),
        marks=tuple(unit.mark for unit in units),
        arrows=tuple(arrows),
        plates=tuple(_plate(group, letters[group], units) for group in groups),
        upwards=network.role in ("inference", "further"),
        compared=compared,
    )


@dataclass(frozen=True, slots=True)
class _Unit:
    """A mark, the nodes that it stands for, and the plate that it is in."""

    mark: Mark
    stands_for: tuple[Variable, ...]
    group: Group | None = None


def _edges(network: Network) -> Looks:
    """The edges between nodes, and from each variable to a copy of it."""
    gated = {
        (gate.parent, gate.child)
        for conditional in network.conditionals
        for gate in conditional.gates
    }
    looks: Looks = {}
    for start, end in network.edges:
        parents, children = network.nodes[start], network.nodes[end]
        learned = any((a, b) in gated for a in parents for b in children)
        looks[parents[0], children[0]] = (learned, "kept")
    node_of = {name: node[0] for node in network.nodes for name in node}
    for name in network.variables:
        if name.original != name and name.original in node_of:
            looks[node_of[name.original], node_of[name]] = (False, "kept")
    return looks


def projected(network: Network, model: Model) -> Network:
    """The network of the distribution that is projected on a regularizer: q's, p's, or another."""
    unders = (
        projection.under
        for projection in model.projections
        if projection.network.name == network.name
    )
    under = next(unders, "q")
    if under == "p" and model.generation is not None:
        return model.generation
    return model.inference_of(under)


def _beside(edges: Looks, network: Network, inference: Network) -> Looks:
    """The edges of a regularizer, and those that the projected network has and it lacks."""
    node_of = {name: node[0] for node in network.nodes for name in node}
    known = {
        (node_of[a], node_of[b])
        for start, end in inference.edges
        for a in inference.nodes[start]
        for b in inference.nodes[end]
        if a in node_of and b in node_of and node_of[a] != node_of[b]
    }
    own: Looks = {
        pair: (learned, "kept" if pair in known else "added")
        for pair, (learned, _) in edges.items()
    }
    return own | {pair: (False, "removed") for pair in sorted(known - own.keys())}


def _between(nodes: Nodes, edges: Looks) -> Looks:
    """The edges between nodes, some of which are now blocks."""
    node_of = {name: node[0] for node in nodes for name in node}
    ends = {(node_of[start], node_of[end]): look for (start, end), look in edges.items()}
    return {pair: look for pair, look in ends.items() if pair[0] != pair[1]}


def _selectors(network: Network) -> dict[Variable, Selector]:
    """The selector of each child of a mixture."""
    return {
        child: conditional.selector
        for conditional in network.conditionals
        if conditional.mixes
        for child in conditional.children
    }


def _groups(
    nodes: Nodes, model: Model, edges: Looks, selectors: Mapping[Variable, Selector]
) -> tuple[Group, ...]:
    """The plates. A family of which some members alone are mixtures is not folded."""
    single = frozenset(node[0] for node in nodes if len(node) == 1)
    looks = dict(edges)
    for family in model.families:
        members = [name for name in family.nodes if name in single]
        chosen = [selectors[name] for name in members if name in selectors]
        if len(set(chosen)) < len(members):  # else each has its own, which is in its plate
            looks |= {
                (selectors[member], member): (False, "kept")
                for member in members
                if member in selectors
            }
    return foldable(model.families, single, looks)


def _units(nodes: Nodes, model: Model, groups: tuple[Group, ...]) -> Iterator[_Unit]:
    """A mark for each node, and for each family under a plate."""
    group_of = {
        Variable(family, index): one
        for one in groups
        for family in one.families
        for index in one.indices
    }
    letters = _letters(model, groups)
    met: set[Variable] = set()
    for node in nodes:
        family = model.family_of(node[0]).name
        group = group_of.get(node[0])
        if group is None:
            yield _Unit(
                Mark(label=blocks_label(node), kind=_kind(node, model), variables=node), node[:1]
            )
        elif family not in met:
            met.add(family)
            members = tuple(Variable(family, index) for index in group.indices)
            label = Label(family.word, ",".join(letters[group]))
            mark = Mark(label=(label,), kind=_kind(members, model), variables=members)
            yield _Unit(mark, members, group)


def _chosen(groups: tuple[Group, ...], selectors: Mapping[Variable, Selector]) -> Iterator[_Unit]:
    """A mark for each selector, and for those of the members of a family."""
    rest = dict.fromkeys(selectors.values())
    for group in groups:
        for family in group.families:
            members = [Variable(family, index) for index in group.indices]
            own = tuple(
                dict.fromkeys(selectors[member] for member in members if member in selectors)
            )
            if len(own) == len(members):
                yield _Unit(
                    Mark(label=(label_of(own[0]),), kind="selector", variables=own), own, group
                )
                rest = {name: None for name in rest if name not in own}
    for name in rest:
        yield _Unit(Mark(label=(label_of(name),), kind="selector", variables=(name,)), (name,))


def _plate(group: Group, letters: Sequence[str], units: list[_Unit]) -> Plate:
    values = (tuple(sorted(set(along))) for along in zip(*group.indices, strict=True))
    marks = tuple(place for place, unit in enumerate(units) if unit.group == group)
    return Plate(tuple(zip(letters, values, strict=True)), marks)


def _kind(node: tuple[Variable, ...], model: Model) -> MarkKind:
    return "latent" if any(model.family_of(name).role == "latent" for name in node) else "observed"


def _letters(model: Model, groups: tuple[Group, ...]) -> dict[Group, tuple[str, ...]]:
    """A letter for each index of each plate, which no variable and no other plate has."""
    taken = {family.head for family in model.families}
    free = iter([letter for letter in _LETTERS if letter not in taken])
    places = count(1)
    return {
        group: tuple(next(free, "") or f"i{next(places)}" for _ in group.indices[0])
        for group in groups
    }
