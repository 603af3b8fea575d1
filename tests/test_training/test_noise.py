"""Noise that several processes share: together they have what one process draws."""

from __future__ import annotations

import pytest
import torch
from torch import distributed

from graphdsl_runtime.training.noise import SharedNoise
from tests.emitted import emitted_class

SEED, ROWS, RANKS = 5, 3, 2


@pytest.mark.parametrize("spec", ["vae", "wyner", "mvae"])
def test_the_shares_of_all_ranks_are_the_noise_of_one_process(
    spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In every batch; and what a process draws by itself does not move with it."""
    objective = emitted_class(spec)()
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        expected = [objective.draw_noise(torch.empty(RANKS * ROWS)) for _ in range(2)]
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_world_size", lambda: RANKS)
    found = []
    for rank in range(RANKS):
        monkeypatch.setattr(distributed, "get_rank", lambda rank=rank: rank)
        torch.manual_seed(rank)
        untouched = torch.get_rng_state()
        noise = SharedNoise(objective, SEED, torch.device("cpu"))
        found.append([noise.of(ROWS) for _ in range(2)])
        assert torch.equal(torch.get_rng_state(), untouched)
    for batch, whole in enumerate(expected):
        assert whole
        for name, value in whole.items():
            assert torch.equal(torch.cat([shares[batch][name] for shares in found]), value), name
