"""Bernoulli mixtures fitted by EM: what is known of a binary image before anything is seen."""

from __future__ import annotations

__all__ = ["BernoulliMixture", "fit_mixture"]

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime.training.seeds import seed_for


@dataclass(frozen=True, slots=True, eq=False)
class BernoulliMixture:
    """Rows that first choose a component, and then every pixel on its own.

    Shapes: ``log_weights (K,)``, ``logits (K, D)``.
    """

    log_weights: Tensor
    logits: Tensor

    def log_joint(self, rows: Tensor) -> Tensor:
        r"""Log-probability of every row together with every component.

        .. math:: \log \pi_k + \sum_d x_d l_{kd} - \log(1 + e^{l_{kd}})

        Shapes: ``(n, D) -> (n, K)``.  Unit: nats.
        """
        normaliser = F.softplus(self.logits).sum(dim=1)
        return rows @ self.logits.T + (self.log_weights - normaliser)

    def cost(self, rows: Tensor) -> Tensor:
        """Negative log-probability of every row.

        Shapes: ``(n, D) -> (n,)``.  Unit: nats.

        >>> fair = BernoulliMixture(torch.zeros(1), torch.zeros(1, 3))
        >>> fair.cost(torch.ones(1, 3)) / torch.log(torch.tensor(2.0))
        tensor([3.])
        """
        return -torch.logsumexp(self.log_joint(rows), dim=1)


def fit_mixture(
    rows: Tensor,
    *,
    components: int,
    smoothing: float,
    steps: int = 200,
    tolerance: float = 1e-4,
    seed: int = 0,
) -> tuple[BernoulliMixture, list[float]]:
    r"""Fit a mixture by expectation maximisation, and give the objective before every step.

    .. math:: \frac1n \Bigl[\sum_{i} \log p(x_i) + s \sum_k \Bigl(\log \pi_k +
              \sum_d \log \theta_{kd} (1 - \theta_{kd})\Bigr)\Bigr]

    with s the ``smoothing``: every component starts from s rows, and every pixel in it from s zeros
    and s ones. It never falls. EM stops where it rises by less than ``tolerance``. One component
    takes one step, and is the pixels' smoothed means.

    Shapes: ``(n, D)``, of 0 and 1.  Unit: nats per row.  ``components`` is at most n.
    Reference: Dempster, Laird and Rubin 1977; Bishop 2006, sec. 9.3.3.

    >>> one, _ = fit_mixture(torch.tensor([[0.0, 1.0], [0.0, 1.0]]), components=1, smoothing=1.0)
    >>> torch.sigmoid(one.logits)
    tensor([[0.2500, 0.7500]])
    """
    mixture = _first_guess(rows, min(components, len(rows)), seed)
    objectives: list[float] = []
    for _ in range(steps):
        log_joint = mixture.log_joint(rows)
        objectives.append(_objective(mixture, log_joint, smoothing))
        if len(objectives) > 1 and objectives[-1] - objectives[-2] < tolerance:
            break
        mixture = _maximise(rows, log_joint.softmax(dim=1), smoothing)
    return mixture, objectives


def _first_guess(rows: Tensor, components: int, seed: int) -> BernoulliMixture:
    generator = torch.Generator().manual_seed(seed_for(seed))
    chosen = rows[torch.randperm(len(rows), generator=generator)[:components]]
    # Half a row of the data and half a coin: components that differ, and exclude nothing.
    return BernoulliMixture(
        rows.new_zeros(components) - torch.log(torch.tensor(components)),
        torch.logit(0.25 + 0.5 * chosen),
    )


def _maximise(rows: Tensor, responsibilities: Tensor, smoothing: float) -> BernoulliMixture:
    counts = responsibilities.sum(dim=0)
    weights = counts + smoothing
    ones = responsibilities.T @ rows + smoothing
    zeros = counts[:, None] - (ones - smoothing) + smoothing
    return BernoulliMixture(torch.log(weights / weights.sum()), torch.log(ones) - torch.log(zeros))


def _objective(mixture: BernoulliMixture, log_joint: Tensor, smoothing: float) -> float:
    log_prior = mixture.log_weights.sum()
    log_prior = log_prior + (F.logsigmoid(mixture.logits) + F.logsigmoid(-mixture.logits)).sum()
    return float((torch.logsumexp(log_joint, dim=1).sum() + smoothing * log_prior) / len(log_joint))
