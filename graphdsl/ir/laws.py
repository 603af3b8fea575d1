"""What is known of each distribution that a spec can name: one record each, read by every room.

The record of a law decides which kind of values it fits, which roles it may have, what a network
predicts for it, and which words of the runtime the emitted module calls. To add a law, see
`docs/contributing/add-a-likelihood.md`.

The file is long because it is one table: a record for each law.
"""

from __future__ import annotations

__all__ = [
    "BERNOULLI",
    "CATEGORICAL",
    "FLOW",
    "FULL_NORMAL",
    "GAMMA",
    "LAPLACE",
    "LAWS",
    "LOG_NORMAL",
    "NEGATIVE_BINOMIAL",
    "NORMAL",
    "POISSON",
    "ZERO_INFLATED_NEGATIVE_BINOMIAL",
    "ZERO_INFLATED_POISSON",
    "Kind",
    "Law",
    "Output",
    "Scale",
    "joint_law",
    "kinds_of_latents",
    "laws_of",
    "scale_of",
]

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["real", "positive", "binary", "categorical", "count"]
#: How a sample depends on the parameters: by a differentiable map, by a relaxation, or not at all.
Gradient: TypeAlias = Literal["pathwise", "relaxed", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """How the output of a network is read as a distribution.

    The network predicts every parameter for every coordinate: first all numbers of the first
    parameter, then all of the second.
    """

    name: str
    constructor: str  #: a word of the runtime; empty if the network returns the distribution itself
    parameters: tuple[str, ...]  #: one word for each number that a coordinate has
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

    word: Literal["scale", "dispersion", "shape"] = "scale"  #: what a spec calls it
    output: Output  #: of a network that predicts the rest
    attribute: str  #: of a learned one: what its logarithm is called in the emitted module
    power: int  #: whose logarithm that is: 1 of the parameter, 2 of its square
    default: Literal["one", "learned"] = "one"  #: what it is where the spec names none
    each: bool = False  #: whether a learned one has an entry for each coordinate


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
    latent: bool  #: whether a latent may be declared with it
    prior: str = ""  #: the runtime's standard distribution; empty if no root of p has this law
    gradient: Gradient  #: of samples
    joint: bool = False  #: whether the numbers of one variable are dependent given its parents
    #: of joint laws: which network is built for it
    builder: Literal["", "full", "flow", "mixture", "vamp"] = ""
    entropy: bool = True  #: whether its entropy has a closed form
    divergences: tuple[str, ...]  #: the laws, as written, to which its KL has a closed form
    exposure: bool = False  #: whether its mean may be a share of another variable's value
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
        return "" if self.prior == NORMAL.prior else self.prior

    def has_divergence_to(self, other: Law) -> bool:
        """Whether KL(self || other) has a closed form."""
        return other.written in self.divergences


_REALS = ("normal", "laplace", "normal(full)")

NORMAL = Law(
    word="normal",
    kind="real",
    runtime="Gaussian",
    output=Output(
        name="gaussian",
        constructor="Gaussian.split",
        parameters=("means", "log-variances"),
    ),
    scale=Scale(
        output=Output(name="unit", constructor="Gaussian.unit", parameters=("means",)),
        attribute="log_var",
        power=2,
    ),
    latent=True,
    prior="standard_normal",
    gradient="pathwise",
    divergences=_REALS,
    has_units=True,
    link="mean: identity; variance: exp",
    support="real numbers",
    reference="Kingma and Welling 2014",
)

LAPLACE = Law(
    word="laplace",
    kind="real",
    runtime="Laplace",
    output=Output(
        name="laplace",
        constructor="Laplace.split",
        parameters=("locations", "log-scales"),
    ),
    scale=Scale(
        output=Output(name="unit_laplace", constructor="Laplace.unit", parameters=("means",)),
        attribute="log_scale",
        power=1,
    ),
    latent=True,
    prior="standard_laplace",
    gradient="pathwise",
    divergences=("normal", "laplace"),
    has_units=True,
    link="location: identity; scale: exp",
    support="real numbers",
    reference="Gil, Alajaji and Linder 2013 (divergences)",
)

BERNOULLI = Law(
    word="bernoulli",
    kind="binary",
    runtime="Bernoulli",
    output=Output(name="bernoulli", constructor="Bernoulli", parameters=("logits",)),
    latent=False,
    prior="uniform_bernoulli",
    gradient="relaxed",
    divergences=("bernoulli",),
    link="logit",
    support="0 and 1",
    reference="Maddison et al. 2017 (relaxation)",
)

CATEGORICAL = Law(
    word="categorical",
    kind="categorical",
    runtime="Categorical",
    output=Output(name="categorical", constructor="Categorical", parameters=("logits",)),
    latent=True,
    prior="uniform_categorical",
    gradient="relaxed",
    divergences=("categorical",),
    link="softmax",
    support="the classes 0 to k - 1",
    reference="Jang et al. 2017; Maddison et al. 2017 (relaxation)",
)

POISSON = Law(
    word="poisson",
    kind="count",
    runtime="Poisson",
    output=Output(name="poisson", constructor="Poisson", parameters=("log-rates",)),
    latent=False,
    gradient="none",
    entropy=False,
    divergences=("poisson",),
    exposure=True,
    has_units=True,
    link="rate: exp",
    support="0, 1, 2, ...",
    reference="McCullagh and Nelder 1989, ch. 6",
)

NEGATIVE_BINOMIAL = Law(
    word="negative_binomial",
    kind="count",
    runtime="NegativeBinomial",
    output=Output(
        name="negative_binomial",
        constructor="NegativeBinomial.split",
        parameters=("log-means", "log-dispersions"),
    ),
    scale=Scale(
        word="dispersion",
        output=Output(
            name="dispersed",
            constructor="NegativeBinomial",
            parameters=("log-means",),
        ),
        attribute="log_dispersion",
        power=1,
        default="learned",
        each=True,
    ),
    latent=False,
    gradient="none",
    entropy=False,
    divergences=(),
    exposure=True,
    has_units=True,
    link="mean: exp; inverse dispersion: exp",
    support="0, 1, 2, ...",
    reference="Lopez et al. 2018; Hilbe 2011, ch. 8",
)

ZERO_INFLATED_NEGATIVE_BINOMIAL = Law(
    word="zero_inflated_negative_binomial",
    kind="count",
    runtime="ZeroInflatedNegativeBinomial",
    output=Output(
        name="zero_inflated_negative_binomial",
        constructor="ZeroInflatedNegativeBinomial.split",
        parameters=("log-means", "logits of zeros", "log-dispersions"),
    ),
    scale=Scale(
        word="dispersion",
        output=Output(
            name="zero_inflated_dispersed",
            constructor="ZeroInflatedNegativeBinomial.split",
            parameters=("log-means", "logits of zeros"),
        ),
        attribute="log_dispersion",
        power=1,
        default="learned",
        each=True,
    ),
    latent=False,
    gradient="none",
    entropy=False,
    divergences=(),
    exposure=True,
    has_units=True,
    link="mean: exp; share of zeros: logit; inverse dispersion: exp",
    support="0, 1, 2, ...",
    reference="Lopez et al. 2018",
)

ZERO_INFLATED_POISSON = Law(
    word="zero_inflated_poisson",
    kind="count",
    runtime="ZeroInflatedPoisson",
    output=Output(
        name="zero_inflated_poisson",
        constructor="ZeroInflatedPoisson.split",
        parameters=("log-rates", "logits of zeros"),
    ),
    latent=False,
    gradient="none",
    entropy=False,
    divergences=(),
    exposure=True,
    has_units=True,
    link="rate: exp; share of zeros: logit",
    support="0, 1, 2, ...",
    reference="Lambert 1992",
)

LOG_NORMAL = Law(
    word="log_normal",
    kind="positive",
    runtime="LogNormal",
    output=Output(
        name="log_normal",
        constructor="LogNormal.split",
        parameters=("log-medians", "log-scales"),
    ),
    scale=Scale(
        output=Output(
            name="scaled_log_normal", constructor="LogNormal", parameters=("log-medians",)
        ),
        attribute="log_scale",
        power=1,
        default="learned",
        each=True,
    ),
    latent=False,
    gradient="none",
    divergences=(),
    has_units=True,
    link="median: exp; scale of the logarithm: exp",
    support="positive numbers",
    reference="Johnson, Kotz and Balakrishnan 1994, ch. 14",
)

GAMMA = Law(
    word="gamma",
    kind="positive",
    runtime="Gamma",
    output=Output(
        name="gamma",
        constructor="Gamma.split",
        parameters=("log-means", "log-shapes"),
    ),
    scale=Scale(
        word="shape",
        output=Output(name="shaped_gamma", constructor="Gamma", parameters=("log-means",)),
        attribute="log_shape",
        power=1,
        default="learned",
        each=True,
    ),
    latent=False,
    gradient="none",
    entropy=False,
    divergences=(),
    has_units=True,
    link="mean: exp; shape: exp",
    support="positive numbers",
    reference="McCullagh and Nelder 1989, ch. 8",
)

FULL_NORMAL = Law(
    word="normal",
    argument="full",
    kind="real",
    runtime="FullGaussian",
    output=Output(
        name="full_gaussian",
        constructor="FullGaussian.split",
        parameters=("means", "log-variances", "entries below the diagonal"),
        asked="means, log-variances, then what is below the diagonal, row by row",
    ),
    declared=False,
    latent=True,
    gradient="pathwise",
    joint=True,
    builder="full",
    divergences=_REALS,
    link="mean: identity; diagonal of the Cholesky factor: exp",
    support="real vectors",
    reference="Kingma and Welling 2019, sec. 2.5",
)

FLOW = Law(
    word="flow",
    kind="real",
    runtime="Flow",
    output=Output(name="flow", constructor="", parameters=()),
    declared=False,
    latent=True,
    gradient="pathwise",
    joint=True,
    builder="flow",
    entropy=False,
    divergences=(),
    link="an invertible network",
    support="real vectors",
    reference="Rezende and Mohamed 2015; Kingma et al. 2016",
)

#: Every law. Of each kind the first is the one that a variable has unless its spec names another.
LAWS = (
    NORMAL, LAPLACE, LOG_NORMAL, GAMMA, BERNOULLI, CATEGORICAL, POISSON, NEGATIVE_BINOMIAL,
    ZERO_INFLATED_NEGATIVE_BINOMIAL, ZERO_INFLATED_POISSON, FULL_NORMAL, FLOW,
)  # fmt: skip


def laws_of(kind: Kind) -> dict[str, Law]:
    """The laws that a variable of a kind may be declared with, by their words."""
    return {one.word: one for one in LAWS if one.kind == kind and one.declared}


def kinds_of_latents() -> tuple[Kind, ...]:
    """The kinds that a latent may be declared with."""
    return tuple(dict.fromkeys(one.kind for one in LAWS if one.latent and one.declared))


def scale_of(output: Output) -> Scale | None:
    """The parameter that a network's output lacks; None if it has all of its law's."""
    return next((one.scale for one in LAWS if one.scale and one.scale.output == output), None)


def joint_law(word: str, arguments: Iterable[str]) -> Law | None:
    """The joint law that a line of `q` names, as in `~ normal(full)`; None if there is none."""
    return next((one for one in LAWS if one.joint and _is_named(one, word, arguments)), None)


def _is_named(law: Law, word: str, arguments: Iterable[str]) -> bool:
    return law.word == word and (not law.argument or [law.argument] == list(arguments))
