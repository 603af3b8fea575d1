"""Runs of a tiny objective, their checkpoints in both forms, and ways to spoil one."""

from __future__ import annotations

__all__ = [
    "EPOCHS",
    "content",
    "fresh",
    "go",
    "older",
    "sealed",
    "tiny_data",
]

import hashlib
from dataclasses import asdict
from functools import cache
from pathlib import Path

import torch
from torch import Tensor
from torch.optim import Adam

from graphdsl_runtime import Objective
from graphdsl_runtime.training import DataSet, Layout, Summary, TrainingSettings, train
from graphdsl_runtime.training.checkpoint import Checkpoint
from tests.test_training.conftest import TinyWyner, noisy_copies

EPOCHS = 4


@cache
def tiny_data() -> DataSet:
    """Fifty rows for training, and twenty that are held out."""
    generator = torch.Generator().manual_seed(0)
    train_rows, train_labels = noisy_copies(50, generator)
    test_rows, test_labels = noisy_copies(20, generator)
    return DataSet(
        name="tiny-halves",
        train=train_rows,
        test=test_rows,
        train_labels=train_labels,
        test_labels=test_labels,
        layout=Layout(rows=2, columns=3),
    )


def fresh() -> Objective:
    """The objective, always with the same weights."""
    torch.manual_seed(0)
    return TinyWyner()


def go(
    out: Path,
    *,
    epochs: int = EPOCHS,
    resume: Path | None = None,
    force: bool = False,
    objective: Objective | None = None,
) -> Summary:
    """Train, or go on."""
    return train(
        objective or fresh(),
        tiny_data(),
        TrainingSettings(epochs=epochs, batch_size=25, learning_rate=0.02, device="cpu"),
        out=out,
        resume=resume,
        force=force,
        quiet=True,
        spec="model tiny\n",
    )


def content(folder: Path) -> dict[str, bytes]:
    """What a folder holds, by the names of its files."""
    files = [one for one in folder.rglob("*") if one.is_file()]
    return {str(one.relative_to(folder)): one.read_bytes() for one in files}


def sealed(folder: Path) -> None:
    """Write the hashes of a checkpoint anew, as whoever crafts one would."""
    names = sorted(one.name for one in folder.iterdir() if one.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in names]
    (folder / "SHA256SUMS").write_text("".join(lines))


def older(checkpoint: Checkpoint) -> dict[str, object]:
    """The content of a checkpoint file of the first version, which `torch.save` wrote."""
    objective = fresh()
    weights = {
        name: one
        for name, one in checkpoint.weights.items()
        if not name.startswith(("run.", "weights."))
    }
    optimizers = {}
    for player, parameters in objective.parameter_groups().items():
        names = {id(one): name for name, one in objective.named_parameters()}
        state: dict[int, dict[str, Tensor]] = {
            place: {entry: value.clone() for entry, value in entries.items()}
            for place, one in enumerate(parameters)
            for entries in [checkpoint.optimizers[player][names[id(one)]]]
        }
        groups = Adam(parameters, lr=0.02, fused=True).state_dict()["param_groups"]
        optimizers[player] = {"state": state, "param_groups": groups}
    return {
        "format": "graphdsl.checkpoint/1",
        "weights": weights,
        "optimizers": optimizers,
        "history": [asdict(epoch) for epoch in checkpoint.history],
        "module": checkpoint.module,
        "spec_hash": "",
    }
