"""Sums over the sets S of several networks r(S), in words."""

from __future__ import annotations

__all__ = ["Sets", "sets_of"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from graphdsl.ir.notation import shortened
from graphdsl.ir.symbols import IndexSet, NetworkName, Variable
from graphdsl.notation.samples import Samples


@dataclass(frozen=True, slots=True)
class Sets:
    """The sets S of a sum over r(S): as text, in LaTeX, and what they are sets of."""

    text: str
    latex: str
    head: str  #: `x` of `x[S]`
    own: bool  #: whether a term is of the members of S; else all sets have the same members


def sets_of(samples: Samples, nodes: Mapping[NetworkName, Sequence[Variable]]) -> Sets | None:
    """What S runs over in a term, from its variables in each network; None if no S says it."""
    sets = {name: _members(name) for name in nodes}
    heads = {
        parent.head
        for name in nodes
        for conditional in samples.model.inference_of(name).conditionals
        for parent in conditional.parents
    }
    choices = list(sets.values())
    if len(heads) != 1 or not all(choices):
        return None
    head = heads.pop()
    for name, members in sets.items():
        of_set = {Variable(head, (member,)) for member in members}
        if any(
            of_set != set(conditional.parents)
            for conditional in samples.model.inference_of(name).conditionals
        ):
            return None
    own = all(
        [one.member for one in nodes[name]] == [(i,) for i in members]
        for name, members in sets.items()
    )
    if not own and len({tuple(some) for some in nodes.values()}) > 1:
        return None
    return Sets(*_domain(choices), head, own)


def _members(name: NetworkName) -> tuple[int, ...]:
    """The set that a network is for: 1 and 2 of `r({1,2})`; nothing if it is for no one set."""
    match name.arguments:
        case (IndexSet(members, drawn=""),):
            return members
        case _:
            return ()


def _domain(choices: Sequence[tuple[int, ...]]) -> tuple[str, str]:
    """What S runs over: `S in subsets(1..2)`, or the sets one by one."""
    count = max(len(one) for one in choices)
    every = range(1, count + 1)
    subsets = {one for size in range(1, count + 1) for one in combinations(every, size)}
    if set(choices) == subsets:
        inner = ", ".join(shortened([*map(str, every)], r"\dots"))
        return f"S in subsets(1..{count})", f"\\emptyset \\ne S \\subseteq \\{{{inner}\\}}"
    text = shortened([f"{{{','.join(map(str, one))}}}" for one in choices], "...")
    latex = shortened([f"\\{{{','.join(map(str, one))}\\}}" for one in choices], r"\dots")
    return f"S in {', '.join(text)}", rf"S \in \{{{', '.join(latex)}\}}"
