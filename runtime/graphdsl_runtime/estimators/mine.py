"""MINE: the Donsker-Varadhan estimate with a gradient that is not biased by its logarithm."""

from __future__ import annotations

__all__ = ["Mine"]

import math

import torch
from torch import Tensor, nn

from graphdsl_runtime.errors import OutOfRange
from graphdsl_runtime.estimators.contrast import log_mean_exp
from graphdsl_runtime.holding import held


class Mine(nn.Module):
    r"""Estimate information by Donsker-Varadhan, with the gradient corrected: I(x; y).

    .. math:: \nabla \hat I = E_{p(x, y)} \nabla f - \frac{E_{p(x) p(y)} e^{f} \nabla f}{\bar E}

    where :math:`\bar E` is a moving average of :math:`E e^{f}` over batches, kept as a logarithm;
    the gradient of the plain estimate divides by the batch's own. While training, every call moves
    it by ``rate``; evaluating leaves it alone.

    Shapes: joint and product ``(*), (*) -> ()``; product may hold log-mean-exps of equal numbers of
    scores, as `contrast` gives them.  Unit: nats.
    Relation: estimate. The value is that of `donsker_varadhan`.
    Bias: that of `donsker_varadhan` in its value; of the gradient's ratio, to 0 as the rate does.
    Raises `OutOfRange` if the rate is not in (0, 1], or if there are no scores of pairs drawn
    independently.
    Reference: Belghazi et al. 2018, sec. 3.2.

    >>> Mine()(torch.ones(4), torch.ones(4))
    tensor(0.)
    """

    log_average: Tensor
    weight: Tensor

    def __init__(self, rate: float = 0.01) -> None:
        super().__init__()
        if not 0.0 < rate <= 1.0:
            raise OutOfRange("rate", rate, low=0.0, high=1.0)
        self.rate = rate
        # The sum of the weights given so far is 1 - (1 - rate)^t: the average is divided by it.
        self.register_buffer("log_average", torch.tensor(-math.inf))
        self.register_buffer("weight", torch.tensor(0.0))

    def forward(self, joint: Tensor, product: Tensor) -> Tensor:
        """Give the estimate; while training, take the batch into the average first."""
        log_mean = log_mean_exp(product)
        value = held(log_mean)
        if self.training:
            kept = self.log_average + math.log1p(-self.rate) if self.rate < 1.0 else -math.inf
            kept = torch.as_tensor(kept, dtype=value.dtype, device=value.device)
            moved = torch.logaddexp(kept, value + math.log(self.rate))
            self.log_average.copy_(moved)
            self.weight.mul_(1.0 - self.rate).add_(self.rate)
            average = moved - self.weight.log()
        else:
            average = value  # nothing is trained: any positive number would do
        ratio = torch.exp(log_mean - average)
        return joint.mean() - value - (ratio - held(ratio))

    def extra_repr(self) -> str:
        """Show the rate."""
        return f"rate={self.rate}"
