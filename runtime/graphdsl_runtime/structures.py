r"""Structure learning: distributions and edges, trained in turns (algorithm 1 of the paper).

.. math:: \min_{\theta, \phi}\ \mathbb E_M\, L(\theta, \phi; M) \quad\text{and}\quad
          \min_\rho\ \mathbb E_{M \sim \operatorname{Bernoulli}(\rho)}\, L(\theta, \phi; M)
          + L_{\text{sparsity}}

The objective is what an emitted module with learned masks computes, sparsity included; its player
``structure`` holds the probabilities of the edges, its player ``model`` all else.
"""

from __future__ import annotations

__all__ = ["EDGES_WAIT", "EDGE_RATE", "cool", "learn_edges", "moving"]

import math
from collections.abc import Iterable, Iterator, Mapping

from torch.optim import Optimizer

from graphdsl_runtime.errors import OutOfRange
from graphdsl_runtime.module import Batch, Losses, Objective
from graphdsl_runtime.players import begin, due, turn

#: The share of a run in which edges stay as they start: networks that know nothing tell nothing of
#: what an edge is worth.
EDGES_WAIT = 0.3
#: Steps of the edges' log-odds, in those of the networks' weights: an edge has far to go.
EDGE_RATE = 7.0


def learn_edges(
    objective: Objective,
    optimizers: Mapping[str, Optimizer],
    batches: Iterable[Batch],
    steps: int,
    *,
    turns: Mapping[str, int] | None = None,
    wait: float = EDGES_WAIT,
) -> Iterator[Losses]:
    """Train distributions and edges on ``steps`` batches, and give the losses of each.

    Edges wait for the first share of the run; then all players step in their turns, as of
    `alternate` (``{"model": 5}`` is five steps of the distributions for one of the edges), and the
    gradient of the edges cools, as of `cool`.  The objective may be one that `torch.compile` made.

    The model's gradient is an unbiased estimate of the objective's; that of the edges goes straight
    through their samples, and is biased, less so as it cools.
    Raises `OutOfRange` for fewer than one step, or a share that is none, and `UnknownName` as
    `alternate` does.
    Reference: Zhang, Koyama and Ishiguro 2020, algorithm 1 and eq. 15.
    """
    if steps < 1:
        raise OutOfRange("steps", steps, low=1, high=math.inf)
    if not 0.0 <= wait < 1.0:
        raise OutOfRange("wait", wait, low=0.0, high=1.0)
    turns = begin(objective, optimizers, turns)
    for step, batch in zip(range(steps), batches, strict=False):
        objective.advance(step)
        cool(objective, step / steps)
        playing = moving(due(optimizers, turns, step), step / steps, wait)
        yield turn(objective, batch, optimizers, playing)


def moving(players: Iterable[str], progress: float, wait: float = EDGES_WAIT) -> list[str]:
    """Say which players step at a point of a run, from 0 to 1: at first all but the structure.

    >>> moving(["model", "structure"], 0.05), moving(["model", "structure"], 0.5)
    (['model'], ['model', 'structure'])
    """
    return [player for player in players if player != "structure" or progress >= wait]


def cool(objective: Objective, progress: float, warm: float = 1.0, cold: float = 0.3) -> None:
    r"""Set the temperature of all masks' gradients at a point of a run, from 0 to 1.

    .. math:: \tau = \tau_{\text{warm}}^{1 - t}\, \tau_{\text{cold}}^{t}

    Reference: Jang, Gu and Poole 2017, sec. 2.2: soft at first, and less biased later.
    """
    for mask in objective.edge_masks():
        mask.temperature.fill_(warm ** (1.0 - progress) * cold**progress)
