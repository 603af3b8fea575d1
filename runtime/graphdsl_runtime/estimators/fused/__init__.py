"""Fused Triton kernels of what plain paths stream: asked for by `fused_kernels`, held to them.

`switch` is what the rest of the runtime sees, and needs no triton; `mixtures` and `kernels` do.
"""

from graphdsl_runtime.estimators.fused.switch import FusedLogSums, fused_for, fused_kernels

__all__ = ["FusedLogSums", "fused_for", "fused_kernels"]
