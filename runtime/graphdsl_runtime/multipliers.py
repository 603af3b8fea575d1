"""Trained Lagrange multipliers: one player pays for a violation, the other sets the price."""

from __future__ import annotations

__all__ = ["Multiplier"]

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)


class Multiplier(nn.Module):
    r"""A multiplier of a constraint g <= 0, never negative: dual ascent.

    .. math:: \min_\theta \max_{\lambda \ge 0} f(\theta) + \lambda g(\theta),
              \qquad \lambda = \log(1 + e^{\rho})

    The model pays `penalty`, with the price held still; the multiplier minimises `dual`, with the
    violation held still, and so rises while the constraint is violated. Reference: paper, eqs. 6-7.

    >>> price, violation = Multiplier(initial=1.0), torch.tensor(0.5, requires_grad=True)
    >>> price.penalty(violation)
    tensor(0.5000, grad_fn=<MulBackward0>)
    """

    def __init__(self, initial: float = 1.0) -> None:
        super().__init__()
        self.raw = nn.Parameter(torch.expm1(torch.tensor(float(initial))).log())

    @property
    def value(self) -> Tensor:
        """The multiplier itself.  Shape: ``()``."""
        return F.softplus(self.raw)

    def penalty(self, violation: Tensor) -> Tensor:
        """What the model pays: its gradient reaches the violation alone.  Shape: ``() -> ()``."""
        return self.value.detach() * violation

    def dual(self, violation: Tensor) -> Tensor:
        """What the multiplier minimises: its gradient reaches the price alone.

        Shape: ``() -> ()``.
        """
        return -self.value * violation.detach()
