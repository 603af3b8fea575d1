r"""Fusion of views: products of experts, mixtures of them, and mixtures of products.

An expert is the quotient :math:`\tilde q(z \mid x_i) \propto q(z \mid x_i) / p(z)` of eq. 11, a
Gaussian factor and not a posterior; the prior N(0, I) enters every product once. The printed eq. 13
divides the mean by the variance where it has to multiply; what is here is the corrected form

.. math:: \frac1{\sigma^2} = 1 + \sum_i m_i e^{-\ell_i}, \qquad
          \mu = \sigma^2 \sum_i m_i e^{-\ell_i} \mu_i,

computed from log-precisions, so that no log-variance is too large or too small for it. A view that
is not present is cut out before any arithmetic: its values cannot change a bit of the result, and a
NaN among them stays where it is.

With present or absent views, and with any weights :math:`m_i \ge 0`, the total precision is at
least the prior's. Weights below zero take precision away, and what is left may be no density: see
`weighted_product`.
"""

from __future__ import annotations

__all__ = [
    "each_expert",
    "mixture_of_experts",
    "mixture_of_products",
    "one_expert",
    "product_of_experts",
    "subset_posteriors",
    "weighted_product",
]

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime.distributions import Gaussian, Laplace, Mixture
from graphdsl_runtime.errors import NotADensity, ShapeMismatch
from graphdsl_runtime.exponents import capped
from graphdsl_runtime.holding import held


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
    _check_present(experts, present)
    return _product(experts, present, views_axis=1)


def weighted_product(
    experts: Gaussian,
    weights: Tensor,
    present: Tensor | None = None,
    *,
    least: float | None = None,
) -> Gaussian:
    r"""Fuse the experts, each to the power of a real weight, with the prior.

    .. math:: q(z) \propto p(z) \prod_{i \in S} \tilde q(z \mid x_i)^{m_i}

    The weights are the masks M^q of eq. 13: one per view, or one per view and latent coordinate.
    Zero leaves an expert out, one takes it as it is, and the gradient is right at both.

    Shapes: experts ``(B, N, *)``; weights ``(N, *)`` or ``(B, N, *)``, with every axis of the
    experts or 1 in its place; present as of `product_of_experts` ``-> (B, *)``.
    Exact wherever the total precision is positive: always, for weights that are not negative.
    ``least`` says what happens otherwise. By default the total is checked, and `NotADensity` names
    the first row where it is not positive; the check reads values, so that this is for calls by
    hand. Given a number in (0, 1], no total is taken below it, nor below what rounding leaves of
    its largest summand, and nothing is checked, which is for what is compiled: it changes nothing
    while no weight is negative, and where it acts, the answer is a Gaussian but not the product,
    and the precision has no gradient.
    Raises `ShapeMismatch` if weights or ``present`` do not fit, and `NotADensity` as said.
    Reference: theory.md section 3 items 1 and 2, correcting eq. 13.

    >>> experts = Gaussian(torch.full((1, 2, 1), 3.0), torch.zeros(1, 2, 1))
    >>> weighted_product(experts, torch.tensor([[1.0], [0.5]])).log_var.exp()
    tensor([[0.4000]])
    >>> weighted_product(experts, torch.tensor([[-2.0], [0.0]]))
    ... # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    NotADensity: in row 0 the total precision is -1.0 at (0,): weights below zero took away more
    """
    _check_present(experts, present)
    _check_weights(experts, weights)
    return _weighted(experts, weights, present, views_axis=1, least=least)


def each_expert(
    experts: Gaussian, weights: Tensor | None = None, *, present: Tensor | None = None
) -> Gaussian:
    r"""Give the single-view posteriors q(z | x_i), the product with S = {i}, for every i at once.

    .. math:: \sigma_i^2 = \frac1{1 + m_i e^{-\ell_i}}, \qquad
              \mu_i' = \sigma_i^2\, m_i e^{-\ell_i} \mu_i

    with weights where they are given, as of `weighted_product`, and 1 otherwise; of a view that is
    not present it is the prior, the product of no expert.

    Shapes: ``(B, N, *) -> (B, N, *)``; weights ``(N, *)`` or ``(B, N, *)``, none below zero;
    present as of `product_of_experts`.
    Exact, as `product_of_experts` is.
    Raises `ShapeMismatch` if weights or ``present`` do not fit.
    Reference: theory.md P17 and S2; eq. 11.

    >>> each_expert(Gaussian(torch.tensor([[[2.0]]]), torch.zeros(1, 1, 1))).mean
    tensor([[[1.]]])
    >>> each_expert(Gaussian(torch.ones(1, 1, 1), torch.zeros(1, 1, 1)), torch.zeros(1, 1)).mean
    tensor([[[0.]]])
    >>> two = Gaussian(torch.full((1, 2, 1), 2.0), torch.zeros(1, 2, 1))
    >>> each_expert(two, present=torch.tensor([True, False])).mean.flatten()
    tensor([1., 0.])
    """
    _check_present(experts, present)
    if weights is not None:
        _check_weights(experts, weights)
        by_row = weights if weights.ndim == experts.mean.ndim else weights[None]
        alone = None if present is None else present[..., None]
        return _weighted(experts[:, :, None], by_row[:, :, None], alone, views_axis=2, least=1.0)
    mean, log_precision = _only(experts, present, views_axis=1)
    return Gaussian(torch.sigmoid(log_precision) * mean, F.logsigmoid(-log_precision))


def one_expert(experts: Gaussian, selector: Tensor, present: Tensor | None = None) -> Gaussian:
    r"""Give each row the component that its selector names: q(z | x, m) of a mixture.

    .. math:: q(z \mid x) = \sum_m \pi_m\, q(z \mid x_m), \qquad m \sim \pi

    Shapes: experts ``(B, N, *)``, selector ``(B,)`` of whole numbers, present as of
    `product_of_experts` ``-> (B, *)``.
    An expectation over rows and selectors is one over the mixture; its selector information
    I(z; m | x) is what bounds by components leave out.  A component that is not present is the
    prior N(0, I), as the mixture is of a row with no view.
    Raises `ShapeMismatch` if ``present`` does not fit.
    Reference: theory.md P16.

    >>> experts = Gaussian.unit(torch.tensor([[[1.0], [2.0]]]))
    >>> one_expert(experts, torch.tensor([1])).mean
    tensor([[2.]])
    >>> one_expert(experts, torch.tensor([1]), torch.tensor([[False, False]])).mean
    tensor([[0.]])
    """
    _check_present(experts, present)
    rows = torch.arange(selector.shape[0], device=selector.device)
    chosen = Gaussian(experts.mean[rows, selector], experts.log_var[rows, selector])
    if present is None:
        return chosen
    return chosen.or_prior(present.expand(experts.mean.shape[:2])[rows, selector])


def subset_posteriors(
    experts: Gaussian,
    subsets: Tensor,
    weights: Tensor | None = None,
    *,
    present: Tensor | None = None,
    least: float | None = None,
) -> Gaussian:
    r"""Give q(z | x_S) for every subset S of a list, from one pass of the experts.

    .. math:: q(z \mid x_S) \propto p(z) \prod_{i \in S} \tilde q(z \mid x_i)^{m_i}

    with weights where they are given, as of `weighted_product`, and 1 otherwise; where views may be
    missing, the product is over those of S that are present.

    Shapes: experts ``(B, N, *)``, subsets bool ``(K, N)`` ``-> (B, K, *)``; weights ``(N, *)`` or
    ``(B, N, *)``; present as of `product_of_experts`.
    Exact, as `product_of_experts` and `weighted_product` are.  Memory: ``B K N *``.
    Raises `ShapeMismatch` if subsets, weights or ``present`` do not fit, and, of weights below
    zero, `NotADensity` unless there is a ``least``.
    Reference: theory.md P17 and P21.

    >>> experts = Gaussian(torch.full((1, 2, 1), 3.0), torch.zeros(1, 2, 1))
    >>> subset_posteriors(experts, torch.eye(2) > 0).mean.flatten()
    tensor([1.5000, 1.5000])
    >>> subset_posteriors(
    ...     experts, torch.eye(2) > 0, present=torch.tensor([True, False])
    ... ).mean.flatten()
    tensor([1.5000, 0.0000])
    """
    views = experts.mean.shape[1]
    if subsets.ndim != 2 or subsets.shape[1] != views:
        raise ShapeMismatch("subsets", expected=("K", views), got=subsets.shape)
    _check_present(experts, present)
    if present is not None:
        subsets = subsets & present.unsqueeze(-2)  # (K, N), or (B, K, N)
    if weights is None:
        return _product(experts[:, None], subsets, views_axis=2)
    _check_weights(experts, weights)
    by_row = weights.ndim == experts.mean.ndim
    weights = weights[:, None] if by_row else weights
    return _weighted(experts[:, None], weights, subsets, views_axis=2, least=least)


def mixture_of_experts(posteriors: Gaussian | Laplace, present: Tensor | None = None) -> Mixture:
    r"""Mix the posteriors of the views that are present, all with one weight (MMVAE).

    .. math:: q(z \mid x_S) = \frac1{|S|} \sum_{i \in S} q(z \mid x_i)

    The components are posteriors and not the quotients of a product: what an encoder answers, or
    `each_expert` of the quotients.

    Shapes: posteriors ``(B, N, *)``, present bool ``(N,)`` or ``(B, N)``.
    Exact; with no view present it is the posteriors' prior.
    Raises `ShapeMismatch` if ``present`` does not fit.
    Reference: Shi et al. 2019, sec. 3; theory.md P16.

    >>> posteriors = Gaussian.unit(torch.tensor([[[2.0], [torch.nan]]]))
    >>> mixture_of_experts(posteriors, torch.tensor([True, False])).mean
    tensor([[2.]])
    """
    _check_present(posteriors, present)
    if present is None:
        return Mixture(posteriors, posteriors.mean.new_zeros(posteriors.mean.shape[1]))
    present = present.expand(posteriors.mean.shape[:2])
    return Mixture(posteriors.or_prior(present), _uniform(present, posteriors.mean))


def mixture_of_products(
    experts: Gaussian, subsets: Tensor, present: Tensor | None = None
) -> Mixture:
    r"""Mix the products of the subsets whose views are all present, all with one weight (MoPoE).

    .. math:: q(z \mid x) = \frac1{|\mathcal S|} \sum_{S \in \mathcal S} q(z \mid x_S)

    Shapes: experts ``(B, N, *)``, subsets bool ``(K, N)``, present bool ``(N,)`` or ``(B, N)``;
    the mixture has K components.
    Exact; where no subset is wholly present it is the prior N(0, I).  Memory: ``B K N *``.
    Raises `ShapeMismatch` if ``subsets`` or ``present`` does not fit.
    Reference: Sutter, Daunhawer and Vogt 2021, sec. 3; theory.md P16 and P17.

    >>> experts = Gaussian(torch.full((1, 2, 1), 3.0), torch.zeros(1, 2, 1))
    >>> subsets = torch.tensor([[True, False], [False, True], [True, True]])
    >>> mixture_of_products(experts, subsets).components.mean.flatten()
    tensor([1.5000, 1.5000, 2.0000])
    >>> mixture_of_products(experts, subsets, torch.tensor([True, False])).weights
    tensor([[1., 0., 0.]])
    """
    _check_present(experts, present)
    if present is None:
        return Mixture(subset_posteriors(experts, subsets), experts.mean.new_zeros(len(subsets)))
    present = present.expand(experts.mean.shape[:2])
    products = subset_posteriors(experts.or_prior(present), subsets)
    whole = (present[:, None] | ~subsets).all(dim=-1)  # (B, K)
    return Mixture(products.or_prior(whole), _uniform(whole, experts.mean))


def _product(experts: Gaussian, present: Tensor | None, views_axis: int) -> Gaussian:
    mean, log_precision = _only(experts, present, views_axis)
    # The prior is one more expert, of mean 0 and log-precision 0, ahead of the others.
    inner = mean.ndim - views_axis - 1
    with_prior = F.pad(log_precision, (0, 0) * inner + (1, 0))
    total = torch.logsumexp(with_prior, dim=views_axis, keepdim=True)
    mean = (torch.exp(log_precision - total) * mean).sum(dim=views_axis)
    return Gaussian(mean, -total.squeeze(views_axis))


def _weighted(
    experts: Gaussian,
    weights: Tensor,
    present: Tensor | None,
    views_axis: int,
    least: float | None,
) -> Gaussian:
    mean, log_precision = _only(experts, present, views_axis)
    # What all precisions are divided by, so that none overflows; the weights may have either sign,
    # and a weight of zero has to have a gradient, which its logarithm would not.
    with torch.no_grad():
        largest = torch.log(weights.abs()) + log_precision
        unit = largest.amax(dim=views_axis, keepdim=True).clamp(min=0.0)
    precision = weights * torch.exp(capped(log_precision - unit))
    total = torch.exp(-unit.squeeze(views_axis)) + precision.sum(dim=views_axis)
    unit = unit.squeeze(views_axis)
    if least is None:
        _check_density(total, unit)
    else:
        floor = (least * torch.exp(-unit)).clamp(min=torch.finfo(total.dtype).eps)
        # Not torch.maximum, which halves the gradient where both are equal: weights of zero.
        total = torch.where(held(total < floor), floor, total)
    return Gaussian((precision * mean).sum(dim=views_axis) / total, -(torch.log(total) + unit))


def _only(experts: Gaussian, present: Tensor | None, views_axis: int) -> tuple[Tensor, Tensor]:
    """Give means and log-precisions, with a factor that says nothing for what is not present."""
    mean, log_precision = experts.mean, -experts.log_var
    if present is None:
        return mean, log_precision
    present = present.reshape(*present.shape, *(1,) * (mean.ndim - views_axis - 1))
    return torch.where(present, mean, 0.0), torch.where(present, log_precision, -torch.inf)


def _uniform(there: Tensor, like: Tensor) -> Tensor:
    """Give the logits of equal weights for what is there, and for all of a row without any."""
    kept = there | ~there.any(dim=-1, keepdim=True)
    return torch.where(kept, 0.0, -torch.inf).to(like.dtype)


def _check_present(experts: Gaussian | Laplace, present: Tensor | None) -> None:
    # Sizes are compared one by one: an exported graph has no rule for how rows stand to views.
    if present is None:
        return
    rows, views = experts.mean.shape[:2]
    fits = present.ndim in (1, 2) and present.shape[-1] == views
    if not fits or (present.ndim == 2 and present.shape[0] != rows):
        raise ShapeMismatch("present", expected=("B", views), got=present.shape)


def _check_weights(experts: Gaussian, weights: Tensor) -> None:
    shape = tuple(experts.mean.shape)
    padded = (1,) * (len(shape) - weights.ndim) + tuple(weights.shape)
    fits = len(padded) == len(shape) and all(
        size in (1, whole) for size, whole in zip(padded, shape, strict=True)
    )
    if not fits or weights.ndim < len(shape) - 1:
        raise ShapeMismatch("weights", expected=("B", *shape[1:]), got=weights.shape)


def _check_density(total: Tensor, log_unit: Tensor) -> None:
    """Refuse a total that is not positive; its unit makes the largest summand 1."""
    wrong = ~(total > torch.finfo(total.dtype).eps)
    if wrong.any():
        row, *place = wrong.nonzero()[0].tolist()
        precision = (total * torch.exp(log_unit))[row, *place].item()
        raise NotADensity(row=row, place=place, precision=precision)
