"""Information in nats: the atoms that derivations are made of, and the steps between them."""

from __future__ import annotations

__all__ = [
    "Atom",
    "Collected",
    "CollectedGroup",
    "CrossEntropy",
    "Discrepancy",
    "DivergenceAtom",
    "Entropy",
    "ExpectedEdges",
    "Importance",
    "Information",
    "LocalEntropy",
    "ModelAtom",
    "ModelCrossEntropy",
    "ModelGap",
    "PenaltyAtom",
    "ProjectionDerivation",
    "Step",
    "Term",
    "TotalCorrelation",
    "entropy",
    "information",
]

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from graphdsl.catalog.methods import PenaltyWord
from graphdsl.ir.draws import mean_over
from graphdsl.ir.networks import Conditional, Network
from graphdsl.ir.objective import Cost, Distance, DivergenceOfMarginals, EstimatorChoice, Wrapped
from graphdsl.ir.symbols import (
    NO_VARIABLE,
    ModelRef,
    Names,
    NetworkName,
    Q,
    Variable,
    bar_text,
    names,
)
from graphdsl.ir.weight import ONE, Weight


@dataclass(frozen=True, slots=True)
class Entropy:
    """H(of | given) under q, or another distribution."""

    of: Names
    given: Names = ()
    under: NetworkName = Q

    def __str__(self) -> str:
        mean = mean_over((*self.of, *self.given), self.under)
        return f"{mean}H{_under(self.under)}({', '.join(self.of)}{bar_text(self.given)})"


@dataclass(frozen=True, slots=True)
class Information:
    """I(left; right | given) under q, or another distribution."""

    left: Names
    right: Names
    given: Names = ()
    under: NetworkName = Q

    def __str__(self) -> str:
        left, right = ", ".join(self.left), ", ".join(self.right)
        mean = mean_over((*self.left, *self.right, *self.given), self.under)
        return f"{mean}I{_under(self.under)}({left}; {right}{bar_text(self.given)})"


@dataclass(frozen=True, slots=True)
class TotalCorrelation:
    """TC(A; B; ... | given) under q: sum_i H(A_i | given) - H(A, B, ... | given)."""

    parts: tuple[Names, ...]
    given: Names = ()
    under: NetworkName = Q

    def __str__(self) -> str:
        parts = "; ".join(", ".join(part) for part in self.parts)
        mean = mean_over((*sum(self.parts, ()), *self.given), self.under)
        return f"{mean}TC{_under(self.under)}({parts}{bar_text(self.given)})"


@dataclass(frozen=True, slots=True)
class CrossEntropy:
    """CE_r(of | given) = -E_q log r(of | given), for the model r that `model` names."""

    of: Names
    given: Names
    model: ModelRef
    under: NetworkName = Q

    def __str__(self) -> str:
        mean = mean_over((*self.of, *self.given), self.under)
        return f"{mean}E{_under(self.under)}[-log {self.model}]"


@dataclass(frozen=True, slots=True)
class DivergenceAtom:
    """A distance of q's and p's marginals that is estimated from samples: `MMD(q(z) || p(z))`."""

    name: str
    of: Names
    under: NetworkName = Q

    def __str__(self) -> str:
        inner = ", ".join(self.of)
        return f"{self.name}({self.under}({inner}) || p({inner}))"


@dataclass(frozen=True, slots=True)
class PenaltyAtom:
    """A penalty: `irm(y | z, e)`; a cost, `cost(x | z, squared)`; or `sparsity(M)`."""

    name: str
    of: Variable
    given: Names = ()
    under: NetworkName = Q

    def __str__(self) -> str:
        return f"{self.name}({self.of}{bar_text(self.given)})"


Atom: TypeAlias = (
    Entropy | Information | TotalCorrelation | CrossEntropy | DivergenceAtom | PenaltyAtom
)


@dataclass(frozen=True, slots=True)
class Term:
    """A weighted atom."""

    weight: Weight
    atom: Atom


@dataclass(frozen=True, slots=True)
class ModelGap:
    """E KL(q*(of | given) || model): how far a model is from the conditional that it stands for."""

    of: Variable
    given: Names
    model: ModelRef
    under: NetworkName = Q


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One rewriting: what became what, by which rule, and what licenses it."""

    rule: str
    because: str
    before: tuple[Term, ...]
    after: tuple[Term, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionDerivation:
    """D(q || G) in the four forms of theory, each equal to it exactly."""

    network: Network
    weight: Weight  #: with which it stands in the objective
    under: NetworkName  #: the distribution that is projected
    order: tuple[Names, ...]  #: of G's nodes, topological
    entropies: tuple[Term, ...]  #: sum_v H(v|Pa_v) - H(V)
    multi_information: tuple[Term, ...]  #: TC(V) - sum_v I(v; Pa_v)
    local_markov: tuple[Term, ...]  #: sum_v I(v; pred(v) - Pa_v | Pa_v)
    simplified: tuple[Term, ...]  #: what d-separation in G^q leaves, by name
    constant: tuple[Term, ...]  #: the part that depends on the data alone
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class ModelAtom:
    """A cross-entropy that an objective names: of one variable, under a model of it."""

    node: Variable
    network: NetworkName  #: whose model: `p`, an inference network, or `new` for one made for it
    given: frozenset[Variable] | None = None  #: None for the model's own parents in that network
    under: NetworkName = Q  #: over whose samples
    frozen: bool = False  #: whether the term leaves the model's networks as they are
    environment: Variable = (
        NO_VARIABLE  #: of a penalty on the model, which is then no cross-entropy
    )
    biased: bool = False  #: of a penalty: whether it takes a minibatch's own square
    penalty: PenaltyWord = "irm"  #: which one, where there is an environment
    among: Variable = (
        NO_VARIABLE  #: the block, `x[S]`, of which it is one member: counted where S holds it
    )
    cost: Cost | None = None  #: what is asked of the model instead of -log p


@dataclass(frozen=True, slots=True)
class ModelCrossEntropy:
    """A cross-entropy of an objective, with its net weight."""

    atom: ModelAtom
    conditional: Conditional | None  #: None for a latent root, whose model is its prior
    weight: Weight
    lines: tuple[int, ...] = ()  #: of the spec, that ask for it


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A distance of distributions that is estimated from samples, with its net weight."""

    distance: Distance
    weight: Weight
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ExpectedEdges:
    """How many edges a learned mask keeps on average, with its net weight."""

    mask: str
    weight: Weight
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Importance:
    """A divergence of data that several samples of the latents bound, with its net weight."""

    divergence: DivergenceOfMarginals
    weight: Weight
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LocalEntropy:
    """H(node | given) with its net weight."""

    node: Variable
    given: frozenset[Variable]
    weight: Weight
    lines: tuple[int, ...] = ()  #: of the spec, that ask for it
    under: NetworkName = Q
    read: frozenset[Variable] | None = (
        None  #: what its model reads, where that is less than `given`
    )

    def reads(self, given: frozenset[Variable]) -> frozenset[Variable]:
        """What its model may read of what is given."""
        return given if self.read is None else self.read


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """A whole objective with equal terms collected, before anything is bounded.

    The sum of all its parts equals the objective that the spec asks for, exactly.
    """

    models: tuple[ModelCrossEntropy, ...]  #: exact, of p
    exact: tuple[LocalEntropy, ...]  #: of the encoders' own densities, of either sign
    unbounded: tuple[LocalEntropy, ...]  #: to be bounded by a model; weights are positive
    estimated: tuple[tuple[Weight, TotalCorrelation, EstimatorChoice | None], ...]
    constants: tuple[Term, ...]  #: of the data alone
    uncertain: tuple[LocalEntropy, ...] = field(default=())  #: whose weights change their sign
    intractable: tuple[LocalEntropy, ...] = field(default=())  #: nothing bounds them
    distances: tuple[Discrepancy, ...] = ()
    sparsities: tuple[ExpectedEdges, ...] = ()
    importances: tuple[Importance, ...] = ()
    groups: tuple[CollectedGroup, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedGroup:
    """A sum under a sign that is not linear, collected by itself: equal terms do not leave it."""

    weight: Weight
    wrapped: Wrapped
    collected: Collected
    line: int
    column: int


def entropy(
    of: Iterable[Variable], given: Iterable[Variable] = (), under: NetworkName = Q
) -> Entropy:
    """H(of | given), its variables in their natural order."""
    return Entropy(names(of), names(given), under)


def information(
    parts: Iterable[Iterable[Variable]], given: Iterable[Variable] = (), under: NetworkName = Q
) -> Atom:
    """I between two parts, TC between more."""
    sets = tuple(names(part) for part in parts)
    if len(sets) == 2:
        return Information(sets[0], sets[1], names(given), under)
    return TotalCorrelation(sets, names(given), under)


def one(atom: Atom, sign: int = 1) -> Term:
    """The atom with weight one or minus one."""
    return Term(ONE if sign > 0 else -ONE, atom)


def _under(name: str) -> str:
    return "" if name == "q" else f"[{name}]"
