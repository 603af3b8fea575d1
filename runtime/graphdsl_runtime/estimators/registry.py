"""What every estimator is to what it stands for: one table, the same words as its docstring."""

from __future__ import annotations

__all__ = ["ESTIMATORS", "RELATIONS", "Estimator", "Relation"]

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

#: How an emitted term stands to what it stands for, in the words of the audit.
Relation: TypeAlias = Literal["equal", "upper", "lower", "estimate", "saddle", "surrogate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """How a public word of this room stands to the true value.

    >>> ESTIMATORS["info_nce"].relation, ESTIMATORS["info_nce"].unit
    ('lower', 'nats')
    """

    relation: Relation
    bias: str  #: of its expectation over batches: to which side, by what, and when it goes away
    reference: str
    unit: str = "nats"


_BY_THE_CRITIC = "either way, by how far the critic is from the log-ratio"
_DOWN_TO_THE_DECODER = "downwards by that gap, whatever the batch"
_OF_THE_CRITIC = "none of the bound that the critic gives, whatever the batch"

#: Name of the public word -> what it is. A test holds it against the docstrings.
ESTIMATORS: Mapping[str, Estimator] = MappingProxyType(
    {
        "Mine": Estimator(
            relation="estimate",
            bias="that of `donsker_varadhan` in its value; of the gradient's ratio, to 0 as the "
            "rate does",
            reference="Belghazi et al. 2018, sec. 3.2",
        ),
        "adversarial_js": Estimator(
            relation="saddle",
            bias="downwards, by what the critic lacks of log q / p",
            reference="Goodfellow et al. 2014; Dumoulin et al. 2017 (ALI); theory.md 2.2",
        ),
        "adversarial_js_non_saturating": Estimator(
            relation="surrogate",
            bias="not of JS: another number, with its own gradient",
            reference="Goodfellow et al. 2014, sec. 3; Dumoulin et al. 2017 (ALI)",
        ),
        "adversarial_kl": Estimator(
            relation="saddle",
            bias="either way, by how far the critic is from log q / p",
            reference="Sugiyama et al. 2012; Mescheder et al. 2017; Makhzani et al. 2015 (AAE)",
        ),
        "barber_agakov": Estimator(
            relation="lower",
            bias=_DOWN_TO_THE_DECODER,
            reference="Barber and Agakov 2003; theory.md P10",
        ),
        "bernoulli_information": Estimator(
            relation="equal",
            bias="none",
            reference="Cover and Thomas 2006, sec. 2.4; theory.md P18",
        ),
        "club": Estimator(
            relation="upper",
            bias="upwards by KL(p(x) p(y) || p(x, y)) for the true conditional, whatever the batch",
            reference="Cheng et al. 2020 (CLUB)",
        ),
        "conditional_hsic": Estimator(
            relation="estimate",
            bias="none for given bandwidths; downwards where a group has fewer than four rows in a "
            "batch",
            reference="Gretton et al. 2005; Song et al. 2012 (unbiased); theory.md P19",
            unit="1",
        ),
        "conditional_information_nce": Estimator(
            relation="lower",
            bias="downwards; to 0 for the best critic as the groups grow beyond the exponential of "
            "the information",
            reference="van den Oord et al. 2018 (CPC), eq. 4, given c; theory.md P19",
        ),
        "conditional_mmd_between": Estimator(
            relation="estimate",
            bias="none for a given bandwidth; downwards where a part of a group has one row in a "
            "batch",
            reference="Gretton et al. 2012; Louizos et al. 2016 (VFAE); theory.md P19",
            unit="1",
        ),
        "conditional_information_by_difference": Estimator(
            relation="estimate",
            bias="that of the first less that of the second",
            reference="the chain rule; Mukherjee et al. 2020 (CCMI)",
        ),
        "conditional_information_critic": Estimator(
            relation="saddle",
            bias="either way, by the critic; and downwards where a group has one row in a batch",
            reference="Mukherjee et al. 2020 (CCMI); theory.md P19",
        ),
        "donsker_varadhan": Estimator(
            relation="estimate",
            bias="upwards of the bound that the critic gives (Jensen); to 0 as the batch grows",
            reference="Donsker and Varadhan 1983; Belghazi et al. 2018",
        ),
        "energy_distance": Estimator(
            relation="estimate",
            bias="none; with ``unbiased=False`` upwards, by O(1/B)",
            reference="Szekely and Rizzo 2013",
            unit="that of x",
        ),
        "gradient_penalty_r1": Estimator(
            relation="surrogate",
            bias="none, given the samples",
            reference="Mescheder et al. 2018 (R1)",
            unit="1 / that of x, squared",
        ),
        "hsic": Estimator(
            relation="estimate",
            bias="none for given bandwidths; with ``unbiased=False`` upwards, by O(1/B)",
            reference="Gretton et al. 2005; Song et al. 2012 (unbiased)",
            unit="1",
        ),
        "importance_of_experts": Estimator(
            relation="upper",
            bias="upwards; to 0 as k grows, and with `per_expert` only where q is p's own "
            "posterior",
            reference="Shi et al. 2019 (MMVAE), eq. 3; theory.md S6",
        ),
        "importance_weighted": Estimator(
            relation="upper",
            bias="upwards by E log p(x) - E log mean w, which goes to 0 as k grows, as Var(w) / 2k "
            "does",
            reference="Burda et al. 2016 (IWAE), eq. 8",
        ),
        "info_nce": Estimator(
            relation="lower",
            bias="downwards; to 0 for the best critic as K grows beyond the exponential of the "
            "information",
            reference="van den Oord et al. 2018; Poole et al. 2019, sec. 2",
        ),
        "infogan_bound": Estimator(
            relation="lower",
            bias=_DOWN_TO_THE_DECODER,
            reference="Chen et al. 2016 (InfoGAN), sec. 5; theory.md 2.3",
        ),
        "information_critic": Estimator(
            relation="saddle",
            bias=_BY_THE_CRITIC,
            reference="Sugiyama et al. 2012; theory.md P19",
        ),
        "information_club": Estimator(
            relation="surrogate",
            bias="upwards by KL(q(a) q(b) || q(a, b)) for the true conditional, whatever the batch",
            reference="Cheng et al. 2020 (CLUB), theorem 3.2",
        ),
        "information_jsd": Estimator(
            relation="surrogate",
            bias=_OF_THE_CRITIC,
            reference="Hjelm et al. 2019 (Deep InfoMax), eq. 4; Nowozin et al. 2016",
        ),
        "information_leave_in": Estimator(
            relation="lower",
            bias="downwards; to 0 as the batch grows, once log B is well above the information",
            reference="Poole et al. 2019, sec. 2 (with the known conditional)",
        ),
        "information_loo": Estimator(
            relation="upper",
            bias="upwards; to 0 as the batch grows",
            reference="Poole et al. 2019, sec. 2 (leave-one-out)",
        ),
        "information_mine": Estimator(
            relation="saddle",
            bias="upwards of the bound that the critic gives (Jensen), and its gradient's with it; "
            "to 0 as the batch grows",
            reference="Belghazi et al. 2018 (MINE); theory.md P10",
        ),
        "information_nce": Estimator(
            relation="lower",
            bias="downwards; to 0 for the best critic as B grows beyond the exponential of the "
            "information",
            reference="van den Oord et al. 2018 (CPC), eq. 4; Poole et al. 2019, sec. 2",
        ),
        "information_nwj": Estimator(
            relation="lower",
            bias=_OF_THE_CRITIC,
            reference="Nguyen, Wainwright and Jordan 2010; Belghazi et al. 2018 (MINE-f)",
        ),
        "information_smile": Estimator(
            relation="saddle",
            bias="either way, by how far the critic is from the log-ratio, and by what is clipped",
            reference="Song and Ermon 2020 (SMILE)",
        ),
        "irm_penalty": Estimator(
            relation="surrogate",
            bias="none; with `biased` upwards, by the variance of the slope over batches, as 1/B",
            reference="Arjovsky et al. 2019 (IRMv1); theory.md 2.24 and S7",
            unit="nats squared",
        ),
        "risk_variance": Estimator(
            relation="surrogate",
            bias="none; with `biased` upwards, by the variance of the risks over batches, as 1/B",
            reference="Krueger et al. 2021 (V-REx), eq. 8",
            unit="nats squared",
        ),
        "worst_risk": Estimator(
            relation="surrogate",
            bias="upwards: on average over batches the largest of several means is no less than "
            "the largest of their expectations (Jensen); to 0 as the batch grows",
            reference="Sagawa et al. 2020 (group DRO), eq. 4",
            unit="nats",
        ),
        "jensen_shannon_information": Estimator(
            relation="surrogate",
            bias=_OF_THE_CRITIC,
            reference="Hjelm et al. 2019 (Deep InfoMax); Nowozin et al. 2016",
        ),
        "log_aggregate_mss": Estimator(
            relation="estimate",
            bias="downwards, none where the batch is the whole data set; to 0 as the batch grows",
            reference="Chen et al. 2018, appendix C.2",
        ),
        "monte_carlo_kl": Estimator(
            relation="estimate",
            bias="none",
            reference="Hershey and Olsen 2007",
            unit="nats",
        ),
        "mmd": Estimator(
            relation="estimate",
            bias="none for a given bandwidth; with ``unbiased=False`` upwards, by at most "
            "1/B + 1/C",
            reference="Gretton et al. 2012",
            unit="1",
        ),
        "mmd_between": Estimator(
            relation="estimate",
            bias="none for a given bandwidth",
            reference="Gretton et al. 2012; Louizos et al. 2016 (VFAE); theory.md 2.22",
            unit="1",
        ),
        "nwj": Estimator(
            relation="lower",
            bias=_OF_THE_CRITIC,
            reference="Nguyen, Wainwright and Jordan 2010; Poole et al. 2019, sec. 2",
        ),
        "sliced_wasserstein": Estimator(
            relation="estimate",
            bias="upwards; to 0 as the batch grows",
            reference="Bonneel et al. 2015; Kolouri et al. 2019",
            unit="that of x, squared",
        ),
        "smile": Estimator(
            relation="estimate",
            bias="either way, by what is clipped; that of `donsker_varadhan` where nothing is",
            reference="Song and Ermon 2020 (SMILE)",
        ),
        "total_correlation_critic": Estimator(
            relation="saddle",
            bias=_BY_THE_CRITIC,
            reference="Kim and Mnih 2018 (FactorVAE); theory.md P19",
        ),
        "total_correlation_loo": Estimator(
            relation="upper",
            bias="upwards; to 0 as the batch grows",
            reference="theory.md, the one rule, item 2; Poole et al. 2019, sec. 2, for both sides",
        ),
        "total_correlation_mss": Estimator(
            relation="estimate",
            bias="either way, none where the batch is the whole data set; to 0 as the batch grows",
            reference="Chen et al. 2018, appendix C.2",
        ),
        "total_correlation_mws": Estimator(
            relation="estimate",
            bias="(M - 1) log N above the total correlation of the batch's own mixture, without "
            "gradient",
            reference="Chen et al. 2018, sec. 4.1 and appendix C.1",
        ),
    }
)

#: Estimator -> its relation to the true value.
RELATIONS: Mapping[str, Relation] = MappingProxyType(
    {name: estimator.relation for name, estimator in ESTIMATORS.items()}
)
