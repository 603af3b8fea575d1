"""A run that is broken off goes on to the same bits, and leaves whole files wherever it stops."""

from __future__ import annotations

import csv
import math
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from graphdsl_runtime import Batch, Losses, Noise, Objective, OutOfRange, Variable
from graphdsl_runtime.training import (
    CannotResume,
    DataSet,
    Diverged,
    MissingExtra,
    RunExists,
    Summary,
    TrainingSettings,
    WrongNumberOfViews,
    train,
)
from graphdsl_runtime.training.checkpoint import Checkpoint
from graphdsl_runtime.training.mixture import fit_mixture

Make = Callable[..., Objective]
COMMAND = ("graphdsl", "train", "tiny", "--data", "mnist:a folder")


def run(
    objective: Objective,
    data: DataSet,
    out: Path,
    epochs: int = 4,
    resume: Path | None = None,
    force: bool = False,
) -> Summary:
    return train(
        objective,
        data,
        TrainingSettings(epochs=epochs, batch_size=16, learning_rate=0.02, seed=3, device="cpu"),
        out=out,
        resume=resume,
        force=force,
        quiet=True,
        command=COMMAND,
    )


def same(one: Objective, other: Objective) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def files(folder: Path) -> dict[str, bytes]:
    """What a run's folder holds."""
    return {
        str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()
    }


def at_call(number: int, act: Callable[[Losses], Losses]) -> Callable[..., Losses]:
    """Make a hook that acts on the losses of the module's call of that number, and later ones."""
    calls = 0

    def hook(module: nn.Module, inputs: tuple[Batch, ...], losses: Losses) -> Losses:
        nonlocal calls
        calls += 1
        return act(losses) if calls >= number else losses

    return hook


def interrupt(losses: Losses) -> Losses:
    raise KeyboardInterrupt


def lose_rate_z(losses: Losses) -> Losses:
    lost = losses.terms["rate_z"] * math.nan
    return Losses(losses.loss + lost, terms={**losses.terms, "rate_z": lost})


# Four batches of training rows and two of held-out ones make an epoch: the third begins at call 13.
IN_EPOCH_3 = 15


def test_two_and_two_epochs_are_four_bit_for_bit(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    unbroken, broken, resumed = make_objective(), make_objective(), make_objective()
    whole = run(unbroken, tiny_data, tmp_path / "whole")
    half = run(broken, tiny_data, tmp_path / "half", epochs=2)
    torch.manual_seed(99)  # what the caller draws meanwhile is nothing to the run
    rest = run(resumed, tiny_data, tmp_path / "rest", resume=half.folder)
    assert same(unbroken, resumed)
    assert not same(unbroken, broken)
    assert rest.history == whole.history
    assert files(rest.folder) == files(whole.folder)


def test_the_seed_makes_a_difference_and_the_callers_generator_is_left_alone(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    one, other = make_objective(), make_objective()
    torch.manual_seed(5)
    train(
        one,
        tiny_data,
        TrainingSettings(epochs=1, seed=0, device="cpu"),
        out=tmp_path / "0",
        quiet=True,
    )
    after = torch.rand(())
    train(
        other,
        tiny_data,
        TrainingSettings(epochs=1, seed=1, device="cpu"),
        out=tmp_path / "1",
        quiet=True,
    )
    assert not same(one, other)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(()), after)


def test_metrics_hold_every_term_of_every_epoch(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    objective = make_objective()
    summary = run(objective, tiny_data, tmp_path)
    with (summary.folder / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    terms = ["loss", "reconstruction_x", "rate_z", "rate_u"]
    assert list(rows[0]) == [
        "epoch", *(f"{part}/{term}" for part in ("train", "held_out") for term in terms)
    ]  # fmt: skip
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    for row in rows:
        for part in ("train", "held_out"):
            loss, reconstruction, rate_z, rate_u = (float(row[f"{part}/{t}"]) for t in terms)
            assert loss == pytest.approx(reconstruction + 1.1 * rate_z + rate_u, rel=1e-6)
    # A rate has no noise in it: the last row's is that of the weights we hold.
    rate_z = objective({"x": tiny_data.test}).terms["rate_z"].item()
    assert float(rows[-1]["held_out/rate_z"]) == pytest.approx(rate_z, rel=1e-6)


def test_training_learns_more_than_the_pixels_means(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    # Without the weight on the common rate the loss is a bound on the cost of both views.
    history = run(make_objective(common=0.0), tiny_data, tmp_path, epochs=100).history
    independent, _ = fit_mixture(tiny_data.train.flatten(1), components=1, smoothing=1.0)
    assert history[-1].held_out["loss"] < independent.cost(tiny_data.test.flatten(1)).mean()


def test_ctrl_c_keeps_the_last_whole_epoch_and_says_how_to_go_on(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = signal.getsignal(signal.SIGINT)
    objective, unbroken = make_objective(), make_objective()
    hook = objective.register_forward_hook(at_call(IN_EPOCH_3, interrupt))
    summary = run(objective, tiny_data, tmp_path / "broken")
    hook.remove()
    said = capsys.readouterr()
    assert summary.interrupted
    assert signal.getsignal(signal.SIGINT) is handler
    folder = tmp_path / "broken"
    hint = f"graphdsl train tiny --data 'mnist:a folder' --resume {folder}"
    assert f"Stopped; {folder} holds epoch 2.\nTo go on: {hint}\n" in said.err
    assert said.out == ""
    assert len((folder / "metrics.csv").read_text().splitlines()) == 3

    two_epochs = make_objective()
    run(two_epochs, tiny_data, tmp_path / "two", epochs=2)
    assert same(objective, two_epochs)
    assert not run(objective, tiny_data, tmp_path / "rest", resume=summary.folder).interrupted
    run(unbroken, tiny_data, tmp_path / "unbroken")
    assert same(objective, unbroken)


def test_ctrl_c_in_the_first_epoch_saves_nothing(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    objective, unbroken = make_objective(), make_objective()
    hook = objective.register_forward_hook(at_call(2, interrupt))
    summary = run(objective, tiny_data, tmp_path / "broken")
    hook.remove()
    assert summary.interrupted
    assert summary.history == ()
    assert files(tmp_path) == {}
    said = capsys.readouterr().err
    assert "no epoch of it was complete.\nTo begin again: graphdsl train tiny" in said
    assert "--resume" not in said
    run(objective, tiny_data, tmp_path / "broken")
    run(unbroken, tiny_data, tmp_path / "unbroken")
    assert same(objective, unbroken)


@pytest.mark.parametrize("force", [False, True])
def test_ctrl_c_in_the_first_epoch_leaves_the_run_that_was_there(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path, force: bool
) -> None:
    run(make_objective(), tiny_data, tmp_path, epochs=2)
    before = files(tmp_path)
    objective = make_objective()
    hook = objective.register_forward_hook(at_call(2, interrupt))
    resume = None if force else tmp_path
    summary = run(objective, tiny_data, tmp_path, resume=resume, force=force)
    hook.remove()
    assert summary.interrupted
    assert files(tmp_path) == before


def test_a_run_is_not_written_over_another(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    run(make_objective(), tiny_data, one, epochs=1)
    run(make_objective(), tiny_data, other, epochs=2)
    before = files(tmp_path)
    for resume in (None, one):
        with pytest.raises(RunExists, match=r"(?s)holds a run already.*--resume.*--force.*-o"):
            run(make_objective(), tiny_data, other, resume=resume)
    assert files(tmp_path) == before
    run(make_objective(), tiny_data, other, resume=one, force=True)
    assert len((other / "metrics.csv").read_text().splitlines()) == 5


def test_what_is_of_the_run_before_goes_with_it(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    run(make_objective(), tiny_data, tmp_path)
    assert (tmp_path / "best").is_dir()
    for name in ("pictures.png", "structure.mib", "last.ckpt", "notes.txt"):
        (tmp_path / name).write_text("of the run before")
    game = TwoPlayers()
    train(
        game,
        tiny_data,
        TrainingSettings(epochs=1, device="cpu"),
        out=tmp_path,
        force=True,
        quiet=True,
    )
    assert {one.name for one in tmp_path.iterdir()} == {"last", "metrics.csv", "notes.txt"}


def test_best_is_the_epoch_of_the_lowest_held_out_loss(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    losses: list[float] = []
    for epochs in (3, 6, 12):
        summary = train(
            make_objective(),
            tiny_data,
            TrainingSettings(epochs=epochs, learning_rate=0.3, device="cpu"),
            out=tmp_path,
            resume=tmp_path if losses else None,
            quiet=True,
        )
        losses = [epoch.held_out["loss"] for epoch in summary.history]
        best = Checkpoint.load(tmp_path / "best")
        assert len(best.history) == 1 + losses.index(min(losses))
        assert best.best == len(best.history)
        assert best.history == summary.history[: len(best.history)]
    assert min(losses) < losses[-1], "or the last is the best, and nothing is tested"


def test_a_loss_that_is_no_number_stops_at_the_last_good_epoch_and_names_the_term(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    objective = make_objective()
    objective.register_forward_hook(at_call(IN_EPOCH_3, lose_rate_z))
    with pytest.raises(Diverged, match=r"`rate_z` became nan in epoch 3.*below 0\.02.*--resume"):
        run(objective, tiny_data, tmp_path)
    checkpoint = Checkpoint.load(tmp_path / "last")
    assert [epoch.number for epoch in checkpoint.history] == [1, 2]
    for name, value in objective.state_dict().items():
        assert torch.equal(value, checkpoint.weights[name])
        assert value.isfinite().all(), name


def test_a_held_out_loss_that_is_no_number_stops_too(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    objective = make_objective()
    objective.register_forward_hook(at_call(IN_EPOCH_3 + 3, lose_rate_z))
    with pytest.raises(Diverged, match="`rate_z` became nan in epoch 3"):
        run(objective, tiny_data, tmp_path)
    assert len(Checkpoint.load(tmp_path / "last").history) == 2


def test_another_module_is_refused_with_the_line_that_differs(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    done = run(make_objective(), tiny_data, tmp_path, epochs=1)
    with pytest.raises(CannotResume, match=r"checkpoint: common = 0\.1\n.*module: +common = 0\.2"):
        run(make_objective(common=0.2), tiny_data, tmp_path, resume=done.folder)


def test_a_changed_spec_is_refused(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    done = train(
        make_objective(),
        tiny_data,
        TrainingSettings(epochs=1),
        out=tmp_path,
        quiet=True,
        spec_hash="1234",
    )
    with pytest.raises(CannotResume, match=r"(?s)the spec has changed.*1234.*5678"):
        train(
            make_objective(),
            tiny_data,
            TrainingSettings(epochs=2),
            out=tmp_path / "other",
            resume=done.folder,
            spec_hash="5678",
        )


def test_a_run_that_is_done_asks_for_more_epochs(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    done = run(make_objective(), tiny_data, tmp_path, epochs=2)
    with pytest.raises(CannotResume, match=r"2 epochs of 2 are done.*--epochs 4"):
        run(make_objective(), tiny_data, tmp_path, epochs=2, resume=done.folder)


def test_a_resumed_run_takes_the_learning_rate_of_now(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    done = run(make_objective(), tiny_data, tmp_path, epochs=1)
    same_rate, no_rate = make_objective(), make_objective()
    run(same_rate, tiny_data, tmp_path / "same", epochs=2, resume=done.folder)
    train(
        no_rate,
        tiny_data,
        TrainingSettings(epochs=2, learning_rate=1e-30, device="cpu"),
        out=tmp_path / "none",
        resume=done.folder,
        quiet=True,
    )
    weights = Checkpoint.load(done.folder / "last").weights
    assert all(torch.equal(value, weights[name]) for name, value in no_rate.named_parameters())
    assert not same(same_rate, no_rate)


def test_a_run_leaves_its_folder_and_prints_a_line_per_epoch_on_stderr(
    make_objective: Make,
    tiny_data: DataSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    objective = make_objective()
    train(objective, tiny_data, TrainingSettings(epochs=2, device="cpu"), out=Path("out"))
    said = capfd.readouterr()
    lines = [line for line in said.err.splitlines() if line.startswith("epoch")]
    assert said.out == ""
    assert len(lines) == 2
    for word in ("loss", "held out", "reconstruction_x", "rate_z", "rate_u", "nats"):
        assert word in lines[0]
    assert "GPU" not in said.err
    assert "Tip" not in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "best",
        "last",
        "metrics.csv",
    }
    run(objective, tiny_data, tmp_path / "quiet", epochs=1)
    assert capfd.readouterr() == ("", "")


def test_the_objective_learns_how_many_rows_there_are_and_comes_back_in_eval_mode(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    objective = make_objective()
    run(objective, tiny_data, tmp_path, epochs=1)
    assert objective.rows == 50
    assert not objective.training


class TwoPlayers(Objective):
    """A player that wants 2, and a critic that wants to be the other's negative."""

    variables = (Variable("x", role="observed", kind="binary", members=2, shape=(6,)),)

    def __init__(self) -> None:
        super().__init__()
        self.player = nn.Parameter(torch.zeros(()))
        self.critic = nn.Parameter(torch.zeros(()))

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        wish, answer = (self.player - 2.0) ** 2, (self.critic + self.player) ** 2
        return Losses(wish, terms={"wish": wish}, players={"model": wish, "critic": answer})

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        return {"model": [self.player], "critic": [self.critic]}


def test_every_player_moves_its_own_parameters_on_its_own_loss(
    tiny_data: DataSet, tmp_path: Path
) -> None:
    objective = TwoPlayers()
    train(
        objective,
        tiny_data,
        TrainingSettings(epochs=40, batch_size=5, learning_rate=0.05, device="cpu"),
        out=tmp_path,
        quiet=True,
    )
    # Were the critic's loss the player's as well, it would be pulled towards 0 meanwhile.
    assert objective.player.item() == pytest.approx(2.0, abs=1e-3)
    assert objective.critic.item() == pytest.approx(-2.0, abs=1e-3)


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"batch_size": 0}, {"learning_rate": 0.0}, {"seed": -1}]
)
def test_numbers_out_of_range_are_named(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path, wrong: dict[str, int]
) -> None:
    (name,) = wrong
    settings = TrainingSettings(**wrong)  # type: ignore[arg-type]  # one of them
    with pytest.raises(OutOfRange, match=name.replace("_", " ")):
        train(make_objective(), tiny_data, settings, out=tmp_path)


def test_data_that_does_not_fit_is_refused_before_anything_is_written(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    first: Tensor = tiny_data.train[:, :1]
    one_view = DataSet(
        name="one",
        train=first,
        test=first,
        train_labels=tiny_data.train_labels,
        test_labels=tiny_data.train_labels,
        layout=tiny_data.layout,
    )
    with pytest.raises(WrongNumberOfViews):
        run(make_objective(), one_view, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_lightning_it_says_what_to_install(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "graphdsl_runtime.training.loop", raising=False)
    monkeypatch.setitem(sys.modules, "lightning.pytorch", None)
    with pytest.raises(MissingExtra, match=r'lightning.*pip install "graphdsl\[train\]"'):
        run(make_objective(), tiny_data, tmp_path)
