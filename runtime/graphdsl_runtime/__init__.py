"""The words that emitted objectives are written in.

Distributions, products of experts, estimators of information, default networks, and the base class
`Objective`. It knows torch, and nothing of the compiler.
"""

from graphdsl_runtime.distributions import (
    Bernoulli,
    Gaussian,
    StandardNormal,
    expect,
    standard_normal,
)
from graphdsl_runtime.errors import (
    MissingInput,
    MissingNetwork,
    ObjectiveError,
    OutOfRange,
    ShapeMismatch,
    UnknownName,
)
from graphdsl_runtime.estimators import (
    RELATIONS,
    Relation,
    log_aggregate_mss,
    total_correlation_mss,
)
from graphdsl_runtime.fusion import each_expert, product_of_experts, subset_posteriors
from graphdsl_runtime.module import (
    Batch,
    Latents,
    Losses,
    Networks,
    Noise,
    Objective,
    Variable,
)
from graphdsl_runtime.networks import (
    Each,
    FamilyNetwork,
    Shape,
    Shared,
    conv_decoder,
    conv_encoder,
    frozen,
    mlp,
    mlps,
)

__all__ = [
    "RELATIONS",
    "Batch",
    "Bernoulli",
    "Each",
    "FamilyNetwork",
    "Gaussian",
    "Latents",
    "Losses",
    "MissingInput",
    "MissingNetwork",
    "Networks",
    "Noise",
    "Objective",
    "ObjectiveError",
    "OutOfRange",
    "Relation",
    "Shape",
    "ShapeMismatch",
    "Shared",
    "StandardNormal",
    "UnknownName",
    "Variable",
    "conv_decoder",
    "conv_encoder",
    "each_expert",
    "expect",
    "frozen",
    "log_aggregate_mss",
    "mlp",
    "mlps",
    "product_of_experts",
    "standard_normal",
    "subset_posteriors",
    "total_correlation_mss",
]
