r"""Mutual information from scores of pairs: variational bounds, and estimates that are none.

A critic scores pairs: ``joint`` holds f(x, y) of pairs that belong together, ``product`` of pairs
drawn independently, in any shape. What is said of a bound holds in expectation over batches, for
any critic that does not depend on the batch. `contrast` gives the scores of a batch, streamed.
"""

from __future__ import annotations

__all__ = [
    "barber_agakov",
    "club",
    "conditional_information_by_difference",
    "donsker_varadhan",
    "info_nce",
    "infogan_bound",
    "jensen_shannon_information",
    "nwj",
    "smile",
]

import math

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime.distributions import Gaussian, expect
from graphdsl_runtime.errors import OutOfRange, ShapeMismatch
from graphdsl_runtime.estimators.contrast import log_mean_exp
from graphdsl_runtime.estimators.distances import root
from graphdsl_runtime.estimators.precision import widened
from graphdsl_runtime.exponents import bounded, capped
from graphdsl_runtime.ranks import gathered, ranks


def barber_agakov(nll: Tensor, entropy: Tensor | float = 0.0) -> Tensor:
    r"""Bound information from below by a decoder: I(a; b | c).

    .. math:: I(a; b \mid c) \ge H(b \mid c) + E \log d(b \mid a, c)

    Shapes: nll, the decoder's -log d(b | a, c), ``(B, *) -> ()``.  Unit: nats.
    ``entropy`` is H(b | c), where it is known; left out, the bound lacks that constant.
    Relation: lower. The gap is E KL(q(b | a, c) || d(b | a, c)).
    Bias: downwards by that gap, whatever the batch.
    Reference: Barber and Agakov 2003; theory.md P10.

    >>> barber_agakov(torch.zeros(4, 1), entropy=math.log(2.0))  # b is read off a, and is one bit
    tensor(0.6931)
    """
    return entropy - expect(nll)


def infogan_bound(logits: Tensor, code: Tensor, prior: Tensor | None = None) -> Tensor:
    r"""Bound the information of a categorical code in what is generated from it: I(c; x).

    .. math:: I(c; x) \ge H(c) + E \log r(c \mid x)

    Shapes: logits of the recogniser r ``(B, K)``, code of integers ``(B,)``, prior probabilities
    ``(K,)``, by default uniform ``-> ()``.  Unit: nats.
    Relation: lower. The gap is E KL(p(c | x) || r(c | x)); never above log K.
    Bias: downwards by that gap, whatever the batch.
    For a code of reals: `barber_agakov` with its recogniser's nll.
    Raises `ShapeMismatch` if ``prior`` has not one entry per class.
    Reference: Chen et al. 2016 (InfoGAN), sec. 5; theory.md 2.3.

    >>> infogan_bound(torch.tensor([[9.0, -9.0], [-9.0, 9.0]]), torch.tensor([0, 1]))
    tensor(0.6931)
    """
    classes = logits.shape[1]
    if prior is None:
        prior = logits.new_full((classes,), 1.0 / classes)
    if tuple(prior.shape) != (classes,):
        raise ShapeMismatch("prior", expected=(classes,), got=prior.shape)
    entropy = -torch.xlogy(prior, prior).sum()
    return entropy - F.cross_entropy(widened(logits), code)


def info_nce(joint: Tensor, scores: Tensor) -> Tensor:
    r"""Bound information from below by telling a row's partner from others: I(x; y).

    .. math:: \frac1B \sum_b \Bigl[f(x_b, y_b) - \log \frac1K \sum_{c=1}^{K} e^{f(x_b, y_c)}\Bigr]
              \le \log K

    Shapes: joint ``(B,)``, scores ``(B, K)``, a row's own partner among its K ``-> ()``; or scores
    ``(B,)``, their log-mean-exp row by row (`contrast`).  Unit: nats.
    Relation: lower. Never above log K.
    Bias: downwards; to 0 for the best critic as K grows beyond the exponential of the information.
    Raises `ShapeMismatch` if joint and scores do not fit.
    Reference: van den Oord et al. 2018; Poole et al. 2019, sec. 2.

    >>> scores = 9.0 * torch.eye(2)
    >>> info_nce(scores.diagonal(), scores)
    tensor(0.6930)
    """
    if scores.ndim not in {1, 2} or joint.shape != scores.shape[:1]:
        raise ShapeMismatch("joint", expected=tuple(scores.shape[:1]), got=joint.shape)
    scores = widened(scores)
    if scores.ndim == 2:
        scores = torch.logsumexp(scores, dim=1) - math.log(scores.shape[1])
    return (joint - scores).mean()


def nwj(joint: Tensor, product: Tensor) -> Tensor:
    r"""Bound information from below without a logarithm of a mean: I(x; y).

    .. math:: E_{p(x, y)} f - E_{p(x) p(y)} e^{f - 1}

    Shapes: ``(*), (*) -> ()``; product may hold log-mean-exps of equal numbers of scores, as
    `contrast` gives them.  Unit: nats.
    Relation: lower. Tight for f = 1 + log p(x, y) / (p(x) p(y)).
    Bias: none of the bound that the critic gives, whatever the batch; the variance is large.
    Finite for scores whose mean exponential is (`capped` beyond).
    Raises `OutOfRange` if there are no scores of pairs drawn independently.
    Reference: Nguyen, Wainwright and Jordan 2010; Poole et al. 2019, sec. 2.

    >>> nwj(torch.ones(4), torch.ones(4))
    tensor(0.)
    """
    return joint.mean() - torch.exp(capped(log_mean_exp(product) - 1.0))


def donsker_varadhan(joint: Tensor, product: Tensor) -> Tensor:
    r"""Estimate the Donsker-Varadhan bound of information from one batch: I(x; y).

    .. math:: E_{p(x, y)} f - \log E_{p(x) p(y)} e^{f}

    Shapes: ``(*), (*) -> ()``; product may hold log-mean-exps of equal numbers of scores, as
    `contrast` gives them.  Unit: nats.
    Relation: estimate. With exact expectations it is a lower bound; from a batch, the logarithm of
    the mean is too small on average, and the whole too large.
    Bias: upwards of the bound that the critic gives (Jensen); to 0 as the batch grows.
    Its gradient is biased as well: `Mine` corrects that.
    Raises `OutOfRange` if there are no scores of pairs drawn independently.
    Reference: Donsker and Varadhan 1983; Belghazi et al. 2018.

    >>> donsker_varadhan(torch.ones(4), torch.ones(4))
    tensor(0.)
    """
    return joint.mean() - log_mean_exp(product)


def smile(joint: Tensor, product: Tensor, clip: float = 5.0) -> Tensor:
    r"""Estimate information as Donsker and Varadhan do, with a clipped partition function: I(x; y).

    .. math:: E_{p(x, y)} f - \log E_{p(x) p(y)} e^{\min(\max(f, -\tau), \tau)}

    Shapes: ``(*), (*) -> ()``; product must hold the scores themselves.  Unit: nats.
    ``clip`` is tau: smaller is less variance and more bias.
    Relation: estimate. Clipping can put it above the information, whatever the batch.
    Bias: either way, by what is clipped; that of `donsker_varadhan` where nothing is.
    Raises `OutOfRange` if there are no scores of pairs drawn independently.
    Reference: Song and Ermon 2020 (SMILE).

    >>> smile(torch.ones(4), torch.tensor([9.0]), clip=1.0)
    tensor(0.)
    """
    return joint.mean() - log_mean_exp(product.clamp(-clip, clip))


def jensen_shannon_information(joint: Tensor, product: Tensor) -> Tensor:
    r"""Bound the Jensen-Shannon divergence of the joint from the product of marginals.

    .. math:: \log 2 - \tfrac12 \bigl(E_{p(x, y)} \log(1 + e^{-f})
              + E_{p(x) p(y)} \log(1 + e^{f})\bigr) \le \log 2

    Shapes: ``(*), (*) -> ()``; product must hold the scores themselves.  Unit: nats.
    Relation: surrogate. A lower bound of that divergence, which is 0 where the information is, and
    otherwise another number. A critic trained by it is the log-ratio, as `nwj` wants it, less 1.
    Bias: none of the bound that the critic gives, whatever the batch.
    Reference: Hjelm et al. 2019 (Deep InfoMax); Nowozin et al. 2016.

    >>> jensen_shannon_information(torch.zeros(4), torch.zeros(4))
    tensor(0.)
    """
    losses = F.softplus(-widened(joint)).mean() + F.softplus(widened(product)).mean()
    return math.log(2.0) - 0.5 * losses


def club(y: Tensor, q: Gaussian) -> Tensor:
    r"""Bound information from above by a conditional density's contrast: I(x; y).

    .. math:: \frac1B \sum_b \Bigl[\log q(y_b \mid x_b)
              - \frac1{B - 1} \sum_{c \ne b} \log q(y_c \mid x_b)\Bigr]

    in closed form, from the first two moments of y.

    Shapes: y, and q, the conditional of y given each row's x, ``(B, *) -> ()``.  Unit: nats.
    Memory: that of its arguments.
    Relation: upper. Where q is the true conditional, in expectation over batches; with another q it
    is still one where q is nearer to the joint than to the product of its marginals.
    Bias: upwards by KL(p(x) p(y) || p(x, y)) for the true conditional, whatever the batch.
    Raises `ShapeMismatch` if y and q differ, and `OutOfRange` if B = 1.
    Reference: Cheng et al. 2020 (CLUB).

    >>> club(torch.tensor([[-1.0], [1.0]]), Gaussian.unit(torch.tensor([[-1.0], [1.0]])))
    tensor(2.)
    """
    if not y.shape == q.mean.shape == q.log_var.shape:
        raise ShapeMismatch("y", expected=q.mean.shape, got=y.shape)
    batch = y.shape[0] * ranks()
    if batch < 2:
        raise OutOfRange("batch size", batch, low=2, high=math.inf)
    y, mean, log_var = widened(y), widened(q.mean), widened(q.log_var)
    everyone = gathered(y)
    centre = everyone.mean(dim=0)
    spread = (everyone - centre).square().mean(dim=0)
    # Over all c first, the own row included, whose difference is 0.
    scale = torch.exp(0.5 * capped(-log_var))
    of_others = bounded((centre - mean) * scale).square() + bounded(root(spread) * scale).square()
    of_own = bounded((y - mean) * scale).square()
    return 0.5 * expect(of_others - of_own) * (batch / (batch - 1))


def conditional_information_by_difference(whole: Tensor, part: Tensor) -> Tensor:
    r"""Take conditional information for a difference of two: I(a; b | c).

    .. math:: I(a; b \mid c) = I(a; b, c) - I(a; c)

    Shapes: estimates of I(a; b, c) and of I(a; c), ``(), () -> ()``.  Unit: nats.
    Relation: estimate. An upper bound if ``whole`` is one and ``part`` a lower one, and the other
    way round; two bounds of the same side give none.
    Bias: that of the first less that of the second.
    Reference: the chain rule; Mukherjee et al. 2020 (CCMI).

    >>> conditional_information_by_difference(torch.tensor(1.5), torch.tensor(1.0))
    tensor(0.5000)
    """
    return whole - part
