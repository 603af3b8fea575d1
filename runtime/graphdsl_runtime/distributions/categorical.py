"""Independent categorical variables, and the uniform prior over their classes."""

from __future__ import annotations

__all__ = ["Categorical", "UniformCategorical", "uniform_categorical"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime.distributions.noise import gumbel_noise
from graphdsl_runtime.distributions.parameters import CERTAIN, Index, named, over
from graphdsl_runtime.distributions.relaxation import straight_through
from graphdsl_runtime.distributions.units import Unit
from graphdsl_runtime.errors import ShapeMismatch
from graphdsl_runtime.support import NO_CLASS, is_cheap


@dataclass(frozen=True, eq=False)
class UniformCategorical:
    r"""The prior 1/k over k classes, as many as what it is compared with has.

    >>> uniform_categorical.log_prob(torch.eye(4))
    tensor([-1.3863, -1.3863, -1.3863, -1.3863])
    """

    def log_prob(self, value: Tensor) -> Tensor:
        r"""Log-probability of every component.

        .. math:: -\log k \sum_c v_c

        Shapes: one-hot or relaxed vectors ``(*, k) -> (*)``.  Unit: nats.  Exact.
        Raises `ShapeMismatch` for class indices, which do not tell how many classes there are.
        """
        if not value.is_floating_point():
            raise ShapeMismatch("a class index", expected=("*", "k"), got=value.shape)
        return -math.log(value.shape[-1]) * value.sum(dim=-1)

    def sample(self, noise: Tensor) -> Tensor:
        """Turn standard normal noise into one-hot vectors.

        Shapes: ``(*, k) -> (*, k)``.  Exact: the largest of k equal draws is any of them.

        >>> uniform_categorical.sample(torch.tensor([0.3, 1.2, -0.5]))
        tensor([0., 1., 0.])
        """
        return _one_hot(noise)


#: 1/k.
uniform_categorical = UniformCategorical()


@dataclass(frozen=True, eq=False)
class Categorical:
    r"""Independent variables of k classes each, with P(c) = softmax(logits)_c.

    A value is a class index (int64), or a vector over the classes (floating point): one-hot, or
    relaxed.

    Shapes: ``logits`` is ``(B, *, k)``, the classes last; indices and nats are ``(B, *)``.
    Domain: finite logits.

    >>> Categorical(torch.zeros(2, 4)).log_prob(torch.tensor([0, 3]))
    tensor([-1.3863, -1.3863])
    """

    logits: Tensor

    units: ClassVar[tuple[Unit, ...]] = ("none",)

    @staticmethod
    def split(parameters: Tensor, classes: int, shape: Sequence[int] | None = None) -> Categorical:
        """Read categorical variables from a network's output.

        The last axis holds the logits of one variable after those of another.

        Shapes: ``(*, D classes) -> (*, D, classes)``, or ``(*, *shape, classes)`` where
        ``prod(shape) == D``; ``shape`` is ``()`` for one variable.
        Raises `ShapeMismatch` if the last axis does not hold so many.

        >>> Categorical.split(torch.zeros(5, 12), 4).logits.shape
        torch.Size([5, 3, 4])
        >>> Categorical.split(torch.zeros(5, 4), 4, ()).logits.shape
        torch.Size([5, 4])
        """
        *rows, last = parameters.shape
        wanted = last if shape is None else math.prod(shape) * classes
        if last != wanted or last % classes:
            expected = (*rows, f"{classes} D" if shape is None else wanted)
            raise ShapeMismatch("a categorical's logits", expected=expected, got=parameters.shape)
        inner = (last // classes,) if shape is None else tuple(shape)
        return Categorical(parameters.reshape(*rows, *inner, classes))

    @staticmethod
    def stack(categoricals: Sequence[Categorical]) -> Categorical:
        """Put the members of a family side by side.

        Shapes: N times ``(B, *, k) -> (B, N, *, k)``.

        >>> one = Categorical(torch.zeros(3, 4))
        >>> Categorical.stack([one, one]).logits.shape
        torch.Size([3, 2, 4])
        """
        return Categorical(torch.stack([each.logits for each in categoricals], dim=1))

    def __getitem__(self, index: Index) -> Categorical:
        return Categorical(self.logits[index])

    @property
    def log_probabilities(self) -> Tensor:
        """The logarithm of every class's probability, ``(B, *, k)``."""
        return F.log_softmax(self.logits, dim=-1)

    @property
    def mean(self) -> Tensor:
        """The probability of every class, ``(B, *, k)``: the mean of one-hot vectors."""
        return torch.softmax(self.logits, dim=-1)

    @property
    def mode(self) -> Tensor:
        """The index of the likeliest class, ``(B, *)``, int64."""
        return self.logits.argmax(dim=-1)

    def sample(self, noise: Tensor) -> Tensor:
        r"""Turn standard normal noise into one-hot vectors; no gradient goes through.

        .. math:: \operatorname{one-hot} \operatorname{argmax}_c (l_c + g_c),
                  \quad g_c = -\log(-\log \Phi(\epsilon_c))

        Shapes: ``(B, *, k) -> (B, *, k)``, broadcasting.  Exact.

        >>> Categorical(torch.zeros(3)).sample(torch.tensor([0.3, 1.2, -0.5]))
        tensor([0., 1., 0.])
        """
        return _one_hot(self.logits.detach() + gumbel_noise(noise))

    def relaxed_sample(
        self, noise: Tensor, temperature: Tensor | float, hard: bool = False
    ) -> Tensor:
        r"""Turn standard normal noise into a vector that nears a one-hot sample as it cools.

        .. math:: \operatorname{softmax}\bigl((l + g) / \tau\bigr),
                  \quad g_c = -\log(-\log \Phi(\epsilon_c))

        Its largest entry is class c with the probability of c, whatever the temperature.  With
        ``hard`` it is that one-hot vector, an exact sample, and keeps the gradient
        (straight-through: biased).

        Shapes: noise, standard normal and not uniform, ``(B, *, k) -> (B, *, k)``, broadcasting.
        Relation: surrogate, of the sample alone: its KL remains that of the discrete variable
        (theory.md P20).
        Reference: Jang, Gu and Poole 2017, eq. 2; Maddison, Mnih and Teh 2017, sec. 3.

        >>> die = Categorical(torch.zeros(3))
        >>> die.relaxed_sample(torch.tensor([0.3, 1.2, -0.5]), temperature=1.0)
        tensor([0.1870, 0.7364, 0.0766])
        >>> die.relaxed_sample(torch.tensor([0.3, 1.2, -0.5]), temperature=1.0, hard=True)
        tensor([0., 1., 0.])
        """
        soft = torch.softmax((self.logits + gumbel_noise(noise)) / temperature, dim=-1)
        return straight_through(soft, _one_hot(soft.detach())) if hard else soft

    def draw(self, noise: Mapping[str, Tensor] | None, name: str) -> Tensor:
        """Sample with the noise of that name, or take the mean where there is no noise at all.

        Shapes: ``(B, *, k) -> (B, *, k)``.  Raises `MissingInput` if there is noise but not that.

        >>> Categorical(torch.zeros(2)).draw(None, "y")
        tensor([0.5000, 0.5000])
        """
        return self.mean if noise is None else self.sample(named(noise, name, self.logits))

    def or_prior(self, seen: Tensor, prior: Categorical | None = None) -> Categorical:
        """Fall back on the prior, uniform or conditional, wherever the view was not seen.

        Shapes: ``seen`` is a bool ``(B,)`` or ``(B, N)``, and broadcasts over the trailing axes.
        What was not seen leaves no trace, NaN included.

        >>> q = Categorical(torch.tensor([[1.0, 1.0], [torch.nan, 0.0]]))
        >>> q.or_prior(torch.tensor([True, False])).logits
        tensor([[1., 1.],
                [0., 0.]])
        """
        logits = 0.0 if prior is None else prior.logits
        return Categorical(torch.where(over(seen, self.logits), self.logits, logits))

    def or_known(self, seen: Tensor, value: Tensor) -> Categorical:
        r"""Take the classes that are known for what is inferred: labels that some rows have.

        .. math:: q(c) = 1[c = v] \text{ where } v \text{ is seen, so that }
                  \mathrm{KL}(q \,\|\, p) = -\log p(v)

        There every sample is the label, and the entropy is 0; nothing of it trains this posterior,
        which learns from labels by its `nll`.  What was not seen leaves no trace.

        Shapes: indices ``(B, *)``, seen a bool ``(B,)`` or ``(B, N)``.  Exact.
        Reference: Kingma et al. 2014 (semi-supervised), eqs. 6 and 7.

        >>> seen, label = torch.tensor([True, False]), torch.tensor([2, 0])
        >>> q = Categorical(torch.zeros(2, 3)).or_known(seen, label)
        >>> q.mean
        tensor([[0.0000, 0.0000, 1.0000],
                [0.3333, 0.3333, 0.3333]])
        >>> q.kl(uniform_categorical)
        tensor([1.0986, 0.0000])
        """
        seen = over(seen, self.logits)
        safe = torch.where(seen.squeeze(-1), value, 0)
        vectors = F.one_hot(safe.clamp(min=0), self.logits.shape[-1])
        known = CERTAIN * (vectors - 1).to(self.logits.dtype)
        if not is_cheap(safe):  # elsewhere a class that is none was refused
            known = torch.where((safe == NO_CLASS)[..., None], math.nan, known)
        return Categorical(torch.where(seen, known, self.logits))

    def sample_data(self) -> Tensor:
        """Draw values as a batch holds them, ``(B, *)`` of class indices."""
        return self.sample(torch.randn_like(self.logits)).argmax(dim=-1)

    @property
    def likeliest(self) -> Tensor:
        """The likeliest value, as a batch holds it."""
        return self.mode

    def log_prob(self, value: Tensor) -> Tensor:
        r"""Log-probability of every component; of a relaxed vector, the mean over its classes.

        .. math:: \sum_c v_c \log \operatorname{softmax}(l)_c

        Shapes: indices ``(B, *)``, or vectors ``(B, *, k) -> (B, *)``, broadcasting.
        Unit: nats.  Exact for indices and one-hot vectors; of a relaxed vector it is the mean over
        classes drawn with its weights, not a normalised density.
        Raises `ShapeMismatch` for vectors over other classes, such as indices in floating point.

        >>> Categorical(torch.zeros(4)).log_prob(torch.tensor([0.5, 0.5, 0.0, 0.0]))
        tensor(-1.3863)
        """
        log_p = self.log_probabilities
        if value.is_floating_point():
            if value.shape[-1:] != log_p.shape[-1:]:
                expected = ("*", log_p.shape[-1])
                raise ShapeMismatch("a vector over the classes", expected=expected, got=value.shape)
            return (value * log_p).sum(dim=-1)
        shape = torch.broadcast_shapes(value.shape, log_p.shape[:-1])  # type: ignore[no-untyped-call]  # torch's own gap
        index = value.expand(shape)[..., None]
        if is_cheap(index):  # then torch refuses what is no class
            return log_p.expand(*shape, -1).gather(-1, index).squeeze(-1)
        nats = log_p.expand(*shape, -1).gather(-1, index.clamp(min=0)).squeeze(-1)
        return torch.where(value == NO_CLASS, math.nan, nats)

    def nll(self, value: Tensor) -> Tensor:
        r"""Negative log-likelihood of every component: what a reconstruction costs.

        .. math:: -\sum_c v_c \log \operatorname{softmax}(l)_c

        Shapes: indices ``(B, *)``, or vectors ``(B, *, k) -> (B, *)``, broadcasting.
        Unit: nats.  Exact, as `log_prob` is.

        >>> Categorical(torch.zeros(1, 4)).nll(torch.tensor([2]))
        tensor([1.3863])
        """
        return -self.log_prob(value)

    def entropy(self) -> Tensor:
        r"""Entropy of every component.

        .. math:: -\sum_c \rho_c \log \rho_c, \quad \rho = \operatorname{softmax}(l)

        Shapes: ``(B, *)``.  Unit: nats, between 0 and log k.  Exact.

        >>> Categorical(torch.zeros(1, 4)).entropy()
        tensor([1.3863])
        """
        return -(self.mean * self.log_probabilities).sum(dim=-1)

    def cross_entropy(self, other: Categorical | UniformCategorical) -> Tensor:
        r"""Cross-entropy: what ``other`` needs to describe samples of this one.

        .. math:: -\sum_c \rho_c \log \rho'_c

        Shapes: ``(B, *)``, broadcasting.  Unit: nats.  Exact.  Equal to entropy plus KL.

        >>> Categorical(torch.ones(1, 4)).cross_entropy(uniform_categorical)
        tensor([1.3863])
        """
        return -other.log_prob(self.mean)

    def kl(self, other: Categorical | UniformCategorical) -> Tensor:
        r"""Kullback-Leibler divergence from ``other`` to this one, KL(self || other).

        .. math:: \sum_c \rho_c \log \frac{\rho_c}{\rho'_c}

        Shapes: ``(B, *)``, broadcasting.  Unit: nats; at most log k from the uniform prior.  Exact.
        Zero iff the two are equal.  Reference: theory.md P20.

        >>> Categorical(torch.tensor([[50.0, 0.0]])).kl(uniform_categorical)
        tensor([0.6931])
        """
        log_ratio = self.log_probabilities
        if isinstance(other, UniformCategorical):
            log_ratio = log_ratio + math.log(log_ratio.shape[-1])
        else:
            log_ratio = log_ratio - other.log_probabilities
        return (self.mean * log_ratio).sum(dim=-1)


def _one_hot(scores: Tensor) -> Tensor:
    """Mark the largest score of each row, the first of equals."""
    largest = scores.argmax(dim=-1, keepdim=True)
    return torch.zeros_like(scores).scatter(-1, largest, 1.0)
