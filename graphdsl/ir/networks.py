"""Bayesian networks as resolved: variables, conditionals, and the networks that they make."""

from __future__ import annotations

__all__ = [
    "Conditional",
    "Distribution",
    "Edge",
    "Family",
    "Interval",
    "Network",
    "Node",
    "Parameter",
    "Role",
    "Stretch",
    "Via",
    "owners_of_edges",
]

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import Literal, TypeAlias

from graphdsl.catalog.architectures import MLP, OptionValue
from graphdsl.catalog.laws import Kind, Law
from graphdsl.catalog.priors import LEARNED_PARAMETERS
from graphdsl.ir.masks import Gate
from graphdsl.ir.notation import number_text
from graphdsl.ir.symbols import NO_VARIABLE, Names, NetworkName, Selector, Variable

Role: TypeAlias = Literal["observed", "latent", "given"]


Edge: TypeAlias = tuple[Variable, Variable]  #: parent, child


Stretch: TypeAlias = tuple[int, int, int, int]  #: of the spec: line, column, and where it ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """The range that a parameter may take; None is without bound."""

    low: Fraction | None = Fraction(0)
    high: Fraction | None = None

    def __contains__(self, value: Fraction) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def __str__(self) -> str:
        low = "-inf" if self.low is None else str(self.low)
        return f"{low}..{'inf' if self.high is None else self.high}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How a parameter comes to its value: in equal steps, once or anew in each of its cycles."""

    start: Fraction
    steps: int
    first: int = 0  #: the step at which a ramp begins to move
    cycles: int = 0  #: none of a ramp; each rises in its first half and stays in its second

    def __str__(self) -> str:
        late = f" from step {self.first}" if self.first else ""
        cycles = f" and {self.cycles} cycles" if self.cycles else ""
        return f"from {number_text(self.start)} in {self.steps} steps{cycles}{late}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A weight that the user may set, with its range."""

    name: str
    value: Fraction
    range: Interval
    schedule: Schedule | None = None


@dataclass(frozen=True, slots=True)
class Distribution:
    """What stands after `~`: a law, and its scale where that is not a network's."""

    law: Law
    #: None is one; `own` is one that the network answers with, as of latents.
    scale: Fraction | Literal["learned", "own"] | None = None
    components: int = 0  #: of a mixture
    exposure: Variable = NO_VARIABLE  #: of counts: what the mean of a row is a share of
    each: bool = False  #: whether a learned scale has entries for coordinates, unlike its law's
    group: Variable = NO_VARIABLE  #: the category for whose classes a scale is learned

    @property
    def written(self) -> str:
        """The distribution as a spec writes it, without a scale."""
        return f"{self.law}({self.components})" if self.components else str(self.law)

    def __str__(self) -> str:
        """As a spec writes it: `normal(scale = learned)`."""
        settings = []
        if self.exposure:
            settings.append(f"exposure = {self.exposure}")
        if self.scale is not None and self.law.scale is not None:
            known = {"own": "network", "learned": f"learned{self._learned_for}"}
            value = known[self.scale] if isinstance(self.scale, str) else number_text(self.scale)
            settings.append(f"{self.law.scale.word} = {value}")
        return f"{self.law.word}({', '.join(settings)})" if settings else self.written

    def given(self, parents: Iterable[Variable]) -> Distribution:
        """The same in a conditional: without an exposure, or a group, that is no parent."""
        known = (NO_VARIABLE, *parents)
        if self.exposure in known and self.group in known:
            return self
        exposure = self.exposure if self.exposure in known else NO_VARIABLE
        return replace(
            self, exposure=exposure, group=self.group if self.group in known else NO_VARIABLE
        )

    @property
    def _learned_for(self) -> str:
        """What a learned scale has entries for, in brackets; empty if that goes without saying."""
        what = ", ".join(["each"] * self.each + [self.group] * bool(self.group))
        return f"({what})" if what else ""


@dataclass(frozen=True, kw_only=True)
class Family:
    """Variables declared together: equal kind and shape, one tensor."""

    name: Variable  #: `x`; `x[1]` for a member declared by itself
    role: Role
    kind: Kind
    shape: tuple[int, ...]
    members: tuple[tuple[int, ...], ...] | None  #: the indices of each; None if it is no family
    prior: bool  #: whether it was declared with a distribution
    distribution: Distribution  #: its prior or its likelihood
    line: int
    column: int
    classes: int | None = None  #: of a categorical variable
    optional: bool = False  #: whether a row may lack it
    labels: str = ""  #: of what q fills in where rows lack it: the family of what they have
    label_of: Variable = NO_VARIABLE  #: of such a family: the variable that it labels
    root: Distribution | None = None  #: its prior where it is a root of p, if that is learned

    @property
    def head(self) -> str:
        """The name without an index."""
        return self.name.head

    @property
    def index(self) -> tuple[int, ...]:
        """The index of a member that is declared by itself."""
        return self.name.member

    @property
    def root_text(self) -> str:
        """Its learned prior as a spec writes it; empty if it has none."""
        if self.root is None or self.root.components:
            return self.root.written if self.root is not None else ""
        settings = (f"{one} = learned" for one in LEARNED_PARAMETERS[self.root.law.word])
        return f"{self.root.law}({', '.join(settings)})"

    @property
    def held_as(self) -> Variable:
        """The name under which a batch holds it."""
        return self.label_of or self.name

    def label(self, node: Variable) -> Variable:
        """The label of a member, of what q fills in: `label_y[1]` of `y[1]`."""
        return Variable(self.labels, node.member)

    def labelled(self, node: Variable) -> Variable:
        """The variable that a member of a family of labels is of: `y[1]` of `label_y[1]`."""
        return Variable(self.label_of, node.member)

    @cached_property
    def nodes(self) -> Names:
        """The names of its members: `x[1]`, `x[2]`, or just `x`."""
        if self.members is None:
            return (self.name,)
        return tuple(Variable(self.name, index) for index in self.members)

    @cached_property
    def extents(self) -> tuple[int, ...]:
        """How many members there are along each index; nothing if it is no family."""
        return tuple(len(set(along)) for along in zip(*(self.members or ()), strict=True))

    @property
    def encoded(self) -> tuple[int, ...]:
        """The shape of a member as networks read it and answer it: classes are an axis."""
        return self.shape if self.classes is None else (*self.shape, self.classes)

    @property
    def size(self) -> int:
        """How many numbers one member is to a network."""
        return prod(self.encoded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One random vector."""

    name: Variable  #: as written everywhere: `x[1]`
    family: Variable
    role: Role


@dataclass(frozen=True, slots=True)
class Via:
    """How a conditional is computed: the kind of network, and its sizes."""

    name: Literal["mlp", "linear", "resnet", "conv", "own"] = "mlp"
    sizes: tuple[int, ...] = MLP.sizes
    module: str = ""  #: of a network that the caller passes: what the spec calls it
    shared: bool = False  #: whether all conditionals of the line have one network
    options: tuple[tuple[str, OptionValue], ...] = ()  #: but those with their default values

    def __str__(self) -> str:
        options = [f"{name} = {_option_text(value)}" for name, value in self.options]
        details = ", ".join((*map(str, self.sizes), *options))
        brackets = f"({details})" if details else ""
        return f"{'shared ' * self.shared}{self.module or self.name}{brackets}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional:
    """One network's distribution: its children given its parents, `q(u|x)`.

    The children are independent given the parents: they share the network, as its outputs.
    """

    network: str  #: `q` or `p`
    children: Names
    parents: Names
    by: Literal["joint", "poe", "mixture"]
    via: Via
    lines: tuple[int, ...]  #: of the spec; conditionals of the same lines are of one family
    column: int = 1
    drawn: Distribution | None = None  #: `~ laplace` on its line; None for the child's own
    gates: tuple[Gate, ...] = ()  #: the edges that are learned
    plays: bool = False  #: whether its network is a critic of the terms that ask for it
    one_expert: bool = False  #: of a mixture: whether a row has the density of the one it draws

    @property
    def mixes(self) -> bool:
        """Whether it is a mixture of several experts: that of one is the expert itself."""
        return self.by == "mixture" and len(self.parents) > 1

    @property
    def selector(self) -> Selector:
        """The hidden variable that says which parent's component a mixture is drawn from (P16)."""
        return Selector.of(self.children[0])


@dataclass(frozen=True, kw_only=True)
class Network:
    """A Bayesian network: nodes, which may be blocks of variables, and edges between them."""

    name: NetworkName
    role: Literal["inference", "generation", "further", "regularizer"]
    nodes: tuple[Names, ...]  #: each a tuple of variables; most hold one
    edges: tuple[tuple[int, int], ...]  #: parent, child, as places in `nodes`
    conditionals: tuple[Conditional, ...] = ()
    written: tuple[tuple[Stretch, Stretch], ...] = ()  #: each edge's parent and child in the spec
    line: int = 0
    column: int = 1

    @cached_property
    def variables(self) -> Names:
        """All the variables that its nodes hold."""
        return tuple(name for node in self.nodes for name in node)

    @property
    def lines(self) -> tuple[tuple[tuple[Names, ...], Names], ...]:
        """Its shortest body: nodes and the node that they are the parents of, or a node alone."""
        starts = {parent for parent, _ in self.edges}
        return tuple(
            (tuple(self.nodes[parent] for parent in self.parents(place)), node)
            for place, node in enumerate(self.nodes)
            if self.parents(place) or place not in starts
        )

    @cached_property
    def children(self) -> frozenset[Variable]:
        """The variables that its edges end in."""
        return frozenset(name for _, child in self.edges for name in self.nodes[child])

    def parents(self, place: int) -> tuple[int, ...]:
        """The places of a node's parents."""
        return self._parents[place]

    def conditional_of(self, variable: Variable) -> Conditional | None:
        """The conditional that a variable is a child of: None for one without parents."""
        return self._conditionals.get(variable)

    @cached_property
    def _parents(self) -> tuple[tuple[int, ...], ...]:
        parents: list[list[int]] = [[] for _ in self.nodes]
        for parent, child in self.edges:
            parents[child].append(parent)
        return tuple(map(tuple, parents))

    @cached_property
    def _conditionals(self) -> dict[Variable, Conditional]:
        reverse = reversed(self.conditionals)  # the first of several counts
        return {child: one for one in reverse for child in one.children}


def _option_text(value: OptionValue) -> str:
    return value if isinstance(value, str) else number_text(Fraction(value))


def owners_of_edges(networks: Iterable[Network]) -> dict[str, frozenset[str]]:
    """Of each learned mask, the distributions that have edges under it: `q`, `p`, `r`."""
    owners: dict[str, frozenset[str]] = {}
    for network in networks:
        owner = network.name.base
        for gate in (gate for conditional in network.conditionals for gate in conditional.gates):
            owners[gate.mask] = owners.get(gate.mask, frozenset()) | {owner}
    return owners
