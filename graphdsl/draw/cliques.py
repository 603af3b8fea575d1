"""Members with any joint distribution: a clique with the same neighbours outside is one block."""

from __future__ import annotations

__all__ = ["Nodes", "blocks_label", "joined"]

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeAlias

from graphdsl.ir.folding import fold_lists
from graphdsl.ir.notation import natural

Nodes: TypeAlias = tuple[tuple[str, ...], ...]
_FEWEST = 3  #: members that are worth a block


def joined(
    nodes: Nodes, edges: Mapping[tuple[str, str], Hashable], apart: Iterable[str] = ()
) -> Nodes:
    """The nodes of a network, cliques of one family that nothing outside tells apart as one.

    Args:
        nodes: Each the variables of a node.
        edges: By the first variables of their ends, and how each is drawn.
        apart: Variables that stay nodes of their own.
    """
    outside: dict[str, dict[tuple[str, bool], Hashable]] = {node[0]: {} for node in nodes}
    for (start, end), look in edges.items():
        outside.setdefault(start, {})[end, True] = look
        outside.setdefault(end, {})[start, False] = look
    runs: list[list[tuple[str, ...]]] = []
    for node in nodes:
        before = runs[-1] if runs else []
        if before and _alike(before, node, outside, {*apart}):
            before.append(node)
        else:
            runs.append([node])
    found: list[tuple[str, ...]] = []
    for run in runs:
        whole = tuple(name for node in run for name in node)
        found += [whole] if len(run) >= _FEWEST else run
    return tuple(found)


def _alike(
    run: list[tuple[str, ...]],
    node: tuple[str, ...],
    outside: Mapping[str, Mapping[tuple[str, bool], Hashable]],
    apart: set[str],
) -> bool:
    """Whether a node is the next of a clique."""
    last = run[-1]
    if len(last) > 1 or len(node) > 1 or apart & {*last, *node}:
        return False
    one, other = last[0], node[0]
    if natural(one)[0] != natural(other)[0] or not natural(one)[1]:
        return False
    within = {name for (name,) in run} | {other}
    looks = {outside[name].get((other, True)) for (name,) in run}
    if None in looks or len(looks) > 1:
        return False

    def rest(name: str) -> dict[tuple[str, bool], Hashable]:
        return {key: look for key, look in outside[name].items() if key[0] not in within}

    return all(rest(name) == rest(other) for (name,) in run)


def blocks_label(node: tuple[str, ...]) -> str:
    """The variables of a node in a list, runs of an index as a range.

    >>> blocks_label(("u[1,1]", "u[1,2]", "u[1,3]", "z"))
    'u[1,1..3], z'
    """
    runs: list[list[str]] = []
    for name in node:
        if runs and _follows(runs[-1][-1], name):
            runs[-1].append(name)
        else:
            runs.append([name])
    written: list[str] = []
    for run in runs:
        (head, first), (_, last) = natural(run[0]), natural(run[-1])
        if len(run) < _FEWEST:
            written += run
        else:
            index = ",".join(map(str, (*first[:-1], f"{first[-1]}..{last[-1]}")))
            written.append(f"{head}[{index}]")
    return fold_lists(", ".join(written))


def _follows(before: str, after: str) -> bool:
    (head, index), (other, next_one) = natural(before), natural(after)
    if head != other or not index or len(index) != len(next_one):
        return False
    return index[:-1] == next_one[:-1] and next_one[-1] == index[-1] + 1
