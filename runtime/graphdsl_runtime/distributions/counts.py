"""What likelihoods of counts share: a mean that may be a share of an exposure."""

from __future__ import annotations

__all__ = ["Counts"]

from typing import Self

import torch
from torch import Tensor

from graphdsl_runtime.distributions.coordinates import Coordinates
from graphdsl_runtime.distributions.parameters import over


class Counts(Coordinates):
    """Independent counts, whose first parameter is the logarithm of a mean."""

    def exposed(self, exposure: Tensor, axes: int) -> Self:
        r"""Let the means be shares of an exposure, such as the size of a library.

        .. math:: m = e \operatorname{softmax}(\log m)

        over the last ``axes`` axes, the coordinates of a variable.  A variable of one number has no
        shares: its mean is the exposure times what it was.

        Shapes: ``exposure`` is ``(B,)``, or has the leading axes of the parameters.
        Reference: Lopez et al. 2018; McCullagh and Nelder 1989, sec. 6.2 (offsets).

        >>> from graphdsl_runtime import Poisson
        >>> Poisson(torch.zeros(2, 4)).exposed(torch.tensor([8.0, 100.0]), axes=1).mean
        tensor([[ 2.0000,  2.0000,  2.0000,  2.0000],
                [25.0000, 25.0000, 25.0000, 25.0000]])
        """
        first, *others = self.parameters
        shares = first
        if axes:
            flat = torch.log_softmax(first.flatten(first.ndim - axes), dim=-1)
            shares = flat.reshape(first.shape)
        return type(self)(*(torch.log(over(exposure, first)) + shares, *others))
