"""Statements of an emitted module: what its methods compute, line by line, and what they return."""

from __future__ import annotations

__all__ = [
    "Assemble",
    "Attribute",
    "Chances",
    "Chosen",
    "Decoded",
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
    "InferenceLine",
    "Known",
    "Local",
    "Observe",
    "OneHot",
    "OrGiven",
    "Predict",
    "PriorSample",
    "Ref",
    "Repeat",
    "Run",
    "Sample",
    "Seen",
    "Statement",
    "Target",
]

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from graphdsl.ir.laws import Output

#: The key of what a method computes, where it is read; once names are given, its Python name.
Local: TypeAlias = Annotated[str, "local"]
#: The same where it is computed.
Target: TypeAlias = Annotated[str, "target"]
#: The key of an attribute of the emitted class; once names are given, its Python name.
Attribute: TypeAlias = Annotated[str, "attribute"]


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries of a learned mask, as a tensor with an axis for each of `shape`."""

    mask: Local
    extents: tuple[int, ...]  #: of the mask
    entries: tuple[tuple[int, ...], ...]  #: counted from one; the last axis runs fastest
    shape: tuple[int, ...]
    axes: int = 0  #: of size one, behind those of `shape`


@dataclass(frozen=True, slots=True)
class Ref:
    """A tensor of the emitted code, or some members of it."""

    name: Local
    places: tuple[int, ...] | None = None  #: which members, counted from nought; None is all
    one: bool = False  #: a single member, without the axis of the family
    gate: Entries | None = None  #: what it is multiplied with, edge by edge
    spread: bool = False  #: whether the gate has an axis in front that the tensor has not
    in_sets: bool = False  #: with an axis of one behind the rows: it is the same in all sets
    behind: bool = False  #: whether its members lie behind an axis of classes


@dataclass(frozen=True, slots=True, kw_only=True)
class Observe:
    """Take an observed variable from the batch."""

    target: Target
    variable: str
    shape: tuple[int, ...]
    seen: Target  #: which rows have it, where they may lack it
    source: str = "batch"  #: the argument that holds it
    some: bool = False  #: rows may lack it: its mask is taken as well


@dataclass(frozen=True, slots=True, kw_only=True)
class OneHot:
    """Write an observed category as a vector, as networks read it."""

    target: Target
    value: Local
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

    target: Target
    slot: Attribute
    arguments: tuple[Ref, ...]
    output: Output  #: how what it returns is read as a distribution
    reshape: tuple[int, ...] | None  #: of a row, where the output does not have it already
    formula: str
    shape: tuple[int, ...]  #: of a row
    seen: tuple[Seen, ...] = ()  #: the observed parents, where views may be missing
    scale: float | Attribute | None = None  #: a fixed one, or the attribute of a learned one
    scale_by_member: bool = False  #: whether each member has its entry of a learned one
    prior: Local = ""  #: what stands in for it in rows where a parent is missing
    missing: tuple[Seen, ...] = ()  #: the parents that a row may lack in training
    frozen: bool = False  #: whether the networks stay as they are
    detached: bool = False  #: whether what they read stays as it is
    picked: tuple[int, ...] = ()  #: the members whose networks run, where not all do
    times: int = 1  #: how many samples of each row it is for
    on_sets: bool = False  #: whether its arguments have the axis of the sets, or of classes
    holders: Attribute = ""  #: which says what sets each member runs on; empty for all


@dataclass(frozen=True, slots=True)
class Chosen:
    """The members of a family in a set that is drawn, or those outside of it."""

    mask: Ref
    outside: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawSet:
    """Draw a set of members, or take it from the noise."""

    target: Target
    name: str
    like: Local  #: a tensor of as many rows
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawMask:
    """Draw the edges of a learned mask, or take those that are likelier there than not."""

    target: Target
    mask: str
    attribute: Attribute
    likeliest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuse:
    """Make posteriors from experts: products, or a mixture, or the one that is drawn of it."""

    target: Target
    how: Literal["concatenate", "product", "mixture", "expert", "each", "subsets", "drawn"]
    experts: tuple[Ref, ...]
    formula: str
    shape: tuple[int, ...]
    there: Target = ""  #: the mask of the experts that there are, where it is put together
    subsets: Attribute = ""  #: that lists them
    selector: str = ""  #: of one expert of a mixture, which is drawn
    chosen: Chosen | None = None  #: of one subset that is drawn
    seen: tuple[Ref, ...] = ()  #: which experts there are, where views may be missing
    present: tuple[Ref | None, ...] = ()  #: the same in training; None is always there
    weights: Entries | None = None  #: the exponent of each expert (eq. 13)
    times: int = 1  #: how many samples of each row it is for


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Put the labels that rows have in the place of what is inferred."""

    target: Target
    source: Local  #: what q infers
    seen: Ref
    value: Ref
    shape: tuple[int, ...]
    times: int = 1  #: how many samples of each row it is for


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Sample a latent from its posterior."""

    target: Target
    distribution: Local  #: empty for a root of p
    noise: Annotated[Ref, "noise"]  #: by the name that the noise has it under
    latent: str
    shape: tuple[int, ...]
    grid: int = 1  #: how many indices the noise's family has
    discrete: bool = False  #: a category: relaxed where a gradient is to go through it
    times: int = 0  #: how many samples of each row, in a bound of several
    like: Local = ""  #: of several, a tensor of as many rows as the batch
    density: Target = ""  #: of a flow: the sample's own log-density
    word: str = ""  #: of a root of p, for its prior
    each: int = 0  #: of a mixture, how many experts there are, each of which has samples of its own


@dataclass(frozen=True, slots=True)
class EveryValue:
    """A variable whose classes are summed over, by its name in the runtime."""

    target: Target
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

    target: Target
    parts: tuple[tuple[Ref, Local], ...]  #: a distribution, and the values of it
    of: str  #: as printed
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrGiven:
    """Take what is given of something that p draws, and its sample elsewhere."""

    target: Target
    source: Local  #: which holds the sample
    variable: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawData:
    """Sample something observed that p generates, and conditions on."""

    target: Target
    distribution: Local
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorSample:
    """Sample a root of p, beside the sample of its posterior."""

    target: Target
    latent: str
    like: Local  #: a tensor of its shape; empty where the latent has no posterior
    shape: tuple[int, ...]
    of_mean: bool = False  #: whether `like` is a distribution, whose mean has the shape
    of_classes: bool = False  #: whether it has an axis of classes, which the sample has not
    word: str = ""  #: for its law, where it is not normal
    places: tuple[int, ...] | None = None  #: the members of a family that are roots; None is all
    one: bool = False  #: a single one, without the axis of the family
    grid: int = 1  #: how many indices the noise's family has


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """What p generates from its samples: a draw of its law, or what its networks answer."""

    target: Target
    distribution: Local
    shape: tuple[int, ...]
    drawn: bool  #: or the mean
    relaxed: bool = False  #: of no real numbers: with the gradient of a relaxed draw
    noise: Annotated[Ref | None, "noise"] = None  #: of a latent without a posterior
    name: str = ""
    grid: int = 1  #: how many indices the noise's family has


@dataclass(frozen=True, slots=True, kw_only=True)
class Predict:
    """Take something observed from what `decode` is given, or the likeliest value of it."""

    target: Target
    variable: str
    distribution: Local
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """Give every row of a tensor or a distribution several times, for as many samples."""

    target: Target
    source: Local
    times: int
    shape: tuple[int, ...] | None  #: of a row, where it is to be told


@dataclass(frozen=True, slots=True, kw_only=True)
class Detach:
    """What a network says, or the edges of a mask, for an objective that does not train it."""

    target: Target
    source: Local
    shape: tuple[int, ...] | None  #: of a row, where it is to be told


@dataclass(frozen=True, slots=True, kw_only=True)
class Assemble:
    """Put the members of a family together."""

    target: Target
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

    variable: str
    parts: tuple[Ref, ...]  #: its likelihood whole, or member by member
    distribution: str  #: the word for what they are
    grid: bool = False  #: whether its members have more than one index


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A variable that `ancestral_sample` returns."""

    variable: str
    value: Local
    grid: bool = False
