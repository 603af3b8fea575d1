"""The yardstick: a VAE and a beta-TCVAE as tight as plain eager torch with autograd lets them be.

Binary x 784 -> 400 -> 400 -> 16 latents -> 400 -> 400 -> 784, batch 128, fused Adam. Tried and no
faster: the likelihood as softplus minus a dot product, or as an autograd function of its own;
weights stored transposed; parameters and gradients in one flat buffer. Tried and slower: ReLU out
of place, and the total correlation over a (B, B, D) tensor with log-sum-exp.
"""

__all__ = [
    "BATCH",
    "BETA",
    "LATENTS",
    "PIXELS",
    "ROWS",
    "HandWrittenBetaTcvae",
    "HandWrittenVae",
    "adam_step",
    "mlp",
    "random_batches",
    "total_correlation",
]

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.measure import Step

PIXELS, HIDDEN, LATENTS = 784, 400, 16
BATCH, ROWS = 128, 60_000
BETA = 6.0


class HandWrittenVae(nn.Module):
    """Reconstruction + rate, in nats per row."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = mlp(PIXELS, 2 * LATENTS)
        self.decoder = mlp(LATENTS, PIXELS)

    def forward(self, x: Tensor) -> Tensor:
        """The loss of a batch x of shape (B, 784)."""
        return self.nats(x)[0] / len(x)

    def nats(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The batch's reconstruction + rate, and z, its mean and its log-variance."""
        mean, log_var = self.encoder(x).chunk(2, dim=1)
        z = torch.addcmul(mean, torch.exp(0.5 * log_var), torch.randn_like(mean))
        logits = self.decoder(z)
        reconstruction = functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        rate = 0.5 * (mean.square() + log_var.exp() - log_var).sum() - 0.5 * mean.numel()
        return reconstruction + rate, z, mean, log_var


class HandWrittenBetaTcvae(HandWrittenVae):
    """Reconstruction + rate + (beta - 1) TC(z), the last by minibatch stratified sampling."""

    log_weights: Tensor

    def __init__(self, batch: int = BATCH) -> None:
        super().__init__()
        self.register_buffer("log_weights", stratified_log_weights(batch, ROWS))

    def forward(self, x: Tensor) -> Tensor:
        """The loss of a batch x of shape (B, 784)."""
        nats, z, mean, log_var = self.nats(x)
        tc = total_correlation(z, mean, log_var, self.log_weights)
        return torch.add(nats, tc, alpha=BETA - 1) / len(x)


def stratified_log_weights(batch: int, rows: int) -> Tensor:
    """Log of the weights (B, B): 1/N for a row's own posterior, (N-1)/(N(B-1)) for the others.

    >>> stratified_log_weights(5, 100).exp().sum(dim=1).allclose(torch.ones(5))
    True
    """
    others = math.log((rows - 1) / (rows * (batch - 1)))
    return torch.full((batch, batch), others).fill_diagonal_(-math.log(rows))


def total_correlation(z: Tensor, mean: Tensor, log_var: Tensor, log_weights: Tensor) -> Tensor:
    """The batch's sum of log q(z_i) - sum_d log q(z_id), each q a weighted mean over the batch.

    A log-density is bilinear in (z^2, z, 1) and three coefficients, so that all D tables (B, B)
    are one batched product, weights included, and the joint is another. The factors need no
    log-sum-exp: z_i was drawn from its own posterior, whose term keeps the sum above zero. The
    price is rounding that grows with (mean / scale)^2, in float32 some 2e-4 nats where that is 1e4.

    >>> _ = torch.manual_seed(0)
    >>> mean, log_var = torch.randn(2, 8, 3, dtype=torch.float64)
    >>> z = mean + torch.exp(log_var / 2) * torch.randn(8, 3, dtype=torch.float64)
    >>> log_weights = stratified_log_weights(8, 100).double()
    >>> scale = torch.exp(log_var / 2)
    >>> each = torch.distributions.Normal(mean, scale).log_prob(z[:, None])
    >>> joint = torch.logsumexp(each.sum(dim=2) + log_weights, dim=1)
    >>> factors = torch.logsumexp(each + log_weights[:, :, None], dim=1)
    >>> direct = joint.sum() - factors.sum()
    >>> bool(torch.isclose(total_correlation(z, mean, log_var, log_weights), direct))
    True
    """
    precision = torch.exp(-log_var)
    shift = mean * precision
    constant = -0.5 * (mean * shift + log_var) - 0.5 * math.log(2 * math.pi)
    square, slope = z.square(), -0.5 * precision
    left = torch.stack((square, z, torch.ones_like(z)), dim=-1).transpose(0, 1)  # (D, B, 3)
    right = torch.stack((slope, shift, constant), dim=-1).permute(1, 2, 0)  # (D, 3, B)
    factors = torch.baddbmm(log_weights, left, right).exp_().sum(dim=2).log()  # (D, B)
    joint = torch.addmm(
        log_weights + constant.sum(dim=1),
        torch.cat((square, z), dim=1),
        torch.cat((slope, shift), dim=1).t(),
    )  # (B, B)
    return torch.logsumexp(joint, dim=1).sum() - factors.sum()


def mlp(inputs: int, outputs: int) -> nn.Sequential:
    """Two hidden layers of 400 with ReLU in place."""
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN),
        nn.ReLU(inplace=True),
        nn.Linear(HIDDEN, HIDDEN),
        nn.ReLU(inplace=True),
        nn.Linear(HIDDEN, outputs),
    )


def adam_step(loss: Callable[[Tensor], Tensor], parameters: Iterable[nn.Parameter]) -> Step:
    """One step of fused Adam on a loss of the batch."""
    optimizer = torch.optim.Adam(parameters, lr=1e-3, fused=True)

    def step(batch: Tensor) -> None:
        optimizer.zero_grad()
        loss(batch).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()

    return step


def random_batches(count: int = 32) -> list[Tensor]:
    """Draw batches (128, 784) of ten binary prototypes with one pixel in ten flipped.

    They have something to learn, so that the posteriors look as in training, and many rows, so
    that nothing is learned by heart.
    """
    generator = torch.Generator().manual_seed(0)
    prototypes = torch.rand(10, PIXELS, generator=generator) < 0.5
    kinds = torch.randint(10, (count, BATCH), generator=generator)
    flips = torch.rand(count, BATCH, PIXELS, generator=generator) < 0.1
    return list((prototypes[kinds] ^ flips).float())
