"""Trained Lagrange multipliers: one player pays for a violation, the other sets the price."""

from __future__ import annotations

__all__ = ["Multiplier"]

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime.errors import OutOfRange
from graphdsl_runtime.ranks import mean_over_ranks


class Multiplier(nn.Module):
    r"""A multiplier of a constraint g <= 0, never negative: dual ascent.

    .. math:: \min_\theta \max_{\lambda \ge 0} f(\theta) + \lambda g(\theta),
              \qquad \lambda = \log(1 + e^{\rho})

    The model pays `penalty`, with the price held still; the multiplier minimises `dual`, with the
    violation held still, and so rises while the constraint is violated, and falls while it is kept
    with room to spare. Within the ``tolerance`` of g = 0, a number in the unit of g, the price
    stays: the estimate of g from a minibatch is not exact, and a price that follows it never
    settles.
    Raises `OutOfRange` for an initial price that is not positive and a tolerance below 0.
    Reference: paper, eqs. 6-7; Zhao et al. 2018 (Lagrangian VAE), for dual ascent by gradients.

    >>> price, violation = Multiplier(initial=1.0), torch.tensor(0.5, requires_grad=True)
    >>> price.penalty(violation)
    tensor(0.5000, grad_fn=<MulBackward0>)
    >>> price.dual(violation)
    tensor(-0.5000, grad_fn=<MulBackward0>)
    >>> price.tolerance = 1.0
    >>> price.dual(violation)
    tensor(-0., grad_fn=<MulBackward0>)
    """

    def __init__(self, initial: float = 1.0, tolerance: float = 0.0) -> None:
        super().__init__()
        if not initial > 0.0:
            raise OutOfRange("initial", initial, low=0.0, high=float("inf"))
        if not tolerance >= 0.0:
            raise OutOfRange("tolerance", tolerance, low=0.0, high=float("inf"))
        self.tolerance = tolerance
        # The inverse of softplus, x + log(1 - e^-x), for large x too.
        price = torch.tensor(float(initial))
        self.raw = nn.Parameter(price + torch.log(-torch.expm1(-price)))

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
        violation = mean_over_ranks(violation.detach())
        beyond = torch.where(violation.abs() > self.tolerance, violation, 0.0)
        return -self.value * beyond

    def extra_repr(self) -> str:
        """Show the tolerance."""
        return f"tolerance={self.tolerance}"
