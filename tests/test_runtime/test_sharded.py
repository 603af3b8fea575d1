"""Modules that torch's `fully_shard` has cut: a loop of one's own trains them, a game cannot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import distributed
from torch.distributed.fsdp import fully_shard
from torch.multiprocessing.spawn import start_processes
from torch.testing import assert_close

from graphdsl_runtime import Objective, play
from graphdsl_runtime.errors import ShardedParameters
from tests.emitted import emitted_class

SPEC = """
model small
observed x : binary[4]
latent   z : real[2] ~ normal
q { x -> z  via mlp(4) }
p { z -> x  via mlp(4) }
minimize CE(x | z) + KL(q(z | x) || p(z))
"""
STEPS, ROWS = 3, 16


def small() -> Objective:
    torch.manual_seed(0)
    return emitted_class(SPEC)()


@pytest.fixture
def one_process(tmp_path: Path) -> Iterator[None]:
    distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1
    )
    yield
    distributed.destroy_process_group()


@pytest.mark.usefixtures("one_process")
def test_a_game_of_sharded_parameters_is_refused() -> None:
    """Autograd finds no gradient of them: weights that never move are no training."""
    objective = small()
    fully_shard(objective, mesh=distributed.device_mesh.init_device_mesh("cpu", (1,)))
    optimizer = torch.optim.SGD(objective.parameters(), lr=0.1)
    losses = objective({"x": torch.zeros(2, 4)})
    with pytest.raises(ShardedParameters, match="player `model` are sharded"):
        play(losses, {"model": optimizer})


def trained(how: str, rank: int, of: int) -> list[float]:
    """The losses of some steps of one rank."""
    random = torch.Generator().manual_seed(1)
    x = torch.rand(ROWS, 4, generator=random).round()
    noise = torch.randn(ROWS, 2, generator=random)
    objective = small()
    if how == "sharded":
        mesh = distributed.device_mesh.init_device_mesh("cpu", (of,))
        for child in objective.children():
            fully_shard(child, mesh=mesh)
        fully_shard(objective, mesh=mesh)
    optimizer = torch.optim.Adam(objective.parameters(), lr=0.1)
    own = slice(rank * ROWS // of, (rank + 1) * ROWS // of)
    found = []
    for _ in range(STEPS):
        losses = objective({"x": x[own]}, {"z": noise[own]})
        found.append(losses.loss.item())
        if how == "sharded":
            losses.loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        else:
            play(losses, {"model": optimizer})
    return found


def _rank(rank: int, how: str, folder: str) -> None:
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/{how}", rank=rank, world_size=2
    )
    torch.save(torch.tensor(trained(how, rank, 2)), f"{folder}/{how}{rank}.pt")
    distributed.destroy_process_group()


@pytest.mark.slow
def test_two_shards_have_the_losses_of_two_copies(tmp_path: Path) -> None:
    for how in ("copied", "sharded"):
        start_processes(_rank, (how, str(tmp_path)), nprocs=2)  # type: ignore[no-untyped-call]
    for rank in range(2):
        copied, sharded = (
            torch.load(tmp_path / f"{how}{rank}.pt", weights_only=True)
            for how in ("copied", "sharded")
        )
        assert copied[0] != copied[-1]
        assert_close(sharded, copied, rtol=1e-5, atol=1e-6)
