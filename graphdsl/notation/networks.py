"""What slots compute, in words: `q(u[i] | x[i], z)`, for the comments of the emitted code."""

from __future__ import annotations

__all__ = [
    "children_text",
    "joint_names",
    "joint_text",
    "network_title",
    "pattern",
    "slot_formula",
]

from collections.abc import Iterator, Sequence
from itertools import groupby

from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network
from graphdsl.ir.notation import Phrase, shortened
from graphdsl.ir.symbols import Names, Variable, bar_text
from graphdsl.notation.patterns import in_ranges
from graphdsl.slots.slots import Slot


def network_title(network: Network) -> Phrase:
    """A network by its name, or by its lines, long lists as ranges: `{x -> z[1..3]}`."""
    if network.name.base:
        return Phrase((network.name,))
    parts: list[object] = []
    for parents, node in network.lines:
        arrow = (*_group(parents), " -> ") if parents else ()
        parts += ("; " if parts else "{", *arrow, *_group((node,)))
    return in_ranges(Phrase((*parts, "}")))


def _group(nodes: Sequence[Names]) -> Iterator[object]:
    """Nodes in a list: those of one variable side by side, blocks in brackets."""
    before = False
    for alone, several in groupby(nodes, key=lambda node: len(node) == 1):
        for one in (sum(several, ()),) if alone else several:
            yield ", " if before else ""
            yield from (one,) if alone else ("(", one, ")")
            before = True


def slot_formula(slot: Slot, model: Model) -> str:
    """What a slot computes: `q(u[i] | x[i], z)`."""
    network = slot.conditionals[0].network
    if slot.experts:
        given_one = f"{children_text(model, slot)} | {pattern(slot.experts)}"
        if slot.conditionals[0].by == "mixture":
            return f"{network}({given_one})"
        return f"{network}~({given_one}), eq. 11"
    if slot.stacked and any(_is_crossed(slot, one.nodes) for one in slot.arguments):
        return ", ".join(shortened(slot.names, "..."))
    given = []
    for argument in slot.arguments:
        nodes = [node for group in argument.nodes for node in group]
        per_member = slot.stacked and not argument.shared
        written = pattern(nodes) if per_member else joint_text(model, nodes)
        gates = [gate.mask for gates_of in argument.gates for gate in gates_of]
        given.append(f"{written} if {gates[0]}" if gates else written)
    children = pattern(slot.children) if slot.stacked else children_text(model, slot)
    return f"{network}({children}{bar_text(given)})"


def _is_crossed(slot: Slot, nodes: Sequence[tuple[Variable, ...]]) -> bool:
    """Whether members read others than their own, so that no one index says which."""
    if len(nodes) != len(slot.children) or any(len(some) != 1 for some in nodes):
        return False
    pairs = zip(nodes, slot.children, strict=True)
    return any(some[0].member != child.member for some, child in pairs)


def pattern(nodes: Sequence[Variable]) -> str:
    """Members that an index runs over: `x[i]`."""
    head = nodes[0].head
    return nodes[0] if len(nodes) == 1 else f"{head}[i]"


def children_text(model: Model, slot: Slot) -> str:
    """The children of a slot, a whole family by its bare name."""
    return joint_text(model, slot.children)


def joint_text(model: Model, nodes: Sequence[Variable]) -> str:
    """Variables side by side, whole families by bare name."""
    return ", ".join(joint_names(model, nodes))


def joint_names(model: Model, nodes: Sequence[Variable]) -> tuple[Variable, ...]:
    """Variables, with the bare name of a family in the place of all its members."""
    heads: dict[str, list[Variable]] = {}
    for node in nodes:
        heads.setdefault(node.head, []).append(node)
    written: list[Variable] = []
    for head, members in heads.items():
        whole = set(members) == set(model.members(head)) and len(members) > 1
        written += [Variable(head)] if whole else members
    return tuple(written)
