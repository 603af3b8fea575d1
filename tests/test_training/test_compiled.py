"""`--compile` makes a run fast, and changes none of its figures but by rounding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import graphdsl
from graphdsl_runtime.data import Column, Table, prepare
from graphdsl_runtime.training import TrainingSettings, train

SETTINGS = TrainingSettings(epochs=3, batch_size=24, learning_rate=0.02, seed=3, device="cpu")

#: One player on one loss with a view that rows lack; and a game, whose players share a graph.
SPECS = {
    "views": """model views
observed x[1..2] : binary[4] optional
latent   z       : real[2] ~ normal
q { x[1..2] -> z    by poe via mlp(4) }
p { z       -> x[i] via mlp(4) for i in 1..2 }
minimize KL(q || p)
""",
    "game": """model game
observed x      : binary[4]
latent   u[1..2] : real ~ normal
q { x -> u via mlp(4) }
p { u -> x via mlp(4) }
minimize KL(q || p) + 2 * D(q || G(p))
estimate TC(u) with adversary
""",
}


def rows(name: str) -> Table:
    chance = np.random.default_rng(0)
    values = chance.integers(0, 2, size=(80, 2, 4)).astype(float)
    values[chance.random((80, 2)) < 0.2] = np.nan
    return Table("rows", (Column("x", values if name == "views" else (values[:, 0] > 0) * 1.0),))


@pytest.mark.slow
@pytest.mark.parametrize("name", list(SPECS))
def test_a_compiled_run_has_the_figures_of_an_eager_one(name: str, tmp_path: Path) -> None:
    """Its last batch is smaller, and its held-out rows are a batch of another size."""

    def go(compiled: bool) -> list[dict[str, float]]:
        torch.manual_seed(0)
        objective = graphdsl.compile(SPECS[name]).objective()
        data = prepare(rows(name), objective.variables)
        settings = replace(SETTINGS, compile=compiled)
        done = train(objective, data, settings, out=tmp_path / str(compiled), quiet=True)
        return [dict(part) for one in done.history for part in (one.train, one.held_out)]

    eager, compiled = go(False), go(True)
    assert eager[0] != eager[-1]
    for one, same in zip(eager, compiled, strict=True):
        assert same == pytest.approx(one, rel=1e-4)
