r"""Mixtures of independent components, whose selector couples the coordinates.

A mixture encoder is G^q with one more node: a selector m, independent of x and a parent of every
coordinate. Given m the coordinates are independent; without it they are not, and so a density is
one number per row. What can be said without a sample is said of the pair (z, m):

.. math:: \sum_m \pi_m \mathrm{KL}(q_m \,\|\, p)
          = \mathrm{KL}(q \,\|\, p) + I(z ; m \mid x)
"""

from __future__ import annotations

__all__ = ["Mixture"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime.distributions.expectation import HALF, monte_carlo_kl, sum_beyond
from graphdsl_runtime.distributions.gaussian import Gaussian, StandardNormal
from graphdsl_runtime.distributions.laplace import Laplace, StandardLaplace
from graphdsl_runtime.distributions.parameters import Index, over
from graphdsl_runtime.errors import ShapeMismatch

_Component: TypeAlias = Gaussian | Laplace
_Prior: TypeAlias = StandardNormal | StandardLaplace


@dataclass(frozen=True, eq=False)
class Mixture:
    r"""A mixture of Gaussians, or of Laplaces, for every row.

    .. math:: q(z) = \sum_m \pi_m \prod_j q_m(z_j), \qquad \pi = \operatorname{softmax}(l)

    Shapes: ``components`` is ``(B, M, *)``, its M components on axis 1; ``logits``, of their
    weights, is ``(M,)`` or ``(B, M)``.  One row of components is for all rows: a mixture prior.
    Domain: a logit may be -inf, which leaves a component out, but not all of a row's.

    >>> two = Mixture(Gaussian.unit(torch.tensor([[[-3.0], [3.0]]])), torch.zeros(2))
    >>> two.mean, two.log_prob(torch.tensor([[3.0]]))
    (tensor([[0.]]), tensor([-1.6121]))
    """

    components: _Component
    logits: Tensor

    @staticmethod
    def split(parameters: Tensor, components: int, shape: Sequence[int] | None = None) -> Mixture:
        """Read a mixture of Gaussians from the output of a network.

        The last axis holds the log-weights of all components, then the means of each, then the
        log-variances of each.

        Shapes: ``(B, M (1 + 2 D))`` to rows ``(D,)``, or ``shape`` where ``prod(shape) == D``.
        Raises `ShapeMismatch` if the last axis is of another length.

        >>> Mixture.split(torch.zeros(1, 15), components=3).components.mean.shape
        torch.Size([1, 3, 2])
        """
        rows, last = parameters.shape
        size = (last // components - 1) // 2 if shape is None else math.prod(shape)
        wanted = components * (1 + 2 * size)
        if last != wanted:
            expected = (rows, f"{components} (1 + 2 D)" if shape is None else wanted)
            of = "the parameters of a mixture"
            raise ShapeMismatch(of, expected=expected, got=parameters.shape)
        sizes = (size,) if shape is None else tuple(shape)
        logits, of_components = parameters[:, :components], parameters[:, components:]
        return Mixture(Gaussian.split(of_components, (components, *sizes)), logits)

    @staticmethod
    def evenly(components: _Component) -> Mixture:
        r"""Give the mixture of all rows of a distribution, with equal weights, as one row.

        .. math:: p(z) = \tfrac1K \sum_k q(z \mid u_k)

        Shapes: components ``(K, *)``, to a mixture of one row.
        Reference: Tomczak and Welling 2018, eq. 9.

        >>> Mixture.evenly(Gaussian.unit(torch.zeros(500, 16))).components.mean.shape
        torch.Size([1, 500, 16])
        """
        count = components.mean.shape[0]
        return Mixture(components[None], components.mean.new_zeros(count))

    def __getitem__(self, index: Index) -> Mixture:
        """Some rows, and all that they are mixtures of."""
        logits = self.logits if self.logits.ndim == 1 else self.logits[index]
        return Mixture(self.components[index], logits)

    @property
    def log_weights(self) -> Tensor:
        """The logarithm of every component's weight, ``(M,)`` or ``(B, M)``."""
        return F.log_softmax(self.logits, dim=-1)

    @property
    def weights(self) -> Tensor:
        """The weight of every component, ``(M,)`` or ``(B, M)``; they sum to 1."""
        return torch.softmax(self.logits, dim=-1)

    @property
    def mean(self) -> Tensor:
        """The mean over all components, ``(B, *)``."""
        return self.average(self.components.mean)

    def average(self, values: Tensor) -> Tensor:
        r"""Weigh what was computed for every component: the outer expectation, over m.

        .. math:: \sum_m \pi_m v_m

        Shapes: ``(B, M, *) -> (B, *)``.  Unit: that of its argument.
        Exact over m. Of nats at `sample_each` it is an unbiased estimate of their mean under q;
        where the weights are equal, its variance is no larger than that of M samples of q.
        Reference: Shi et al. 2019, sec. 3: their objective is such an average.

        >>> one = Gaussian.unit(torch.zeros(1, 2))
        >>> Mixture(one, torch.tensor([0.0, -torch.inf])).average(torch.tensor([[1.0, 2.0]]))
        tensor([1.])
        """
        weights = self.weights.expand(values.shape[0], -1)
        return (over(weights, values) * values).sum(dim=1)

    def sample_each(self, noise: Tensor) -> Tensor:
        """Turn standard normal noise into one sample of every component: stratified sampling.

        Shapes: ``(B, M, *) -> (B, M, *)``, broadcasting.  Reference: Shi et al. 2019, sec. 3.

        >>> two = Mixture(Gaussian.unit(torch.tensor([[[-3.0], [3.0]]])), torch.zeros(2))
        >>> two.sample_each(torch.zeros(1, 2, 1)).flatten()
        tensor([-3.,  3.])
        """
        return self.components.sample(noise)

    def sample_several(self, noise: Tensor, samples: int) -> Tensor:
        """Turn standard normal noise into K samples of every component, all of them rows.

        The M K samples of a row come one after another, those of one component together.

        Shapes: ``(B M K, *) -> (B M K, *)``.  Reference: Shi et al. 2019, sec. 3.

        >>> two = Mixture(Gaussian.unit(torch.tensor([[[-3.0], [3.0]]])), torch.zeros(2))
        >>> two.sample_several(torch.zeros(4, 1), samples=2).flatten()
        tensor([-3., -3.,  3.,  3.])
        """
        rows, count = self.components.mean.shape[:2]
        apart = noise.reshape(rows, count, samples, *noise.shape[1:])
        return self.components[:, :, None].sample(apart).flatten(0, 2)

    def sample(self, noise: Tensor, uniform: Tensor) -> Tensor:
        """Choose a component with uniform noise and sample it with standard normal noise.

        No gradient goes into the weights.

        Shapes: ``(B, *)`` and, of numbers in [0, 1), ``(B,) -> (B, *)``.

        >>> two = Mixture(Gaussian.unit(torch.tensor([[[-3.0], [3.0]]])), torch.zeros(2))
        >>> two.sample(torch.ones(1, 1), uniform=torch.tensor([0.2]))
        tensor([[-2.]])
        """
        samples = self.components.sample(noise[:, None])
        below = self.weights.cumsum(dim=-1)[..., :-1]
        chosen = (uniform[:, None] >= below).sum(dim=-1)
        index = over(chosen, samples[:, 0])[:, None].expand(-1, 1, *samples.shape[2:])
        return samples.gather(1, index).squeeze(1)

    def draw(self, noise: Mapping[str, Tensor], name: str) -> Tensor:
        """Sample with the noise of that name, for as many rows as that has.

        ``selector_`` and the name is the entry that chooses components, ``(B,)`` numbers in [0, 1),
        which are drawn if there are none.

        >>> two = Mixture(Gaussian.unit(torch.tensor([[[-3.0], [3.0]]])), torch.zeros(2))
        >>> two.draw({"z": torch.ones(1, 1), "selector_z": torch.tensor([0.7])}, "z")
        tensor([[4.]])
        """
        normal, selector = noise[name], noise.get(f"selector_{name}")
        if selector is None:
            selector = torch.rand(normal.shape[0], dtype=normal.dtype, device=normal.device)
        return self.sample(normal, selector)

    def log_prob(self, value: Tensor) -> Tensor:
        r"""Log-density of every row, or of K points for each.

        .. math:: \log \sum_m \exp\Bigl(\log \pi_m + \sum_j \log q_m(v_j)\Bigr)

        Shapes: ``(B, *) -> (B,)``, and ``(B, K, *) -> (B, K)``: the samples of `sample_each`.
        Unit: nats.  Exact.  Memory: ``B K M *``.
        """
        if value.ndim < self.components.mean.ndim:
            return self.log_prob(value[:, None]).squeeze(1)
        each = self.components[:, None].log_prob(value[:, :, None])  # (B, K, M, *)
        # Were all of them -inf, far outside of every narrow component, the sum would be NaN.
        each = each.float() if each.dtype in HALF else each
        each = sum_beyond(each, 3).clamp(min=torch.finfo(each.dtype).min / 4)
        log_weights = self.log_weights.expand(value.shape[0], -1)
        return torch.logsumexp(log_weights[:, None] + each, dim=-1)

    def nll(self, value: Tensor) -> Tensor:
        """Negative log-density of every row.

        Shapes: as of `log_prob`.  Unit: nats.  Exact.
        """
        return -self.log_prob(value)

    def kl_bound(self, other: _Component | _Prior) -> Tensor:
        r"""Bound KL(self || other) by the KL of the pair (z, m), elementwise.

        .. math:: \sum_m \pi_m \mathrm{KL}(q_m \,\|\, p)
                  = \mathrm{KL}(q \,\|\, p) + I(z ; m \mid x)

        Shapes: other, ``(B, *)`` where it has parameters ``-> (B, *)``.  Unit: nats.
        Relation: upper, of KL(q || p), once summed over the coordinates. The gap is I(z; m | x),
        between 0 and the entropy of m: tight iff the components are alike. `selector_information`
        estimates it.
        Reference: theory.md P16.

        >>> two = Mixture(Gaussian.unit(torch.tensor([[[-1.0], [1.0]]])), torch.zeros(2))
        >>> two.kl_bound(StandardNormal())
        tensor([[0.5000]])
        """
        if isinstance(other, Gaussian | Laplace):
            other = other[:, None]
        return self.average(self.components.kl(other))

    def selector_information(self, samples: Tensor) -> Tensor:
        r"""Estimate I(z; m | x), what a row's z says about the component it is from.

        .. math:: \sum_m \pi_m \bigl(\log q_m(z_m) - \log q(z_m)\bigr), \qquad z_m \sim q_m

        Shapes: the samples of `sample_each`, ``(B, M, *) -> (B,)``.  Unit: nats.
        Relation: estimate, unbiased; its gradient too.  Less than or equal to the entropy of m.
        Reference: theory.md P16.

        >>> far = Mixture(Gaussian.unit(torch.tensor([[[-50.0], [50.0]]])), torch.zeros(2))
        >>> far.selector_information(far.sample_each(torch.zeros(1, 2, 1)))  # one bit
        tensor([0.6931])
        """
        own = sum_beyond(self.components.log_prob(samples), 2)
        return self.average(own - self.log_prob(samples))

    def kl_estimate(
        self,
        other: Gaussian | Laplace | StandardNormal | StandardLaplace | Mixture,
        samples: Tensor,
    ) -> Tensor:
        r"""Estimate KL(self || other) with one sample of every component.

        .. math:: \sum_m \pi_m \bigl(\log q(z_m) - \log p(z_m)\bigr), \qquad z_m \sim q_m

        Shapes: the samples of `sample_each`, ``(B, M, *) -> (B,)``.  Unit: nats.
        Relation: estimate, unbiased; its gradient too.
        Reference: Shi et al. 2019, sec. 3; Hershey and Olsen 2007.

        >>> same = Mixture(Gaussian.unit(torch.zeros(1, 2, 1)), torch.zeros(2))
        >>> same.kl_estimate(StandardNormal(), samples=torch.randn(1, 2, 1)).abs() < 1e-6
        tensor([True])
        """
        if isinstance(other, Gaussian | Laplace):
            other = other[:, None]
        return self.average(monte_carlo_kl(self, other, samples))
