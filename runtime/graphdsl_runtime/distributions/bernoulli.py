"""Independent binary variables."""

from __future__ import annotations

__all__ = ["Bernoulli", "UniformBernoulli", "uniform_bernoulli"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime.distributions.coins import coin_nll
from graphdsl_runtime.distributions.noise import logistic_noise
from graphdsl_runtime.distributions.parameters import CERTAIN, Index, named, over
from graphdsl_runtime.distributions.relaxation import straight_through
from graphdsl_runtime.distributions.units import Unit


@dataclass(frozen=True, eq=False)
class UniformBernoulli:
    """The prior of a coin that is fair, of whatever shape it is compared with.

    >>> uniform_bernoulli.log_prob(torch.ones(2))
    tensor([-0.6931, -0.6931])
    """

    def log_prob(self, value: Tensor) -> Tensor:
        r"""Log-probability of every component, -log 2.

        Shapes: ``(*) -> (*)``.  Unit: nats.  Exact.
        """
        return torch.full_like(value, -math.log(2.0))

    def sample(self, noise: Tensor) -> Tensor:
        """Turn standard normal noise into zeros and ones.

        Shapes: ``(*) -> (*)``.  Exact.

        >>> uniform_bernoulli.sample(torch.tensor([-0.3, 1.2]))
        tensor([0., 1.])
        """
        return (noise > 0).to(noise.dtype)


#: 1/2.
uniform_bernoulli = UniformBernoulli()


@dataclass(frozen=True, eq=False)
class Bernoulli:
    r"""Independent binary variables with P(1) = sigmoid(logits).

    Shapes: ``logits`` is ``(B, *)``, and so are the nats.

    >>> Bernoulli(torch.zeros(2)).mean
    tensor([0.5000, 0.5000])
    """

    logits: Tensor

    units: ClassVar[tuple[Unit, ...]] = ("none",)

    @staticmethod
    def stack(bernoullis: Sequence[Bernoulli]) -> Bernoulli:
        """Put the members of a family side by side.

        Shapes: N times ``(B, *) -> (B, N, *)``.

        >>> one = Bernoulli(torch.zeros(3, 2))
        >>> Bernoulli.stack([one, one]).logits.shape
        torch.Size([3, 2, 2])
        """
        return Bernoulli(torch.stack([each.logits for each in bernoullis], dim=1))

    def __getitem__(self, index: Index) -> Bernoulli:
        return Bernoulli(self.logits[index])

    @property
    def mean(self) -> Tensor:
        """The probability of a one."""
        return torch.sigmoid(self.logits)

    def sample(self, noise: Tensor) -> Tensor:
        """Turn uniform noise on [0, 1) into zeros and ones; no gradient goes through.

        Shapes: ``(B, *) -> (B, *)``.

        >>> Bernoulli(torch.zeros(2)).sample(torch.tensor([0.2, 0.7]))
        tensor([1., 0.])
        """
        return (noise < self.mean).to(self.logits.dtype)

    def relaxed_sample(
        self, noise: Tensor, temperature: Tensor | float, hard: bool = False
    ) -> Tensor:
        r"""Turn standard normal noise into a number in [0, 1] that nears a sample as it cools.

        .. math:: \operatorname{sigmoid}\bigl((l + \log \Phi(\epsilon) - \log \Phi(-\epsilon))
                  / \tau\bigr)

        It is above 1/2 with the probability of a one, whatever the temperature.  With ``hard`` it
        is rounded, an exact sample, and keeps the gradient (straight-through: biased).

        Shapes: noise, standard normal and not uniform, ``(B, *) -> (B, *)``, broadcasting.
        Relation: surrogate, of the sample alone: its KL remains that of the binary variable (P20).
        Reference: Maddison, Mnih and Teh 2017, appendix B; Jang, Gu and Poole 2017, sec. 2.2.

        >>> coin = Bernoulli(torch.zeros(2))
        >>> coin.relaxed_sample(torch.tensor([-1.0, 1.0]), temperature=0.5)
        tensor([0.0343, 0.9657])
        >>> coin.relaxed_sample(torch.tensor([-1.0, 1.0]), temperature=0.5, hard=True)
        tensor([0., 1.])
        """
        soft = torch.sigmoid((self.logits + logistic_noise(noise)) / temperature)
        return straight_through(soft, (soft > 0.5).to(soft.dtype)) if hard else soft

    def draw(self, noise: Mapping[str, Tensor] | None, name: str) -> Tensor:
        """Sample with standard normal noise of that name, or take the mean where there is no noise.

        Shapes: ``(B, *) -> (B, *)``.  Raises `MissingInput` if there is noise but not that.

        >>> Bernoulli(torch.zeros(1)).draw(None, "y")
        tensor([0.5000])
        """
        if noise is None:
            return self.mean
        return self.relaxed_sample(named(noise, name, self.logits), 1.0, hard=True)

    def or_prior(self, seen: Tensor, prior: Bernoulli | None = None) -> Bernoulli:
        """Fall back on the prior, uniform or conditional, wherever the view was not seen.

        Shapes: ``seen`` is a bool ``(B,)`` or ``(B, N)``, and broadcasts over the trailing axes.
        What was not seen leaves no trace, NaN included.

        >>> Bernoulli(torch.tensor([1.0, torch.nan])).or_prior(torch.tensor([True, False])).logits
        tensor([1., 0.])
        """
        logits = 0.0 if prior is None else prior.logits
        return Bernoulli(torch.where(over(seen, self.logits), self.logits, logits))

    def or_known(self, seen: Tensor, value: Tensor) -> Bernoulli:
        r"""Take the values that are known for what is inferred: labels that some rows have.

        .. math:: q(1) = v \text{ where } v \in \{0, 1\} \text{ is seen, so that }
                  \mathrm{KL}(q \,\|\, p) = -\log p(v)

        There every sample is the label, and the entropy is 0.  What was not seen leaves no trace.

        Shapes: zeros and ones ``(B, *)``, seen a bool ``(B,)`` or ``(B, N)``.  Exact.
        Reference: Kingma et al. 2014 (semi-supervised), eqs. 6 and 7.

        >>> q = Bernoulli(torch.zeros(2)).or_known(torch.tensor([True, False]), torch.ones(2))
        >>> q.mean
        tensor([1.0000, 0.5000])
        """
        known = CERTAIN * (2.0 * value.to(self.logits.dtype) - 1.0)
        return Bernoulli(torch.where(over(seen, self.logits), known, self.logits))

    def sample_data(self) -> Tensor:
        """Draw values as a batch holds them, ``(B, *)`` of zeros and ones."""
        return torch.bernoulli(self.mean)

    @property
    def likeliest(self) -> Tensor:
        """The likeliest value, as a batch holds it."""
        return (self.logits > 0).to(self.logits.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        r"""Log-probability of every component; between 0 and 1, that of a coin weighted so.

        .. math:: v\,l - \log(1 + e^{l})

        Shapes: ``(B, *) -> (B, *)``, broadcasting.  Unit: nats.
        Exact for values in [0, 1]; a grey value v in between is the mean over coins of P(1) = v,
        not a normalised density.

        >>> Bernoulli(torch.zeros(2)).log_prob(torch.tensor([0.0, 1.0]))
        tensor([-0.6931, -0.6931])
        """
        return -self.nll(value)

    def nll(self, value: Tensor) -> Tensor:
        r"""Negative log-likelihood of every component: what a reconstruction costs.

        .. math:: \log(1 + e^{l}) - v\,l

        Shapes: ``(B, *) -> (B, *)``, broadcasting.  Unit: nats.  Exact, as `log_prob` is.

        >>> Bernoulli(torch.zeros(2)).nll(torch.tensor([0.0, 1.0]))
        tensor([0.6931, 0.6931])
        """
        return coin_nll(self.logits, value)

    def entropy(self) -> Tensor:
        r"""Entropy of every component.

        .. math:: -\rho \log \rho - (1 - \rho) \log (1 - \rho),
                  \quad \rho = \operatorname{sigmoid}(l)

        Shapes: ``(B, *)``.  Unit: nats, between 0 and log 2.  Exact.

        >>> Bernoulli(torch.zeros(1)).entropy()
        tensor([0.6931])
        """
        return self.cross_entropy(self)

    def cross_entropy(self, other: Bernoulli | UniformBernoulli) -> Tensor:
        r"""Cross-entropy: what ``other`` needs to describe samples of this one.

        .. math:: -\rho \log \rho' - (1 - \rho) \log (1 - \rho')

        Shapes: ``(B, *)``, broadcasting.  Unit: nats.  Exact.  Equal to entropy plus KL.

        >>> Bernoulli(torch.ones(1)).cross_entropy(Bernoulli(torch.zeros(1)))
        tensor([0.6931])
        """
        if isinstance(other, UniformBernoulli):
            return -other.log_prob(self.logits)
        ones, zeros = torch.sigmoid(self.logits), torch.sigmoid(-self.logits)
        return -(ones * F.logsigmoid(other.logits) + zeros * F.logsigmoid(-other.logits))

    def kl(self, other: Bernoulli | UniformBernoulli) -> Tensor:
        r"""Kullback-Leibler divergence from ``other`` to this one, KL(self || other).

        .. math:: \rho \log \frac{\rho}{\rho'} + (1 - \rho) \log \frac{1 - \rho}{1 - \rho'}

        Shapes: ``(B, *)``, broadcasting.  Unit: nats.  Exact.  Zero iff the two are equal.

        >>> Bernoulli(torch.ones(1)).kl(Bernoulli(torch.zeros(1)))
        tensor([0.1109])
        """
        if isinstance(other, UniformBernoulli):
            return self.cross_entropy(other) - self.entropy()
        # Each logarithm is exact in its own tail, where its probability does not hide its error.
        one = F.logsigmoid(self.logits) - F.logsigmoid(other.logits)
        zero = F.logsigmoid(-self.logits) - F.logsigmoid(-other.logits)
        return torch.sigmoid(self.logits) * one + torch.sigmoid(-self.logits) * zero
