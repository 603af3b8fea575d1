"""The settings of a run: what the command line makes of the record, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.main import get_command

from graphdsl.cli import app
from graphdsl_files import settings_of
from graphdsl_runtime import Objective
from graphdsl_runtime.training import DataSet, TrainingSettings, WrongSettings, train
from graphdsl_runtime.training.batches import Batches, Share

Make = Callable[..., Objective]


def test_every_setting_is_an_option_of_train_with_its_help_and_default() -> None:
    command = get_command(app).commands["train"]  # type: ignore[attr-defined]  # a group
    options = {one.name: one for one in command.params}
    for name, known in settings_of(TrainingSettings).items():
        option = options[name]
        assert known.help in option.help
        if known.default not in (None, False, ()):
            assert option.help.endswith(f"[{known.default}]"), name
        assert option.default is None, "what the command line lacks is for a file to say"


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("batch_size", [4, 7, 100])
def test_processes_share_each_batch_evenly_and_no_row_twice(
    processes: int, batch_size: int
) -> None:
    rows, order = {"x": torch.arange(23)}, torch.randperm(23)
    shares = [
        list(Batches(rows, order, batch_size, Share(rank=rank, of=processes)))
        for rank in range(processes)
    ]
    batches = [torch.cat([one["x"] for one in of_all]) for of_all in zip(*shares, strict=True)]
    for of_all in zip(*shares, strict=True):
        assert len({len(one["x"]) for one in of_all}) == 1
    assert max(map(len, batches)) <= max(batch_size, processes)
    assert torch.cat(batches).tolist() == order[: 23 - 23 % processes].tolist()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (TrainingSettings(strategy="fsdp"), "--strategy ddp"),
        (TrainingSettings(devices=2, batch_size=1, device="cpu"), "--batch-size 2"),
        (TrainingSettings(device="mps"), "Lightning cannot train on these devices"),
    ],
    ids=["fsdp", "small batch", "no such device"],
)
def test_what_the_machine_cannot_do_is_refused_before_anything_is_written(
    settings: TrainingSettings,
    said: str,
    make_objective: Make,
    tiny_data: DataSet,
    tmp_path: Path,
) -> None:
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("this machine has the devices")
    with pytest.raises(WrongSettings, match=said):
        train(make_objective(), tiny_data, settings, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
