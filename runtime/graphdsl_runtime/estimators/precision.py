"""What estimators compute in: no less than float32."""

from __future__ import annotations

__all__ = ["widened"]

import torch
from torch import Tensor


def widened(tensor: Tensor) -> Tensor:
    """Give half-precision floats as float32, and anything else as it is.

    Shapes: ``(*) -> (*)``.  Differentiable.

    >>> widened(torch.zeros(1, dtype=torch.bfloat16)).dtype, widened(torch.zeros(1)).dtype
    (torch.float32, torch.float32)
    """
    return tensor.float() if tensor.dtype in {torch.bfloat16, torch.float16} else tensor
