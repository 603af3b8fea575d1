"""The words that emitted objectives are written in.

Distributions, fusion of views, estimators of information, default networks, and the base class
`Objective`. It knows torch, and nothing of the compiler.
"""

from graphdsl_runtime import distributions, estimators
from graphdsl_runtime.classes import averaged, chances
from graphdsl_runtime.convolutions import conv_decoder, conv_encoder
from graphdsl_runtime.critics import (
    Critic,
    SeparableCritic,
    critic,
    frozen,
    separable_critic,
)
from graphdsl_runtime.distributions import *  # noqa: F403  (every word of this room is public)
from graphdsl_runtime.errors import (
    Meaningless,
    MissingInput,
    MissingTriton,
    NotABatch,
    NotADensity,
    NotATensor,
    NotFinite,
    NotSeen,
    ObjectiveError,
    OtherFormat,
    OutOfRange,
    OutsideSupport,
    ShapeMismatch,
    UnknownName,
    WrongDevice,
)
from graphdsl_runtime.estimators import *  # noqa: F403  (every word of this room is public)
from graphdsl_runtime.estimators.fused import fused_kernels
from graphdsl_runtime.family_networks import Each, FamilyNetwork, Shared, Tied
from graphdsl_runtime.flows import Flow, StackedFlow, conditional_flow
from graphdsl_runtime.fusion import (
    each_expert,
    mixture_of_experts,
    mixture_of_products,
    one_expert,
    product_of_experts,
    subset_posteriors,
    weighted_product,
)
from graphdsl_runtime.layers import Shape
from graphdsl_runtime.masks import EdgeMask, gated
from graphdsl_runtime.module import (
    Batch,
    Latents,
    Losses,
    Networks,
    Noise,
    Objective,
)
from graphdsl_runtime.multipliers import Multiplier
from graphdsl_runtime.network_errors import (
    BadAnswer,
    MissingNetwork,
    NetworkNeeded,
    NotOneNetwork,
)
from graphdsl_runtime.networks import (
    linear,
    linears,
    marginal_model,
    marginal_models,
    mlp,
    mlps,
    resnet,
)
from graphdsl_runtime.players import alternate, due, play
from graphdsl_runtime.priors import PseudoInputs, mixture_model, pseudo_inputs
from graphdsl_runtime.ranks import alone, mean_over_ranks
from graphdsl_runtime.sampling import Posterior, detached, draw_data, repeated, repeated_edges
from graphdsl_runtime.structures import cool, learn_edges
from graphdsl_runtime.subsets import Subset, among, holders, on_sets
from graphdsl_runtime.variables import Variable

__all__ = [
    "BadAnswer",
    "Batch",
    "Critic",
    "Each",
    "EdgeMask",
    "FamilyNetwork",
    "Flow",
    "Latents",
    "Losses",
    "Meaningless",
    "MissingInput",
    "MissingNetwork",
    "MissingTriton",
    "Multiplier",
    "NetworkNeeded",
    "Networks",
    "Noise",
    "NotABatch",
    "NotADensity",
    "NotATensor",
    "NotFinite",
    "NotOneNetwork",
    "NotSeen",
    "Objective",
    "ObjectiveError",
    "OtherFormat",
    "OutOfRange",
    "OutsideSupport",
    "Posterior",
    "PseudoInputs",
    "SeparableCritic",
    "Shape",
    "ShapeMismatch",
    "Shared",
    "StackedFlow",
    "Subset",
    "Tied",
    "UnknownName",
    "Variable",
    "WrongDevice",
    "alone",
    "alternate",
    "among",
    "averaged",
    "chances",
    "conditional_flow",
    "conv_decoder",
    "conv_encoder",
    "cool",
    "critic",
    "detached",
    "draw_data",
    "due",
    "each_expert",
    "frozen",
    "fused_kernels",
    "gated",
    "holders",
    "learn_edges",
    "linear",
    "linears",
    "marginal_model",
    "marginal_models",
    "mean_over_ranks",
    "mixture_model",
    "mixture_of_experts",
    "mixture_of_products",
    "mlp",
    "mlps",
    "on_sets",
    "one_expert",
    "play",
    "product_of_experts",
    "pseudo_inputs",
    "repeated",
    "repeated_edges",
    "resnet",
    "separable_critic",
    "subset_posteriors",
    "weighted_product",
]
__all__ += distributions.__all__
__all__ += estimators.__all__
