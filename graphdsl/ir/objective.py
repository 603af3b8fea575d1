"""What an objective is made of: functionals with weights, players, choices, and assertions."""

from __future__ import annotations

__all__ = [
    "Assertion",
    "Cost",
    "Distance",
    "DivergenceOfMarginals",
    "DivergenceOfPosteriors",
    "EstimatorChoice",
    "Functional",
    "IdleChoice",
    "InvariancePenalty",
    "ModelChoice",
    "MultiInformation",
    "Player",
    "PredictiveEntropy",
    "Projection",
    "Sparsity",
    "Turn",
    "UncertaintyOf",
    "Weighted",
    "WeightedProjection",
    "Wrapped",
]

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from graphdsl.catalog.functions import FunctionWord
from graphdsl.catalog.methods import IWAE, Estimator, Experts, Method, PenaltyWord
from graphdsl.ir.networks import Network
from graphdsl.ir.symbols import NetworkName, Q, Variable
from graphdsl.ir.weight import Weight

#: What a reconstruction costs, coordinate by coordinate, where that is no likelihood.
Cost: TypeAlias = Literal["squared", "absolute", "huber"]


@dataclass(frozen=True, slots=True)
class Projection:
    """D(q || G): the least KL(q || r) over the r that factorise as G does."""

    network: Network
    under: NetworkName = Q  #: the distribution that is projected: q, p, or an inference network's


@dataclass(frozen=True, slots=True)
class DivergenceOfMarginals:
    """KL(q(A | C) || p(A | ...)): each variable of A against its conditional in p.

    `variables` is None for all that p holds.
    """

    variables: tuple[Variable, ...] | None
    given: frozenset[Variable] = frozenset()
    under: NetworkName = Q
    frozen: bool = False
    model_given: frozenset[Variable] = frozenset()  #: what p's side is said to be given
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

    variables: tuple[Variable, ...]
    given: frozenset[Variable]
    network: NetworkName  #: of the second
    model_given: frozenset[Variable]
    under: NetworkName = Q
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class PredictiveEntropy:
    """CE(A | C) = -E log p(A | C): how badly a model predicts; the decoder of p, or a new one.

    With a cost, how far its mean is from the value instead: cost(A | C), in no unit of information.
    """

    of: tuple[Variable, ...]
    given: frozenset[Variable]
    under: NetworkName = Q
    frozen: bool = False
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class MultiInformation:
    """I(A; B | C) or, with more parts, TC(A; B; ... | C), under q or another distribution."""

    parts: tuple[frozenset[Variable], ...]
    given: frozenset[Variable] = frozenset()
    under: NetworkName = Q


@dataclass(frozen=True, slots=True)
class UncertaintyOf:
    """H(A | C) under q or another distribution."""

    of: frozenset[Variable]
    given: frozenset[Variable] = frozenset()
    under: NetworkName = Q


@dataclass(frozen=True, slots=True)
class Distance:
    """JS, MMD or W between marginals of q and p, or their KL by an adversary: told from samples."""

    name: Literal["JS", "MMD", "W", "KL"]
    variables: tuple[Variable, ...]
    under: NetworkName = Q
    game: Estimator | None = None  #: that a spec chose; None is the distance's own
    r1: Fraction = Fraction(0)  #: gamma, of a penalty on the slope of its critic


@dataclass(frozen=True, slots=True)
class InvariancePenalty:
    """irm(y | z, e), vrex(y | z, e), dro(y | z, e): of the risks of y in each environment e.

    The risk of an environment is the mean of -log p(y|z) over its rows.
    """

    of: Variable
    given: frozenset[Variable]
    environment: Variable
    under: NetworkName = Q
    biased: bool = False  #: whether a minibatch's own square is taken, as published
    word: PenaltyWord = "irm"


@dataclass(frozen=True, slots=True)
class Sparsity:
    """sparsity(M): how many edges a learned mask is expected to keep."""

    masks: tuple[str, ...]
    under: NetworkName = Q


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A sum of terms in a function that is not linear, such as |E| or max(E, c), or E <= c."""

    kind: FunctionWord | Literal["constraint"]
    inner: tuple[Weighted, ...]
    offset: Weight  #: what is added to the sum
    bound: Weight  #: c; zero where there is none
    under: NetworkName = Q


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
    under: NetworkName = Q


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
    network: NetworkName  #: `q`, `p`, `r(1)`, or `new` for one made for it
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
    """`assert left == right`, as the weighted sum left - right, compared with zero."""

    text: str
    relation: Literal["==", "<=", ">="]
    difference: tuple[Weighted, ...]
    line: int
    column: int
