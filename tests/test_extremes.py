"""Emitted modules where their networks answer the most and the least that is sane.

Every network's last bias is drawn from -60 to 60: log-variances of that, and logits that are
one-hot in single precision. Losses and gradients have to be finite, under autocast as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from graphdsl_runtime import Objective
from tests.conftest import SPECS
from tests.corpus import some
from tests.emitted import emitted_class
from tests.random_rows import random_batch

FAR = 60.0
#: All kinds, with scales that networks answer, in rows that may lack any view.
KINDS = """
model kinds
observed x[1] : real[4] optional
observed x[2] : categorical(3)[2] optional
observed x[3] : count optional
observed y : real[2] ~ laplace
latent z : real[3] ~ normal
latent c : categorical(4) ~ categorical
latent v : real[2] ~ laplace
q { x -> z by poe; x[2] -> c; x[1], y -> v }
p { z, c -> x[i] for i in 1..3; v, c -> y }
minimize KL(q || p) + 0.3 * I(z; x[1] | x[2])
"""
#: How many rows a discrepancy of kernels asks for; all others make do with one.
FEWEST = {"infovae": 2, "wae_mmd": 2, "fair_mmd": 4}
#: An expectation that only samples tell, between variables of scales of their own.
LADDER = """
model ladder
observed x : real[4]
latent z[1..3] : real[2] ~ normal
q { x -> z[1] -> z[2] -> z[3] }
p { z[t+1] -> z[t] for t in 1..2; z[1] -> x }
minimize KL(q || p)
"""
#: Full covariances, in a closed form and between themselves; and flows.
FULL = """
model full
observed x : real[4]
latent z[1..2] : real[5] ~ normal
q { x -> z[1] ~ normal(full); x, z[1] -> z[2] ~ normal(full) }
p { z[1] -> z[2]; z[1..2] -> x }
minimize KL(q || p)
"""
OBJECTIVES: dict[str, Path | str] = {
    **{path.stem: path for path in SPECS},
    "kinds": KINDS,
    "ladder": LADDER,
    "full": FULL,
}


def driven_far(objective: Objective, generator: torch.Generator) -> None:
    """Draw the last bias of every network from -60 to 60."""
    with torch.no_grad():
        for network in objective.children():
            biases = [one for name, one in network.named_parameters() if name.endswith("bias")]
            for last in biases[-1:]:
                last.copy_((2 * torch.rand(last.shape, generator=generator) - 1) * FAR)


def some_missing(
    objective: Objective, batch: Mapping[str, Tensor], generator: torch.Generator
) -> dict[str, Tensor]:
    """Say at random what is there of optional variables: of some rows nothing at all."""
    rows = len(next(iter(batch.values())))
    seen = {
        f"seen({one.name})": torch.rand(rows, *one.grid, generator=generator) > 0.5
        for one in objective.variables
        if one.optional
    }
    return {**batch, **seen}


def finite(tensors: Mapping[str, Tensor | None]) -> list[str]:
    """Name what is not finite."""
    return [
        name for name, one in tensors.items() if one is not None and not torch.isfinite(one).all()
    ]


@pytest.mark.parametrize("autocast", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_extremes_are_finite(name: str, autocast: bool) -> None:
    made = emitted_class(OBJECTIVES[name])
    for seed in some(f"extremes of {name}", range(12), 4):
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        objective = made()
        objective.rows = 1000 if seed % 3 else None
        driven_far(objective, generator)
        batch = random_batch(objective, 5 if seed % 3 else FEWEST.get(name, 1))
        batch = some_missing(objective, batch, generator)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            losses = objective.forward(batch)  # numbers that a call would refuse
        assert not finite({**losses.terms, **losses.players}), seed
        for player, parameters in objective.parameter_groups().items():
            slopes = torch.autograd.grad(
                losses.players[player], parameters, retain_graph=True, allow_unused=True
            )
            names = {id(one): key for key, one in objective.named_parameters()}
            of = {names[id(one)]: slope for one, slope in zip(parameters, slopes, strict=True)}
            assert not finite(of), (seed, player)
