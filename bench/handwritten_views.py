"""Multi-view objectives as an expert writes them: MVAE and JMVAE, each twice.

`Separate` runs each sub-objective by itself, as the authors' own code does: what two of them have
in common is computed twice. `Tight` shares all that can be shared: every encoder runs once, all
posteriors come from one batched product, and every decoder runs once, on the samples of all
sub-objectives that it reconstructs. Of N views with encoders 784-400-400-(2 x 16).
"""

__all__ = ["LATENTS", "JmvaeSeparate", "JmvaeTight", "MvaeSeparate", "MvaeTight", "Views"]

from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from bench.handwritten import PIXELS, mlp

LATENTS = 16
ALPHA = 0.1  #: of JMVAE

Gauss = tuple[Tensor, Tensor]  #: mean and variance


class Views(nn.Module):
    """An encoder and a decoder per view; an encoder gives a factor of a product with N(0, I)."""

    def __init__(self, views: int) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(mlp(PIXELS, 2 * LATENTS) for _ in range(views))
        self.decoders = nn.ModuleList(mlp(LATENTS, PIXELS) for _ in range(views))

    def factor(self, view: int, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean times precision, and precision, ``(B, D)`` each."""
        mean, log_var = self.encoders[view](x[:, view]).chunk(2, dim=1)
        precision = torch.exp(-log_var)
        return mean * precision, precision

    def misfit(self, view: int, z: Tensor, x: Tensor) -> Tensor:
        """Minus the log-likelihood of a view, summed over all rows."""
        return F.binary_cross_entropy_with_logits(self.decoders[view](z), x, reduction="sum")


class MvaeSeparate(Views):
    """Wu and Goodman 2018: the negative ELBO of every subset of the views, one after another."""

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """The loss of a batch x of shape (B, N, 784); the noise is one for all subsets."""
        views = range(len(self.encoders))
        subsets = (s for size in views for s in combinations(views, size + 1))
        return torch.stack([self.bound(s, x, noise) for s in subsets]).sum() / len(x)

    def bound(self, subset: Sequence[int], x: Tensor, noise: Tensor | None) -> Tensor:
        """The negative ELBO of some views, summed over rows."""
        mean, variance = product([self.factor(view, x) for view in subset])
        z = sample(mean, variance, noise)
        misfits = [self.misfit(view, z, x[:, view]) for view in subset]
        return torch.stack(misfits).sum() + rate(mean, variance)


class MvaeTight(Views):
    """The same: each network runs once."""

    subsets: Tensor

    def __init__(self, views: int) -> None:
        super().__init__(views)
        numbers = torch.arange(1, 2**views)
        subsets = (numbers[:, None] >> torch.arange(views)) % 2
        self.register_buffer("subsets", subsets.float(), persistent=False)
        # Which rows of all posteriors a view's decoder reads.
        self.holds = [subsets[:, view].nonzero().flatten() for view in range(views)]

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """The loss of a batch x of shape (B, N, 784)."""
        shifts, precisions = zip(
            *(self.factor(view, x) for view in range(len(self.encoders))), strict=True
        )
        variance = 1.0 / (1.0 + self.fused(precisions))  # (K, B, D)
        mean = variance * self.fused(shifts)
        z = sample(mean, variance, noise)
        nats = rate(mean, variance)
        for view, holds in enumerate(self.holds):
            own = z[holds].flatten(0, 1)  # all samples of the subsets with this view
            target = x[:, view].repeat(len(holds), 1)
            nats = nats + self.misfit(view, own, target)
        return nats / len(x)

    def fused(self, factors: Sequence[Tensor]) -> Tensor:
        """Sums over every subset, ``(K, B, D)``."""
        stacked = torch.stack(list(factors)).flatten(1)
        return (self.subsets @ stacked).reshape(-1, *factors[0].shape)


class JmvaeSeparate(Views):
    """Suzuki et al. 2017, with a product for the joint encoder: each term from x on."""

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """The loss of a batch x of shape (B, N, 784)."""
        views = range(len(self.encoders))
        joint = self.joint(x)
        z = sample(*joint, noise)
        nats = rate(*joint)
        for view in views:
            nats = nats + self.misfit(view, z, x[:, view])
        for view in views:
            one = product([self.factor(view, x)])
            nats = nats + ALPHA * divergence(self.joint(x), one)
        return nats / len(x)

    def joint(self, x: Tensor) -> Gauss:
        """The posterior of all views."""
        return product([self.factor(view, x) for view in range(len(self.encoders))])


class JmvaeTight(Views):
    """The same: each network runs once."""

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """The loss of a batch x of shape (B, N, 784)."""
        factors = [self.factor(view, x) for view in range(len(self.encoders))]
        joint = product(factors)
        z = sample(*joint, noise)
        nats = rate(*joint)
        for view, factor in enumerate(factors):
            nats = nats + self.misfit(view, z, x[:, view])
            nats = nats + ALPHA * divergence(joint, product([factor]))
        return nats / len(x)


def product(factors: Sequence[tuple[Tensor, Tensor]]) -> Gauss:
    """The product of some factors with the prior."""
    shifts, precisions = zip(*factors, strict=True)
    variance = 1.0 / (1.0 + sum(precisions))
    return variance * sum(shifts), variance


def sample(mean: Tensor, variance: Tensor, noise: Tensor | None) -> Tensor:
    """A sample by reparametrisation."""
    noise = torch.randn_like(mean) if noise is None else noise
    return mean + variance.sqrt() * noise


def rate(mean: Tensor, variance: Tensor) -> Tensor:
    """KL from N(0, I), summed over everything."""
    return 0.5 * (variance + mean.square() - 1.0 - variance.log()).sum()


def divergence(of: Gauss, to: Gauss) -> Tensor:
    """KL(of || to), summed over everything."""
    (mean, variance), (other, wide) = of, to
    ratio = variance / wide
    return 0.5 * (ratio - 1.0 - ratio.log() + (mean - other).square() / wide).sum()
