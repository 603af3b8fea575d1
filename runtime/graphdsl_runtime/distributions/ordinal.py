"""Independent classes in an order: the cumulative logistic model."""

from __future__ import annotations

__all__ = ["Ordinal"]

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime.distributions.categorical import Categorical
from graphdsl_runtime.exponents import positive


@dataclass(frozen=True, eq=False)
class Ordinal(Categorical):
    r"""Independent variables of k classes that have an order, which thresholds part.

    .. math:: P(v \le c) = \operatorname{sigmoid}(\theta_c - m), \quad
              \theta_0 < \theta_1 < \dots < \theta_{k-2}

    A number with logistic noise about the location m is seen only by the interval that it is in:
    the proportional-odds model, where m alone depends on the row.  The logits are the logarithms of
    the probabilities, and all else is as of a `Categorical`.

    Shapes: ``logits`` is ``(B, *, k)``, the classes last; indices and nats are ``(B, *)``.
    Reference: McCullagh 1980.

    >>> Ordinal.of_thresholds(torch.zeros(1), torch.zeros(2)).mean  # thresholds -1/2 and 1/2
    tensor([[0.3775, 0.2449, 0.3775]])
    """

    @staticmethod
    def of_thresholds(location: Tensor, thresholds: Tensor) -> Ordinal:
        r"""Read the locations, of classes whose thresholds are for all rows, such as learned ones.

        .. math:: \theta_0 = t_0 - \tfrac{k - 2}{2}, \quad \theta_c = \theta_{c-1} + e^{t_c}

        so any numbers t are thresholds in order; zeros are thresholds about 0, one apart.

        Shapes: ``location`` is ``(B, *)``, and ``thresholds``, ``(*, k - 1)``, broadcasts to it.

        >>> Ordinal.of_thresholds(torch.zeros(3, 2), torch.zeros(2, 4)).logits.shape
        torch.Size([3, 2, 5])
        """
        first, gaps = thresholds[..., :1], positive(thresholds[..., 1:])
        start = first - 0.5 * gaps.shape[-1]
        bounds = torch.cat([start, start + gaps.cumsum(dim=-1)], dim=-1)
        above = bounds - location[..., None]
        ends = F.logsigmoid(above), F.logsigmoid(-above)
        # sigmoid(b) - sigmoid(a) is sigmoid(b) sigmoid(-a) (1 - exp(a - b)).
        apart = torch.log(-torch.expm1(-gaps)).expand(ends[0][..., 1:].shape)
        middle = ends[0][..., 1:] + ends[1][..., :-1] + apart
        return Ordinal(torch.cat([ends[0][..., :1], middle, ends[1][..., -1:]], dim=-1))
