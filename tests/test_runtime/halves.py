"""Losses of a whole batch, and of its halves in two processes: the second process's side too.

python -m tests.test_runtime.halves FOLDER RANK
"""

from __future__ import annotations

__all__ = ["RANKS", "SPECS", "Found", "Loss", "losses", "on_the_whole", "played", "share", "start"]

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from graphdsl_runtime import (
    Batch,
    Losses,
    Noise,
    Objective,
    adversarial_js,
    alone,
    alternate,
    critic,
)
from graphdsl_runtime.ranks import gathered, of_all_ranks
from tests.emitted import ROOT, emitted_class
from tests.test_runtime.words import COLUMNS, WORDS, Case, Features, Predictor

RANKS, BATCH, INPUTS = 2, 8, 5
SECONDS = 120  #: after which a rank gives up on the other

#: A loss, and its gradient in every parameter, by name.
Found: TypeAlias = tuple[Tensor, Mapping[str, Tensor]]
Rows: TypeAlias = Mapping[str, Tensor]

#: Beside words alone, whole modules: sampling weights, a multiplier, and means that are bent.
SPECS = ("beta_tcvae", "hfvae", "ffvae", "lmifr", "wyner")
BENT = """
model bent
param level = 1
param least = 1
observed x : real[5]
latent z : real[3] ~ normal
latent u : real ~ normal
q { x -> z, u }
p { z, u -> x }
minimize CE(x | z, u) + 3 * abs(KL(q(z | x) || p(z)) - level)
    + max(KL(q(u | x) || p(u)), least)
"""


class Loss(nn.Module):
    """A number of nats from rows of a batch."""

    def __init__(self, parts: nn.Module, value: Callable[[nn.Module, Rows], Tensor]) -> None:
        super().__init__()
        self.parts, self.value = parts, value

    def forward(self, rows: Rows) -> Tensor:
        """Give the loss of the rows at hand."""
        return self.value(self.parts, rows)


def losses() -> dict[str, tuple[Loss, Rows]]:
    """Build all losses, each with a whole batch: the same ones in every process."""
    torch.manual_seed(0)
    made: dict[str, tuple[Loss, Rows]] = {}
    for name, word in WORDS.items():
        parts = nn.ModuleDict(
            {"encoder": nn.Linear(INPUTS, 2 * COLUMNS), "critic": critic([(COLUMNS,)], (8,))}
        )
        made[name] = Loss(parts.double(), _of_word(word)), _rows_of_word()
    for spec in (*SPECS, BENT):
        objective = emitted_class(spec)().double()
        objective.rows = 100
        rows = _rows_of(objective)
        if spec is BENT:
            _bend_between(objective, rows)
        made["bent" if spec is BENT else spec] = Loss(objective, _of_players), rows
    return made


def on_the_whole(loss: Loss, rows: Rows) -> Found:
    """Compute a loss and its gradients in one process."""
    value = loss(rows)
    value.backward()
    return value.detach(), _gradients(loss)


def share(rows: Rows, rank: int) -> Rows:
    """Give the rows of one rank."""
    here = slice(rank * BATCH // RANKS, (rank + 1) * BATCH // RANKS)
    return {key: value[here] for key, value in rows.items()}


def start(folder: Path) -> dict[str, Found]:
    """Start a process per rank, and give what they found of every loss."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "tests.test_runtime.halves", str(folder)]
    children = [
        subprocess.Popen([*command, str(rank)], cwd=ROOT, env=environment) for rank in range(RANKS)
    ]
    try:
        codes = [child.wait(timeout=2 * SECONDS) for child in children]
    finally:
        for child in children:
            child.kill()
    if any(codes):
        raise RuntimeError(f"the ranks ended with {codes}")
    found: dict[str, Found] = torch.load(folder / "found.pt")
    return found


def main(folder: Path, rank: int) -> None:
    """Compute every loss on this rank's share; the first rank writes down what came of all."""
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo",
        init_method=f"file://{folder / 'ranks'}",
        rank=rank,
        world_size=RANKS,
        timeout=timedelta(seconds=SECONDS),
    )
    found = {}
    for name, (loss, rows) in losses().items():
        found[name] = _on_a_share(loss, share(rows, rank))
    found["played"] = torch.zeros(()), played(rank)
    found["one draw of all"] = gathered(of_all_ranks(torch.full((3,), 1.0 + rank))), {}
    if rank == 0:
        torch.save(found, folder / "found.pt")
    distributed.barrier()
    distributed.destroy_process_group()


class Game(Objective):
    """A generator and its critic, on noise that comes with the rows."""

    def __init__(self) -> None:
        super().__init__()
        self.generator, self.critic = nn.Linear(2, 3), critic([(3,)], (8,))

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        """Let the critic tell rows from what the generator makes of noise."""
        game = adversarial_js(self.critic, batch["x"], self.generator(batch["noise"]))
        return Losses(game.model, {}, {"model": game.model, "critic": game.critic})

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Give each player's own."""
        groups = {"model": self.generator, "critic": self.critic}
        return {name: list(own.parameters()) for name, own in groups.items()}


def played(rank: int | None = None) -> dict[str, Tensor]:
    """Play four batches, whole or a rank's share of each, and give where the weights end.

    A rank begins with weights of its own, which are to become the first's.
    """
    torch.manual_seed(rank or 0)
    game = Game().double()
    numbers = torch.Generator().manual_seed(5)
    sizes = {"x": (BATCH, 3), "noise": (BATCH, 2)}
    batches = [
        {name: torch.randn(size, generator=numbers).double() for name, size in sizes.items()}
        for _ in range(4)
    ]
    groups = game.parameter_groups().items()
    steps = {name: torch.optim.Adam(own, 0.05) for name, own in groups}
    own = batches if rank is None else [share(rows, rank) for rows in batches]
    assert len(list(alternate(game, steps, own, turns={"critic": 2}))) == len(batches)
    return {name: one.detach() for name, one in game.named_parameters()}


def _on_a_share(loss: Loss, rows: Rows) -> Found:
    """Compute a loss on some rows, and average it and its gradients over the ranks."""
    if isinstance(loss.parts, Objective):
        wrapped = DistributedDataParallel(loss)
        value = wrapped(rows)
        value.backward()
    else:  # what no gradient reaches, such as a critic that a word does not ask, stops the other
        value = loss(rows)
        value.backward()
        for parameter in loss.parameters():
            if parameter.grad is not None:
                _average(parameter.grad)
    return _average(value.detach()), _gradients(loss)


def _average(value: Tensor) -> Tensor:
    distributed.all_reduce(value)
    return value.div_(RANKS)


def _gradients(loss: Loss) -> dict[str, Tensor]:
    return {
        name: parameter.grad
        for name, parameter in loss.named_parameters()
        if parameter.grad is not None
    }


def _of_word(word: Callable[[Case], Tensor]) -> Callable[[nn.Module, Rows], Tensor]:
    def value(parts: nn.Module, rows: Rows) -> Tensor:
        mean, log_var = parts.get_submodule("encoder")(rows["x"]).chunk(2, dim=1)
        joint = parts.get_submodule("critic")
        case = Case(
            critic=joint,
            features=Features(joint),
            predictor=Predictor(joint),
            z=mean + torch.exp(0.5 * log_var) * rows["noise"],
            mean=mean,
            log_var=log_var,
            keys=rows["keys"],
            groups=rows["groups"],
        )
        return word(case)

    return value


def _rows_of_word() -> Rows:
    return {
        "x": torch.randn(BATCH, INPUTS).double(),
        "noise": torch.randn(BATCH, COLUMNS).double(),
        "keys": torch.rand(BATCH, COLUMNS),
        "groups": torch.tensor([0, 0, 1, 0, 1, 1, 0, 1]),  # four of each, in uneven halves
    }


def _of_players(objective: nn.Module, rows: Rows) -> Tensor:
    """Add up the losses of all players: each has parameters of its own."""
    players: Mapping[str, Tensor] = objective(_data(rows), _noise(rows)).players
    return torch.stack(list(players.values())).sum()


def _data(rows: Rows) -> Rows:
    return {name: value for name, value in rows.items() if not name.startswith("noise ")}


def _noise(rows: Rows) -> Rows:
    return {name[6:]: value for name, value in rows.items() if name.startswith("noise ")}


def _bend_between(objective: Objective, rows: Rows) -> None:
    """Put every bend between the halves, and not at their mean, where rounding would choose."""
    with alone(), torch.no_grad():
        halves = [
            objective(_data(half), _noise(half)).terms for half in (share(rows, 0), share(rows, 1))
        ]
    for weight, term in (("level", "rate_z"), ("least", "rate_u")):
        one, other = (half[term].item() for half in halves)
        setattr(objective, weight, 0.75 * one + 0.25 * other)  # the whole's own is no bend


def _rows_of(objective: Objective) -> Rows:
    rows: dict[str, Tensor] = {}
    for one in objective.variables:
        size = (BATCH, *one.tensor_shape)
        if one.role != "latent":
            numbers = torch.randint(one.classes or 2, size)
            rows[one.name] = numbers if one.classes else numbers.double()
    noise = objective.draw_noise(torch.zeros(BATCH).double())
    return rows | {f"noise {name}": value for name, value in noise.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
