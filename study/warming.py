"""Rates that count for nothing at first: what keeps experts from giving up before they are any use.

A product of experts has the prior among them. One that knows nothing yet pays least by a precision
of 0, where its gradient is 0 too: it has left for good. JMVAE and MVAE were trained with their
rates warmed up over the first 200 of 500 epochs, and so are the specs of several views here.
"""

from __future__ import annotations

__all__ = ["WARM", "warmed"]

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from graphdsl_runtime import Batch, Losses, Noise, Objective

#: The part of the steps over which rates are warmed up.
WARM = 0.4


@contextmanager
def warmed(objective: Objective, steps: int) -> Iterator[None]:
    """Weigh every rate by what it has, times how much of ``steps`` has been taken, 1 at most.

    The weight that a rate has in the loss is the loss's derivative by it.
    """
    cold = objective.forward
    taken = 0

    def forward(batch: Batch, noise: Noise | None = None) -> Losses:
        nonlocal taken
        losses, share = cold(batch, noise), min(1.0, taken / steps)
        taken += 1
        rates = [one for name, one in losses.terms.items() if name.startswith("rate_")]
        weights = torch.autograd.grad(losses.loss, rates, retain_graph=True)
        off = (1.0 - share) * sum(w * one for w, one in zip(weights, rates, strict=True))
        players = {name: one - off for name, one in losses.players.items()}
        return Losses(losses.loss - off, losses.terms, players)

    objective.forward = forward  # type: ignore[method-assign]
    try:
        yield
    finally:
        del objective.forward
