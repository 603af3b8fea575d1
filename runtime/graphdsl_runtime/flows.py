"""Normalizing flows as posteriors: noise, pushed through maps that the data choose."""

from __future__ import annotations

__all__ = ["Flow", "StackedFlow", "conditional_flow"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime.distributions import Gaussian, standard_normal
from graphdsl_runtime.distributions.parameters import named, over

_HIDDEN = 64  #: units of each of two layers, of every map
_REACH = math.log(1e3)  #: bound of a map's logarithms of scales


class Map(Protocol):
    """An invertible map of the last axis."""

    def inv(self, value: Tensor, /) -> Tensor:
        """Give the noise that becomes a value."""

    def call_and_ladj(self, noise: Tensor, /) -> tuple[Tensor, Tensor]:
        """Give the image, and the logarithm of the absolute determinant of the Jacobian."""


@dataclass(frozen=True, eq=False)
class Flow:
    r"""The distribution of :math:`f(\epsilon)` for standard normal noise of D numbers.

    .. math:: \log q(f(\epsilon)) = \log N(\epsilon; 0, I) - \log |\det \partial f / \partial
              \epsilon|

    A sample and its density take one pass; the density of any other value takes the inverse, which
    for autoregressive maps is D passes, and still exact.

    Shapes: ``zero``, noise of zero, is ``(B, D)``. Rows that were not ``seen`` are drawn from
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
    zero: Tensor
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
        noise = torch.randn(64, 1, self.zero.shape[-1], generator=fixed).to(self.zero)
        pairs = torch.cat([noise, -noise]) + self.zero
        value = self.map.call_and_ladj(pairs)[0].mean(dim=0)
        if self.seen is None:
            return value
        instead = self.zero if self.prior is None else self.prior.mean
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
        return self.mean if noise is None else self.sample(named(noise, name, self.zero))

    def or_prior(self, seen: Tensor, prior: Gaussian | None = None) -> Flow:
        """Fall back on the prior, N(0, I) or a conditional one, wherever the view was not seen.

        Shapes: ``seen`` is a bool ``(B,)``.
        """
        return Flow(self.map, self.zero, seen, prior)

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
        return torch.stack([flow.mean for flow in self.flows], dim=1)

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
    r"""Build an inverse autoregressive flow that an encoder's answer steers.

    Affine autoregressive maps whose shifts and scales masked perceptrons give (two layers of 64),
    in alternating order of the numbers: a sample is one pass, and a density of what is no sample of
    its own D passes.

    .. math:: f(\epsilon)_i = e^{s_i} \epsilon_i + m_i, \quad
              (m_i, s_i) = \operatorname{net}(\epsilon_{<i}, c)

    Shapes: the encoder answers with c, ``(B, context)``; the network with a `Flow` over ``(B, D)``
    for ``features`` D.
    Reference: Kingma et al. 2016; Papamakarios, Pavlakou and Murray 2017; for the masks Germain et
    al. 2015.

    >>> network = conditional_flow(nn.Linear(3, 8), 2, context=8)
    >>> network(torch.zeros(5, 3)).sample(torch.zeros(5, 2)).shape
    torch.Size([5, 2])
    """
    return _ConditionalFlow(encoder, features, context, transforms)


class _ConditionalFlow(nn.Module):
    """An encoder, and the maps that it steers."""

    def __init__(self, encoder: nn.Module, features: int, context: int, transforms: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.features = features
        order = torch.arange(features)
        self.maps = nn.ModuleList(
            _Steering(order.flip(0) if k % 2 else order, context) for k in range(transforms)
        )

    def forward(self, *parents: Tensor) -> Flow:
        context = self.encoder(*parents)
        steered = _Composed([one(context) for one in self.maps])
        return Flow(steered, context.new_zeros(context.shape[0], self.features))


@dataclass(frozen=True, eq=False)
class _Composed:
    """Maps one after another."""

    maps: Sequence[Map]

    def inv(self, value: Tensor) -> Tensor:
        """Give the noise that becomes a value."""
        for one in reversed(self.maps):
            value = one.inv(value)
        return value

    def call_and_ladj(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Give the image, and the logarithm of the absolute determinant of the Jacobian."""
        ladj = noise.new_zeros(noise.shape[:-1])
        for one in self.maps:
            noise, own = one.call_and_ladj(noise)
            ladj = ladj + own
        return noise, ladj


@dataclass(frozen=True, eq=False)
class _Autoregressive:
    """One map: each number's shift and scale depend on those before it, and on the context.

    It holds the weights of the time when it was steered, so that a network called with others, as
    `frozen` does, gives a flow with those.
    """

    layers: Sequence[tuple[Tensor, Tensor]]
    context: Tensor

    def inv(self, value: Tensor) -> Tensor:
        """Give the noise that becomes a value: after pass i its first i numbers are right."""
        noise = torch.zeros_like(value)
        for _ in range(value.shape[-1]):
            shift, log_scale = self._of(noise)
            noise = (value - shift) * torch.exp(-log_scale)
        return noise

    def call_and_ladj(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Give the image, and the logarithm of the absolute determinant of the Jacobian."""
        shift, log_scale = self._of(noise)
        return noise * torch.exp(log_scale) + shift, log_scale.sum(dim=-1)

    def _of(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Shifts and logarithms of scales, which stay below a bound."""
        context = self.context.expand(*noise.shape[:-1], -1)
        (weight, bias), *others = self.layers
        answer = F.linear(torch.cat([noise, context], dim=-1), weight, bias)
        for weight, bias in others:
            answer = F.linear(F.relu(answer), weight, bias)
        shift, scale = answer.chunk(2, dim=-1)
        return shift, scale / (1.0 + scale.abs() / _REACH)


class _Steering(nn.Module):
    """A map's perceptron: a number's outputs read the numbers before it in ``order``."""

    def __init__(self, order: Tensor, context: int) -> None:
        super().__init__()
        # The place up to which a unit reads; the context's is before all numbers.
        reads = torch.cat([order, torch.full((context,), -1)])
        hidden = torch.arange(_HIDDEN) * len(order) // _HIDDEN - 1
        self.layers = nn.ModuleList(
            _Masked(mask)
            for mask in (
                hidden[:, None] >= reads,
                hidden[:, None] >= hidden,
                order.repeat(2)[:, None] > hidden,
            )
        )

    def forward(self, context: Tensor) -> Map:
        return _Autoregressive([layer() for layer in self.layers], context)


class _Masked(nn.Linear):
    """The weights, none but where the mask allows, and the biases of a linear map."""

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask, persistent=False)

    def forward(self) -> tuple[Tensor, Tensor]:  # type: ignore[override]  # what it is, not what it does
        return self.weight * self.mask, self.bias
