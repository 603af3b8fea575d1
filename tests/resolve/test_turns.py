"""`turns critic = 5`: what the module says of it, and who steps when it is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch.optim import Optimizer

from graphdsl.diagnostics import Source
from graphdsl.fmt import with_structure
from graphdsl_runtime import Objective, alternate
from graphdsl_runtime.training import TrainingSettings, train
from graphdsl_runtime.training.checkpoint import Checkpoint
from graphdsl_runtime.training.data import DataSet, Layout
from tests.compiled_graphs import assert_trains_alike
from tests.corpus import some
from tests.emitted import emitted_class, emitted_text, objective_of
from tests.rounds import assert_a_round_is_of_own_steps

GAN = """
model gan
const k = 5
observed x : real[3]
latent   z : real[2] ~ normal
p { z -> x via mlp(4) }
minimize JS(q(x) || p(x))
"""
GAME = """
model game
observed x : real[3]
latent   z : real[2] ~ normal
mask     M[1..2] : learned bernoulli(0.5)
latent   u[1..2] : real[2] ~ normal
q { x -> z, u via mlp(4) }
p { z -> x via mlp(4); u -> x if M via mlp(4) }
minimize KL(q || p) + 0.1 * JS(q(z) || p(z)) for q
subject to KL(q(z | x) || p(z)) <= 1
minimize CE(x | z, u) for p
"""


def steps_taken(objective: Objective, count: int) -> list[set[str]]:
    """Who moved on each of so many batches, when `alternate` has nothing but the module's turns."""
    groups = objective.parameter_groups()
    optimizers = {name: torch.optim.SGD(group, lr=0.1) for name, group in groups.items()}
    batches = ({"x": torch.randn(8, 3).double()} for _ in range(count))
    before = {name: [one.detach().clone() for one in group] for name, group in groups.items()}
    found = []
    for _ in alternate(objective, optimizers, batches):
        moved = set()
        for name, group in groups.items():
            if not all(map(torch.equal, group, before[name])):
                moved.add(name)
            before[name] = [one.detach().clone() for one in group]
        found.append(moved)
    return found


@pytest.mark.parametrize("written", ["turns critic = 5", "turns critic = k, model = 1"])
def test_the_critic_takes_its_steps_and_the_model_one(written: str) -> None:
    """Arjovsky et al. 2017, algorithm 1: n_critic steps of the critic for one of the generator."""
    objective = objective_of(GAN + written)
    assert objective.turns["critic"] == 5
    alone, together = [{"critic"}], [{"critic", "model"}]
    assert steps_taken(objective, 10) == 2 * (4 * alone + together)


def test_every_player_of_a_game_has_its_turns() -> None:
    wanted = {"q": 2, "critic": 4, "structure": 1, "multiplier": 3, "p": 1}
    written = ", ".join(f"{name} = {count}" for name, count in wanted.items())
    objective = objective_of(f"{GAME}turns {written}\n")
    assert objective.turns == wanted
    assert objective.parameter_groups().keys() == wanted.keys()
    taken = Counter(name for moved in steps_taken(objective, 8) for name in moved)
    assert taken == {name: 2 * count for name, count in wanted.items()}
    assert_a_round_is_of_own_steps(objective, {"x": torch.randn(8, 3).double()}, wanted)


@pytest.mark.parametrize("text", some("compiled games", [GAN, GAME], 1))
def test_a_compiled_game_is_played_as_any_other(text: str) -> None:
    """Its players end where they do in eager torch; the last batch is a smaller one."""
    batches = [{"x": torch.randn(rows, 3).double()} for rows in (8, 8, 8, 6, 6)]

    def play(game: Objective, optimizers: Mapping[str, Optimizer]) -> None:
        assert len(list(alternate(game, optimizers, batches))) == 5

    assert_trains_alike(lambda: objective_of(text + "turns critic = 2\n"), play)


def test_a_player_of_several_is_named_by_any_of_them() -> None:
    text = GAME.replace("for q\n", "for q, p\n").replace("minimize CE(x | z, u) for p\n", "")
    for name in ("q", "p"):
        assert 'turns = {"q,p": 2}' in emitted_text(f"{text}turns {name} = 2\n")


def test_without_turns_nothing_is_said_of_them() -> None:
    assert "turns" not in emitted_text(GAN)
    assert steps_taken(objective_of(GAN), 2) == 2 * [{"critic", "model"}]


def test_a_spec_is_trained_in_its_turns(tmp_path: Path) -> None:
    """What `graphdsl train` runs: Adam's own count of the steps that it took, in the checkpoint."""
    torch.manual_seed(1)
    rows, labels = (torch.rand(48, 1, 3) > 0.5).float(), torch.zeros(48)
    data = DataSet(
        name="noise",
        train=rows,
        test=rows,
        train_labels=labels,
        test_labels=labels,
        layout=Layout(rows=1, columns=3),
    )
    done = train(
        emitted_class(f"{GAN}turns critic = k\n".replace("real[3]", "binary[3]"))(),
        data,
        TrainingSettings(epochs=5, batch_size=12, device="cpu"),
        out=tmp_path,
        quiet=True,
    )
    counts: dict[str, set[int]] = {}
    for name, adam in Checkpoint.load(done.folder / "last").optimizers.items():
        counts[name] = {int(one["step"]) for one in adam.values()}
    assert counts == {"critic": {20}, "model": {4}}


@pytest.mark.parametrize(
    ("turns", "left"),
    [
        ("turns structure = 2", []),
        ("turns structure = 2, q = 3", ["turns q = 3"]),
        (
            "turns q = (1 + 1) * (1 + 1),  # twice, twice\n    structure = 2",
            ["turns q = (1 + 1) * (1 + 1)"],
        ),
        (
            "turns q = 3\nturns structure = 2, p = 2, critic = 4",
            ["turns q = 3", "turns p = 2, critic = 4"],
        ),
    ],
)
def test_a_structure_that_was_found_has_no_turns(turns: str, left: list[str]) -> None:
    """Its edges are fixed, and their player is gone: the spec that is written out compiles."""
    spec = Source("game.mib", f"{GAME.lstrip()}{turns}\n")
    found = with_structure(spec, {"M": [[True, False]]}, {})
    assert [line for line in found.splitlines() if line.startswith("turns")] == left
    assert "structure" not in objective_of(found).parameter_groups()
    assert "structure" in with_structure(spec, {}, {})  # a mask that stays learned keeps them
