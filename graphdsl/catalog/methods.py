"""What is known of each word after `with`, and of each estimator that a term may have: one record.

A `Method` is what a spec names: which functionals it fits, and what its brackets take. An
`Estimator` is the function of the runtime that the emitted module calls for it, with its relation
to what a term takes it for. To add one, see `docs/contributing/add-an-estimator.md`.

The file is long because it is one table: a record for each word, and for each estimator.
"""

from __future__ import annotations

__all__ = [
    "DISTANCES",
    "ESTIMATORS",
    "EXPERTS",
    "IWAE",
    "METHODS",
    "MSS",
    "PENALTIES",
    "UNREACHABLE",
    "Estimator",
    "Experts",
    "Method",
    "PenaltyWord",
    "Relation",
    "Setting",
    "Target",
    "estimator_of",
]

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from string import Template
from types import MappingProxyType
from typing import Literal, TypeAlias

#: How a term relates to what it replaces.
Relation: TypeAlias = Literal["equal", "upper", "lower", "estimate", "saddle", "surrogate"]
#: Which experts of a mixture a term samples: all, all with a logarithm for each, or one for a row.
Experts: TypeAlias = Literal["every", "apart", "one"]
#: What a method may estimate: an information or total correlation, the KL of a joint of data and
#: latents, and the distances of two marginals.
Target: TypeAlias = Literal["information", "joint", "KL", "JS"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """A function of the runtime that estimates a term."""

    word: str  #: of the runtime
    relation: Relation  #: to what a term takes it for
    named: str  #: in the audit; `{}` stands for what it compares
    has_critic: bool = False
    gradient: str = ""  #: what its gradient is, where not the derivative of its value
    surrogate: str = ""  #: why it is no bound, of a surrogate
    rows: bool = False  #: whether it reads how many rows the data have
    groups: bool = False  #: whether its second argument says which rows are in the second group


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A number in the brackets of a method."""

    name: str
    what: str  #: as a message calls it
    low: Fraction
    high: Fraction | None = None  #: None is without bound; both bounds are excluded

    def __contains__(self, value: Fraction) -> bool:
        return self.low < value and (self.high is None or value < self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A word after `with`."""

    word: str
    targets: tuple[Target, ...]
    settings: tuple[tuple[str, ...], ...] = ((),)  #: which names may stand in brackets together
    needs_densities: bool = False  #: of the posteriors: samples alone are not enough
    is_of_parts: bool = False  #: of two variables alone: factors of one family are no target
    factors: Estimator | None = None  #: of the factors of one family
    parts: Estimator | None = None  #: of two variables
    groups: Estimator | None = None  #: the same where the second is one bit; None is as of `parts`
    pairs: str = "rows of {}"  #: what `parts` compares
    numbers: tuple[Setting, ...] = ()  #: what a setting is that is no count of samples
    distances: tuple[tuple[Literal["KL", "JS", "MMD", "W"], Estimator], ...] = ()  #: of marginals
    joint: Estimator | None = None  #: of the KL of a joint
    average: tuple[str, str] = ("", "")  #: what is inside its expectation, as text and in LaTeX
    is_sum: bool = False  #: whether it sums over the classes of inferred categories
    closes: str = ""  #: what closes its gap beside an exact posterior
    of_experts: Estimator | None = None  #: the same where the posterior is a mixture
    fits: str  #: which terms it is for, in a message about another one
    usage: str  #: what to write for one of them; `{}` is the word
    brackets: str = "nothing in brackets"  #: what it takes there, for a message
    example: str = ""  #: how its settings are written; empty if it has none

    def averaged(self, text: str, latex: str, settings: Mapping[str, object]) -> tuple[str, str]:
        """What is inside its expectation, of importance weights printed as given."""
        plain, formula = (Template(one) for one in self.average)
        return plain.substitute(settings, weight=text), formula.substitute(settings, weight=latex)


_KERNEL = "surrogate: the kernel's width, a median of the batch's distances, is held"
_NO_NATS = (
    "a kernel discrepancy is zero exactly when the information is, but is not measured in nats"
)

_TC_MSS = Estimator(
    word="total_correlation_mss",
    relation="estimate",
    named="minibatch stratified sampling",
    rows=True,
)
_TC_MWS = Estimator(
    word="total_correlation_mws",
    relation="estimate",
    named="minibatch weighted sampling",
    rows=True,
)
_TC_LOO = Estimator(
    word="total_correlation_loo",
    relation="upper",
    named="leave-in joint minus leave-one-out marginals, in expectation",
)
_TC_CRITIC = Estimator(
    word="total_correlation_critic",
    relation="saddle",
    named="a critic of permuted {} (density ratio)",
    has_critic=True,
)
_INFORMATION_CRITIC = Estimator(
    word="information_critic",
    relation="saddle",
    named="a critic of permuted {} (density ratio)",
    has_critic=True,
)
_INFORMATION_MINE = Estimator(
    word="information_mine",
    relation="saddle",
    named="a critic of permuted {} (Donsker-Varadhan)",
    has_critic=True,
)
_HSIC = Estimator(
    word="hsic",
    relation="surrogate",
    named="maximum mean discrepancy of {}",
    gradient=_KERNEL,
    surrogate=_NO_NATS,
)
_MMD_BETWEEN = Estimator(
    word="mmd_between",
    relation="surrogate",
    named="maximum mean discrepancy of the two groups of {}",
    gradient=_KERNEL,
    surrogate=_NO_NATS,
    groups=True,
)
_IMPORTANCE = Estimator(
    word="importance_weighted",
    relation="upper",
    named="importance weights of {} of each row",
)
_IMPORTANCE_OF_EXPERTS = Estimator(
    word="importance_of_experts",
    relation="upper",
    named="importance weights of {} of every expert",
)

#: `irm`: the slopes of the environments' risks; `vrex`: their variance; `dro`: the largest.
PenaltyWord: TypeAlias = Literal["irm", "vrex", "dro"]

_NO_INFORMATION = "a penalty is no information"

#: The penalties on how the risks of environments differ, by their words: `irm(y | z, e)`.
PENALTIES: Mapping[PenaltyWord, Estimator] = MappingProxyType(
    {
        "irm": Estimator(
            word="irm_penalty",
            relation="surrogate",
            named="the squared slope of each environment's risk",
            surrogate=_NO_INFORMATION,
        ),
        "vrex": Estimator(
            word="risk_variance",
            relation="surrogate",
            named="the variance of the environments' risks",
            surrogate=_NO_INFORMATION,
        ),
        "dro": Estimator(
            word="worst_risk",
            relation="surrogate",
            named="the largest of the environments' risks",
            surrogate=_NO_INFORMATION,
        ),
    }
)
#: JS, of a generator that plays with flipped labels.
_NON_SATURATING = Estimator(
    word="adversarial_js_non_saturating",
    relation="surrogate",
    named="a critic of samples, its labels flipped: it has JS's fixed point (p = q) alone",
    has_critic=True,
    gradient="surrogate: of the loss with flipped labels, and not of JS",
    surrogate="a critic with flipped labels estimates no divergence",
)

#: The estimator that each distance of two marginals has by itself.
DISTANCES: Mapping[str, Estimator] = MappingProxyType(
    {
        "MMD": Estimator(
            word="mmd",
            relation="estimate",
            named="maximum mean discrepancy",
            gradient=_KERNEL,
        ),
        "W": Estimator(
            word="sliced_wasserstein",
            relation="estimate",
            named="sliced Wasserstein distance",
        ),
        "JS": Estimator(
            word="adversarial_js",
            relation="saddle",
            named="a critic of samples (Jensen-Shannon)",
            has_critic=True,
        ),
        "KL": Estimator(
            word="adversarial_kl",
            relation="saddle",
            named="a critic of samples (density ratio)",
            has_critic=True,
        ),
    }
)

_INFORMATIONS = "informations and total correlations"
_PARTS = "the information of two variables"
_PARTS_USAGE = "`estimate I(z; u) with {}`"
_JOINT = "`KL(q || p)` of data and of the latents behind them"
_TC_USAGE = "`estimate TC(u) with {}`"
_FOLLOWED = "`KL(q || p) with {}`; all other terms under q then follow it"
_SLOPE = "no more than the weight of a penalty on its critic's slope, `r1`"

#: What an information has if nothing is chosen for it.
MSS = Method(
    word="mss",
    targets=("information",),
    needs_densities=True,
    factors=_TC_MSS,
    parts=_TC_MSS,
    fits=_INFORMATIONS,
    usage=_TC_USAGE,
)

IWAE = Method(
    word="iwae",
    targets=("joint",),
    settings=(("k",),),
    joint=_IMPORTANCE,
    of_experts=_IMPORTANCE_OF_EXPERTS,
    average=(
        "log 1/$k sum_k $weight",
        "\\log \\tfrac{1}{$k} \\sum_{k=1}^{$k} $weight",
    ),
    closes="the samples are many",
    fits=_JOINT,
    usage="`KL(q || p) with {}(k = 16)`; other terms have no such bound",
    brackets="the number of samples, `k`",
    example="(k = 16)",
)

#: The words after `with`, in the order in which messages list them.
METHODS: Mapping[str, Method] = MappingProxyType(
    {
        one.word: one
        for one in (
            MSS,
            Method(
                word="mws",
                targets=("information",),
                needs_densities=True,
                factors=_TC_MWS,
                parts=_TC_MWS,
                fits=_INFORMATIONS,
                usage=_TC_USAGE,
            ),
            Method(
                word="loo",
                targets=("information",),
                needs_densities=True,
                factors=_TC_LOO,
                parts=_TC_LOO,
                fits=_INFORMATIONS,
                usage=_TC_USAGE,
            ),
            Method(
                word="adversary",
                targets=("information", "KL", "JS"),
                distances=(("KL", DISTANCES["KL"]), ("JS", DISTANCES["JS"])),
                settings=((), ("r1",)),
                factors=_TC_CRITIC,
                parts=_INFORMATION_CRITIC,
                fits="informations, total correlations, and the KL or JS of marginals",
                usage="`estimate TC(u) with {0}` or `KL(q(z) || p(z)) with {0}`",
                brackets=_SLOPE,
                example="(r1 = 1)",
            ),
            Method(
                word="mine",
                targets=("information",),
                is_of_parts=True,
                parts=_INFORMATION_MINE,
                fits=_PARTS,
                usage=_PARTS_USAGE,
            ),
            Method(
                word="mmd",
                targets=("information",),
                is_of_parts=True,
                parts=_HSIC,
                groups=_MMD_BETWEEN,
                pairs="pairs and unpaired rows",
                fits=_PARTS,
                usage=_PARTS_USAGE,
            ),
            IWAE,
            Method(
                word="non_saturating",
                targets=("JS",),
                distances=(("JS", _NON_SATURATING),),
                settings=((), ("r1",)),
                fits="the JS of marginals",
                usage="`JS(q(x) || p(x)) with {}`",
                brackets=_SLOPE,
                example="(r1 = 1)",
            ),
            Method(
                word="enumeration",
                targets=("joint",),
                is_sum=True,
                fits=_JOINT,
                usage=_FOLLOWED,
            ),
            Method(word="one_expert", targets=("joint",), fits=_JOINT, usage=_FOLLOWED),
        )
    }
)

#: What `iwae` may be told of a mixture, beside how many samples there are.
EXPERTS: Mapping[str, Experts] = MappingProxyType({"per_expert": "apart", "one_expert": "one"})


def _of(method: Method) -> tuple[Estimator | None, ...]:
    distances = (one for _, one in method.distances)
    joint = method.joint, method.of_experts
    return method.factors, method.parts, method.groups, *joint, *distances


#: Every estimator of a term, by its word in the runtime.
ESTIMATORS: Mapping[str, Estimator] = MappingProxyType(
    {
        one.word: one
        for one in (
            *(each for method in METHODS.values() for each in _of(method)),
            *DISTANCES.values(),
            *PENALTIES.values(),
        )
        if one is not None
    }
)

_NO_WORD = "no word of the language names it yet"
_PREDICTED = "the compiler writes the bound itself, as a cross-entropy of a decoder or a predictor"
_UNCONDITIONAL = "estimators of the language are of informations without a condition"

#: The estimators of the runtime that no spec reaches, and why.
UNREACHABLE: Mapping[str, str] = MappingProxyType(
    {
        "Mine": "it keeps a moving average between batches; `with mine` has no state",
        "barber_agakov": _PREDICTED,
        "bernoulli_information": "the language has no information of an edge of a mask",
        "club": _NO_WORD,
        "conditional_information_by_difference": _UNCONDITIONAL,
        "conditional_information_critic": _UNCONDITIONAL,
        "donsker_varadhan": "`with mine` calls it, as `information_mine`",
        "energy_distance": _NO_WORD,
        "gradient_penalty_r1": "it is a penalty of a critic, of `r1`, and no estimate of a term",
        "info_nce": _NO_WORD,
        "infogan_bound": _PREDICTED,
        "information_leave_in": _NO_WORD,
        "information_loo": "`with loo` bounds both sides, by `total_correlation_loo`",
        "jensen_shannon_information": _NO_WORD,
        "log_aggregate_mss": "it is a part of `total_correlation_mss`",
        "monte_carlo_kl": "a rate without a closed form has it by itself",
        "nwj": _NO_WORD,
        "smile": _NO_WORD,
    }
)


def estimator_of(method: Method, *, is_factors: bool, is_groups: bool = False) -> Estimator:
    """The estimator that a method has of an information."""
    estimator = method.factors if is_factors else (method.groups if is_groups else method.parts)
    estimator = estimator or method.parts or method.factors
    if estimator is None:
        raise KeyError(method.word)
    return estimator
