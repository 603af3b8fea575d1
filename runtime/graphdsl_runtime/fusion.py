r"""Gaussian products of experts: one posterior from any subset of the views, in one pass.

An expert is the quotient :math:`\tilde q(z \mid x_i) \propto q(z \mid x_i) / p(z)` of eq. 11, a
Gaussian factor and not a posterior; the prior N(0, I) enters every product once. The printed eq. 13
divides the mean by the variance where it has to multiply; what is here is the corrected form

.. math:: \frac1{\sigma^2} = 1 + \sum_i m_i e^{-\ell_i}, \qquad
          \mu = \sigma^2 \sum_i m_i e^{-\ell_i} \mu_i,

computed from log-precisions, so that no log-variance is too large or too small for it. A view that
is not present is cut out before any arithmetic: its values cannot change a bit of the result, and a
NaN among them stays where it is.
"""

from __future__ import annotations

__all__ = [
    "each_expert",
    "product_of_experts",
    "subset_posteriors",
]

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime.distributions import Gaussian
from graphdsl_runtime.errors import ShapeMismatch


def product_of_experts(experts: Gaussian, present: Tensor | None = None) -> Gaussian:
    r"""Fuse the experts of the views that are present with the prior: q(z | x_S).

    .. math:: q(z \mid x_S) \propto p(z) \prod_{i \in S} \tilde q(z \mid x_i)

    Shapes: experts ``(B, N, *)``, present bool ``(N,)`` or ``(B, N)`` ``-> (B, *)``.
    Exact for Gaussian experts and p(z) = N(0, I); with no view present it is that prior.
    Raises `ShapeMismatch` if ``present`` does not fit.
    Reference: theory.md section 3 item 1, correcting eq. 13; Wu and Goodman 2018, sec. 2.2.

    >>> experts = Gaussian(torch.tensor([[[2.0], [torch.nan]]]), torch.zeros(1, 2, 1))
    >>> q = product_of_experts(experts, torch.tensor([True, False]))
    >>> q.mean, q.log_var.exp()
    (tensor([[1.]]), tensor([[0.5000]]))
    """
    rows, views = experts.mean.shape[:2]
    if present is not None and tuple(present.shape) not in {(views,), (rows, views)}:
        raise ShapeMismatch("present", expected=("B", views), got=present.shape)
    return _product(experts, present, views_axis=1)


def each_expert(experts: Gaussian) -> Gaussian:
    r"""Give the single-view posteriors q(z | x_i), the product with S = {i}, for every i at once.

    .. math:: \sigma_i^2 = \frac1{1 + e^{-\ell_i}}, \qquad \mu_i' = \frac{\mu_i}{1 + e^{\ell_i}}

    Shapes: ``(B, N, *) -> (B, N, *)``.  Exact, as `product_of_experts` is.
    Reference: theory.md P17; eq. 11.

    >>> each_expert(Gaussian(torch.tensor([[[2.0]]]), torch.zeros(1, 1, 1))).mean
    tensor([[[1.]]])
    """
    return Gaussian(torch.sigmoid(-experts.log_var) * experts.mean, F.logsigmoid(experts.log_var))


def subset_posteriors(experts: Gaussian, subsets: Tensor) -> Gaussian:
    r"""Give q(z | x_S) for every subset S of a list, from one pass of the experts.

    Shapes: experts ``(B, N, *)``, subsets bool ``(K, N)`` ``-> (B, K, *)``.
    Exact, as `product_of_experts` is.  Memory: ``B K N *``.
    Raises `ShapeMismatch` if ``subsets`` does not fit.
    Reference: theory.md P17 and P21.

    >>> experts = Gaussian(torch.full((1, 2, 1), 3.0), torch.zeros(1, 2, 1))
    >>> subset_posteriors(experts, torch.eye(2) > 0).mean.flatten()
    tensor([1.5000, 1.5000])
    """
    views = experts.mean.shape[1]
    if subsets.ndim != 2 or subsets.shape[1] != views:
        raise ShapeMismatch("subsets", expected=("K", views), got=subsets.shape)
    return _product(experts[:, None], subsets, views_axis=2)


def _product(experts: Gaussian, present: Tensor | None, views_axis: int) -> Gaussian:
    mean, log_precision = experts.mean, -experts.log_var
    inner = mean.ndim - views_axis - 1
    if present is not None:
        present = present.reshape(*present.shape, *(1,) * inner)
        mean = torch.where(present, mean, 0.0)
        log_precision = torch.where(present, log_precision, -torch.inf)
    # The prior is one more expert, of mean 0 and log-precision 0, ahead of the others.
    with_prior = F.pad(log_precision, (0, 0) * inner + (1, 0))
    total = torch.logsumexp(with_prior, dim=views_axis, keepdim=True)
    mean = (torch.exp(log_precision - total) * mean).sum(dim=views_axis)
    return Gaussian(mean, -total.squeeze(views_axis))
