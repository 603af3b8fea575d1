"""Conditionals whose networks run together, as one attribute of the emitted class."""

from __future__ import annotations

__all__ = ["Argument", "Slot"]

from dataclasses import dataclass

from graphdsl.ir.masks import Gate
from graphdsl.ir.networks import Conditional
from graphdsl.ir.statements import Attribute
from graphdsl.ir.symbols import ModelRef


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a slot's networks: for each member, the variables that it is."""

    nodes: tuple[tuple[str, ...], ...]  #: one entry if all members share it
    shared: bool
    gates: tuple[tuple[Gate, ...], ...] = ()  #: where its edges are learned, member by member


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Networks that run together."""

    attribute: Attribute
    conditionals: tuple[Conditional, ...]
    children: tuple[str, ...]  #: in the order of the tensor's family axis
    stacked: bool  #: a network for each member; otherwise one for all children
    arguments: tuple[Argument, ...]
    names: tuple[str, ...]  #: of the networks that run: whole families by bare name
    models: tuple[ModelRef, ...]  #: what each of them says
    is_family: bool  #: whether its output has the axis of a family
    experts: tuple[str, ...] = ()  #: the parents of a product of experts, in this slot
    tied: tuple[tuple[str, ModelRef], ...] = ()  #: all that its network is for, where it is shared
    result: str = ""  #: what emitted code calls its answer
    picked: tuple[int, ...] = ()  #: the members that run, where not all of them do

    @property
    def per_network(self) -> int | None:
        """How many children each network answers for, if on an axis of their own."""
        apart = self.stacked and not self.experts
        return len(self.children) if self.is_family and not apart else None
