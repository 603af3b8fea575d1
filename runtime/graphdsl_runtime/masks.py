r"""Learned edges: masks of independent Bernoulli variables, and what they let through.

Algorithm 1 of the paper draws a structure, trains the distributions under it, and moves the
probability of every edge by the gradient that the drawn edge carries. `EdgeMask` is one mask of
those; `gated` cuts what a network reads, and `weighted_product` weighs experts by it (eq. 13).
"""

from __future__ import annotations

__all__ = ["EdgeMask", "Gradient", "gated"]

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from graphdsl_runtime.distributions import Bernoulli
from graphdsl_runtime.errors import OutOfRange, ShapeMismatch

#: What the probabilities of the edges learn from.
Gradient: TypeAlias = Literal["straight_through", "disarm", "enumeration"]


class EdgeMask(nn.Module):
    r"""A mask of edges, each there with a probability of its own, which is learned.

    .. math:: m_e \sim \operatorname{Bernoulli}(\rho_e), \qquad
              \rho_e = \operatorname{sigmoid}(l_e)

    The sample is of zeros and ones. ``gradient`` says what the probabilities learn from. The
    default, ``"straight_through"``, is the gradient of the relaxed sample at `temperature`, which
    is biased: even its sign may be wrong. ``"disarm"`` and ``"enumeration"`` are unbiased: the
    sample has no gradient then, and the loss of the player ``structure`` has it
    (`structure_loss`).

    An objective under a mask is the mean over structures of each structure's own objective, and
    one draw is an unbiased estimate of it. With ``by_row`` every row has a draw of its own, which
    is the same mean with less variance where the objective is a mean over rows. A term of all rows
    together, such as a total correlation, needs one draw for the batch, and so do the unbiased
    gradients.

    Raises `OutOfRange` for a probability to start with that is not between 0 and 1.
    Reference: Zhang, Koyama and Ishiguro 2020, sec. 3.5 and algorithm 1; Jang, Gu and Poole 2017;
    Dong, Mnih and Tucker 2020 (DisARM).

    >>> mask = EdgeMask("M", (2, 3), start=0.5)
    >>> mask.sample(torch.full((1, 2, 3), 1.0)).detach().sum()
    tensor(6.)
    >>> mask.expected_edges()
    tensor(3., grad_fn=<SumBackward0>)
    """

    def __init__(
        self,
        name: str,
        shape: Sequence[int],
        start: float = 0.5,
        *,
        by_row: bool = True,
        gradient: Gradient = "straight_through",
    ) -> None:
        super().__init__()
        if not 0.0 < start < 1.0:
            raise OutOfRange(f"the start of {name}", start, low=0.0, high=1.0)
        self.name = name
        self.gradient = gradient
        self.by_row = by_row and gradient == "straight_through"
        #: Of the gradient: low is less biased, and noisier. A tensor, so that what is compiled
        #: stays compiled as it cools.
        self.temperature: Tensor
        self.register_buffer("temperature", torch.tensor(1.0), persistent=False)
        self.logits = nn.Parameter(torch.full(tuple(shape), math.log(start) - math.log1p(-start)))

    @property
    def probability(self) -> Tensor:
        """The probability of every edge.  Shape: that of the mask."""
        return torch.sigmoid(self.logits)

    def noise_shape(self, rows: int) -> tuple[int, ...]:
        """Say what shape its noise has for a batch of that many rows."""
        return (rows if self.by_row else 1, *self.logits.shape)

    def sample(self, noise: Tensor) -> Tensor:
        """Turn standard normal noise into edges; the gradient, if any, goes straight through.

        Noise of booleans is the edges themselves.

        Shapes: ``(B, *shape)``, or ``(1, *shape)`` for one draw of all rows, onto itself.
        Relation: surrogate, of the gradient alone; the edges are exact samples.
        Raises `ShapeMismatch` if the noise is not of the mask's shape.

        >>> EdgeMask("M", (2,)).sample(torch.tensor([[-1.0, 1.0]])).detach()
        tensor([[0., 1.]])
        """
        if noise.shape[1:] != self.logits.shape:
            raise ShapeMismatch(
                self.name, expected=("B", *self.logits.shape), got=tuple(noise.shape)
            )
        if noise.dtype == torch.bool:
            return noise.to(self.logits.dtype)
        if self.gradient != "straight_through":
            return Bernoulli(self.logits.detach()).relaxed_sample(noise, 1.0, hard=True)
        return Bernoulli(self.logits).relaxed_sample(noise, self.temperature, hard=True)

    def mode(self) -> Tensor:
        """Give the edges that are likelier there than not, as a draw for all rows.

        Shapes: ``-> (1, *shape)``.

        >>> EdgeMask("M", (2,), start=0.6).mode()
        tensor([[1., 1.]])
        """
        return (self.logits > 0).to(self.logits.dtype)[None]

    def expected_edges(self) -> Tensor:
        r"""Count the edges that are expected: sparsity(M).

        .. math:: \mathbb E\,|M| = \sum_e \rho_e

        Shape: ``()``.  Exact, with its gradient.  A number of edges, not nats: its weight is nats
        for an edge.
        """
        return self.probability.sum()

    def extra_repr(self) -> str:
        """Print its name and its shape."""
        return f"{self.name}, {tuple(self.logits.shape)}"


def gated(values: Tensor, mask: Tensor) -> Tensor:
    r"""Cut what comes along missing edges: z times m, as the paper's p(x | z * m) reads it.

    .. math:: z_{b e d}\, m_{b e}

    Shapes: values ``(B, *edges, *shape)`` and mask ``(B, *edges)``, broadcasting along rows and
    edges ``-> (B, *edges, *shape)``.
    Exact; the mask's gradient is the inner product with what the edge carries.
    Reference: Zhang, Koyama and Ishiguro 2020, sec. 3.4.

    >>> gated(torch.ones(1, 2, 3), torch.tensor([[0.0, 1.0]]))
    tensor([[[0., 0., 0.],
             [1., 1., 1.]]])
    """
    return values * mask.reshape(*mask.shape, *(1,) * (values.ndim - mask.ndim))
