"""Families as plates: members that a network treats alike are drawn once."""

from __future__ import annotations

__all__ = ["Edges", "Group", "foldable"]

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Literal, TypeAlias

from graphdsl.ir.networks import Family
from graphdsl.ir.symbols import Variable

#: Each edge, by the names of its ends, and how it is drawn.
Edges: TypeAlias = Mapping[tuple[Variable, Variable], Hashable]
Index: TypeAlias = tuple[int, ...]
#: All edges, those of equal members, or others: then the families that are not drawn as plates.
Tie: TypeAlias = Literal["all", "equal"] | frozenset[Variable]


@dataclass(frozen=True, slots=True)
class Group:
    """Families under one plate: they have the same indices, and equal members meet."""

    families: tuple[Variable, ...]
    indices: tuple[Index, ...]


def foldable(
    families: Iterable[Family], drawn: frozenset[Variable], edges: Edges
) -> tuple[Group, ...]:
    """The plates of a network, such that each drawing with them means one network alone.

    Between two families there are either no edges, or those of equal members, or all of them, and
    all are drawn alike. In the first case they may share a plate, in the second they have to, and
    in the third they must not. A family with any other edges is drawn member by member.

    Args:
        families: Those that the spec declares.
        drawn: The variables that are nodes of their own.
        edges: The edges between those, and between them and any other node.
    """
    members = {
        family.name: tuple(name for name in family.nodes if name in drawn) for family in families
    }
    folded = {name: names for name, names in members.items() if len(names) > 1}
    while True:
        ties = dict(_ties(folded, edges))
        irregular = {name for tie in ties.values() if isinstance(tie, frozenset) for name in tie}
        groups = _together(folded, [pair for pair, tie in ties.items() if tie == "equal"])
        for group in groups:
            within = ((a, b) for a in group for b in group)
            irregular |= {name for pair in within if ties.get(pair) == "all" for name in pair}
        if not irregular:
            return tuple(
                Group(group, tuple(name.member for name in folded[group[0]])) for group in groups
            )
        folded = {name: names for name, names in folded.items() if name not in irregular}


def _ties(
    folded: Mapping[Variable, tuple[Variable, ...]], edges: Edges
) -> Iterator[tuple[tuple[Variable, Variable], Tie]]:
    """How the members of two families, or of a family and another node, are tied."""
    owner = {name: family for family, looks in folded.items() for name in looks}
    between: dict[tuple[Variable, Variable], dict[tuple[Variable, Variable], Hashable]] = {}
    for (start, end), drawn in edges.items():
        if start in owner or end in owner:
            pair = (owner.get(start, start), owner.get(end, end))
            between.setdefault(pair, {})[start, end] = drawn
    for (a, b), looks in between.items():
        yield (a, b), _tie((a, folded.get(a, (a,))), (b, folded.get(b, (b,))), looks)


def _tie(
    start: tuple[Variable, tuple[Variable, ...]],
    end: tuple[Variable, tuple[Variable, ...]],
    edges: Mapping[tuple[Variable, Variable], Hashable],
) -> Tie:
    (a, starts), (b, ends) = start, end
    if a == b:
        return frozenset((a,))
    rows = [tuple(edges.get((one, other)) for other in ends) for one in starts]
    if len({*chain.from_iterable(rows)}) == 1:
        return "all"
    if _is_diagonal(starts, ends, edges):
        return "equal"
    if all(len(set(row)) == 1 for row in rows):
        return frozenset((a,))
    if all(len(set(column)) == 1 for column in zip(*rows, strict=True)):
        return frozenset((b,))
    return frozenset((a, b))


def _is_diagonal(
    starts: tuple[Variable, ...],
    ends: tuple[Variable, ...],
    edges: Mapping[tuple[Variable, Variable], Hashable],
) -> bool:
    """Whether there are the edges of equal members, drawn alike, and no others."""
    same_indices = [start.member for start in starts] == [one.member for one in ends]
    if not same_indices or len(set(edges.values())) > 1:
        return False
    return set(edges) == set(zip(starts, ends, strict=True))


def _together(
    folded: Mapping[Variable, tuple[Variable, ...]], pairs: Iterable[tuple[Variable, Variable]]
) -> list[tuple[Variable, ...]]:
    """Families that edges between equal members tie together, in the order of declaration."""
    group = {name: {name} for name in folded}
    for a, b in pairs:
        if group[a] is not group[b]:
            group[a] |= group[b]
            for name in group[b]:
                group[name] = group[a]
    members = {id(one): one for one in group.values()}
    return [tuple(name for name in folded if name in one) for one in members.values()]
