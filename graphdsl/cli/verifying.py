"""`audit --verify`: the half of it that runs emitted modules, and so needs torch."""

from __future__ import annotations

__all__ = ["tried", "verified"]

import math
import sys
from collections.abc import Mapping
from dataclasses import replace
from statistics import fmean, stdev
from types import ModuleType
from typing import TYPE_CHECKING

from graphdsl.ir.verification import EmittedComparison, Unverified

if TYPE_CHECKING:
    from torch import nn

    from graphdsl.compiler import Compiled
    from graphdsl.ir.audit import Audit
    from graphdsl.verify import Affine, Pass, Trial

_NAME = "graphdsl_emitted_on_trial"
_STILL = 1e-9  #: a spread that is rounding, as a share of the loss


def verified(compiled: Compiled, audit: Audit) -> Audit:
    """The audit with what came of holding it, and the emitted loss, against numbers."""
    from graphdsl.auditing import on_trial, verification

    found = verification(compiled, audit)
    unverified, emitted = list(found.unverified), []
    for one in on_trial(compiled, audit):
        if isinstance(one, Unverified):
            unverified.append(one)
        else:
            emitted.append(tried(one.text, one.class_name, one.trial, one.of))
    found = replace(found, emitted=tuple(emitted), unverified=tuple(unverified))
    return replace(audit, verification=found)


def tried(text: str, class_name: str, trial: Trial, of: str) -> EmittedComparison:
    """The loss of a module, text and class as they were emitted, beside its exact value."""
    import torch

    module = ModuleType(_NAME)
    sys.modules[_NAME] = module  # what looks its own module up finds it
    exec(compile(text, f"<{class_name}>", "exec"), module.__dict__)  # our own text
    made = {id(one): _network(one) for one in trial.networks.values()}  # which may be shared
    networks = {name: made[id(one)] for name, one in trial.networks.items()}
    objective = getattr(module, class_name)(networks=networks, **trial.parameters).double()

    def loss(one: Pass) -> float:
        with torch.no_grad():
            losses = objective(_tensors(one.batch), _tensors(one.noise))
        estimated = (weight * losses.terms[name] for name, weight in trial.left_out.items())
        return float(losses.loss - sum(estimated))

    exact = sum(one.weight * loss(one) for one in trial.passes)
    several = [loss(one) for one in trial.samples]
    return EmittedComparison(
        of=of,
        kind=trial.kind,
        rows=trial.rows,
        exact=trial.exact,
        loss=exact,
        samples=sum(len(next(iter(one.noise.values()))) for one in trial.samples),
        z_score=_z_score(several, trial.exact),
        left_out=tuple(trial.left_out),
        lowest_gap=trial.lowest_gap,
    )


def _z_score(several: list[float], exact: float) -> float | None:
    """How many standard errors the mean is from its exact value; None where nothing varies."""
    spread = stdev(several) if several else 0.0
    if spread <= _STILL * abs(exact):
        return None
    return (fmean(several) - exact) / (spread / math.sqrt(len(several)))


def _tensors(values: Mapping[str, object]) -> dict[str, object]:
    import torch

    return {name: torch.as_tensor(one) for name, one in values.items()}


def _network(one: Affine) -> nn.Module:
    """An affine map of all parents side by side."""
    import torch
    from torch import Tensor, nn

    class Map(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = nn.Parameter(torch.as_tensor(one.weights))
            self.bias = nn.Parameter(torch.as_tensor(one.bias))

        def forward(self, *parents: Tensor) -> Tensor:
            if not parents:  # a marginal
                return self.bias.reshape(1, *one.shape)
            rows = len(parents[0])
            inputs = torch.cat([parent.reshape(rows, -1) for parent in parents], dim=1)
            return (inputs @ self.weights.T + self.bias).reshape(rows, *one.shape)

    return Map()
