"""A lowered objective: what the emitted module computes, term by term."""

from __future__ import annotations

__all__ = [
    "MEANS_OF_ROWS",
    "Bound",
    "Builder",
    "Density",
    "Gap",
    "Group",
    "LearnedScale",
    "LossModule",
    "LossTerm",
    "MaskSlot",
    "NetworkSlot",
    "ParameterSlot",
    "PlayerSlot",
    "SlopePenalty",
    "TermCode",
    "VariableSlot",
]

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from graphdsl.catalog.architectures import OptionValue
from graphdsl.catalog.functions import FunctionWord
from graphdsl.catalog.laws import Kind
from graphdsl.catalog.methods import Relation
from graphdsl.ir.draws import Draw
from graphdsl.ir.information import Information, ModelGap, Term
from graphdsl.ir.masks import EdgeGradient
from graphdsl.ir.networks import Role, Schedule
from graphdsl.ir.notation import Formula, Phrase
from graphdsl.ir.statements import Chosen, Decoded, Drawn, InferenceLine, Statement
from graphdsl.ir.symbols import NO_VARIABLE, ModelRef, Variable
from graphdsl.ir.values import NO_ATTRIBUTE, Attribute, Ref, Value
from graphdsl.ir.weight import Weight

#: Kinds of terms that are a mean over rows, each row's number from that row alone.
MEANS_OF_ROWS = ("kl", "entropy", "reconstruction", "cross_entropy", "cost")

#: What a bound is loose by, its weight apart.
Gap: TypeAlias = ModelGap | Information | Formula


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableSlot:
    """A variable or family, as the emitted class declares it."""

    name: str
    role: Role
    kind: Kind
    members: tuple[int, ...] | None  #: how many along each index
    shape: tuple[int, ...]
    classes: int | None = None
    optional: bool = False
    inferred: bool = False  #: whether q fills it in where a row lacks it
    interior: bool = False  #: whether the ends of its support have no density


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterSlot:
    """A parameter, as the emitted class takes it."""

    name: str
    value: float
    low: float | None
    high: float | None
    schedule: Schedule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskSlot:
    """A learned mask, as the emitted class declares it."""

    name: str
    attribute: Attribute
    extents: tuple[int, ...]
    start: float
    by_row: bool  #: whether every row draws its own; else all rows of a batch have one
    gradient: EdgeGradient = "straight_through"


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """The default network of a slot."""

    name: Literal[
        "mlp",
        "mlps",
        "linear",
        "linears",
        "resnet",
        "marginal_model",
        "marginal_models",
        "conv_encoder",
        "conv_decoder",
        "critic",
        "separable_critic",
        "mixture_model",
        "pseudo_inputs",
        "own",
    ]
    count: int | None  #: of members that each have a network
    inputs: tuple[tuple[tuple[int, ...], bool], ...]  #: shape, and whether members share it
    hidden: tuple[int, ...]
    outputs: int | tuple[int, ...]
    options: tuple[tuple[str, OptionValue], ...] = ()  #: settings, but those with default values
    numbers: int = 1  #: for each coordinate, such as two for a mean and a log-variance
    law: Literal["", "full", "flow", "mixture", "vamp"] = ""  #: of what is no diagonal one
    kind: Kind = "real"  #: of the data that pseudo-inputs stand for
    context: int = 0  #: of a flow: how many numbers its encoder hands to it
    #: for each input, the data of some scale that it is
    reads: tuple[tuple[Variable, ...], ...] = ()
    describes: tuple[str, ...] = ()  #: the data of some scale that its answer is about
    units: str = "means"  #: what of them it answers
    without: str = ""  #: and which number of that law is no network's, such as a dispersion
    module: str = ""  #: of a network that the caller passes: what the spec calls it
    answer: str = ""  #: and what it has to answer with, in words


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedScale:
    """The logarithm of a scale that all rows share, or all rows of a class."""

    attribute: Attribute
    shape: tuple[int, ...]  #: of a class
    law: str
    classes: int  #: of the category for whose classes it is learned; zero for none


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSlot:
    """An attribute of the emitted class: one network, or those of a family."""

    attribute: Attribute
    names: tuple[str, ...]  #: of the conditionals: `q(u[1]|x[1],z)`, whole families by bare name
    builder: Builder
    models: tuple[ModelRef, ...] = ()  #: the conditionals of these names; none of a critic
    tied: bool = False  #: whether the conditionals of these names share one network
    network: str = ""  #: whose conditionals they are: `q`, `p`; none of a critic
    children: tuple[Variable, ...] = ()  #: of these conditionals
    scale: LearnedScale | None = None
    exposure: Variable = NO_VARIABLE  #: the parent that its answer is a share of; unread


@dataclass(frozen=True, slots=True)
class Density:
    """The log-density of a value, where rows have it."""

    distribution: Ref | None  #: None for a prior, which is a word
    word: str
    value: Ref
    seen: Ref | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TermCode:
    """How the emitted code computes one term, on average over the rows."""

    kind: Literal[
        "kl",
        "reconstruction",
        "cost",
        "entropy",
        "cross_entropy",
        "total_correlation",
        "information",
        "distance",
        "penalty",
        "sparsity",
        "importance",
    ]
    left: Ref  #: the posterior, the likelihood or the sample
    right: Ref | None  #: the model or the value; None for the prior
    broadcast: bool = False  #: one posterior against several models
    prior: str = "standard_normal"  #: the word for it
    seen: tuple[tuple[Ref, ...], ...] = ()  #: what rows must have for it, member by member
    word: str = ""  #: the estimator, for a total correlation or a distance; what a cost is
    #: Of the two distributions, variable by variable; of parts, and then their posteriors.
    samples: tuple[tuple[Ref, ...], ...] = ()
    critic: Attribute = NO_ATTRIBUTE  #: the network that tells them apart
    classes: int = 0  #: how many environments there are
    whole: bool = True  #: whether they are held as whole numbers
    biased: bool = False  #: whether the penalty of a minibatch is the square of its slope
    among: Chosen | None = None  #: the members that are counted, where a drawn set says so
    mask: Attribute = NO_ATTRIBUTE  #: whose edges are counted
    times: int = 0  #: how many samples a row has, in a bound of several
    settings: tuple[tuple[str, Fraction], ...] = ()  #: what else the estimator takes, by name
    above: tuple[Density, ...] = ()  #: what its weights are made of: p's densities
    below: tuple[Density, ...] = ()  #: and those of the latents that were sampled
    value: Ref | None = None  #: of what has no closed form: the sample that tells it
    density: Value | None = None  #: of a flow: where the sample's own log-density is
    held: bool = False  #: whether the value stays as it is, for a network that plays against it
    chance: Value | None = None  #: the chances of the classes that it is averaged over
    strata: Value | None = None  #: the mixture over whose experts it is averaged
    experts: int = 0  #: in a bound of several samples, how many experts a mixture has
    apart: bool = False  #: whether each of them has a logarithm of its own there
    joint: bool = False  #: whether a density is one number for all variables, as a mixture's is
    edges: tuple[Ref, ...] = ()  #: the learned masks that its critic sees


@dataclass(frozen=True, slots=True)
class SlopePenalty:
    """R1: what a critic pays for its slope at the samples that count as data."""

    name: str
    weight: Weight
    side: int  #: which of the term's two samples: zero for q's, one for p's
    formula: str  #: as text


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """An entropy folded into a cross-entropy: +H(v|S) <= CE_r(v|S), with its gap."""

    weight: Weight
    entropy: Term
    model: ModelRef
    gap: tuple[Weight, Gap]  #: never negative
    tight_when: Phrase
    certified: bool  #: the weight is nonnegative over the whole range of the parameters
    lasting: Phrase | None = None  #: what of the gap no training closes, and how large it can be


@dataclass(frozen=True, slots=True, kw_only=True)
class LossTerm:
    """One term of the emitted loss."""

    name: str
    weight: Weight
    code: TermCode
    formula: str  #: as text
    latex: str
    stands_for: tuple[Term, ...]  #: the share of the objective that it stands for, weights included
    relation: Relation
    bounds: tuple[Bound, ...]
    estimator: str  #: empty where nothing is estimated
    lines: tuple[int, ...]  #: of the spec
    critic: str = ""  #: the name of a critic's loss, where one plays against the term
    slope: SlopePenalty | None = None  #: what is added to that loss
    within: str = ""  #: the function that it is inside, as text; empty for none
    player: str = ""  #: whose objective it is in, where there are several
    rows: str = ""  #: what rows that lack a view pay of it; empty where they lack nothing of it
    critic_code: TermCode | None = None  #: how that is computed, where not with the term
    gradient: tuple[str, ...] = ()  #: what the emitted gradient is, where no derivative
    held: bool = False  #: whether that holds still what comes from samples
    frozen: bool = False  #: whether the spec says that p's own networks stay as they are in it

    @property
    def critic_model(self) -> Value | None:
        """What a network that plays predicts, as its critic has it; None where none plays so."""
        code = self.critic_code
        if code is None:
            return None
        model = code.right if code.kind == "kl" else code.left
        return None if model is None else model.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Terms under a sign that is not linear, and how they enter the loss."""

    name: str  #: of their sum
    kind: FunctionWord | Literal["constraint"]
    weight: Weight
    offset: Weight
    bound: Weight
    terms: tuple[str, ...]  #: the names of the terms
    multiplier: Attribute = NO_ATTRIBUTE  #: of a constraint: its price


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerSlot:
    """A player with an objective of its own: what it minimises, and what it trains."""

    name: str  #: as the module calls it: `q`, `q,p`
    loss: str  #: the name of its loss
    terms: tuple[str, ...]
    groups: tuple[str, ...]
    attributes: tuple[Attribute, ...]  #: its networks
    masks: tuple[str, ...] = ()  #: the learned ones whose edges follow its loss


@dataclass(frozen=True, slots=True, kw_only=True)
class LossModule:
    """The emitted module, before it is text."""

    model: str
    class_name: str
    title: str
    sha256: str
    objective: str  #: LaTeX of what the spec minimises
    objective_text: tuple[tuple[str, ...], ...]  #: the same as text: the summands of each player
    relation: Relation
    reason: str
    variables: tuple[VariableSlot, ...]
    parameters: tuple[ParameterSlot, ...]
    networks: tuple[NetworkSlot, ...]
    subsets: tuple[tuple[Attribute, tuple[tuple[bool, ...], ...]], ...]
    holders: tuple[tuple[Attribute, Attribute], ...]  #: and the sets it is read from
    forward: tuple[Statement, ...]
    terms: tuple[LossTerm, ...]
    infer: tuple[Statement, ...]
    inferred: tuple[InferenceLine, ...]
    decode: tuple[Statement, ...]
    decoded: tuple[Decoded, ...]
    latents_decoded: tuple[tuple[Value, str, int], ...]  #: read by `decode`: value, name, indices
    ancestral: tuple[Statement, ...]  #: nothing where every latent is standard normal noise
    drawn: tuple[Drawn, ...]
    constants: tuple[Term, ...]
    groups: tuple[Group, ...] = ()
    players: tuple[PlayerSlot, ...] = ()  #: where there are several objectives
    critics: tuple[Attribute, ...] = ()  #: the attributes whose networks the critic trains
    turns: tuple[tuple[str, int], ...] = ()  #: steps in a round, of who does not take one
    draws: tuple[Draw, ...] = ()  #: sets that every pass draws anew
    masks: tuple[MaskSlot, ...] = ()  #: learned ones

    @property
    def playing(self) -> tuple[str, ...]:
        """Everyone who has a loss and parameters of his own, as the module calls them."""
        others = {
            "critic": any(term.critic for term in self.terms),
            "structure": bool(self.masks),
            "multiplier": any(group.kind == "constraint" for group in self.groups),
        }
        main = tuple(player.name for player in self.players) or ("model",)
        return (*main, *(name for name, plays in others.items() if plays))
