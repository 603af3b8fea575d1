"""Random networks to judge with, and the few graph constructions that theory.md's laws speak of."""

__all__ = ["Pair", "completed", "independent", "inference_graph", "random_pair"]

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tests.oracles import discrete
from tests.oracles.graphs import Block, Graph, Parents


class Pair(NamedTuple):
    """An inference network and a regularizer network to hold it against."""

    parents_q: Parents  #: observed variables are roots, latents have one parent or more
    observed: tuple[str, ...]  #: q gives them an arbitrary joint, without any edge saying so
    graph: Graph  #: over all or some of the variables, single or in blocks


def random_pair(rng: np.random.Generator, n: int) -> Pair:
    """Draw an inference network of n variables and a regularizer network over some of them.

    One to four observed roots x1, x2, ...; latents z1, z2, ... whose parents come from anywhere
    before them. The regularizer network leaves variables out, joins them to blocks and isolates
    them, each in a good part of the draws. The same generator state gives the same pair.

    >>> pair = random_pair(np.random.default_rng(0), 4)
    >>> all(bool(above) != (name in pair.observed) for name, above in pair.parents_q.items())
    True
    """
    if n < 2:
        raise ValueError("an observed and a latent variable are needed")
    count = int(rng.integers(1, min(4, n - 1) + 1))
    observed = tuple(f"x{i + 1}" for i in range(count))
    parents: dict[str, tuple[str, ...]] = {name: () for name in observed}
    for j in range(n - count):
        parents[f"z{j + 1}"] = _subset(list(parents), rng, at_least=1)
    return Pair(parents_q=parents, observed=observed, graph=_random_graph(list(parents), rng))


def inference_graph(parents_q: Parents, observed: Sequence[str]) -> Graph:
    """G^q as theory.md has it: the edges of q, and a complete DAG on its observed roots.

    >>> inference_graph({"x1": (), "x2": (), "z": ["x1"]}, ["x1", "x2"])
    {('x1',): (), ('x2',): (('x1',),), ('z',): (('x1',),)}
    """
    roots = [name for name in parents_q if name in observed and not parents_q[name]]
    graph: dict[Block, tuple[Block, ...]] = {}
    for name, above in parents_q.items():
        if name in roots:
            above = roots[: roots.index(name)]
        graph[(name,)] = tuple((parent,) for parent in above)
    return graph


def completed(graph: Graph, rest: Sequence[str]) -> Graph:
    """G + all edges into `rest` + a complete DAG on `rest`: the same statement about q (P6).

    >>> completed({("a",): (), ("b",): ()}, ["c"])
    {('a',): (), ('b',): (), ('c',): (('a',), ('b',))}
    """
    whole: dict[Block, tuple[Block, ...]] = {node: tuple(above) for node, above in graph.items()}
    for name in rest:
        whole[(name,)] = tuple(whole)
    return whole


def independent(
    joint: discrete.Joint,
    a: Sequence[str],
    b: Sequence[str],
    given: Sequence[str] = (),
    tol: float = 1e-12,
) -> bool:
    """Whether q(a,b,c) q(c) = q(a,c) q(b,c) in every cell, within `tol`; a, b, c are disjoint."""
    table = discrete.marginal(joint, (*a, *b, *given)).table
    over_a = tuple(range(len(a)))
    over_b = tuple(range(len(a), len(a) + len(b)))
    without_a = table.sum(axis=over_a, keepdims=True)
    without_b = table.sum(axis=over_b, keepdims=True)
    neither = table.sum(axis=over_a + over_b, keepdims=True)
    return bool(np.max(np.abs(table * neither - without_a * without_b)) <= tol)


def _random_graph(names: Sequence[str], rng: np.random.Generator) -> Graph:
    """A DAG over a shuffled choice of `names`, cut into blocks."""
    kept = list(names) if rng.random() < 0.5 else list(_subset(names, rng, at_least=2))
    blocks = _random_blocks([kept[i] for i in rng.permutation(len(kept))], rng)
    lonely = int(rng.integers(len(blocks))) if rng.random() < 0.3 else None
    graph: dict[Block, tuple[Block, ...]] = {}
    for i, block in enumerate(blocks):
        above = [blocks[j] for j in range(i) if j != lonely and rng.random() < 0.5]
        graph[block] = () if i == lonely else tuple(above)
    return {blocks[i]: graph[blocks[i]] for i in rng.permutation(len(blocks))}


def _random_blocks(names: Sequence[str], rng: np.random.Generator) -> list[Block]:
    """Cut a list into blocks, most of them of one variable."""
    blocks: list[Block] = []
    for name in names:
        if len(blocks) > 1 and rng.random() < 0.2:
            blocks[-1] = (*blocks[-1], name)
        else:
            blocks.append((name,))
    return blocks


def _subset(names: Sequence[str], rng: np.random.Generator, at_least: int) -> tuple[str, ...]:
    """A random subset of `names`, in their order."""
    size = int(rng.integers(min(at_least, len(names)), len(names) + 1))
    chosen = sorted(rng.choice(len(names), size=size, replace=False).tolist())
    return tuple(names[i] for i in chosen)
