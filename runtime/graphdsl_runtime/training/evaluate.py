"""How well one view predicts another, in nats, beside what simpler models need for the same."""

from __future__ import annotations

__all__ = [
    "Translation",
    "evaluate_translations",
    "other_labels",
    "translation_cost",
]

import math
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import torch
from torch import Tensor

from graphdsl_runtime import Batch, Objective
from graphdsl_runtime.training.data import DataSet
from graphdsl_runtime.training.errors import SeesItsAnswer, TooFewLabels
from graphdsl_runtime.training.mixture import fit_mixture
from graphdsl_runtime.training.seeds import seed_for, seeded
from graphdsl_runtime.training.views import batch_of, decoded_views, infers, views_of

_COMPONENTS = 60
# Pseudo-counts: a whole row of each kind for the means; less for components of a few dozen rows,
# which a whole one would blur (by 2 % of the cost, on the digits: baselines are to be strong).
_MEAN_SMOOTHING, _MIXTURE_SMOOTHING = 1.0, 0.2
_MOST_ROWS = 2000  # held-out rows that are enough for three digits of a mean
_ROWS_AT_ONCE = 32  # times 256 samples: activations of some ten megabytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """What a held-out view costs, given another one or given nothing; in nats per row."""

    given: str
    target: str
    rows: int  #: held-out rows it was measured on
    model: float  #: the model, given the row's own view
    other_label: float  #: the same model, given the view of a row with another label
    mixture: float  #: a mixture of 60 Bernoulli components, fitted to the training rows
    pixel_mean: float  #: independent pixels, with the training rows' means


@torch.no_grad()
def translation_cost(
    objective: Objective,
    given_views: Batch,
    target_view: Batch,
    *,
    samples: int = 256,
    seed: int = 0,
    rows_at_once: int = _ROWS_AT_ONCE,
) -> Tensor:
    r"""Cost of a view that the model has not seen, given others of the same rows.

    .. math:: -\log \frac1K \sum_{k=1}^{K} p(x_2 \mid z_k, u_k),
              \qquad z_k \sim q(z \mid x_1), \; u_k \sim p(u)

    that is, latents are drawn from what `Objective.infer` gives where ``target_view`` is missing.
    Both batches name members (``x[1]``) or variables that are no family.

    Shapes: ``(B, *shape)`` for each name ``-> (B,)``.  Unit: nats.
    On average above the exact cost under that mixture over z and u, and equal to it as K goes to
    infinity (Jensen).  Memory: that of ``rows_at_once`` times K rows.
    Raises `SeesItsAnswer` if a view is in both.
    Reference: Burda, Grosse and Salakhutdinov 2016, with the proposal for a prior.
    """
    if both := given_views.keys() & target_view.keys():
        raise SeesItsAnswer(both)
    rows = len(next(iter(target_view.values())))
    costs = []
    with seeded(seed):
        for start in range(0, rows, rows_at_once):
            here = slice(start, start + rows_at_once)
            given = {name: value[here] for name, value in given_views.items()}
            target = {name: value[here] for name, value in target_view.items()}
            costs.append(_sampled_cost(objective, given, target, samples))
    return torch.cat(costs)


def evaluate_translations(
    objective: Objective, data: DataSet, *, samples: int = 256, seed: int = 0
) -> tuple[Translation, ...]:
    """Measure every binary view given every other one alone, on the first 2,000 held-out rows.

    There is nothing to measure where the data set has one view, or the module infers or generates
    none.
    Unit: nats per row.  Raises `TooFewLabels`, and what `DataSet.fit_to` does.
    """
    data.fit_to(objective.variables)  # or it says why not
    views = views_of(objective.variables)
    targets = {view for view in decoded_views(objective) if view.variable.kind == "binary"}
    pairs = [pair for pair in permutations(range(len(views)), 2) if views[pair[1]] in targets]
    first = dict(zip(views, data.test[:1].unbind(1), strict=True))
    if not pairs or not infers(objective, batch_of(objective, first)):
        return ()
    return tuple(_measure(objective, data, given, target, samples, seed) for given, target in pairs)


def other_labels(labels: Tensor, seed: int = 0) -> Tensor:
    """Give every row another row, each once, and never one of its own label.

    Shapes: ``(n,) -> (n,)``, a permutation.  Raises `TooFewLabels` where there is none.

    >>> labels = torch.tensor([0, 0, 1, 1, 2])
    >>> bool((labels[other_labels(labels)] == labels).any())
    False
    """
    own = labels.cpu().numpy()
    _, counts = np.unique(own, return_counts=True)
    if 2 * counts.max() > len(own):
        raise TooFewLabels(int(counts.max()), of=len(own))
    random = np.random.default_rng(seed_for(seed))
    rows = random.permutation(len(own))
    for row in range(len(own)):
        if own[rows[row]] == own[row]:
            # Swap with a row that neither has this label nor was given it: there is one, for the
            # rows to avoid are less than twice the label's count, which is at most n.
            free = np.flatnonzero((own != own[row]) & (own[rows] != own[row]))
            swap = random.choice(free)
            rows[row], rows[swap] = rows[swap], rows[row]
    return torch.from_numpy(rows)


def _measure(
    objective: Objective, data: DataSet, given: int, target: int, samples: int, seed: int
) -> Translation:
    views = views_of(objective.variables)
    names = (views[given].name, views[target].name)
    test = data.test[:_MOST_ROWS]
    others = test[other_labels(data.test_labels[:_MOST_ROWS], seed)]
    answer = batch_of(objective, {views[target]: test[:, target]})

    def model(rows: Tensor) -> Tensor:
        seen = batch_of(objective, {views[given]: rows[:, given]})
        return translation_cost(objective, seen, answer, samples=samples, seed=seed)

    def baseline(components: int, smoothing: float) -> Tensor:
        fitted, _ = fit_mixture(
            data.train[:, target], components=components, smoothing=smoothing, seed=seed
        )
        return fitted.cost(test[:, target])

    return Translation(
        given=names[0],
        target=names[1],
        rows=len(test),
        model=_mean(model(test)),
        other_label=_mean(model(others)),
        mixture=_mean(baseline(_COMPONENTS, _MIXTURE_SMOOTHING)),
        pixel_mean=_mean(baseline(1, _MEAN_SMOOTHING)),
    )


def _sampled_cost(objective: Objective, given: Batch, target: Batch, samples: int) -> Tensor:
    repeated = {name: value.repeat_interleave(samples, dim=0) for name, value in given.items()}
    noise = objective.draw_noise(next(iter(repeated.values())))
    posterior = objective.infer(repeated, noise)
    likelihoods = objective.decode({name: q.draw(noise, name) for name, q in posterior.items()})
    log_prob = torch.zeros(())
    for view in views_of(objective.variables):
        if view.name in target:
            value = target[view.name].repeat_interleave(samples, dim=0)
            log_prob = log_prob + view.of(likelihoods).log_prob(value).flatten(1).sum(dim=1)
    return math.log(samples) - torch.logsumexp(log_prob.reshape(-1, samples), dim=1)


def _mean(nats: Tensor) -> float:
    return nats.double().mean().item()
