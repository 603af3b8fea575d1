"""Losses that mean nothing: no number, or one whose gradient is that of a guard."""

from __future__ import annotations

__all__ = ["MOST", "refuse_meaningless"]

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from graphdsl_runtime.batch import Batch
from graphdsl_runtime.errors import Meaningless
from graphdsl_runtime.losses import Losses
from graphdsl_runtime.scaling import Scaling
from graphdsl_runtime.statistics import is_scaled

#: No loss in nats is as large as this; the guards against overflow let through e^66 in float32.
MOST = 1e20
#: Spreads from the mean, and e-folds of a count, beyond which a variable is suspected.
_LARGE = {"real": 30.0, "positive": 30.0, "count": 9.0}


def refuse_meaningless(objective: Scaling, batch: Batch, losses: Losses) -> None:
    """Raise `Meaningless` where a loss is no number, or beyond `MOST`.

    It names the first such term, and the variable whose scale networks cannot read.  It waits for
    the device that the loss is on.
    """
    mistake = _meaningless({"loss": losses.loss, **losses.players})
    if mistake is None:
        return
    term, value = _meaningless(losses.terms) or mistake
    variable, reached = _suspect(objective, batch)
    if not variable:
        because = "a network answers with numbers that are too large; lower the learning rate"
    else:
        because = (
            f"{variable} reaches {reached:.6g}, far from what networks read and answer well; call "
            "`objective.standardise(data)` with the training rows, or change its unit"
        )
    raise Meaningless(term, value, because=because, variable=variable)


def _meaningless(losses: Mapping[str, Tensor]) -> tuple[str, float] | None:
    for name, loss in losses.items():
        value = loss.item()
        if not math.isfinite(value) or abs(value) >= MOST:
            return name, value
    return None


@torch.no_grad()
def _suspect(objective: Scaling, batch: Batch) -> tuple[str, float]:
    """Give the variable that is the furthest from what networks read well, and how far it goes."""
    worst, name, reached = 1.0, "", 0.0
    for variable in objective.variables:
        members = variable.member_names
        there = variable.name in batch or any(member in batch for member in members)
        if not there or not is_scaled(variable):
            continue
        value, _ = objective.observe_some(batch, variable.name)
        read = objective.statistics.distance(variable.name, value) / _LARGE[variable.kind]
        if read > worst:
            worst, name, reached = read, variable.name, value.abs().max().item()
    return name, reached
