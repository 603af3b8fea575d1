"""Members with any joint distribution: a clique with the same neighbours outside is one block."""

from __future__ import annotations

__all__ = ["Nodes", "blocks_label", "joined"]

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeAlias

from graphdsl.draw.labels import Label, label_of
from graphdsl.ir.symbols import Variable, runs

Nodes: TypeAlias = tuple[tuple[Variable, ...], ...]
_FEWEST = 3  #: members that are worth a block


def joined(
    nodes: Nodes,
    edges: Mapping[tuple[Variable, Variable], Hashable],
    apart: Iterable[Variable] = (),
) -> Nodes:
    """The nodes of a network, cliques of one family that nothing outside tells apart as one.

    Args:
        nodes: Each the variables of a node.
        edges: By the first variables of their ends, and how each is drawn.
        apart: Variables that stay nodes of their own.
    """
    outside: dict[Variable, dict[tuple[Variable, bool], Hashable]] = {node[0]: {} for node in nodes}
    for (start, end), look in edges.items():
        outside.setdefault(start, {})[end, True] = look
        outside.setdefault(end, {})[start, False] = look
    runs: list[list[tuple[Variable, ...]]] = []
    for node in nodes:
        before = runs[-1] if runs else []
        if before and _alike(before, node, outside, {*apart}):
            before.append(node)
        else:
            runs.append([node])
    cliques: list[tuple[Variable, ...]] = []
    for run in runs:
        whole = tuple(name for node in run for name in node)
        cliques += [whole] if len(run) >= _FEWEST else run
    return tuple(cliques)


def _alike(
    run: list[tuple[Variable, ...]],
    node: tuple[Variable, ...],
    outside: Mapping[Variable, Mapping[tuple[Variable, bool], Hashable]],
    apart: set[Variable],
) -> bool:
    """Whether a node is the next of a clique."""
    last = run[-1]
    if len(last) > 1 or len(node) > 1 or apart & {*last, *node}:
        return False
    one, other = last[0], node[0]
    if one.head != other.head or not one.member:
        return False
    within = {name for (name,) in run} | {other}
    looks = {outside[name].get((other, True)) for (name,) in run}
    if None in looks or len(looks) > 1:
        return False

    def rest(name: Variable) -> dict[tuple[Variable, bool], Hashable]:
        return {key: look for key, look in outside[name].items() if key[0] not in within}

    return all(rest(name) == rest(other) for (name,) in run)


def blocks_label(node: tuple[Variable, ...]) -> tuple[Label, ...]:
    """The variables of a node in a list, runs of an index as a range.

    >>> u = [Variable("u", (1, k)) for k in range(1, 4)]
    >>> ", ".join(map(str, blocks_label((*u, Variable("z")))))
    'u[1,1..3], z'
    """
    return tuple(label for run in runs(node) for label in _labels(run))


def _labels(run: Sequence[Variable]) -> Iterable[Label]:
    """The labels of members that follow each other: one range, where they are enough for it."""
    if len(run) < _FEWEST:
        return map(label_of, run)
    first, last = run[0], run[-1].member[-1]
    return (Label(first.word, first.subscript, first.copy, str(last)),)
