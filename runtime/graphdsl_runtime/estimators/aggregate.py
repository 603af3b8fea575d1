r"""Total correlation and information of latents whose posteriors have densities.

The aggregate posterior of a data set of N rows is the mixture

.. math:: q(z) = \frac1N \sum_{n=1}^{N} q(z \mid x_n).

A batch holds only some of its components. Weighted and stratified sampling weight those for the
whole; leaving the sample's own row in, or out, errs to a known side.
"""

from __future__ import annotations

__all__ = [
    "information_leave_in",
    "information_loo",
    "log_aggregate_mss",
    "total_correlation_loo",
    "total_correlation_mss",
    "total_correlation_mws",
]

import math

import torch  # noqa: F401  (the examples read it)
from torch import Tensor

from graphdsl_runtime.distributions import Gaussian, expect
from graphdsl_runtime.errors import OutOfRange
from graphdsl_runtime.estimators.mixtures import log_sums, require_posterior
from graphdsl_runtime.ranks import ranks


def total_correlation_mss(
    z: Tensor, q: Gaussian, rows: int | None = None, chunk: int | None = None
) -> Tensor:
    r"""Estimate the total correlation of z's factors under the aggregate posterior.

    .. math:: \widehat{TC}
              = \frac1B \sum_b \Bigl[\log \hat q(z_b) - \sum_j \log \hat q(z_{bj})\Bigr]

    with the densities of `log_aggregate_mss`, which says what ``rows`` and ``chunk`` are.

    Shapes: z, a sample of q, and q itself ``(B, M)``, or ``(B, M, D)`` for M factors of D
    coordinates ``-> ()``.  Unit: nats.
    Relation: estimate. It is no bound: each logarithm of an unbiased density is too small on
    average (Jensen), and the difference of them errs either way.
    Bias: either way, none where the batch is the whole data set; to 0 as the batch grows.
    Raises `ShapeMismatch`, and `OutOfRange` as `log_aggregate_mss` does.
    Reference: Chen et al. 2018, appendix C.2.

    >>> z = torch.tensor([[-9.0, -9.0], [9.0, 9.0]])  # two far clusters: one bit is shared
    >>> total_correlation_mss(z, Gaussian.unit(z))
    tensor(0.6931)
    """
    joint, factors = log_aggregate_mss(z, q, rows, chunk)
    return (joint - factors.sum(dim=1)).mean()


def total_correlation_mws(
    z: Tensor, q: Gaussian, rows: int | None = None, chunk: int | None = None
) -> Tensor:
    r"""Estimate the total correlation of z's factors by minibatch weighted sampling.

    .. math:: \widehat{TC}
              = \frac1B \sum_b \Bigl[\log \hat q(z_b) - \sum_j \log \hat q(z_{bj})\Bigr], \qquad
              \hat q(z_b) = \frac1{N B} \sum_c q(z_b \mid x_c)

    Shapes: z, a sample of q, and q itself ``(B, M)``, or ``(B, M, D)`` for M factors of D
    coordinates ``-> ()``.  Unit: nats.
    ``rows`` is N, the rows of the data set, by default B; ``chunk`` as in `log_aggregate_mss`.
    Relation: estimate. Every density is N times smaller than that of the batch's own mixture.
    Bias: (M - 1) log N above the total correlation of the batch's own mixture, without gradient.
    Compare its gradients, then, and not its values: `total_correlation_mss` is better at both.
    Raises `ShapeMismatch` if z and q differ, and `OutOfRange` if N < B.
    Reference: Chen et al. 2018, sec. 4.1 and appendix C.1.

    >>> z = torch.tensor([[-9.0, -9.0], [9.0, 9.0]])  # log 2, and once log N more
    >>> total_correlation_mws(z, Gaussian.unit(z), rows=100) - math.log(100)
    tensor(0.6931)
    """
    batch = z.shape[0] * ranks()
    rows = _at_least_the_batch(rows, batch)
    joint, factors = log_sums(z, q, chunk=chunk)
    surplus = (factors.shape[1] - 1) * math.log(rows * batch)
    return (joint - factors.sum(dim=1)).mean() + surplus


def total_correlation_loo(z: Tensor, q: Gaussian, chunk: int | None = None) -> Tensor:
    r"""Bound the total correlation of z's factors from above, in expectation.

    .. math:: \frac1B \sum_b \Bigl[\log \frac1B \sum_c q(z_b \mid x_c)
              - \sum_j \log \frac1{B - 1} \sum_{c \ne b} q(z_{bj} \mid x_c)\Bigr]

    The joint with the sample's own row left in is too large on average, the marginals with it left
    out are too small: both err to the same side.

    Shapes: z, a sample of q, and q itself ``(B, M)``, or ``(B, M, D)`` for M factors of D
    coordinates ``-> ()``.  Unit: nats.  ``chunk`` as in `log_aggregate_mss`.
    Relation: upper. In expectation, not batch by batch: over batches of independent rows, under the
    aggregate posterior of what they are drawn from; and over batches drawn from a data set without
    replacement, under that data set's.
    Bias: upwards; to 0 as the batch grows.
    Raises `ShapeMismatch` if z and q differ, and `OutOfRange` if B = 1.
    Reference: theory.md, the one rule, item 2; Poole et al. 2019, sec. 2, for both sides.

    >>> z = torch.tensor([[-1.0, -1.0], [1.0, 1.0]])
    >>> total_correlation_loo(z, Gaussian.unit(z))
    tensor(3.3250)
    """
    batch = z.shape[0] * ranks()
    others = _others(batch)
    joint, factors = log_sums(z, q, own_factors=-math.inf, chunk=chunk)
    marginals = (factors - math.log(others)).sum(dim=1)
    return (joint - math.log(batch) - marginals).mean()


def log_aggregate_mss(
    z: Tensor, q: Gaussian, rows: int | None = None, chunk: int | None = None
) -> tuple[Tensor, Tensor]:
    r"""Estimate the log-density of the aggregate posterior, of z whole and of each factor.

    .. math:: \hat q(z_b) = \frac1N q(z_b \mid x_b)
              + \frac{N - 1}{N (B - 1)} \sum_{c \ne b} q(z_b \mid x_c)

    and the same with :math:`z_{bj}` for :math:`z_b`. The sample's own row is one stratum, of weight
    1/N; the other rows of the batch stand for the other N - 1. (The reference gives one of these
    rows a weight of its own, by its place in the batch; this is the mean over all such places.)

    Shapes: z, a sample of q, and q itself ``(B, M)``, or ``(B, M, D)`` for M factors of D
    coordinates ``-> (B,), (B, M)``.  Unit: nats.
    ``rows`` is N, the rows of the data set; by default B, which makes the mixture exact.
    ``chunk`` is how many rows are done at a time; by default, as many as fit into 1 MiB.
    Relation: estimate. For a batch drawn without replacement the density is unbiased, given the
    sample and its row, and so its logarithm is too small on average (Jensen).
    Bias: downwards, none where the batch is the whole data set; to 0 as the batch grows.
    Raises `ShapeMismatch` if z and q differ, and `OutOfRange` if N < B, or if B = 1 < N: one row
    says nothing of the others.
    Reference: Chen et al. 2018, appendix C.2.

    >>> joint, factors = log_aggregate_mss(torch.zeros(2, 3), Gaussian.unit(torch.zeros(2, 3)))
    >>> joint, factors.shape
    (tensor([-2.7568, -2.7568]), torch.Size([2, 3]))
    """
    require_posterior(z, q)
    batch = z.shape[0] * ranks()
    rows = _at_least_the_batch(rows, batch)
    if batch == 1 < rows:
        raise OutOfRange("batch size", batch, low=2, high=rows)
    others = math.log((rows - 1) / (rows * (batch - 1))) if batch > 1 else 0.0
    own = -math.log(rows) - others
    joint, factors = log_sums(z, q, own, own, chunk)
    return joint + others, factors + others


def information_loo(z: Tensor, q: Gaussian, chunk: int | None = None) -> Tensor:
    r"""Bound the information that z has of its row from above, in expectation: I(x; z).

    .. math:: \frac1B \sum_b \Bigl[\log q(z_b \mid x_b)
              - \log \frac1{B - 1} \sum_{c \ne b} q(z_b \mid x_c)\Bigr]

    Shapes: z, a sample of q, and q itself ``(B, *) -> ()``.  Unit: nats.
    ``chunk`` as in `log_aggregate_mss`.
    Relation: upper. In expectation over batches drawn as for `total_correlation_loo`.
    Bias: upwards; to 0 as the batch grows.
    Raises `ShapeMismatch` if z and q differ, and `OutOfRange` if B = 1.
    Reference: Poole et al. 2019, sec. 2 (leave-one-out).

    >>> z = torch.tensor([[-1.0], [1.0]])
    >>> information_loo(z, Gaussian.unit(z))
    tensor(2.0000)
    """
    others = _others(z.shape[0] * ranks())
    mixture = _log_sum_of_all(z, q, -math.inf, chunk)
    return expect(q.log_prob(z)) - mixture.mean() + math.log(others)


def information_leave_in(z: Tensor, q: Gaussian, chunk: int | None = None) -> Tensor:
    r"""Bound the information that z has of its row from below, in expectation: I(x; z).

    .. math:: \frac1B \sum_b \Bigl[\log q(z_b \mid x_b)
              - \log \frac1B \sum_c q(z_b \mid x_c)\Bigr] \le \log B

    It is InfoNCE with the posterior's own density for a critic.

    Shapes: z, a sample of q, and q itself ``(B, *) -> ()``.  Unit: nats.
    ``chunk`` as in `log_aggregate_mss`.
    Relation: lower. In expectation over batches drawn as for `total_correlation_loo`; never above
    log B.
    Bias: downwards; to 0 as the batch grows, once log B is well above the information.
    Raises `ShapeMismatch` if z and q differ.
    Reference: Poole et al. 2019, sec. 2 (with the known conditional).

    >>> z = torch.tensor([[-9.0], [9.0]])
    >>> information_leave_in(z, Gaussian.unit(z))
    tensor(0.6931)
    """
    mixture = _log_sum_of_all(z, q, 0.0, chunk)
    return expect(q.log_prob(z)) - mixture.mean() + math.log(z.shape[0] * ranks())


def _log_sum_of_all(z: Tensor, q: Gaussian, own: float, chunk: int | None) -> Tensor:
    """Take z as one factor, so that no marginal is computed beside its joint."""
    require_posterior(z, q)
    one = (z.shape[0], 1, -1)
    whole = Gaussian(q.mean.reshape(one), q.log_var.reshape(one))
    return log_sums(z.reshape(one), whole, own, own, chunk)[0]


def _at_least_the_batch(rows: int | None, batch: int) -> int:
    rows = batch if rows is None else rows
    if rows < batch:
        raise OutOfRange("rows", rows, low=batch, high=math.inf)
    return rows


def _others(batch: int) -> int:
    if batch < 2:
        raise OutOfRange("batch size", batch, low=2, high=math.inf)
    return batch - 1
