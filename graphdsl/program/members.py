"""Members of a family, in a tensor or in its noise."""

from __future__ import annotations

__all__ = ["member_noise", "member_ref"]

from collections.abc import Sequence

from graphdsl.ir.networks import Family
from graphdsl.ir.symbols import Variable
from graphdsl.ir.values import Noise, Ref, Value


def member_ref(tensor: Value, nodes: Sequence[Variable], members: Sequence[str]) -> Ref:
    """Some members of a tensor that holds `everything` along its family axis."""
    return Ref(tensor, *_members(nodes, members))


def member_noise(family: Family, nodes: Sequence[Variable]) -> Noise:
    """The noise of a family, or of some members of it."""
    places, one = _members(nodes, family.nodes)
    return Noise(family.name, places, one, grid=len(family.extents))


def _members(
    nodes: Sequence[Variable], members: Sequence[str]
) -> tuple[tuple[int, ...] | None, bool]:
    """The places of some members, and whether they are a single one."""
    if tuple(nodes) == tuple(members):
        return None, False
    places = tuple(members.index(node) for node in nodes)
    return places, len(places) == 1
