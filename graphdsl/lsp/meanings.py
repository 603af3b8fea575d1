"""What each functional means, as Markdown: its name, its definition, and when it is zero."""

from __future__ import annotations

__all__ = ["meaning"]

from graphdsl.catalog.functions import FUNCTIONS
from graphdsl.ir.objective import (
    Distance,
    DivergenceOfMarginals,
    DivergenceOfPosteriors,
    Functional,
    InvariancePenalty,
    MultiInformation,
    PredictiveEntropy,
    Projection,
    Sparsity,
    UncertaintyOf,
    Wrapped,
)

_ALWAYS: dict[type[Functional], str] = {
    UncertaintyOf: "Entropy, in nats: `H(A | C) = -E log q(A | C)`.",
    Projection: (
        "Divergence to a network, in nats: `D(q || G)` is the least `KL(q || r)` over the "
        "distributions r that factorise along G. It is zero where q does."
    ),
    DivergenceOfMarginals: (
        "Kullback-Leibler divergence, in nats: `KL(q || p) = E log q - E log p` under q. It is "
        "zero where the two agree."
    ),
    DivergenceOfPosteriors: (
        "Kullback-Leibler divergence of two inference networks' conditionals, in nats, on average "
        "under q. It is zero where they agree."
    ),
    Sparsity: "Expected number of edges that a learned mask keeps.",
}
_DISTANCES = {
    "JS": "Jensen-Shannon divergence of the marginals under q and p, at most log 2 nats",
    "MMD": "Maximum mean discrepancy of the marginals under q and p, by a kernel; not in nats",
    "W": "Wasserstein distance of the marginals under q and p, in units of the data",
    "KL": "Kullback-Leibler divergence of the marginals under q and p, in nats, from samples",
}
_PENALTIES = {
    "irm": "Invariant risk minimisation: zero where one predictor is stationary everywhere",
    "vrex": "Variance of the risks of the environments: zero where all are equal",
    "dro": "Largest of the risks of the environments",
}
_WRAPPED = {
    **{word: function.meaning for word, function in FUNCTIONS.items()},
    "constraint": "Constraint on an expectation, with a multiplier that is trained",
}


def meaning(functional: Functional) -> str:
    """Say what a functional measures.

    >>> from graphdsl.ir.objective import UncertaintyOf
    >>> meaning(UncertaintyOf(frozenset()))
    'Entropy, in nats: `H(A | C) = -E log q(A | C)`.'
    """
    match functional:
        case MultiInformation():
            return _information(functional)
        case PredictiveEntropy():
            return _predictive(functional)
        case Distance():
            return f"{_DISTANCES[functional.name]}. It is zero where they agree."
        case InvariancePenalty():
            return f"{_PENALTIES[functional.word]}."
        case Wrapped():
            return f"{_WRAPPED[functional.kind]}."
        case _:
            return _ALWAYS[type(functional)]


def _information(functional: MultiInformation) -> str:
    if len(functional.parts) == 2:
        return (
            "Mutual information, in nats: `I(A; B | C) = H(A | C) - H(A | B, C)`. It is zero where "
            "A and B are independent given C."
        )
    return (
        "Total correlation, in nats: `TC(A; B; ... | C) = H(A | C) + H(B | C) + ... - H(A, B, ... "
        "| C)`. It is zero where the parts are independent given C."
    )


def _predictive(functional: PredictiveEntropy) -> str:
    if functional.cost is not None:
        return "Cost of a prediction, coordinate by coordinate; not in nats."
    return (
        "Cross-entropy, in nats: `CE(A | C) = -E log p(A | C)`. It is at least `H(A | C)`, and "
        "equal where the model predicts as q does."
    )
