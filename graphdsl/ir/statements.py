"""A program: what the methods of an emitted module compute, assignment by assignment.

Each statement computes values from other values, and a value is a thing: it has an identity, a
shape, and a name only once `program.names` has given it one.
"""

from __future__ import annotations

__all__ = [
    "Assemble",
    "Chances",
    "Chosen",
    "Decoded",
    "Detach",
    "DrawData",
    "DrawMask",
    "DrawSet",
    "Drawn",
    "Every",
    "EveryValue",
    "Fuse",
    "Generated",
    "InferenceLine",
    "Known",
    "Observe",
    "OneHot",
    "OrGiven",
    "Predict",
    "PriorSample",
    "Repeat",
    "Run",
    "Sample",
    "Seen",
    "Statement",
    "Through",
]

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from graphdsl.catalog.laws import Output
from graphdsl.ir.symbols import Variable
from graphdsl.ir.values import COMPUTED, NO_ATTRIBUTE, Attribute, Entries, Noise, Ref, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Observe:
    """Take an observed variable from the batch, and which rows have it."""

    target: Value = field(compare=False, metadata=COMPUTED)
    variable: Variable
    seen: Value = field(compare=False, metadata=COMPUTED)
    source: str = "batch"  #: the argument that holds it
    some: bool = False  #: whether rows may lack it, so that `seen` is computed too


@dataclass(frozen=True, slots=True, kw_only=True)
class OneHot:
    """Write an observed category as a vector, as networks read it."""

    target: Value = field(compare=False, metadata=COMPUTED)
    value: Value
    classes: int


@dataclass(frozen=True, slots=True)
class Seen:
    """The mask of an observed parent."""

    mask: Ref
    how: Literal["single", "all", "each"]  #: no family; all members at once; one for each network
    optional: bool = False  #: whether rows may lack it in training too


@dataclass(frozen=True, slots=True, kw_only=True)
class Through:
    """The encoder that reads pseudo-inputs."""

    slot: Attribute
    output: Output
    reshape: tuple[int, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Run a network and read a distribution from its output."""

    target: Value = field(compare=False, metadata=COMPUTED)
    slot: Attribute
    arguments: tuple[Ref, ...]
    output: Output  #: how what it returns is read as a distribution
    reshape: tuple[int, ...] | None  #: of a row, where the output does not have it already
    formula: str
    scale: float | Attribute | None = None  #: a fixed one, or the attribute of a learned one
    scale_by_member: bool = False  #: whether each member has its entry of a learned one
    group: Ref | None = None  #: the category for whose classes one is learned, as a vector
    exposure: Ref | None = None  #: of counts: what the mean of a row is a share of
    axes: int = 0  #: and over how many axes the shares add up to one
    prior: Value | None = None  #: what replaces it in rows that lack a parent
    missing: tuple[Seen, ...] = ()  #: the parents that a row may lack
    frozen: bool = False  #: whether the networks stay as they are
    detached: bool = False  #: whether what they read stays as it is
    picked: tuple[int, ...] = ()  #: the members whose networks run, where not all do
    times: int = 1  #: how many samples of each row it is for
    components: int = 0  #: of a mixture
    through: Through | None = None  #: what reads the output, if that is pseudo-inputs
    on_sets: bool = False  #: whether its arguments have the axis of the sets, or of classes
    holders: Attribute = NO_ATTRIBUTE  #: which says what sets each member runs on; empty for all

    @property
    def is_mixture(self) -> bool:
        """Whether it is a mixture, whose density is one for all coordinates."""
        return self.components > 0 or self.through is not None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The members of a family in a set that is drawn, or those outside of it."""

    mask: Ref
    outside: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawSet:
    """Draw a set of members, or take it from the noise."""

    target: Value = field(compare=False, metadata=COMPUTED)
    name: str
    like: Value | None  #: a tensor of as many rows


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawMask:
    """Draw the edges of a learned mask, or take those that are likelier there than not."""

    target: Value = field(compare=False, metadata=COMPUTED)
    mask: str
    attribute: Attribute
    likeliest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuse:
    """Make posteriors from experts: products, or a mixture, or the one that is drawn of it."""

    target: Value = field(compare=False, metadata=COMPUTED)
    how: Literal["concatenate", "product", "mixture", "expert", "each", "subsets", "drawn"]
    experts: tuple[Ref, ...]
    formula: str
    #: the mask of the experts, where it is assembled
    there: Value | None = field(default=None, compare=False, metadata=COMPUTED)
    subsets: Attribute = NO_ATTRIBUTE  #: that lists them
    selector: str = ""  #: of one expert of a mixture, which is drawn
    chosen: Chosen | None = None  #: of one subset that is drawn
    present: tuple[Ref | None, ...] = ()  #: which experts a row has; None is always there
    weights: Entries | None = None  #: the exponent of each expert (eq. 13)
    times: int = 1  #: how many samples of each row it is for


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Put the labels that rows have in the place of what is inferred."""

    target: Value = field(compare=False, metadata=COMPUTED)
    source: Value  #: what q infers
    seen: Ref
    value: Ref
    times: int = 1  #: how many samples of each row it is for


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Sample a latent from its posterior, or from its prior where it has none."""

    target: Value = field(compare=False, metadata=COMPUTED)
    distribution: Value | None  #: None for a root of p
    noise: Noise
    latent: str
    discrete: bool = False  #: a category: relaxed where a gradient is to go through it
    times: int = 0  #: how many samples of each row, in a bound of several
    like: Value | None = None  #: of several, a tensor of as many rows as the batch
    #: of a flow: the sample's own log-density
    density: Value | None = field(default=None, compare=False, metadata=COMPUTED)
    word: str = ""  #: of a root of p, for its prior
    each: int = 0  #: of a mixture, how many experts there are, each of which has samples of its own
    chooses: bool = False  #: whether it draws a component of a mixture


@dataclass(frozen=True, slots=True)
class EveryValue:
    """A variable whose classes are summed over, by its name in the runtime."""

    target: Value = field(compare=False, metadata=COMPUTED)
    name: str = field(kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """Give all values that categories and bits can have together, on an axis behind the rows."""

    variables: tuple[EveryValue, ...]
    count: int  #: how many there are

    @property
    def target(self) -> Value:
        """The values of the first variable."""
        return self.variables[0].target


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """Give the probability of each of those values."""

    target: Value = field(compare=False, metadata=COMPUTED)
    parts: tuple[tuple[Ref, Value], ...]  #: a distribution, and the values of it
    of: str  #: as printed
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrGiven:
    """Take what is given of something that p draws, and its sample elsewhere."""

    target: Value = field(compare=False, metadata=COMPUTED)
    source: Value  #: which holds the sample
    variable: Variable


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawData:
    """Sample something observed that p generates, and conditions on."""

    target: Value = field(compare=False, metadata=COMPUTED)
    distribution: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorSample:
    """Sample a root of p, beside the sample of its posterior."""

    target: Value = field(compare=False, metadata=COMPUTED)
    noise: Noise
    like: Value | None  #: a tensor of its shape; None where the latent has no posterior
    of_mean: bool = False  #: whether `like` is a distribution, whose mean has the shape
    of_classes: bool = False  #: whether it has an axis of classes, which the sample has not
    word: str = ""  #: for its law, where it is not normal


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """What p generates from its samples: a draw of its law, or the mean."""

    target: Value = field(compare=False, metadata=COMPUTED)
    distribution: Value
    drawn: bool  #: or the mean
    relaxed: bool = False  #: of no real numbers: with the gradient of a relaxed draw
    noise: Noise | None = None  #: of a latent without a posterior
    name: str = ""
    like: Value | None = None  #: a tensor of its shape, where the distribution has one row for all


@dataclass(frozen=True, slots=True, kw_only=True)
class Predict:
    """Take something observed from what `decode` is given, or the likeliest value of it."""

    target: Value = field(compare=False, metadata=COMPUTED)
    variable: Variable
    distribution: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """Give every row of a tensor or a distribution several times, for as many samples."""

    target: Value = field(compare=False, metadata=COMPUTED)
    source: Value
    times: int
    edges: bool = False  #: of a mask, which may have one row for the whole batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Detach:
    """What a network says, or the edges of a mask, for an objective that does not train it."""

    target: Value = field(compare=False, metadata=COMPUTED)
    source: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Assemble:
    """Put the members of a family together."""

    target: Value = field(compare=False, metadata=COMPUTED)
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

    variable: Variable
    parts: tuple[Ref, ...]  #: its likelihood whole, or member by member
    distribution: str  #: the word for what they are
    grid: bool = False  #: whether its members have more than one index


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A variable that `ancestral_sample` returns."""

    variable: Variable
    value: Value
    grid: bool = False
