"""Conditionals whose networks run together, as one attribute of the emitted class."""

from __future__ import annotations

__all__ = ["Argument", "Key", "Slot"]

from dataclasses import dataclass
from typing import Self

from graphdsl.ir.masks import Gate
from graphdsl.ir.networks import Conditional
from graphdsl.ir.symbols import ModelRef, Variable
from graphdsl.ir.values import Attribute


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a slot's networks: for each member, the variables that it is."""

    nodes: tuple[tuple[Variable, ...], ...]  #: one entry if all members share it
    shared: bool
    gates: tuple[tuple[Gate, ...], ...] = ()  #: where its edges are learned, member by member


class Key(Attribute):
    """What networks, or their answer, would like to be called: `q.z`, `r.z[1]`.

    >>> Key("q", "z"), Key("q", "z").label, Key("r", "z").label
    ('q.z', 'z', 'r.z')
    """

    __slots__ = ("network", "of")

    network: str
    of: str  #: what it is of, in its network

    def __new__(cls, network: str, of: str) -> Self:
        """Make a key from its parts."""
        self = super().__new__(cls, f"{network}.{of}")
        self.network, self.of = network, of
        return self

    @property
    def label(self) -> str:
        """The key, without the network where that is q."""
        return self.of if self.network == "q" else str(self)

    def then(self, suffix: str) -> Key:
        """The key of a part."""
        return Key(self.network, f"{self.of}{suffix}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Networks that run together."""

    attribute: Key
    conditionals: tuple[Conditional, ...]
    children: tuple[Variable, ...]  #: in the order of the tensor's family axis
    stacked: bool  #: a network for each member; otherwise one for all children
    arguments: tuple[Argument, ...]
    result: Key  #: what emitted code calls its answer
    names: tuple[str, ...]  #: of the networks that run: whole families by bare name
    models: tuple[ModelRef, ...]  #: what each of them says
    is_family: bool  #: whether its output has the axis of a family
    experts: tuple[Variable, ...] = ()  #: the parents of a product of experts, in this slot
    tied: tuple[tuple[str, ModelRef], ...] = ()  #: all that its network is for, where it is shared
    picked: tuple[int, ...] = ()  #: the members that run, where not all of them do

    @property
    def per_network(self) -> int | None:
        """How many children each network answers for, if on an axis of their own."""
        apart = self.stacked and not self.experts
        return len(self.children) if self.is_family and not apart else None
