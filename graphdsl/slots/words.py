"""Words of emitted modules: what they import, and what their methods take.

The compiler never imports the runtime. The tree of a module holds no other word, and a test holds
these against the runtime; `inherited` has the names that an emitted class inherits.
"""

from __future__ import annotations

__all__ = ["OF_THE_METHODS", "OF_THE_RUNTIME"]

from graphdsl.catalog.laws import LAWS
from graphdsl.catalog.methods import ESTIMATORS
from graphdsl.catalog.priors import PRIORS

#: The functions and classes of the runtime that emitted code mentions, beside those of laws and of
#: estimators.
_WORDS = (
    "Batch", "Each", "EdgeMask", "Labelled", "Latents", "Likelihood", "Losses", "Multiplier",
    "Networks", "Noise", "Objective", "Posterior", "Shared", "Subset", "Variable", "among",
    "averaged", "chances", "conditional_flow", "conv_decoder", "conv_encoder", "critic",
    "detached", "draw_data", "each_expert", "expect", "frozen", "gated", "gradient_penalty_r1",
    "holders", "linear", "linears", "marginal_model", "marginal_models", "mean_over_ranks",
    "mixture_model", "mixture_of_experts", "mlp", "mlps", "monte_carlo_kl", "of_class",
    "on_sets", "one_expert", "product_of_experts", "pseudo_inputs", "repeated",
    "repeated_edges", "resnet", "separable_critic", "subset_posteriors", "weighted_product",
)  # fmt: skip

#: What a module means by them: no other name of its code may be one of these.
OF_THE_RUNTIME = frozenset(
    (
        *_WORDS,
        *ESTIMATORS,
        *(law.runtime for law in (*LAWS, *PRIORS.values())),
        *(law.prior for law in LAWS if law.prior),
        "Tensor",
        "torch",
    )
)

#: The arguments of emitted methods, and what they call their result.
OF_THE_METHODS = frozenset(("self", "batch", "noise", "latents", "given", "loss"))
