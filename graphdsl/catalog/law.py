"""What is known of a distribution: the record of a law, and how it reads a network's output."""

from __future__ import annotations

__all__ = ["Gradient", "Kind", "Law", "Output", "Scale", "Word"]

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["real", "positive", "unit", "binary", "categorical", "count"]
#: How a sample depends on the parameters: by a differentiable map, by a relaxation, or not at all.
Gradient: TypeAlias = Literal["pathwise", "relaxed", "none"]
#: What a spec calls a parameter that it may fix.
Word: TypeAlias = Literal["scale", "dispersion", "shape", "precision", "df", "thresholds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """How the output of a network is read as a distribution.

    The network predicts every parameter for every coordinate: first all numbers of the first
    parameter, then all of the second.
    """

    name: str
    constructor: str  #: a word of the runtime; empty if the network returns the distribution itself
    parameters: tuple[str, ...]  #: one word for each number that a coordinate has
    by_class: bool = True  #: of a category: whether each class has a number, not the whole alone
    asked: str = ""  #: what a network of the caller's own is asked for, unless `parameters` says it

    @property
    def is_vector(self) -> bool:
        """Whether the output is one vector, which the constructor splits and shapes."""
        return len(self.parameters) > 1

    @property
    def is_distribution(self) -> bool:
        """Whether the network returns the distribution itself."""
        return not self.constructor

    @property
    def words(self) -> str:
        """What a network of the caller's own has to return, in words."""
        return self.asked or ", then ".join(self.parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A parameter that a likelihood may have without a network that predicts it.

    It is the last of the law's own output: what a network predicts with it is the rest before it.
    """

    word: Word = "scale"  #: what a spec calls it
    output: Output  #: of a network that predicts the rest
    attribute: str  #: of a learned one: what its logarithm is called in the emitted module
    power: int  #: whose logarithm that is: 1 of the parameter, 2 of its square
    default: Literal["one", "learned"] = "one"  #: what it is where the spec names none
    each: bool = False  #: whether a learned one has an entry for each coordinate
    is_always_learned: bool = False  #: whether a spec can neither fix nor predict it


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """A distribution that a spec can name after `~`."""

    word: str  #: as a spec writes it
    argument: str = ""  #: in brackets behind the word: `normal(full)`
    kind: Kind  #: of the values
    runtime: str  #: the class of the runtime
    output: Output  #: of a network that predicts all parameters
    scale: Scale | None = None  #: None if a network predicts all parameters, always
    declared: bool = True  #: whether a declaration may name it; if not, only a line of `q`
    latent: bool = False  #: whether a latent may be declared with it
    prior: str = ""  #: the runtime's standard distribution; empty if no root of p has this law
    gradient: Gradient = "none"  #: of samples
    joint: bool = False  #: whether the numbers of one variable are dependent given its parents
    #: of joint laws: which network is built for it
    builder: Literal["", "full", "flow", "mixture", "vamp"] = ""
    entropy: bool = True  #: whether its entropy has a closed form
    divergences: tuple[str, ...] = ()  #: the laws, as written, to which its KL has a closed form
    exposure: bool = False  #: whether its mean may be a share of another variable's value
    interior: bool = False  #: whether the ends of the support have no density
    has_units: bool = False  #: whether a default network predicts in units of the data
    link: str  #: from the network's output to the parameter
    support: str
    reference: str

    @property
    def written(self) -> str:
        """The law as a spec writes it: `normal(full)`."""
        return f"{self.word}({self.argument})" if self.argument else self.word

    def __str__(self) -> str:
        return self.written

    @property
    def is_run_alone(self) -> bool:
        """Whether the network of each variable runs alone: it returns the distribution itself."""
        return self.output.is_distribution

    @property
    def prior_sample(self) -> str:
        """What makes a sample of the prior from normal noise; empty if it is the noise itself."""
        return "" if self.prior == "standard_normal" else self.prior

    def has_divergence_to(self, other: Law) -> bool:
        """Whether KL(self || other) has a closed form."""
        return other.written in self.divergences
