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
    "CriticKind",
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
from dataclasses import dataclass, replace
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

#: What a critic gives: a score of each row, features of two variables whose inner products score
#: all pairs of rows, or the law of the first variable given the second.
CriticKind: TypeAlias = Literal["", "scores", "features", "predictor"]

#: `irm`: the slopes of the environments' risks; `vrex`: their variance; `dro`: the largest.
PenaltyWord: TypeAlias = Literal["irm", "vrex", "dro"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """A function of the runtime that estimates a term."""

    word: str  #: of the runtime
    relation: Relation  #: to what a term takes it for
    named: str  #: in the audit; `{}` stands for what it compares
    critic: CriticKind = ""  #: what its other player gives; empty if it has none
    permutes: bool = False  #: whether noise permutes rows for its critic
    gradient: str = ""  #: what its gradient is, where not the derivative of its value
    surrogate: str = ""  #: why it is no bound, of a surrogate
    rows: bool = False  #: whether it reads how many rows the data have
    closes: str = ""  #: what makes a bound of an information tight
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
    encoded: Estimator | None = None  #: of a latent and all that it is inferred from
    within: Estimator | None = None  #: of two variables given a third, within its groups
    groups_within: Estimator | None = None  #: the same where the second is one bit
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
    closes="the batch is large",
)
_INFORMATION_LOO = Estimator(
    word="information_loo",
    relation="upper",
    named="own posterior against the leave-one-out mixture, in expectation",
    closes="the batch is large",
)
_TC_CRITIC = Estimator(
    word="total_correlation_critic",
    relation="saddle",
    named="a critic of permuted {} (density ratio)",
    critic="scores",
    permutes=True,
)
_INFORMATION_CRITIC = Estimator(
    word="information_critic",
    relation="saddle",
    named="a critic of permuted {} (density ratio)",
    critic="scores",
    permutes=True,
)
_INFORMATION_MINE = Estimator(
    word="information_mine",
    relation="saddle",
    named="a critic of permuted {} (Donsker-Varadhan)",
    critic="scores",
    permutes=True,
)
_INFORMATION_NCE = Estimator(
    word="information_nce",
    relation="lower",
    named="a critic of all pairs of {} (InfoNCE)",
    closes="the critic is the best one, and the batch is large",
    critic="features",
)
_INFORMATION_NWJ = Estimator(
    word="information_nwj",
    relation="lower",
    named="a critic of permuted {} (Nguyen-Wainwright-Jordan)",
    closes="the critic is the best one",
    critic="scores",
    permutes=True,
)
_INFORMATION_SMILE = Estimator(
    word="information_smile",
    relation="saddle",
    named="a critic of permuted {} (Donsker-Varadhan, clipped)",
    critic="scores",
    permutes=True,
)
_INFORMATION_JSD = Estimator(
    word="information_jsd",
    relation="surrogate",
    named="a critic of permuted {} (Jensen-Shannon)",
    critic="scores",
    permutes=True,
    surrogate="a Jensen-Shannon divergence is zero exactly when the information is, and is "
    "otherwise another number",
)
_INFORMATION_CLUB = Estimator(
    word="information_club",
    relation="surrogate",
    named="a predictor from {}, of its own row less those of others (CLUB)",
    critic="predictor",
    surrogate="CLUB is an upper bound only where its predictor is near the true conditional",
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
_INDEPENDENCE = replace(_HSIC, named="Hilbert-Schmidt independence criterion of {}")
_CRITIC_WITHIN = Estimator(
    word="conditional_information_critic",
    relation="saddle",
    named="a critic of permuted {} (density ratio)",
    critic="scores",
    permutes=True,
)
_NCE_WITHIN = Estimator(
    word="conditional_information_nce",
    relation="lower",
    named="a critic of all pairs of {} (InfoNCE)",
    closes="the critic is the best one, and the groups are large",
    critic="features",
)
_HSIC_WITHIN = replace(_HSIC, word="conditional_hsic")
_INDEPENDENCE_WITHIN = replace(_INDEPENDENCE, word="conditional_hsic")
_MMD_WITHIN = replace(_MMD_BETWEEN, word="conditional_mmd_between")
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
    critic="scores",
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
            critic="scores",
        ),
        "KL": Estimator(
            word="adversarial_kl",
            relation="saddle",
            named="a critic of samples (density ratio)",
            critic="scores",
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


def _of_parts(word: str, parts: Estimator, within: Estimator | None = None) -> Method:
    """An estimate of the information of two variables alone, from samples."""
    return Method(
        word=word,
        targets=("information",),
        is_of_parts=True,
        parts=parts,
        within=within,
        fits=_PARTS,
        usage=_PARTS_USAGE,
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
                encoded=_INFORMATION_LOO,
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
                within=_CRITIC_WITHIN,
                fits="informations, total correlations, and the KL or JS of marginals",
                usage="`estimate TC(u) with {0}` or `KL(q(z) || p(z)) with {0}`",
                brackets=_SLOPE,
                example="(r1 = 1)",
            ),
            _of_parts("mine", _INFORMATION_MINE),
            _of_parts("infonce", _INFORMATION_NCE, _NCE_WITHIN),
            _of_parts("nwj", _INFORMATION_NWJ),
            _of_parts("smile", _INFORMATION_SMILE),
            _of_parts("jsd", _INFORMATION_JSD),
            _of_parts("club", _INFORMATION_CLUB),
            _of_parts("hsic", _INDEPENDENCE, _INDEPENDENCE_WITHIN),
            Method(
                word="mmd",
                targets=("information",),
                is_of_parts=True,
                parts=_HSIC,
                groups=_MMD_BETWEEN,
                within=_HSIC_WITHIN,
                groups_within=_MMD_WITHIN,
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


#: The words in the brackets of `iwae` that concern a mixture, and the experts that each samples.
EXPERTS: Mapping[str, Experts] = MappingProxyType({"per_expert": "apart", "one_expert": "one"})


def _of(method: Method) -> tuple[Estimator | None, ...]:
    distances = (one for _, one in method.distances)
    joint = method.joint, method.of_experts
    within = method.encoded, method.within, method.groups_within
    return method.factors, method.parts, method.groups, *within, *joint, *distances


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

#: The estimators of the runtime that no spec reaches, and why.
UNREACHABLE: Mapping[str, str] = MappingProxyType(
    {
        "Mine": "it keeps a moving average between batches; `with mine` has no state",
        "barber_agakov": _PREDICTED,
        "bernoulli_information": "the language has no information of an edge of a mask",
        "club": "`with club` calls it, as `information_club`",
        "conditional_information_by_difference": "two terms of the objective say the same",
        "donsker_varadhan": "`with mine` calls it, as `information_mine`",
        "energy_distance": _NO_WORD,
        "gradient_penalty_r1": "it is a penalty of a critic, of `r1`, and no estimate of a term",
        "info_nce": "`with infonce` calls it, as `information_nce`",
        "infogan_bound": _PREDICTED,
        "information_leave_in": _NO_WORD,
        "jensen_shannon_information": "`with jsd` calls it, as `information_jsd`",
        "log_aggregate_mss": "it is a part of `total_correlation_mss`",
        "monte_carlo_kl": "a rate without a closed form has it by itself",
        "nwj": "`with nwj` calls it, as `information_nwj`",
        "smile": "`with smile` calls it, as `information_smile`",
    }
)


def estimator_of(
    method: Method,
    *,
    is_factors: bool,
    is_groups: bool = False,
    is_within: bool = False,
    is_encoded: bool = False,
) -> Estimator:
    """The estimator that a method has of an information."""
    if is_encoded and method.encoded is not None:
        return method.encoded
    if is_within and not is_factors and method.within is not None:
        return (is_groups and method.groups_within) or method.within
    estimator = method.factors if is_factors else (method.groups if is_groups else method.parts)
    estimator = estimator or method.parts or method.factors
    if estimator is None:
        raise KeyError(method.word)
    return estimator
