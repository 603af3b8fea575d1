"""Modules whose examples cannot be read where their library is not installed."""

__all__ = ["collect_ignore"]

from importlib.util import find_spec

_NEED_TRITON = [f"graphdsl_runtime/estimators/fused/{name}.py" for name in ("kernels", "mixtures")]

collect_ignore = [] if find_spec("triton") else _NEED_TRITON
