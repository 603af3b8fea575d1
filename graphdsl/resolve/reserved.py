"""Names that a spec may not give away, for what they mean in it or in the emitted Python."""

from __future__ import annotations

__all__ = ["why_reserved"]

import keyword

_OF_THE_LANGUAGE = frozenset(
    """
    q p G KL D I H TC CE JS MMD W inf mean expect abs max ramp frozen information cost irm sparsity
    """.split()
)

# What emitted classes inherit, and the names that emitted code uses: a test holds this list
# against the attributes of the runtime's base class.
_OF_THE_MODULE = frozenset(
    """
    T_destination absolute add_module advance ancestral_sample apply batch bfloat16 bool buffers
    call_super_init check children compile constant constraint cpu critics cuda decode dict double
    draw_noise drawn draws dump_patches edge_masks eval every expect extra_repr float floored
    forward generate get_buffer get_extra_state get_parameter get_submodule given grid half infer
    int ipu len load_state_dict loss members modules mtia multiplier named_buffers named_children
    named_modules named_parameters network networks nn noise observe observe_or observe_some one_hot
    or_given own_members own_network own_tied parameter_groups parameters players prior_sample ramp
    range refuse_unused_networks register_backward_hook register_buffer register_forward_hook
    register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
    register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
    learned_scale rows samples samples_of scaled seen selector self set_extra_state set_submodule
    share_memory spec_hash standardise state_dict statistics str structure super temperature terms
    tied to to_empty torch train training translate tuple turns type variables weight xpu zero_grad
    """.split()
)

# The words of the runtime that emitted code is written in, held against those that it imports.
_OF_THE_RUNTIME = frozenset(
    """
    Batch Bernoulli Categorical Each EdgeMask Flow FullGaussian Gaussian Labelled Laplace Latents
    Likelihood Losses Multiplier Networks Noise Objective Poisson Posterior Shared Subset Tensor
    Variable adversarial_js adversarial_js_non_saturating adversarial_kl among averaged chances
    conditional_flow conv_decoder conv_encoder critic detached draw_data each_expert expect frozen
    gated gradient_penalty_r1 holders hsic importance_weighted information_critic
    information_mine irm_penalty latents marginal_model marginal_models mean_over_ranks mlp mlps mmd
    mmd_between on_sets one_expert product_of_experts repeated sliced_wasserstein standard_laplace
    standard_normal subset_posteriors total_correlation_critic total_correlation_loo
    total_correlation_mss total_correlation_mws uniform_bernoulli uniform_categorical
    weighted_product
    """.split()
)

#: What emitted code calls its own results: `q_z`, `rate_z`.
_PREFIXES = (
    "q_", "p_", "r_", "chance", "chosen_", "expert_", "experts_", "seen_", "subsets_", "holders_",
    "rate_", "reconstruction_", "prediction_", "entropy_", "divergence_", "critic_", "slope_",
    "cross_entropy_", "total_correlation_", "one_hot_", "log_var_", "log_scale_", "present_",
    "absolute_", "floored_", "constraint_", "multiplier_", "selector_", "penalty_", "mask_",
    "sparsity_", "squared_cost_", "huber_cost_", "importance", "loss_", "information_",
)  # fmt: skip


def why_reserved(name: str) -> str:
    """Why a name is refused; empty if it may be used.

    >>> why_reserved("lambda"), why_reserved("common")
    ('it is a keyword of Python', '')
    """
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "it is a keyword of Python"
    if name in _OF_THE_LANGUAGE:
        return "it has a meaning in the language"
    if name in _OF_THE_MODULE:
        return "the emitted module has an attribute of that name"
    if name in _OF_THE_RUNTIME:
        return "the emitted code uses a word of that name"
    if name.startswith(_PREFIXES):
        return "the emitted code names its own results so"
    if name.startswith("_"):
        return "names that begin with `_` are private to the emitted module"
    return ""
