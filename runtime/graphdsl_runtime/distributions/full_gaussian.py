"""Gaussians with full covariance within a variable: posteriors whose numbers hang together."""

from __future__ import annotations

__all__ = ["FullGaussian"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from graphdsl_runtime.distributions.gaussian import Gaussian, StandardNormal
from graphdsl_runtime.distributions.laplace import Laplace, StandardLaplace
from graphdsl_runtime.distributions.parameters import Index, named, over
from graphdsl_runtime.errors import ShapeMismatch
from graphdsl_runtime.exponents import bounded, capped

_LOG_2PI = math.log(2.0 * math.pi)


@dataclass(frozen=True, eq=False)
class FullGaussian:
    r"""A Gaussian N(mean, L L^T) over the last axis, with :math:`L_{jj} = e^{\ell_j / 2}`.

    By the chain rule, :math:`\ell_j` is the log-variance of component j once those before it are
    known. Nats are computed component by component in that order,
    :math:`\log q(v_j \mid v_{<j})`, so that their sum over the last axis is the joint's, as of a
    `Gaussian`.

    Shapes: ``mean`` and ``log_var`` are ``(B, *, D)``, and so are the nats of every method;
    ``below`` is ``(B, *, D (D - 1) / 2)``, the entries of L below its diagonal, row by row.
    Domain: samples, entropies and divergences to independent components are finite for whatever
    parameters; `log_prob`, and divergences to a full Gaussian, as long as the model's inverse of L
    is: its entries multiply, so that in float32 16 conditional variances of 1e-4 may be too many.
    Reference: Kingma and Welling 2019, sec. 2.5.1.

    >>> q = FullGaussian(torch.zeros(3, 2), torch.zeros(3, 2), torch.ones(3, 1))
    >>> q.scale_tril[0]
    tensor([[1., 0.],
            [1., 1.]])
    """

    mean: Tensor
    log_var: Tensor
    below: Tensor

    @staticmethod
    def size(components: int) -> int:
        """Say how many parameters there are to so many components.

        .. math:: D (D + 3) / 2

        >>> FullGaussian.size(16)
        152
        """
        return components * (components + 3) // 2

    @staticmethod
    def split(parameters: Tensor, shape: Sequence[int] | None = None) -> FullGaussian:
        """Read a Gaussian from a network's output.

        The last axis holds the means, the log-variances, and the entries below the diagonal: of
        all members first, where ``shape`` has several, ``(N, D)``.

        Shapes: ``(*, FullGaussian.size(D))``, or ``(*, N size(D))`` with ``shape`` ``(N, D)``.
        Raises `ShapeMismatch` if the last axis is of another length.

        >>> FullGaussian.split(torch.arange(5.0).reshape(1, 5)).below
        tensor([[4.]])
        """
        *rows, last = parameters.shape
        sizes = tuple(shape) if shape is not None else (int((math.sqrt(9 + 8 * last) - 3) / 2),)
        count, of = math.prod(sizes[:-1]), sizes[-1]
        if last != count * FullGaussian.size(of):
            expected = (*rows, "D (D + 3) / 2" if shape is None else count * FullGaussian.size(of))
            raise ShapeMismatch(
                "a full Gaussian's parameters", expected=expected, got=parameters.shape
            )
        pairs = of * (of - 1) // 2
        mean, log_var = parameters[..., : count * of], parameters[..., count * of : 2 * count * of]
        below = parameters[..., 2 * count * of :]
        return FullGaussian(
            mean.reshape(*rows, *sizes),
            log_var.reshape(*rows, *sizes),
            below.reshape(*rows, *sizes[:-1], pairs),
        )

    @staticmethod
    def stack(gaussians: Sequence[FullGaussian]) -> FullGaussian:
        """Put the members of a family side by side.

        Shapes: N times ``(B, *) -> (B, N, *)``.

        >>> one = FullGaussian(torch.zeros(3, 2), torch.zeros(3, 2), torch.ones(3, 1))
        >>> FullGaussian.stack([one, one]).mean.shape
        torch.Size([3, 2, 2])
        """
        return FullGaussian(
            torch.stack([each.mean for each in gaussians], dim=1),
            torch.stack([each.log_var for each in gaussians], dim=1),
            torch.stack([each.below for each in gaussians], dim=1),
        )

    def __getitem__(self, index: Index) -> FullGaussian:
        return FullGaussian(self.mean[index], self.log_var[index], self.below[index])

    @property
    def scale_tril(self) -> Tensor:
        r"""The lower triangle L, whose square :math:`L L^T` is the covariance.

        Shapes: ``(B, *, D, D)``.
        """
        return self._below_diagonal() + torch.diag_embed(torch.exp(0.5 * capped(self.log_var)))

    @property
    def marginals(self) -> Gaussian:
        r"""The marginals of the components, :math:`N(\mu_j, \sum_k L_{jk}^2)`.

        Shapes: ``(B, *, D)``.

        >>> FullGaussian(torch.zeros(2), torch.zeros(2), torch.ones(1)).marginals.log_var
        tensor([0.0000, 0.6931])
        """
        ratio = self._spread_in(self.log_var)
        return Gaussian(self.mean, self.log_var + torch.log1p(ratio))

    def sample(self, noise: Tensor) -> Tensor:
        r"""Turn standard normal noise into a sample, differentiably.

        .. math:: \mu + L \epsilon

        Shapes: ``(B, *, D) -> (B, *, D)``.

        >>> q = FullGaussian(torch.zeros(2), torch.zeros(2), torch.ones(1))
        >>> q.sample(torch.tensor([1.0, 0.0]))
        tensor([1., 1.])
        """
        own = torch.exp(0.5 * capped(self.log_var)) * noise
        return self.mean + own + (self._below_diagonal() @ noise[..., None])[..., 0]

    def draw(self, noise: Mapping[str, Tensor] | None, name: str) -> Tensor:
        """Sample with the noise of that name, or take the mean where there is no noise at all.

        Shapes: ``(B, *, D)``.  Raises `MissingInput` if there is noise but not that.

        >>> FullGaussian(torch.ones(2), torch.zeros(2), torch.ones(1)).draw(None, "z")
        tensor([1., 1.])
        """
        return self.mean if noise is None else self.sample(named(noise, name, self.mean))

    def or_prior(self, seen: Tensor, prior: Gaussian | None = None) -> FullGaussian:
        """Fall back on the prior, N(0, I) or a conditional one, wherever the view was not seen.

        Shapes: ``seen`` is a bool ``(B,)`` or ``(B, N)``, and broadcasts over the trailing axes.
        What was not seen leaves no trace, NaN included.

        >>> q = FullGaussian(torch.ones(2, 2), torch.ones(2, 2), torch.ones(2, 1))
        >>> q.or_prior(torch.tensor([True, False])).below
        tensor([[1.],
                [0.]])
        """
        mask = over(seen, self.mean)
        mean, log_var = (0.0, 0.0) if prior is None else (prior.mean, prior.log_var)
        return FullGaussian(
            torch.where(mask, self.mean, mean),
            torch.where(mask, self.log_var, log_var),
            torch.where(over(seen, self.below), self.below, 0.0),
        )

    def log_prob(self, value: Tensor) -> Tensor:
        r"""Log-density of every component, given those before it.

        .. math:: -\tfrac12 (w_j^2 + \ell_j + \log 2\pi), \qquad w = L^{-1} (v - \mu)

        Shapes: ``(B, *, D) -> (B, *, D)``; the sum over the last axis is the joint's.
        Unit: nats.  Exact.

        >>> FullGaussian(torch.zeros(2), torch.zeros(2), torch.ones(1)).log_prob(torch.zeros(2))
        tensor([-0.9189, -0.9189])
        """
        square = bounded(self._whitened(value - self.mean)).square()
        return -0.5 * (square + self.log_var + _LOG_2PI)

    def nll(self, value: Tensor) -> Tensor:
        """Negative log-density of every component, given those before it.

        Shapes: as of `log_prob`.  Unit: nats.  Exact.

        >>> FullGaussian(torch.zeros(2), torch.zeros(2), torch.ones(1)).nll(torch.zeros(2))
        tensor([0.9189, 0.9189])
        """
        return -self.log_prob(value)

    def entropy(self) -> Tensor:
        r"""Differential entropy of every component, given those before it.

        .. math:: \tfrac12 (\ell_j + \log 2\pi e)

        Shapes: ``(B, *, D)``; the sum over the last axis is the joint's.
        Unit: nats (negative where the variance is small).  Exact.

        >>> FullGaussian(torch.zeros(2), torch.zeros(2), torch.ones(1)).entropy()
        tensor([1.4189, 1.4189])
        """
        return 0.5 * (self.log_var + (_LOG_2PI + 1.0))

    def cross_entropy(
        self, other: FullGaussian | Gaussian | StandardNormal | Laplace | StandardLaplace
    ) -> Tensor:
        r"""Cross-entropy: what ``other`` needs to describe samples of this Gaussian.

        Of independent components it is that of the marginals. Of a full Gaussian it is, with
        :math:`W = L'^{-1} L` and :math:`w = L'^{-1} (\mu - \mu')`,

        .. math:: \tfrac12 \Bigl(\sum_{k \le j} W_{jk}^2 + w_j^2 + \ell'_j + \log 2\pi\Bigr)

        Shapes: ``(B, *, D)``.  Unit: nats.  Exact.  Equal to entropy plus KL.

        >>> q = FullGaussian(torch.zeros(2), torch.zeros(2), torch.ones(1))
        >>> q.cross_entropy(StandardNormal())
        tensor([1.4189, 1.9189])
        """
        if isinstance(other, FullGaussian):
            return other._cross_entropy_of(self.mean, self.scale_tril)
        return self.marginals.cross_entropy(other)

    def kl(
        self, other: FullGaussian | Gaussian | StandardNormal | Laplace | StandardLaplace
    ) -> Tensor:
        r"""Kullback-Leibler divergence from ``other`` to this Gaussian, KL(self || other).

        .. math:: \tfrac12 \Bigl(e^{d_j} - 1 - d_j + \sum_{k < j} W_{jk}^2 + w_j^2\Bigr),
                  \qquad d = \ell - \ell'

        with :math:`W = L'^{-1} L` and :math:`w = L'^{-1} (\mu - \mu')`; of N(0, I),
        :math:`L' = I`.  Against a Laplace it is cross-entropy less entropy.

        Shapes: ``(B, *, D)``; the sum over the last axis is the joint's.  Unit: nats.  Exact.
        Every component is at least zero, against a Gaussian of either kind; all are zero iff
        the two are equal.

        >>> q = FullGaussian(torch.zeros(2), torch.zeros(2), torch.ones(1))
        >>> q.kl(StandardNormal())
        tensor([0.0000, 0.5000])
        """
        if isinstance(other, StandardNormal):
            other = Gaussian.unit(torch.zeros_like(self.mean))
        if isinstance(other, FullGaussian):
            among = other._whitened_columns(self.scale_tril).tril(-1)
            among = bounded(among).square().sum(dim=-1)
            apart = bounded(other._whitened(self.mean - other.mean)).square()
        elif isinstance(other, Gaussian):
            among = self._spread_in(other.log_var)
            scale = torch.exp(0.5 * capped(-other.log_var))
            apart = bounded((self.mean - other.mean) * scale).square()
        else:
            return self.cross_entropy(other) - self.entropy()
        # As of a `Gaussian`: expm1 keeps the digits of d near 0.
        d = capped(self.log_var - other.log_var)
        return 0.5 * ((torch.expm1(d) - d) + among + apart)

    def cross_entropy_of_gaussian(self, q: Gaussian) -> Tensor:
        """Cross-entropy: what this Gaussian needs to describe samples of a diagonal one.

        Shapes: ``(B, *, D)``.  Unit: nats.  Exact.

        >>> p = FullGaussian(torch.zeros(2), torch.zeros(2), torch.ones(1))
        >>> p.cross_entropy_of_gaussian(Gaussian.unit(torch.zeros(2)))
        tensor([1.4189, 1.9189])
        """
        return self._cross_entropy_of(q.mean, torch.diag_embed(torch.exp(0.5 * capped(q.log_var))))

    def _cross_entropy_of(self, mean: Tensor, scale_tril: Tensor) -> Tensor:
        spread = bounded(self._whitened_columns(scale_tril)).square().sum(dim=-1)
        apart = bounded(self._whitened(mean - self.mean)).square()
        return 0.5 * (spread + apart + self.log_var + _LOG_2PI)

    def _below_diagonal(self) -> Tensor:
        size = self.mean.shape[-1]
        rows, columns = torch.tril_indices(size, size, -1, device=self.below.device)
        matrix = self.below.new_zeros(*self.below.shape[:-1], size, size)
        matrix[..., rows, columns] = self.below
        return matrix

    def _spread_in(self, log_var: Tensor) -> Tensor:
        """What the components before it add to the variance of each, in units of another."""
        scale = torch.exp(0.5 * capped(-log_var))[..., None]
        return bounded(self._below_diagonal() * scale).square().sum(dim=-1)

    def _whitened(self, apart: Tensor) -> Tensor:
        return self._whitened_columns(apart[..., None])[..., 0]

    def _whitened_columns(self, columns: Tensor) -> Tensor:
        # No library solves triangles in half precision.
        single = torch.promote_types(columns.dtype, torch.float32)
        triangle = self.scale_tril.to(single)
        columns = columns.to(single)
        whitened: Tensor = torch.linalg.solve_triangular(triangle, columns, upper=False)
        return whitened
