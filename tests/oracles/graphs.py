"""Raw adjacency lists: what a network is to the oracles.

Two spellings are enough. The inference network is `Parents`, variable -> its parents. A network
that q is compared with (a regularizer network G^k or a model network G^p) is a `Graph`, block ->
its parent blocks, where a block is a tuple of variables that act as one node.
"""

__all__ = ["Block", "Graph", "Parents", "flatten", "singletons", "topological_order"]

from collections.abc import Mapping, Sequence
from typing import TypeVar

Block = tuple[str, ...]  #: one node of a network: the variables in it, in the order of its axes
Parents = Mapping[str, Sequence[str]]  #: every variable with its parents; a root has ()
Graph = Mapping[Block, Sequence[Block]]  #: every block with its parents; an isolated one has ()

Key = TypeVar("Key", str, Block)


def singletons(parents: Parents) -> Graph:
    """Read a network of variables as one of blocks, each variable a block of its own.

    >>> singletons({"z": (), "x": ["z"]})
    {('z',): (), ('x',): (('z',),)}
    """
    return {(node,): tuple((parent,) for parent in above) for node, above in parents.items()}


def flatten(blocks: Sequence[Block]) -> tuple[str, ...]:
    """List the variables of some blocks, block after block.

    >>> flatten([("a", "b"), ("c",)])
    ('a', 'b', 'c')
    """
    return tuple(name for block in blocks for name in block)


def topological_order(graph: Mapping[Key, Sequence[Key]]) -> tuple[Key, ...]:
    """Order the nodes parents first, ties in the order of the mapping.

    Raises ValueError where a parent is no node of the network, or where there is a cycle.

    >>> topological_order({"x": ["z"], "z": [], "y": ["x"]})
    ('z', 'x', 'y')
    """
    for node, parents in graph.items():
        for parent in parents:
            if parent not in graph:
                raise ValueError(f"{parent} is a parent of {node} but no node of the network")
    placed: list[Key] = []
    while len(placed) < len(graph):
        ready = [
            node
            for node, parents in graph.items()
            if node not in placed and all(parent in placed for parent in parents)
        ]
        if not ready:
            raise ValueError(f"cycle among {[node for node in graph if node not in placed]}")
        placed.append(ready[0])
    return tuple(placed)
