"""What the settings of a run do to its steps, its length and its weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from graphdsl_runtime import Batch, Losses, Multiplier, Noise, Objective, Variable
from graphdsl_runtime.training import (
    CannotResume,
    DataSet,
    Summary,
    TrainingSettings,
    WrongSettings,
    train,
)
from graphdsl_runtime.training.checkpoint import Checkpoint
from graphdsl_runtime.training.optimizers import make_optimizers
from tests.laws.checkpoints import content

Make = Callable[..., Objective]
PLAIN = TrainingSettings(epochs=4, batch_size=16, learning_rate=0.02, seed=3, device="cpu")


def go(
    objective: Objective,
    data: DataSet,
    settings: TrainingSettings,
    out: Path,
    resume: Path | None = None,
) -> Summary:
    return train(objective, data, settings, out=out, resume=resume, quiet=True)


class Line(Objective):
    """A loss whose gradient is 1 everywhere: a weight walks by the sum of its rates."""

    variables = (Variable("x", role="observed", kind="binary", members=2, shape=(6,)),)

    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(()))

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        return Losses(self.place * 1.0, terms={"place": self.place * 1.0})


@pytest.mark.parametrize(
    ("changes", "factors"),
    [
        ({}, [1.0, 1.0, 1.0, 1.0]),
        ({"schedule": "linear"}, [1.0, 0.75, 0.5, 0.25]),
        ({"schedule": "cosine"}, [1.0, 0.8535534, 0.5, 0.1464466]),
        ({"warmup": 2.0}, [0.5, 1.0, 1.0, 1.0]),
        ({"clip": 0.1}, [0.1, 0.1, 0.1, 0.1]),
        ({"player_rate": ("model=0.06",)}, [3.0, 3.0, 3.0, 3.0]),
    ],
    ids=["constant", "linear", "cosine", "warmup", "clip", "own rate"],
)
def test_a_weight_walks_by_its_rates(
    changes: dict[str, object], factors: list[float], tiny_data: DataSet, tmp_path: Path
) -> None:
    settings = replace(PLAIN, batch_size=50, optimizer="sgd", **changes)  # type: ignore[arg-type]
    history = go(Line(), tiny_data, settings, tmp_path).history
    places = [epoch.held_out["place"] for epoch in history]
    expected = [-0.02 * sum(factors[: k + 1]) for k in range(4)]
    assert places == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "adamw", "weight_decay": 0.1, "schedule": "cosine", "warmup": 1.5},
        {"optimizer": "sgd", "momentum": 0.9, "clip": 0.5},
        {"optimizer": "sgd"},
        {"optimizer": "rmsprop", "momentum": 0.5, "schedule": "linear"},
        {"precision": "64-true"},
        {"precision": "bf16-mixed", "momentum": 0.5},
    ],
    ids=lambda one: "-".join(map(str, one.values())),
)
def test_runs_of_all_optimisers_go_on_bit_for_bit(
    changes: dict[str, object], make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    settings = replace(PLAIN, epochs=2, **changes)  # type: ignore[arg-type]
    go(make_objective(), tiny_data, settings, tmp_path / "whole")

    def stop(losses: Losses) -> None:
        raise KeyboardInterrupt

    calls = []
    objective = make_objective()
    objective.register_forward_hook(
        lambda module, given, losses: calls.append(1) if len(calls) < 9 else stop(losses)
    )
    assert go(objective, tiny_data, settings, tmp_path / "part").interrupted
    assert len(Checkpoint.load(tmp_path / "part" / "last").history) == 1
    part = tmp_path / "part"
    go(make_objective(), tiny_data, settings, part, resume=part)
    assert content(tmp_path / "part") == content(tmp_path / "whole")
    weights = Checkpoint.load(tmp_path / "part" / "last").weights
    kinds = {weights[name].dtype for name, _ in objective.named_parameters()}
    assert kinds == {torch.float64 if "64-true" in changes.values() else torch.float32}


def test_the_state_of_another_optimiser_is_refused_with_its_name(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    done = go(make_objective(), tiny_data, replace(PLAIN, epochs=1), tmp_path / "run").folder
    for other in ("sgd", "rmsprop"):
        with pytest.raises(CannotResume, match=r"(?s)kept `exp_avg`.*--optimizer adam"):
            go(make_objective(), tiny_data, replace(PLAIN, optimizer=other), done, resume=done)


class Constrained(Objective):
    """A model, and a multiplier."""

    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.ones(()))
        self.price = Multiplier()


def test_weights_decay_and_multipliers_do_not() -> None:
    made = make_optimizers(Constrained(), TrainingSettings(weight_decay=0.1))
    decays = {player: one.param_groups[0]["weight_decay"] for player, one in made.items()}
    assert decays == {"model": 0.1, "multiplier": 0.0}


def test_a_run_stops_once_a_term_stalls_and_has_nothing_to_go_on_with(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    still = replace(PLAIN, epochs=9, learning_rate=1e-30, early_stop="rate_z", patience=2)
    summary = go(make_objective(), tiny_data, still, tmp_path)
    assert (len(summary.history), summary.ending) == (3, "early stop")
    with pytest.raises(CannotResume, match=r"--early-stop rate_z.*after epoch 3.*--patience"):
        go(make_objective(), tiny_data, still, tmp_path, resume=tmp_path)
    falls = replace(still, learning_rate=0.02, early_stop="loss", patience=1, epochs=4)
    summary = go(make_objective(), tiny_data, falls, tmp_path / "falls")
    assert (len(summary.history), summary.ending) == (4, "epochs")


def test_a_run_stops_after_the_epoch_that_passes_its_time(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    settings = replace(PLAIN, epochs=10**6, max_time="00:00:01")
    summary = go(make_objective(), tiny_data, settings, tmp_path)
    assert summary.ending == "max time"
    assert 0 < len(summary.history) == len(Checkpoint.load(tmp_path / "last").history)


def test_batches_that_workers_read_are_the_same(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    for workers in (0, 1):
        settings = replace(PLAIN, epochs=1, workers=workers)
        go(make_objective(), tiny_data, settings, tmp_path / str(workers))
    assert content(tmp_path / "1") == content(tmp_path / "0")


def test_a_run_begins_with_the_weights_of_another(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    go(make_objective(), tiny_data, PLAIN, tmp_path / "old")
    other = make_objective(common=0.5)  # a parameter of the spec is no weight
    still = replace(PLAIN, epochs=1, learning_rate=1e-30, init=str(tmp_path / "old"))
    go(other, tiny_data, still, tmp_path / "new")
    weights = Checkpoint.load(tmp_path / "old" / "best").weights
    assert all(torch.equal(one, weights[name]) for name, one in other.named_parameters())
    assert other.common == 0.5
    with pytest.raises(WrongSettings, match=r"(?s)RUN02  `--init.*other networks.*no `place`"):
        go(Line(), tiny_data, still, tmp_path / "line")
    assert not (tmp_path / "line").exists()


def test_all_that_is_wrong_is_said_at_once(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    wrong = replace(
        PLAIN,
        early_stop="rte_z",
        max_time="soon",
        player_rate=("critic=0.1", "model=0", "model"),
        log=("tensorbord", "wandb"),
    )
    with pytest.raises(WrongSettings) as raised:
        go(make_objective(), tiny_data, wrong, tmp_path / "run")
    lines = str(raised.value).splitlines()
    codes = [line.split()[0] for line in lines]
    assert codes[:-1] == ["RUN01", "RUN02", "RUN02", "RUN01", "RUN01", "RUN01", "RUN01"]
    assert codes[-1] in ("RUN04", "RUN01")
    for said in ("HH:MM:SS", "loss, reconstruction_x, rate_z", "players of this spec are model"):
        assert said in str(raised.value)
    assert not (tmp_path / "run").exists()


def test_tensorboard_gets_the_numbers_of_the_metrics(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    accumulators = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is absent"
    )
    settings = replace(PLAIN, epochs=2, log=("tensorboard",))
    summary = go(make_objective(), tiny_data, settings, tmp_path)
    (file,) = (tmp_path / "tensorboard").rglob("events.*")
    events = accumulators.EventAccumulator(str(file)).Reload()
    for part in ("train", "held_out"):
        for term, value in getattr(summary.history[1], part).items():
            logged = events.Scalars(f"{part}/{term}")
            assert [one.step for one in logged] == [1, 2]
            assert logged[1].value == pytest.approx(value, rel=1e-6)
