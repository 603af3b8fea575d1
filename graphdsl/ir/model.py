"""What a resolved spec consists of: nodes, conditionals, networks, and an objective."""

from __future__ import annotations

__all__ = [
    "Assertion",
    "Conditional",
    "Cost",
    "Distance",
    "Distribution",
    "DivergenceOfMarginals",
    "DivergenceOfPosteriors",
    "Edge",
    "EstimatorChoice",
    "Family",
    "Functional",
    "IdleChoice",
    "Interval",
    "InvariancePenalty",
    "Model",
    "ModelChoice",
    "MultiInformation",
    "Network",
    "Node",
    "Parameter",
    "Place",
    "Player",
    "PredictiveEntropy",
    "Projection",
    "Role",
    "Sparsity",
    "Stretch",
    "Turn",
    "UncertaintyOf",
    "Via",
    "Weighted",
    "WeightedProjection",
    "Wrapped",
    "owners_of_edges",
]

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import Literal, TypeAlias

from graphdsl.ir.draws import Draw
from graphdsl.ir.laws import NORMAL, Kind, Law
from graphdsl.ir.masks import Gate, Mask
from graphdsl.ir.methods import IWAE, Estimator, Experts, Method
from graphdsl.ir.notation import member_name, natural, original
from graphdsl.ir.weight import Weight

#: Where a variable is declared: its family, its index, and the set of a block.
Place: TypeAlias = tuple[int, tuple[int, ...], str]

Role: TypeAlias = Literal["observed", "latent", "given"]
#: What a reconstruction costs, coordinate by coordinate, where that is no likelihood.
Cost: TypeAlias = Literal["squared", "absolute", "huber"]
Edge: TypeAlias = tuple[str, str]  #: parent, child
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
class Parameter:
    """A weight that the user may set, with its range."""

    name: str
    value: Fraction
    range: Interval
    ramp: tuple[Fraction, int] | None = None  #: where it starts, and in how many steps it is there


@dataclass(frozen=True, slots=True)
class Distribution:
    """What stands after `~`: a law, and its scale where that is not a network's."""

    law: Law
    #: None is that of the law, one; `own` is one that the network answers with, as of latents.
    scale: Fraction | Literal["learned", "own"] | None = None


@dataclass(frozen=True, kw_only=True)
class Family:
    """Variables declared together: equal kind and shape, one tensor."""

    name: str  #: `x`; `x[1]` for a member declared by itself
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
    label_of: str = ""  #: of such a family: the variable that it labels

    @property
    def head(self) -> str:
        """The name without an index."""
        return self.name.partition("[")[0]

    @property
    def index(self) -> tuple[int, ...]:
        """The index of a member that is declared by itself."""
        return natural(self.name)[1]

    @property
    def held_as(self) -> str:
        """The name under which a batch holds it."""
        return self.label_of or self.name

    def label(self, node: str) -> str:
        """The label of a member, of what q fills in: `label_y[1]` of `y[1]`."""
        return self.labels + node.removeprefix(self.name)

    def labelled(self, node: str) -> str:
        """The variable that a member of a family of labels is of: `y[1]` of `label_y[1]`."""
        return self.label_of + node.removeprefix(self.name)

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """The names of its members: `x[1]`, `x[2]`, or just `x`."""
        if self.members is None:
            return (self.name,)
        return tuple(member_name(self.name, index) for index in self.members)

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

    name: str  #: as written everywhere: `x[1]`
    family: str
    role: Role


@dataclass(frozen=True, slots=True)
class Via:
    """How a conditional is computed: the kind of network, and its sizes."""

    name: Literal["mlp", "conv", "own"] = "mlp"
    sizes: tuple[int, ...] = (400, 400)
    module: str = ""  #: of a network that the caller passes: what the spec calls it
    shared: bool = False  #: whether all conditionals of the line have one network

    def __str__(self) -> str:
        sizes = f"({', '.join(map(str, self.sizes))})" if self.sizes else ""
        return f"{'shared ' * self.shared}{self.module or self.name}{sizes}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional:
    """One network's distribution: its children given its parents, `q(u|x)`.

    The children are independent given the parents: they share the network, as its outputs.
    """

    network: str  #: `q` or `p`
    children: tuple[str, ...]
    parents: tuple[str, ...]
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
    def selector(self) -> str:
        """The hidden variable that says which parent's component a mixture is drawn from (P16)."""
        return "selector_" + "_".join(re.findall(r"\w+", self.children[0]))


@dataclass(frozen=True, kw_only=True)
class Network:
    """A Bayesian network: nodes, which may be blocks of variables, and edges between them."""

    name: str  #: as printed: `q`, `p`, `through_z(1,2)`, `{x; u}`
    role: Literal["inference", "generation", "further", "regularizer"]
    nodes: tuple[tuple[str, ...], ...]  #: each a tuple of variables; most hold one
    edges: tuple[tuple[int, int], ...]  #: parent, child, as places in `nodes`
    conditionals: tuple[Conditional, ...] = ()
    written: tuple[tuple[Stretch, Stretch], ...] = ()  #: each edge's parent and child in the spec
    line: int = 0
    column: int = 1

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """All the variables that its nodes hold."""
        return tuple(name for node in self.nodes for name in node)

    @cached_property
    def children(self) -> frozenset[str]:
        """The variables that its edges end in."""
        return frozenset(name for _, child in self.edges for name in self.nodes[child])

    def parents(self, place: int) -> tuple[int, ...]:
        """The places of a node's parents."""
        return self._parents[place]

    def conditional_of(self, variable: str) -> Conditional | None:
        """The conditional that a variable is a child of: None for one without parents."""
        return self._conditionals.get(variable)

    @cached_property
    def _parents(self) -> tuple[tuple[int, ...], ...]:
        found: list[list[int]] = [[] for _ in self.nodes]
        for parent, child in self.edges:
            found[child].append(parent)
        return tuple(map(tuple, found))

    @cached_property
    def _conditionals(self) -> dict[str, Conditional]:
        reverse = reversed(self.conditionals)  # the first of several counts
        return {child: one for one in reverse for child in one.children}


@dataclass(frozen=True, slots=True)
class Projection:
    """D(q || G): the least KL(q || r) over the r that factorise as G does."""

    network: Network
    under: str = "q"  #: the distribution that is projected: q, p, or an inference network's


@dataclass(frozen=True, slots=True)
class DivergenceOfMarginals:
    """KL(q(A | C) || p(A | ...)): each variable of A against its conditional in p.

    `variables` is None for all that p holds.
    """

    variables: tuple[str, ...] | None
    given: frozenset[str] = frozenset()
    under: str = "q"
    frozen: bool = False
    model_given: frozenset[str] = frozenset()  #: what p's side is said to be given
    #: Of a multi-sample bound, how many there are for each row: the latents are then integrated
    #: out, and it is the divergence of what is left, the data.
    samples: int = 0
    method: Method = IWAE  #: of that bound
    settings: tuple[tuple[str, Fraction], ...] = ()  #: of the method, beside the samples
    #: Whether expectations over categories and bits that are inferred are sums over their classes.
    enumerated: bool = False
    #: Of a posterior that is a mixture, which experts are sampled: all, with the mixture's density;
    #: all, each with a logarithm of its own; or one for each row, with the density of that one.
    experts: Experts = "every"


@dataclass(frozen=True, slots=True)
class DivergenceOfPosteriors:
    """E KL(q(A | C) || r(A | S)): two inference networks' conditionals of the same latents."""

    variables: tuple[str, ...]
    given: frozenset[str]
    network: str  #: of the second
    model_given: frozenset[str]
    under: str = "q"
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class PredictiveEntropy:
    """CE(A | C) = -E log p(A | C): how badly a model predicts; the decoder of p, or a new one.

    With a cost, how far its mean is from the value instead: cost(A | C), in no unit of information.
    """

    of: tuple[str, ...]
    given: frozenset[str]
    under: str = "q"
    frozen: bool = False
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class MultiInformation:
    """I(A; B | C) or, with more parts, TC(A; B; ... | C), under q or another distribution."""

    parts: tuple[frozenset[str], ...]
    given: frozenset[str] = frozenset()
    under: str = "q"


@dataclass(frozen=True, slots=True)
class UncertaintyOf:
    """H(A | C) under q or another distribution."""

    of: frozenset[str]
    given: frozenset[str] = frozenset()
    under: str = "q"


@dataclass(frozen=True, slots=True)
class Distance:
    """JS, MMD or W between marginals of q and p, or their KL by an adversary: told from samples."""

    name: Literal["JS", "MMD", "W", "KL"]
    variables: tuple[str, ...]
    under: str = "q"
    game: Estimator | None = None  #: that a spec chose; None is the distance's own
    r1: Fraction = Fraction(0)  #: gamma, of a penalty on the slope of its critic


@dataclass(frozen=True, slots=True)
class InvariancePenalty:
    """irm(y | z, e): how far one predictor of y is from the best in each environment e."""

    of: str
    given: frozenset[str]
    environment: str
    under: str = "q"
    biased: bool = False  #: whether it is the square of a minibatch's slope, as published


@dataclass(frozen=True, slots=True)
class Sparsity:
    """sparsity(M): how many edges a learned mask is expected to keep."""

    masks: tuple[str, ...]
    under: str = "q"


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A sum of terms under a sign that is not linear: |E|, max(E, c), or E <= c."""

    kind: Literal["abs", "max", "constraint"]
    inner: tuple[Weighted, ...]
    offset: Weight  #: what is added to the sum
    bound: Weight  #: c; nought for |E|
    under: str = "q"


Functional: TypeAlias = (
    Projection
    | Distance
    | InvariancePenalty
    | Sparsity
    | Wrapped
    | DivergenceOfMarginals
    | DivergenceOfPosteriors
    | PredictiveEntropy
    | MultiInformation
    | UncertaintyOf
)


@dataclass(frozen=True, slots=True)
class Weighted:
    """One functional of an objective or an assertion, and its weight."""

    weight: Weight
    functional: Functional
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Player:
    """An objective, and whose networks it trains: `minimize E for p`."""

    owners: tuple[str, ...]  #: `q`, `p`, an inference network's name, or `predictors`
    objective: tuple[Weighted, ...]
    line: int
    column: int

    @property
    def name(self) -> str:
        """As the module calls it."""
        return ",".join(self.owners)


@dataclass(frozen=True, slots=True)
class Turn:
    """How many steps a player takes in a round: `turns critic = 5`."""

    player: str  #: as the module calls it
    count: int
    written: str  #: as the spec does
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class WeightedProjection:
    """A D(q || G) that an audit derives, and the weight that it has in the objective."""

    weight: Weight
    network: Network
    under: str = "q"


@dataclass(frozen=True, slots=True)
class EstimatorChoice:
    """`estimate TC(u) with mss`."""

    target: MultiInformation
    method: Method
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """`estimate H(z | x[1]) with r(1)`: which model bounds an entropy (rule 4)."""

    target: UncertaintyOf
    network: str  #: `q`, `p`, `r(1)`, or `new` for one made for it
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class IdleChoice:
    """An `estimate` line about a term that the objective does not hold."""

    target: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Assertion:
    """`assert left == right`, as the weighted sum left - right, compared with nought."""

    text: str
    relation: Literal["==", "<=", ">="]
    difference: tuple[Weighted, ...]
    line: int
    column: int


@dataclass(frozen=True, kw_only=True)
class Model:
    """A spec whose every word is known."""

    name: str
    title: str  #: the comment that the spec opens with
    source_name: str
    sha256: str
    families: tuple[Family, ...]
    nodes: tuple[Node, ...]
    parameters: tuple[Parameter, ...]
    constants: tuple[tuple[str, Fraction], ...]
    inference: Network
    generation: Network | None
    objective: tuple[Weighted, ...]
    players: tuple[Player, ...] = ()  #: where there are several objectives; `objective` has all
    turns: tuple[Turn, ...] = ()
    choices: tuple[EstimatorChoice, ...] = ()
    model_choices: tuple[ModelChoice, ...] = ()
    idle_choices: tuple[IdleChoice, ...] = ()
    assertions: tuple[Assertion, ...] = ()
    projections: tuple[WeightedProjection, ...] = ()  #: of the objective and the assertions
    further: tuple[Network, ...] = ()  #: inference networks beside q, each for its arguments
    draws: tuple[Draw, ...] = ()  #: sets of indices that are drawn, not written out
    masks: tuple[Mask, ...] = ()  #: those that are learned

    def asked(self) -> tuple[Weighted, ...]:
        """Every functional of the objective, those under a sign included."""
        found: list[Weighted] = []
        for one in self.objective:
            found += one.functional.inner if isinstance(one.functional, Wrapped) else (one,)
        return tuple(found)

    def inference_of(self, name: str) -> Network:
        """The inference network of that name."""
        return next(one for one in (self.inference, *self.further) if one.name == name)

    @cached_property
    def roles(self) -> dict[str, tuple[Role, int]]:
        """Of every variable its role, and its place in the order of declaration."""
        return {node.name: (node.role, place) for place, node in enumerate(self.nodes)}

    def family(self, name: str) -> Family:
        """The family of that name."""
        return self._by_name[name]

    def members(self, head: str) -> tuple[str, ...]:
        """What a bare name stands for: all that is declared under it."""
        return self._by_head.get(head, ())

    def declared(self, names: Iterable[str]) -> tuple[str, ...]:
        """Variables in the order of their declarations, whatever they are called."""
        return tuple(sorted(names, key=self.place))

    def place(self, name: str) -> Place:
        """Where a variable is declared, and which member it is; of a block, its set."""
        family = self.family_of(name)
        return self.families.index(family), natural(name)[1], name.removeprefix(family.name)

    def place_of_network(self, name: str) -> int:
        """Where a distribution comes, whatever it is called: p, q, the further ones, a new one."""
        known = ("p", "q", *(one.name for one in self.further))
        return known.index(name) if name in known else len(known)

    def family_of(self, node: str) -> Family:
        """The family that a variable belongs to."""
        name = original(node)
        return self._by_name.get(name) or self._by_name[name.partition("[")[0]]

    @cached_property
    def _by_name(self) -> dict[str, Family]:
        return {family.name: family for family in self.families}

    @cached_property
    def _by_head(self) -> dict[str, tuple[str, ...]]:
        heads = dict.fromkeys(family.head for family in self.families)
        found: dict[str, list[str]] = {head: [] for head in heads}
        for family in self.families:
            found[family.head] += family.nodes
        return {head: tuple(nodes) for head, nodes in found.items()}

    def labelled(self, node: str) -> str:
        """The variable that a label is of; any other is itself."""
        family = self.family_of(node)
        return family.labelled(node) if family.label_of else node

    def is_normal(self, node: str) -> bool:
        """Whether q infers a latent, in every row, with a normal of independent numbers."""
        drawn = [one.drawn for one in self.inference.conditionals if node in one.children]
        family = self.family_of(node)
        law = next((one for one in drawn if one is not None), family.distribution).law
        return law == NORMAL and not family.labels

    def distribution_of(self, conditional: Conditional, node: str = "") -> Distribution:
        """What a child of a conditional is drawn from; all of one family, if none is named."""
        return conditional.drawn or self.family_of(node or conditional.children[0]).distribution

    def observed(self) -> frozenset[str]:
        """The names of the variables that are data: observed, or given."""
        return self._observed

    @cached_property
    def _observed(self) -> frozenset[str]:
        return frozenset(node.name for node in self.nodes if node.role != "latent")


def owners_of_edges(networks: Iterable[Network]) -> dict[str, frozenset[str]]:
    """Of each learned mask, the distributions that have edges under it: `q`, `p`, `r`."""
    found: dict[str, frozenset[str]] = {}
    for network in networks:
        owner = network.name.partition("(")[0]
        for gate in (gate for one in network.conditionals for gate in one.gates):
            found[gate.mask] = found.get(gate.mask, frozenset()) | {owner}
    return found
