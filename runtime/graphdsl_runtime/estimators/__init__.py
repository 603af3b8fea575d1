"""Estimators of information and divergence, each with its relation to what it stands for.

From posteriors that have densities (`aggregate`), from several samples of them (`importance`), from
a critic's scores (`information`, `mine`, `contrast`), from a critic that trains (`games`,
`bounds`), from samples alone (`kernels`, `transport`), within groups of rows (`within`), and
penalties (`penalties`). `registry` says of each what it is: relation, bias, reference, unit.
"""

from graphdsl_runtime.estimators.aggregate import (
    information_leave_in,
    information_loo,
    log_aggregate_mss,
    total_correlation_loo,
    total_correlation_mss,
    total_correlation_mws,
)
from graphdsl_runtime.estimators.bounds import (
    information_club,
    information_jsd,
    information_nce,
    information_nwj,
    information_smile,
)
from graphdsl_runtime.estimators.contrast import Contrast, contrast
from graphdsl_runtime.estimators.games import (
    Players,
    Sample,
    adversarial_js,
    adversarial_js_non_saturating,
    adversarial_kl,
    conditional_information_critic,
    gradient_penalty_r1,
    information_critic,
    information_mine,
    total_correlation_critic,
)
from graphdsl_runtime.estimators.importance import importance_of_experts, importance_weighted
from graphdsl_runtime.estimators.information import (
    barber_agakov,
    club,
    conditional_information_by_difference,
    donsker_varadhan,
    info_nce,
    infogan_bound,
    jensen_shannon_information,
    nwj,
    smile,
)
from graphdsl_runtime.estimators.kernels import Kernel, hsic, mmd, mmd_between
from graphdsl_runtime.estimators.mine import Mine
from graphdsl_runtime.estimators.penalties import (
    bernoulli_information,
    irm_penalty,
    risk_variance,
    worst_risk,
)
from graphdsl_runtime.estimators.permutations import permute_blocks, permute_within
from graphdsl_runtime.estimators.registry import ESTIMATORS, RELATIONS, Estimator, Relation
from graphdsl_runtime.estimators.transport import energy_distance, sliced_wasserstein
from graphdsl_runtime.estimators.within import (
    conditional_hsic,
    conditional_information_nce,
    conditional_mmd_between,
)

__all__ = [
    "ESTIMATORS",
    "RELATIONS",
    "Contrast",
    "Estimator",
    "Kernel",
    "Mine",
    "Players",
    "Relation",
    "Sample",
    "adversarial_js",
    "adversarial_js_non_saturating",
    "adversarial_kl",
    "barber_agakov",
    "bernoulli_information",
    "club",
    "conditional_hsic",
    "conditional_information_by_difference",
    "conditional_information_critic",
    "conditional_information_nce",
    "conditional_mmd_between",
    "contrast",
    "donsker_varadhan",
    "energy_distance",
    "gradient_penalty_r1",
    "hsic",
    "importance_of_experts",
    "importance_weighted",
    "info_nce",
    "infogan_bound",
    "information_club",
    "information_critic",
    "information_jsd",
    "information_leave_in",
    "information_loo",
    "information_mine",
    "information_nce",
    "information_nwj",
    "information_smile",
    "irm_penalty",
    "jensen_shannon_information",
    "log_aggregate_mss",
    "mmd",
    "mmd_between",
    "nwj",
    "permute_blocks",
    "permute_within",
    "risk_variance",
    "sliced_wasserstein",
    "smile",
    "total_correlation_critic",
    "total_correlation_loo",
    "total_correlation_mss",
    "total_correlation_mws",
    "worst_risk",
]
