"""Names that an emitted class inherits: recorded from the runtime by `make golden`.

With other versions of torch there may be others: a name stays here once it was there.
"""

from __future__ import annotations

__all__ = ["OF_THE_CLASS"]

OF_THE_CLASS = frozenset(
    """
    add_module advance ancestral_sample apply bfloat16 buffers call_super_init check children
    compile compiled_by constant cpu critics cuda cycle data_record decode double draw_noise drawn
    draws dump_patches edge_masks emitted_format eval every extra_repr float forward generate
    get_buffer get_extra_state get_parameter get_submodule grid half infer ipu learned_scale
    load_state_dict members modules mtia named_buffers named_children named_modules named_parameters
    network noise_for noise_of_each observe observe_or observe_some one_hot or_given origin
    own_members own_network own_networks own_tied parameter_groups parameters players prior_sample
    ramp refuse_unused_networks register_backward_hook register_buffer register_forward_hook
    register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
    register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
    rows samples samples_of save scaled selector set_extra_state set_submodule settings settled
    share_memory standardise state_dict statistics strata structure structure_loss T_destination
    temperature tied to to_empty train training translate turns type value_of variables weight xpu
    zero_grad
    """.split()
)
