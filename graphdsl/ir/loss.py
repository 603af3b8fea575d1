"""A lowered objective: what the emitted module computes, term by term and line by line."""

from __future__ import annotations

__all__ = [
    "Assemble",
    "Bound",
    "Builder",
    "Chances",
    "Chosen",
    "Decoded",
    "Density",
    "Detach",
    "DrawData",
    "DrawMask",
    "DrawSet",
    "Drawn",
    "Entries",
    "Every",
    "EveryValue",
    "Fuse",
    "Generated",
    "Group",
    "InferenceLine",
    "Known",
    "LossModule",
    "LossTerm",
    "MaskSlot",
    "NetworkSlot",
    "Observe",
    "OneHot",
    "OrGiven",
    "ParameterSlot",
    "PlayerSlot",
    "Predict",
    "PriorSample",
    "Reading",
    "Ref",
    "Relation",
    "Repeat",
    "Run",
    "Sample",
    "Seen",
    "SlopePenalty",
    "Statement",
    "TermCode",
    "VariableSlot",
]

from dataclasses import dataclass
from typing import Literal, TypeAlias

from graphdsl.ir.draws import Draw
from graphdsl.ir.information import Term
from graphdsl.ir.model import Kind, Role
from graphdsl.ir.notation import shortened, summed
from graphdsl.ir.weight import Weight

#: How a network's output is read: as two halves, or as one parameter, the scale being one or given.
Reading: TypeAlias = Literal[
    "gaussian",
    "full_gaussian",
    "flow",
    "laplace",
    "unit",
    "unit_laplace",
    "bernoulli",
    "categorical",
    "poisson",
]
Relation: TypeAlias = Literal["equal", "upper", "lower", "estimate", "saddle", "surrogate"]


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries of a learned mask, as a tensor with an axis for each of `shape`."""

    mask: str
    extents: tuple[int, ...]  #: of the mask
    entries: tuple[tuple[int, ...], ...]  #: counted from one; the last axis runs fastest
    shape: tuple[int, ...]
    axes: int = 0  #: of size one, behind those of `shape`


@dataclass(frozen=True, slots=True)
class Ref:
    """A tensor of the emitted code, or some members of it."""

    name: str
    places: tuple[int, ...] | None = None  #: which members, counted from nought; None is all
    one: bool = False  #: a single member, without the axis of the family
    gate: Entries | None = None  #: what it is multiplied with, edge by edge
    spread: bool = False  #: whether the gate has an axis in front that the tensor has not
    in_sets: bool = False  #: with an axis of one behind the rows: it is the same in all sets
    behind: bool = False  #: whether its members lie behind an axis of classes


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterSlot:
    """A parameter, as the emitted class takes it."""

    name: str
    value: float
    low: float | None
    high: float | None
    ramp: tuple[float, int] | None = None  #: where it starts, and in how many steps it is there


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskSlot:
    """A learned mask, as the emitted class declares it."""

    name: str
    extents: tuple[int, ...]
    start: float
    by_row: bool  #: whether every row draws its own; else all rows of a batch have one


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """The default network of a slot."""

    name: Literal[
        "mlp",
        "mlps",
        "marginal_model",
        "marginal_models",
        "conv_encoder",
        "conv_decoder",
        "critic",
        "own",
    ]
    count: int | None  #: of members that each have a network
    inputs: tuple[tuple[tuple[int, ...], bool], ...]  #: shape, and whether members share it
    hidden: tuple[int, ...]
    outputs: int | tuple[int, ...]
    halves: bool  #: two numbers for each coordinate: a mean and a log-variance
    law: Literal["", "full", "flow"] = ""  #: of a posterior that is no diagonal one
    context: int = 0  #: of a flow: how many numbers its encoder hands to it
    module: str = ""  #: of a network that the caller passes: what the spec calls it
    answer: str = ""  #: and what it has to answer with, in words


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSlot:
    """An attribute of the emitted class: one network, or those of a family."""

    attribute: str
    names: tuple[str, ...]  #: of the conditionals: `q(u[1]|x[1],z)`
    builder: Builder
    tied: bool = False  #: whether the conditionals of these names share one network
    network: str = ""  #: whose conditionals they are: `q`, `p`; none of a critic
    children: tuple[str, ...] = ()  #: of these conditionals
    scale: tuple[str, tuple[int, ...]] | None = None  #: a learned scale: its name and its shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Observe:
    """Take an observed variable from the batch."""

    target: str
    variable: str
    shape: tuple[int, ...]
    source: str = "batch"  #: the argument that holds it
    some: bool = False  #: rows may lack it: its mask is taken as well


@dataclass(frozen=True, slots=True, kw_only=True)
class OneHot:
    """Write an observed category as a vector, as networks read it."""

    target: str
    value: str
    classes: int
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """The mask of an observed parent."""

    mask: Ref
    how: Literal["single", "all", "each"]  #: no family; all members at once; one for each network
    optional: bool = False  #: whether rows may lack it in training too


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Run a network and read a distribution from its output."""

    target: str
    slot: str
    arguments: tuple[Ref, ...]
    distribution: Reading
    reshape: tuple[int, ...] | None  #: of a row, where the output does not have it already
    formula: str
    shape: tuple[int, ...]  #: of a row
    seen: tuple[Seen, ...] = ()  #: the observed parents, where views may be missing
    scale: float | str | None = None  #: a fixed one, or the attribute of a learned one
    prior: str = ""  #: what stands in for it in rows where a parent is missing
    missing: tuple[Seen, ...] = ()  #: the parents that a row may lack in training
    frozen: bool = False  #: whether the networks stay as they are
    detached: bool = False  #: whether what they read stays as it is
    picked: tuple[int, ...] = ()  #: the members whose networks run, where not all do
    times: int = 1  #: how many samples of each row it is for
    on_sets: bool = False  #: whether its arguments have the axis of the sets, or of classes
    holders: str = ""  #: the attribute that says which sets each member runs on; empty for all


@dataclass(frozen=True, slots=True)
class Chosen:
    """The members of a family in a set that is drawn, or those outside of it."""

    mask: Ref
    outside: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawSet:
    """Draw a set of members, or take it from the noise."""

    target: str
    name: str
    like: str  #: a tensor of as many rows
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawMask:
    """Draw the edges of a learned mask, or take those that are likelier there than not."""

    target: str
    likeliest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuse:
    """Make posteriors from experts: the product of all, of each alone, or of some subsets."""

    target: str
    how: Literal["concatenate", "product", "mixture", "each", "subsets", "drawn"]
    experts: tuple[Ref, ...]
    formula: str
    shape: tuple[int, ...]
    subsets: str = ""  #: the attribute that lists them; of a mixture, its selector
    chosen: Chosen | None = None  #: of one subset that is drawn
    seen: tuple[Ref, ...] = ()  #: which experts there are, where views may be missing
    present: tuple[Ref | None, ...] = ()  #: the same in training; None is always there
    weights: Entries | None = None  #: the exponent of each expert (eq. 13)
    times: int = 1  #: how many samples of each row it is for


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Put the labels that rows have in the place of what is inferred."""

    target: str
    source: str  #: what q infers
    seen: Ref
    value: Ref
    shape: tuple[int, ...]
    times: int = 1  #: how many samples of each row it is for


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Sample a latent from its posterior."""

    target: str
    distribution: str
    noise: Ref
    latent: str
    shape: tuple[int, ...]
    grid: int = 1  #: how many indices the noise's family has
    discrete: bool = False  #: a category: relaxed where a gradient is to go through it
    times: int = 0  #: how many samples of each row, in a bound of several
    like: str = ""  #: of several, a tensor of as many rows as the batch
    density: str = ""  #: of a flow: the name of the sample's own log-density


@dataclass(frozen=True, slots=True)
class EveryValue:
    """A variable whose classes are summed over, by its name in the runtime."""

    target: str
    name: str
    shape: tuple[int, ...]  #: of one value


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """Give all values that categories and bits can have together, on an axis behind the rows."""

    variables: tuple[EveryValue, ...]
    count: int  #: how many there are

    @property
    def target(self) -> str:
        """The names of all, as they are assigned."""
        return ", ".join(one.target for one in self.variables)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """Say how likely each of those values is."""

    target: str
    parts: tuple[tuple[Ref, str], ...]  #: a distribution, and the values of it
    of: str  #: as printed
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrGiven:
    """Take what is given of something that p draws, and its sample elsewhere."""

    target: str  #: which holds the sample
    variable: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawData:
    """Sample something observed that p generates, and conditions on."""

    target: str
    distribution: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorSample:
    """Sample a root of p, beside the sample of its posterior."""

    target: str
    latent: str
    like: str  #: a tensor of its shape; empty where the latent has no posterior
    shape: tuple[int, ...]
    word: str = ""  #: for its law, where it is not normal
    places: tuple[int, ...] | None = None  #: the members of a family that are roots; None is all
    one: bool = False  #: a single one, without the axis of the family
    grid: int = 1  #: how many indices the noise's family has


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """What p generates from its samples: a draw of its law, or what its networks answer."""

    target: str
    distribution: str
    shape: tuple[int, ...]
    drawn: bool  #: or the mean
    relaxed: bool = False  #: of no real numbers: with the gradient of a relaxed draw
    noise: Ref | None = None  #: of a latent without a posterior; else its own, by its name
    name: str = ""
    grid: int = 1  #: how many indices the noise's family has


@dataclass(frozen=True, slots=True, kw_only=True)
class Predict:
    """Take something observed from what `decode` is given, or the likeliest value of it."""

    target: str
    variable: str
    distribution: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """Give every row of a tensor or a distribution several times, for as many samples."""

    target: str
    source: str
    times: int
    shape: tuple[int, ...] | None  #: of a row, where it is to be told


@dataclass(frozen=True, slots=True, kw_only=True)
class Detach:
    """What a network says, or the edges of a mask, for an objective that does not train it."""

    target: str
    source: str
    shape: tuple[int, ...] | None  #: of a row, where it is to be told


@dataclass(frozen=True, slots=True, kw_only=True)
class Assemble:
    """Put the members of a family together."""

    target: str
    parts: tuple[Ref, ...]  #: member by member
    in_classes: bool = False  #: whether their axis is that behind the classes


Statement: TypeAlias = (
    Observe
    | OneHot
    | Run
    | Fuse
    | Known
    | Sample
    | Every
    | Chances
    | OrGiven
    | PriorSample
    | Generated
    | DrawData
    | DrawSet
    | DrawMask
    | Predict
    | Repeat
    | Detach
    | Assemble
)


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
    critic: str = ""  #: the network that tells them apart
    classes: int = 0  #: how many environments there are
    whole: bool = True  #: whether they are held as whole numbers
    among: Chosen | None = None  #: the members that are counted, where a drawn set says so
    subsets: str = ""  #: the attribute that lists the views which a row must have for each
    times: int = 0  #: how many samples a row has, in a bound of several
    above: tuple[Density, ...] = ()  #: what its weights are made of: p's densities
    below: tuple[Density, ...] = ()  #: and those of the latents that were sampled
    value: Ref | None = None  #: of what has no closed form: the sample that tells it
    density: str = ""  #: of a flow: where the sample's own log-density is
    held: bool = False  #: whether the value stays as it is, for a network that plays against it
    chance: str = ""  #: the chances of the classes that it is averaged over


@dataclass(frozen=True, slots=True)
class SlopePenalty:
    """R1: what a critic pays for its slope at the samples that count as data."""

    name: str
    weight: Weight
    side: int  #: which of the term's two samples: nought for q's, one for p's
    formula: str  #: as text


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """An entropy folded into a cross-entropy: +H(v|S) <= CE_r(v|S), with its gap."""

    weight: Weight
    entropy: Term
    model: str  #: as printed
    gap: str  #: LaTeX, weight included
    tight_when: str
    certified: bool  #: the weight is nonnegative over the whole range of the parameters


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
    within: str = ""  #: the sign that it stands under, as text; empty for none
    player: str = ""  #: whose objective it is in, where there are several
    critic_code: TermCode | None = None  #: how that is computed, where not with the term

    @property
    def gap(self) -> str:
        """Its distance from what it stands for: LaTeX, empty where there is none."""
        gaps = summed([bound.gap for bound in self.bounds], latex=True)
        return " + ".join(shortened(gaps, r"\dots"))

    @property
    def exact_gap(self) -> str:
        """The gap with nothing left out, however long."""
        return " + ".join(summed([bound.gap for bound in self.bounds], latex=True))

    @property
    def tight_when(self) -> str:
        """When the gap closes."""
        conditions = list(dict.fromkeys(bound.tight_when for bound in self.bounds))
        return "; ".join(shortened(conditions, "..."))


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceLine:
    """A latent that `infer` returns."""

    latent: str
    parts: tuple[Ref, ...]  #: its posterior whole, or member by member
    distribution: str = "Gaussian"  #: the word for what they are
    grid: bool = False  #: whether its members have more than one index


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """An observed variable that `decode` returns."""

    variable: str
    parts: tuple[Ref, ...]  #: its likelihood whole, or member by member
    distribution: str  #: the word for what they are
    grid: bool = False  #: whether its members have more than one index


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A variable that `ancestral_sample` returns."""

    variable: str
    value: str  #: its local name
    grid: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Terms under a sign that is not linear, and how they enter the loss."""

    name: str  #: of their sum
    kind: Literal["abs", "max", "constraint"]
    weight: Weight
    offset: Weight
    bound: Weight
    terms: tuple[str, ...]  #: the names of the terms


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerSlot:
    """A player with an objective of its own: what it minimises, and what it trains."""

    name: str  #: as the module calls it: `q`, `q,p`
    loss: str  #: the name of its loss
    terms: tuple[str, ...]
    groups: tuple[str, ...]
    attributes: tuple[str, ...]  #: its networks
    masks: tuple[str, ...] = ()  #: the learned ones whose edges follow its loss


@dataclass(frozen=True, slots=True, kw_only=True)
class LossModule:
    """The emitted module, before it is text."""

    model: str
    class_name: str
    title: str
    sha256: str
    objective: str  #: LaTeX of what the spec minimises
    relation: Relation
    reason: str
    variables: tuple[VariableSlot, ...]
    parameters: tuple[ParameterSlot, ...]
    networks: tuple[NetworkSlot, ...]
    subsets: tuple[tuple[str, tuple[tuple[bool, ...], ...]], ...]
    holders: tuple[tuple[str, str], ...]  #: an attribute, and that of the sets it is read from
    forward: tuple[Statement, ...]
    terms: tuple[LossTerm, ...]
    infer: tuple[Statement, ...]
    inferred: tuple[InferenceLine, ...]
    decode: tuple[Statement, ...]
    decoded: tuple[Decoded, ...]
    latents_decoded: tuple[tuple[str, str, int], ...]  #: read by `decode`: local, name, indices
    ancestral: tuple[Statement, ...]  #: nothing where every latent is standard normal noise
    drawn: tuple[Drawn, ...]
    constants: tuple[Term, ...]
    groups: tuple[Group, ...] = ()
    players: tuple[PlayerSlot, ...] = ()  #: where there are several objectives
    critics: tuple[str, ...] = ()  #: the attributes whose networks the critic trains
    turns: tuple[tuple[str, int], ...] = ()  #: steps in a round, of who does not take one
    draws: tuple[Draw, ...] = ()  #: sets that every pass draws anew
    masks: tuple[MaskSlot, ...] = ()  #: learned ones

    @property
    def playing(self) -> tuple[str, ...]:
        """Everyone who has a loss and parameters of his own, as the module calls them."""
        others = {
            "critic": any(term.critic for term in self.terms),
            "structure": bool(self.masks),
            "multiplier": any(one.kind == "constraint" for one in self.groups),
        }
        main = tuple(one.name for one in self.players) or ("model",)
        return (*main, *(name for name, plays in others.items() if plays))
