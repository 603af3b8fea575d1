"""Words of emitted modules: what they import, what they inherit, and what their methods take.

The compiler never imports the runtime. A test holds these lists against it.
"""

from __future__ import annotations

__all__ = ["OF_THE_CLASS", "OF_THE_METHODS", "OF_THE_RUNTIME"]

from graphdsl.ir.laws import LAWS
from graphdsl.ir.methods import ESTIMATORS

#: The functions and classes of the runtime that emitted code mentions, beside those of laws and of
#: estimators. A test holds them against the trees of modules.
_WORDS = (
    "Batch", "Each", "EdgeMask", "Labelled", "Latents", "Likelihood", "Losses", "Multiplier",
    "Networks", "Noise", "Objective", "Posterior", "Shared", "Subset", "Variable", "among",
    "averaged", "chances", "conditional_flow", "conv_decoder", "conv_encoder", "critic",
    "detached", "draw_data", "each_expert", "expect", "frozen", "gated", "gradient_penalty_r1",
    "holders", "marginal_model", "marginal_models", "mean_over_ranks", "mixture_of_experts",
    "mlp", "mlps", "monte_carlo_kl", "on_sets", "one_expert", "product_of_experts", "repeated",
    "subset_posteriors", "weighted_product",
)  # fmt: skip

#: What a module means by them: no other name of its code may be one of these.
OF_THE_RUNTIME = frozenset(
    (
        *_WORDS,
        *ESTIMATORS,
        *(law.runtime for law in LAWS),
        *(law.prior for law in LAWS if law.prior),
        "Tensor",
        "torch",
    )
)

#: The arguments of emitted methods, and what they call their result.
OF_THE_METHODS = frozenset(("self", "batch", "noise", "latents", "given", "loss"))

#: What emitted classes inherit.
OF_THE_CLASS = frozenset(
    """
    add_module advance ancestral_sample apply bfloat16 buffers call_super_init check children
    compile compiled_by constant cpu critics cuda data_record decode double draw_noise drawn
    draws dump_patches edge_masks emitted_format eval every extra_repr float forward generate
    get_buffer get_extra_state get_parameter get_submodule grid half infer ipu learned_scale
    load_state_dict members modules mtia named_buffers named_children named_modules
    named_parameters network noise_for noise_of_each observe observe_or observe_some one_hot
    or_given origin own_members own_network own_networks own_tied parameter_groups parameters
    players prior_sample ramp refuse_unused_networks register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ rows samples
    samples_of save scaled selector set_extra_state set_submodule settings settled share_memory
    standardise state_dict statistics strata structure structure_loss T_destination temperature
    tied to to_empty train training translate turns type value_of variables weight xpu zero_grad
    """.split()
)
