"""Normalizing flows as posteriors: noise, pushed through maps that the data choose.

The maps are zuko's, which is imported when the first such network is built: the `flows` extra.
"""

from __future__ import annotations

__all__ = ["Flow", "StackedFlow", "conditional_flow"]

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from graphdsl_runtime.distributions import Gaussian, standard_normal
from graphdsl_runtime.distributions.parameters import named, over
from graphdsl_runtime.errors import MissingFlows


class Map(Protocol):
    """An invertible map of the last axis, as zuko's transforms are."""

    @property
    def inv(self) -> Callable[[Tensor], Tensor]:
        """The map back."""

    def call_and_ladj(self, noise: Tensor, /) -> tuple[Tensor, Tensor]:
        """Give the image, and the logarithm of the absolute determinant of the Jacobian."""


@dataclass(frozen=True, eq=False)
class Flow:
    r"""The distribution of :math:`f(\epsilon)` for standard normal noise of D numbers.

    .. math:: \log q(f(\epsilon)) = \log N(\epsilon; 0, I) - \log |\det \partial f / \partial
              \epsilon|

    A sample and its density take one pass; the density of any other value takes the inverse, which
    for autoregressive maps is D passes, and still exact.

    Shapes: ``nought``, noise of nought, is ``(B, D)``. Rows that were not ``seen`` are drawn from
    ``prior``, or from N(0, I).
    Reference: Rezende and Mohamed 2015; Kingma et al. 2016.

    >>> class Wider:
    ...     inv = staticmethod(lambda value: value / torch.e)
    ...     def call_and_ladj(self, noise):
    ...         return torch.e * noise, torch.full(noise.shape[:1], 1.0 * noise.shape[1])
    >>> Flow(Wider(), torch.zeros(1, 2)).sample_with_log_prob(torch.ones(1, 2))
    (tensor([[2.7183, 2.7183]]), tensor([-4.8379]))
    """

    map: Map
    nought: Tensor
    seen: Tensor | None = None
    prior: Gaussian | None = None

    @staticmethod
    def stack(flows: Sequence[Flow]) -> StackedFlow:
        """Put the members of a family side by side: see `StackedFlow`."""
        return StackedFlow(tuple(flows))

    @property
    def mean(self) -> Tensor:
        """Mean, estimated from 64 fixed pairs of opposite noises.

        Shapes: ``(B, D)``.  Exact where the map is affine; else with an error of the standard
        deviation's order over 11, the same at every call.
        """
        fixed = torch.Generator().manual_seed(0)
        noise = torch.randn(64, 1, self.nought.shape[-1], generator=fixed).to(self.nought)
        pairs = torch.cat([noise, -noise]) + self.nought
        value = self.map.call_and_ladj(pairs)[0].mean(dim=0)
        if self.seen is None:
            return value
        instead = self.nought if self.prior is None else self.prior.mean
        return torch.where(over(self.seen, value), value, instead)

    def sample(self, noise: Tensor) -> Tensor:
        r"""Turn standard normal noise into a sample, :math:`f(\epsilon)`, differentiably.

        Shapes: ``(B, D) -> (B, D)``.
        """
        return self.sample_with_log_prob(noise)[0]

    def sample_with_log_prob(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Turn standard normal noise into a sample, and give the sample's log-density.

        Shapes: ``(B, D) -> (B, D), (B,)``.  Unit: nats, of all D numbers.  Exact.
        """
        value, ladj = self.map.call_and_ladj(noise)
        density = standard_normal.log_prob(noise).sum(dim=-1) - ladj
        if self.seen is None:
            return value, density
        instead = noise if self.prior is None else self.prior.sample(noise)
        value = torch.where(over(self.seen, value), value, instead)
        return value, torch.where(self.seen, density, self._log_prior(value))

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density of any value, by the inverse.

        Shapes: ``(B, D) -> (B,)``.  Unit: nats, of all D numbers.  Exact.
        """
        noise = self.map.inv(value)
        ladj = self.map.call_and_ladj(noise)[1]
        density = standard_normal.log_prob(noise).sum(dim=-1) - ladj
        if self.seen is None:
            return density
        return torch.where(self.seen, density, self._log_prior(value))

    def draw(self, noise: Mapping[str, Tensor] | None, name: str) -> Tensor:
        """Sample with the noise of that name, or take the mean where there is no noise at all.

        Shapes: ``(B, D)``.  Raises `MissingInput` if there is noise but not that.
        """
        return self.mean if noise is None else self.sample(named(noise, name, self.nought))

    def or_prior(self, seen: Tensor, prior: Gaussian | None = None) -> Flow:
        """Fall back on the prior, N(0, I) or a conditional one, wherever the view was not seen.

        Shapes: ``seen`` is a bool ``(B,)``.
        """
        return Flow(self.map, self.nought, seen, prior)

    def _log_prior(self, value: Tensor) -> Tensor:
        prior = standard_normal if self.prior is None else self.prior
        return prior.log_prob(value).sum(dim=-1)


@dataclass(frozen=True, eq=False)
class StackedFlow:
    """Flows over the members of a family, which are independent given the data.

    Shapes: ``(B, N, D)``, and nats ``(B, N)``.
    """

    flows: tuple[Flow, ...]

    @property
    def mean(self) -> Tensor:
        """Means, estimated: see `Flow.mean`.  Shapes: ``(B, N, D)``."""
        return torch.stack([one.mean for one in self.flows], dim=1)

    def sample(self, noise: Tensor) -> Tensor:
        """Turn standard normal noise into a sample.  Shapes: ``(B, N, D) -> (B, N, D)``."""
        members = zip(self.flows, noise.unbind(1), strict=True)
        return torch.stack([one.sample(own) for one, own in members], dim=1)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density of any value.  Shapes: ``(B, N, D) -> (B, N)``.  Unit: nats."""
        members = zip(self.flows, value.unbind(1), strict=True)
        return torch.stack([one.log_prob(own) for one, own in members], dim=1)

    def draw(self, noise: Mapping[str, Tensor] | None, name: str) -> Tensor:
        """Sample with the noise of that name, or take the mean.  Shapes: ``(B, N, D)``."""
        return self.mean if noise is None else self.sample(named(noise, name, self.mean))


def conditional_flow(
    encoder: nn.Module, features: int, *, context: int, transforms: int = 3
) -> nn.Module:
    """Build an inverse autoregressive flow that an encoder's answer steers.

    Affine autoregressive maps with masked perceptrons (two layers of 64), in alternating order of
    the numbers: a sample is one pass, and a density of what is no sample of its own D passes.

    Shapes: the encoder answers with ``(B, context)``; the network with a `Flow` over ``(B, D)``
    for ``features`` D.
    `torch.compile` breaks its graph where zuko makes the maps: not with ``fullgraph=True``.
    Raises `MissingFlows` without zuko.
    Reference: Kingma et al. 2016; Papamakarios, Pavlakou and Murray 2017.
    """
    return _ConditionalFlow(encoder, features, context, transforms)


class _ConditionalFlow(nn.Module):
    """An encoder, and the maps that it steers."""

    def __init__(self, encoder: nn.Module, features: int, context: int, transforms: int) -> None:
        super().__init__()
        try:
            from zuko.flows import MAF
        except ModuleNotFoundError:
            raise MissingFlows from None
        self.encoder = encoder
        self.features = features
        self.maps = MAF(features, context, transforms=transforms).transform

    def forward(self, *parents: Tensor) -> Flow:
        context = self.encoder(*parents)
        held = dict(self.maps.named_parameters())
        plain = all(isinstance(one, nn.Parameter) for one in held.values())
        steered: Map = self.maps(context) if plain else _Held(self.maps, held, context)
        return Flow(steered, context.new_zeros(context.shape[0], self.features))


class _Held:
    """A map by the parameters that a network was called with, as `frozen` calls it.

    zuko's maps look theirs up when they are used, and by then a call with others is over.
    """

    def __init__(self, maps: nn.Module, held: Mapping[str, Tensor], context: Tensor) -> None:
        self._map = _Map(maps)
        self._held = {f"maps.{name}": value for name, value in held.items()}
        self._context = context

    @property
    def inv(self) -> Callable[[Tensor], Tensor]:
        """The map back."""
        return lambda value: self._call(value, back=True)[0]

    def call_and_ladj(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Give the image, and the logarithm of the absolute determinant of the Jacobian."""
        return self._call(noise, back=False)

    def _call(self, value: Tensor, back: bool) -> tuple[Tensor, Tensor]:
        answer: tuple[Tensor, Tensor] = torch.func.functional_call(
            self._map, self._held, (self._context, value, back)
        )
        return answer


class _Map(nn.Module):
    """Maps from their steering on, as a function of all that they depend on."""

    def __init__(self, maps: nn.Module) -> None:
        super().__init__()
        self.maps = maps

    def forward(self, context: Tensor, value: Tensor, back: bool) -> tuple[Tensor, Tensor]:
        one = self.maps(context)
        answer: tuple[Tensor, Tensor]
        answer = (one.inv(value), value) if back else one.call_and_ladj(value)
        return answer
