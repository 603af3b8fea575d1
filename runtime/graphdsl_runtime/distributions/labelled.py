"""What is inferred where a row lacks a number, and known where it has one."""

from __future__ import annotations

__all__ = ["Labelled"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

import torch
from torch import Tensor

from graphdsl_runtime.distributions.parameters import Index, named, over


class _Inferred(Protocol):
    """A Gaussian, or a Laplace."""

    @property
    def mean(self) -> Tensor: ...
    def __getitem__(self, index: Index, /) -> Self: ...
    def sample(self, noise: Tensor, /) -> Tensor: ...
    def log_prob(self, value: Tensor, /) -> Tensor: ...
    def entropy(self) -> Tensor: ...


class _Density(Protocol):
    """What has a log-density of every component."""

    def log_prob(self, value: Tensor, /) -> Tensor: ...


_Of = TypeVar("_Of", bound=_Inferred)


@dataclass(frozen=True, eq=False)
class Labelled(Generic[_Of]):
    r"""A posterior of real numbers that some rows know: `Gaussian.or_known`, `Laplace.or_known`.

    A point mass has no density. What a row knows is data, and counts as data do: its entropy is 0
    here, and its rate what p says of it.

    .. math:: \text{rate}_b = \begin{cases}
              -\log p(v_b) & \text{where } v_b \text{ is seen} \\
              \mathrm{KL}(q \,\|\, p) & \text{elsewhere} \end{cases}

    The mean over the rows is that of each row's own bound; nothing of a row that is seen trains
    what infers, which learns from labels by its `nll`.

    Shapes: ``value`` and ``seen``, a bool, are as ``inferred.mean``, ``(B, *)``, and so are the
    nats of every method.
    Reference: Kingma et al. 2014 (semi-supervised), eqs. 6 and 7, of a real label.

    >>> from graphdsl_runtime import Gaussian, standard_normal
    >>> seen, label = torch.tensor([True, False]), torch.tensor([2.0, 0.0])
    >>> q = Gaussian(torch.ones(2), torch.zeros(2)).or_known(seen, label)
    >>> q.mean
    tensor([2., 1.])
    >>> q.kl(standard_normal)
    tensor([2.9189, 0.5000])
    """

    inferred: _Of
    seen: Tensor
    value: Tensor

    @staticmethod
    def of(inferred: _Of, seen: Tensor, value: Tensor) -> Labelled[_Of]:
        """Give the posterior that knows ``value`` where ``seen``; elsewhere it leaves no trace.

        Shapes: ``value`` as the posterior, ``(B, *)``; ``seen`` a bool ``(B,)`` or ``(B, N)``.
        """
        mean = inferred.mean
        there = over(seen, mean).expand_as(mean)
        return Labelled(inferred, there, torch.where(there, value, 0.0).to(mean.dtype))

    @staticmethod
    def stack(distributions: Sequence[Labelled[_Of]]) -> Labelled[_Of]:
        """Put the members of a family side by side.

        Shapes: N times ``(B, *) -> (B, N, *)``.
        """
        together = type(distributions[0].inferred).stack([one.inferred for one in distributions])  # type: ignore[attr-defined]  # of each kind, its own
        return Labelled(
            together,
            torch.stack([one.seen for one in distributions], dim=1),
            torch.stack([one.value for one in distributions], dim=1),
        )

    def __getitem__(self, index: Index) -> Labelled[_Of]:
        return Labelled(self.inferred[index], self.seen[index], self.value[index])

    @property
    def mean(self) -> Tensor:
        """The value where it is seen, else the mean of what is inferred."""
        return torch.where(self.seen, self.value, self.inferred.mean)

    def sample(self, noise: Tensor) -> Tensor:
        """Give the value where it is seen, else turn standard normal noise into a sample.

        Shapes: ``(B, *) -> (B, *)``, broadcasting.
        """
        return torch.where(self.seen, self.value, self.inferred.sample(noise))

    def draw(self, noise: Mapping[str, Tensor] | None, name: str) -> Tensor:
        """Sample with the noise of that name, or take the mean where there is no noise at all.

        Shapes: ``(B, *) -> (B, *)``.  Raises `MissingInput` if there is noise but not that.
        """
        return self.mean if noise is None else self.sample(named(noise, name, self.value))

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density of every component; of what a row knows, 0.

        Shapes: ``(B, *) -> (B, *)``, broadcasting.  Unit: nats.  Domain: its own samples.
        """
        return torch.where(self.seen, 0.0, self.inferred.log_prob(value))

    def entropy(self) -> Tensor:
        """Differential entropy of every component; of what a row knows, 0.

        Shapes: ``(B, *)``.  Unit: nats.
        """
        return torch.where(self.seen, 0.0, self.inferred.entropy())

    def cross_entropy(self, other: _Density) -> Tensor:
        r"""Cross-entropy: what ``other`` needs to describe samples of this one.

        Shapes: ``(B, *)``, broadcasting.  Unit: nats.  Exact.  Equal to entropy plus KL.
        """
        return self.kl(other) + self.entropy()

    def kl(self, other: _Density) -> Tensor:
        r"""Rate of every component: KL to ``other``, and of what a row knows -log p of it.

        Shapes: ``(B, *)``, broadcasting.  Unit: nats.  Exact.
        """
        inferred: Tensor = self.inferred.kl(other)  # type: ignore[attr-defined]  # of each kind, to its own
        return torch.where(self.seen, -other.log_prob(self.value), inferred)
