"""What is planned so far: the program of an objective, and the pass of each of its networks."""

from __future__ import annotations

__all__ = ["Held", "Mixture", "ModelKey", "Plan", "Program"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from graphdsl.catalog.laws import Law
from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.draws import Draw
from graphdsl.ir.loss import NetworkSlot
from graphdsl.ir.model import Model
from graphdsl.ir.statements import Decoded, Drawn, InferenceLine
from graphdsl.ir.symbols import NetworkName, Q, Variable
from graphdsl.ir.values import Attribute, Ref, Value
from graphdsl.notation.samples import Samples
from graphdsl.program.blocks import Block
from graphdsl.program.inputs import Inputs
from graphdsl.program.members import member_ref
from graphdsl.slots.slots import Slot

#: Where a variable is found: a value, and the variables that it holds.
Held: TypeAlias = tuple[Value, tuple[Variable, ...]]


class ModelKey(NamedTuple):
    """Which run of a model a term needs."""

    network: str  #: `p`, or `r` for one made for a bound
    node: Variable
    given: tuple[Variable, ...] = ()  #: of a model made for a bound
    held: Literal["", "frozen", "detached"] = ""  #: what has no gradient: its weights, its inputs


@dataclass(frozen=True, slots=True)
class Mixture:
    """A posterior whose density is that of a mixture, and of all its children at once."""

    value: Value
    children: tuple[Variable, ...]
    experts: tuple[Variable, ...]  #: what each of them reads


@dataclass(slots=True)
class Program:
    """What all passes of an objective share: its networks, and what p decodes and generates."""

    model: Model
    inputs: Inputs
    decoders: list[Slot]  #: of p
    priors: dict[tuple[Variable, ...], Slot]  #: p(z|w), by its children
    owners: dict[str, str]  #: attribute -> whose network it is
    encoder_of: Mapping[Variable, Slot] = field(default_factory=dict)  #: q's, by its children
    draws: tuple[Draw, ...] = ()  #: the sets that a pass draws
    networks: dict[Attribute, NetworkSlot] = field(default_factory=dict)
    subsets: list[tuple[Attribute, tuple[tuple[bool, ...], ...]]] = field(default_factory=list)
    holders: list[tuple[Attribute, Attribute]] = field(default_factory=list)
    #: by network and children: the tensor of all experts, and their parents in its order
    experts: dict[tuple[str, tuple[Variable, ...]], Held] = field(default_factory=dict)
    #: by network, latent and experts: a tensor of sub-posteriors, and a place in it
    subset_of: dict[tuple[str, str, tuple[Variable, ...]], tuple[Value, int]] = field(
        default_factory=dict
    )
    #: q(z|x[S]), by network, z and x[S]
    drawn_posterior: dict[tuple[str, str, str], Held] = field(default_factory=dict)
    decode: Block = field(default_factory=Block)
    decoded: list[Decoded] = field(default_factory=list)
    ancestral: Block = field(default_factory=Block)
    drawn: list[Drawn] = field(default_factory=list)

    def add_network(self, slot: NetworkSlot) -> None:
        """Declare networks, once however often they run."""
        self.networks.setdefault(slot.attribute, slot)


@dataclass(slots=True)
class Plan:
    """One pass: the samples of an inference network or of p, and what is computed from them."""

    program: Program
    under: NetworkName = Q  #: the network whose samples these are
    #: all of them, where several are sampled at once: `r({1})`, ...
    together: tuple[NetworkName, ...] = ()
    forward: Block = field(default_factory=Block)
    infer: Block = field(default_factory=Block)
    inferred: list[InferenceLine] = field(default_factory=list)
    encoders: list[Slot] = field(default_factory=list)  #: of the network that is sampled
    values: dict[Variable, Held] = field(default_factory=dict)  #: data and samples
    posterior: dict[Variable, Held] = field(default_factory=dict)
    likelihood: dict[ModelKey, Held] = field(default_factory=dict)
    #: other networks' posteriors at these samples, by network and latent
    compared: dict[tuple[str, str], Held] = field(default_factory=dict)
    mixtures: dict[Variable, Mixture] = field(default_factory=dict)  #: by each child
    #: what a latent's fallback in p reads, and its encoder does not
    foreign: dict[Variable, set[Variable]] = field(default_factory=dict)
    #: members that are side by side by now
    gathered: dict[tuple[Variable, ...], Value] = field(default_factory=dict)
    vectors: set[Value] = field(default_factory=set)  #: values that hold categories as vectors

    @property
    def model(self) -> Model:
        """The spec, with this objective alone."""
        return self.program.model

    @property
    def inputs(self) -> Inputs:
        """The data, masks and drawn sets that it may read."""
        return self.program.inputs

    @property
    def samples(self) -> Samples:
        """Whose samples these are, for formulas."""
        return Samples(self.model, self.under, self.together, frozenset(self.mixtures))

    @property
    def base(self) -> str:
        """The name under which its conditionals are printed: `r` for `r(1)`."""
        return self.under.base

    @property
    def tag(self) -> str:
        """What sets its values apart from q's: `@r(1)`; of several at once, `@r`."""
        if self.together:
            return f"@{self.base}"
        return "" if self.under == "q" else f"@{self.under}"

    def law(self, latent: Variable) -> Law:
        """The law that this network infers a latent with, or p generates a variable with."""
        network = self.model.generation
        if self.under != "p" or network is None:
            network = self.model.inference_of(self.under)
        conditional = network.conditional_of(latent)
        if conditional is None:
            raise CompilerBug(f"{network.name} infers no {latent}")
        return self.model.distribution_of(conditional, latent).law

    def branch(self, under: NetworkName) -> Plan:
        """A pass of another network, in the same program and behind the same statements."""
        data = {name: held for name, held in self.values.items() if name in self.model.observed()}
        return Plan(
            self.program, under=under, forward=self.forward, encoders=self.encoders, values=data
        )

    def value(self, nodes: Sequence[Variable]) -> Ref:
        """The tensor that holds some variables of one family."""
        value, held = self.values[nodes[0]]
        return member_ref(value, nodes, held)
