"""One pass of one slot: its arguments, its distribution, its shape, and where its results lie."""

from __future__ import annotations

__all__ = [
    "Held",
    "Mixture",
    "ModelKey",
    "Plan",
    "gathered",
    "held_members",
    "place_of",
    "run_slot",
    "slot_shape",
    "tensor_shape",
]

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Literal, NamedTuple, TypeAlias

from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.draws import Draw
from graphdsl.ir.laws import Law
from graphdsl.ir.loss import NetworkSlot
from graphdsl.ir.model import Family, Model
from graphdsl.ir.notation import natural
from graphdsl.ir.slots import Argument, Slot
from graphdsl.ir.statements import (
    Assemble,
    Decoded,
    Drawn,
    InferenceLine,
    Ref,
    Run,
    Seen,
    Statement,
)
from graphdsl.notation.networks import slot_formula
from graphdsl.notation.samples import Samples
from graphdsl.program import keys
from graphdsl.program.masks import gated
from graphdsl.program.slots import member_ref, output_of, scale_name

#: Where a variable is found: a local name, and the variables that it holds.
Held: TypeAlias = dict[str, tuple[str, tuple[str, ...]]]


class ModelKey(NamedTuple):
    """Which run of a model a term needs."""

    network: str  #: `p`, or `r` for one made for a bound
    node: str
    given: tuple[str, ...] = ()  #: of a model made for a bound
    held: Literal["", "frozen", "detached"] = ""  #: what has no gradient: its weights, its inputs


@dataclass(frozen=True, slots=True)
class Mixture:
    """A posterior whose density is that of a mixture, and of all its children at once."""

    key: str
    children: tuple[str, ...]
    experts: tuple[str, ...]  #: what each of them reads


@dataclass(slots=True)
class Plan:
    """Statements of the emitted methods, and where each variable's distribution is found."""

    model: Model
    under: str = "q"  #: the inference network whose samples these are
    together: tuple[str, ...] = ()  #: all of them, where several are sampled at once: `r({1})`, ...
    networks: dict[str, NetworkSlot] = field(default_factory=dict)  #: by attribute
    subsets: list[tuple[str, tuple[tuple[bool, ...], ...]]] = field(default_factory=list)
    holders: list[tuple[str, str]] = field(default_factory=list)
    forward: list[Statement] = field(default_factory=list)
    infer: list[Statement] = field(default_factory=list)
    decode: list[Statement] = field(default_factory=list)
    inferred: list[InferenceLine] = field(default_factory=list)
    decoded: list[Decoded] = field(default_factory=list)
    ancestral: list[Statement] = field(default_factory=list)
    drawn: list[Drawn] = field(default_factory=list)
    priors: dict[tuple[str, ...], Slot] = field(default_factory=dict)  #: p(z|w), by its children
    foreign: dict[str, set[str]] = field(
        default_factory=dict
    )  #: what a latent's fallback in p reads, and its encoder does not
    posterior: Held = field(default_factory=dict)
    likelihood: dict[ModelKey, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    subset_of: dict[tuple[str, str, tuple[str, ...]], tuple[str, int]] = field(
        default_factory=dict
    )  #: by network, latent and experts: a tensor of sub-posteriors, and a place in it
    draws: tuple[Draw, ...] = ()  #: the sets that a pass draws
    drawn_posterior: dict[tuple[str, str, str], tuple[str, tuple[str, ...]]] = field(
        default_factory=dict
    )  #: q(z|x[S]), by network, z and x[S]
    compared: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = field(
        default_factory=dict
    )  #: other networks' posteriors at these samples, by network and latent
    values: Held = field(default_factory=dict)
    encoders: list[Slot] = field(default_factory=list)  #: of the network that is sampled
    decoders: list[Slot] = field(default_factory=list)  #: of p
    owners: dict[str, str] = field(default_factory=dict)  #: attribute -> whose network it is
    gathered: set[str] = field(default_factory=set)  #: members that are side by side by now
    vectors: set[str] = field(default_factory=set)  #: local names that hold categories as vectors
    mixtures: dict[str, Mixture] = field(default_factory=dict)  #: by each child
    experts: dict[tuple[str, tuple[str, ...]], tuple[str, tuple[str, ...]]] = field(
        default_factory=dict
    )  #: by network and children: the tensor of all experts, and their parents in its order

    @property
    def samples(self) -> Samples:
        """Whose samples these are, for formulas."""
        return Samples(self.model, self.under, self.together, frozenset(self.mixtures))

    @property
    def base(self) -> str:
        """The name under which its conditionals are printed: `r` for `r(1)`."""
        return self.under.partition("(")[0]

    @property
    def tag(self) -> str:
        """What sets its keys apart from q's: `@r(1)`; of several at once, `@r`."""
        if self.together:
            return f"@{self.base}"
        return "" if self.under == "q" else f"@{self.under}"

    def law(self, latent: str) -> Law:
        """The law that this network infers a latent with, or p generates a variable with."""
        network = self.model.generation
        if self.under != "p" or network is None:
            network = self.model.inference_of(self.under)
        conditional = network.conditional_of(latent)
        if conditional is None:
            raise CompilerBug(f"{network.name} infers no {latent}")
        return self.model.distribution_of(conditional).law

    def branch(self, under: str) -> Plan:
        """A plan for another inference network's samples, in the same module."""
        data = {name: held for name, held in self.values.items() if name in self.model.observed()}
        return Plan(
            model=self.model,
            under=under,
            networks=self.networks,
            subsets=self.subsets,
            holders=self.holders,
            forward=self.forward,
            decode=self.decode,
            decoded=self.decoded,
            values=data,
            experts=self.experts,
            priors=self.priors,
            encoders=self.encoders,
            decoders=self.decoders,
            subset_of=self.subset_of,
            drawn_posterior=self.drawn_posterior,
        )

    def add_network(self, slot: NetworkSlot) -> None:
        """Declare networks, once however often they run."""
        self.networks.setdefault(slot.attribute, slot)

    def value(self, nodes: Sequence[str]) -> Ref:
        """The tensor that holds some variables of one family."""
        name, held = self.values[nodes[0]]
        return member_ref(name, nodes, held)


def run_slot(plan: Plan, slot: Slot, target: str, frozen: bool = False) -> Run:
    """Run a slot's networks on what is known by now of its parents."""
    model = plan.model
    output = output_of(slot.conditionals[0], model)
    family = model.family_of(slot.children[0])
    shape = slot_shape(slot, family)
    if slot.experts:
        shape = (*((len(slot.experts),) if slot.stacked else ()), *shape)
    return Run(
        target=target,
        slot=slot.attribute,
        arguments=tuple(
            _argument(plan, one, bool(slot.picked) and not one.shared) for one in slot.arguments
        ),
        output=output,
        reshape=_reshape(slot, family) if output.is_vector else None,
        formula=slot_formula(slot, model),
        shape=shape,
        seen=tuple(_seen(plan, slot)) if not slot.experts else (),
        scale=_scale(model, slot),
        scale_by_member=not slot.tied,
        frozen=frozen,
        picked=slot.picked,
    )


def gathered(plan: Plan, slot: Slot) -> Iterator[Assemble]:
    """Put members that a slot reads side by side, where they were sampled apart."""
    for argument in slot.arguments:
        nodes = tuple(node for group in argument.nodes for node in group)
        if len({plan.values[node][0] for node in nodes}) > 1:
            family = plan.model.family_of(nodes[0])
            target = keys.members(family, nodes) + plan.tag
            parts = held_members(plan.values, nodes)
            if any(part.name in plan.vectors for part in parts):
                plan.vectors.add(target)
            if target not in plan.gathered:
                yield Assemble(target=target, parts=parts)
            plan.gathered.add(target)
            plan.values.update(dict.fromkeys(nodes, (target, nodes)))


def held_members(held: Held, nodes: Iterable[str]) -> tuple[Ref, ...]:
    """Members of a family one by one, wherever each is held."""
    return tuple(member_ref(held[node][0], (node,), held[node][1]) for node in nodes)


def _scale(model: Model, slot: Slot) -> float | str | None:
    """The log-variance of a normal, the log-scale of a Laplace, or where it is learned."""
    distribution = model.distribution_of(slot.conditionals[0])
    scale = distribution.law.scale
    if scale is None or distribution.scale is None or distribution.scale == "own":
        return None
    if distribution.scale == "learned":
        return scale_name(slot, model)
    return scale.power * log(distribution.scale)


def slot_shape(slot: Slot, family: Family) -> tuple[int, ...]:
    """The shape of one row of a slot's result."""
    return (len(slot.children), *family.shape) if slot.is_family else family.shape


def tensor_shape(family: Family) -> tuple[int, ...]:
    """The shape of one row of a family's tensor."""
    return family.shape if family.members is None else (len(family.members), *family.shape)


def place_of(node: str) -> tuple[int, ...]:
    """The indices of a member; none for a variable that is no family."""
    return natural(node)[1]


def _reshape(slot: Slot, family: Family) -> tuple[int, ...] | None:
    """The shape of what a network's last axis holds, where that is not simply a vector."""
    if slot.per_network is None:
        return None if len(family.shape) == 1 else family.shape
    return None if not family.shape else (slot.per_network, *family.shape)


def _seen(plan: Plan, slot: Slot) -> Iterable[Seen]:
    """The masks of a slot's observed parents."""
    for argument in slot.arguments:
        nodes = [node for group in argument.nodes for node in group]
        family = plan.model.family_of(nodes[0])
        if family.role == "latent":
            continue
        mask = member_ref(keys.seen(family), nodes, family.nodes)
        if slot.stacked and not argument.shared:
            yield Seen(Ref(mask.name, mask.places), "each", family.optional)
        else:
            single = family.members is None or mask.one
            yield Seen(mask, "single" if single else "all", family.optional)


def _argument(plan: Plan, argument: Argument, picked: bool) -> Ref:
    nodes = tuple(node for group in argument.nodes for node in group)
    holders = {plan.values[node][0] for node in nodes}
    if len(holders) != 1:
        raise CompilerBug(f"{', '.join(nodes)} are not in one tensor yet")
    ref = plan.value(nodes)
    per_member = picked or len(argument.nodes) > 1
    family = plan.model.family_of(nodes[0])
    if family.kind == "categorical" and family.role != "latent" and ref.name not in plan.vectors:
        ref = Ref(keys.one_hot(ref.name), ref.places, ref.one)
    if family.members is not None and nodes == family.nodes and len(nodes) == 1:
        # The only member of its family, without the axis.
        return gated(plan.model, Ref(ref.name, (0,), True), argument)
    alone = picked and len(nodes) == 1 and plan.values[nodes[0]][1] == nodes
    member = Ref(ref.name, ref.places, ref.one and not per_member, in_sets=alone)
    return gated(plan.model, member, argument)
