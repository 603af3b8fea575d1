"""How a model is trained: the one record of which options, `run.toml` and the loop are made."""

from __future__ import annotations

__all__ = ["TrainingSettings"]

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from graphdsl_files.records import Setting, setting, settings_of


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """How a model is trained.

    >>> TrainingSettings(epochs=3).epochs
    3
    """

    epochs: int = setting(150, "Epochs in all, counted from the very start.", low=1)
    batch_size: int = setting(32, "Rows of a step, on all devices together.", low=1)
    learning_rate: float = setting(5e-4, "Step size of the optimiser.", above=0)
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = setting("adam", "Rule of the steps.")
    momentum: float | None = setting(
        None, "Of sgd and rmsprop [0]; of adam and adamw the first beta [0.9].", low=0, below=1
    )
    weight_decay: float = setting(
        0.0, "Pulls weights to 0: an L2 penalty, or the decoupled decay of adamw.", low=0
    )
    clip: float | None = setting(
        None, "Largest norm of a player's gradient; a longer one is scaled down.", above=0
    )
    schedule: Literal["constant", "linear", "cosine"] = setting(
        "constant", "Course of the learning rates over all epochs; the last two end at 0."
    )
    warmup: float = setting(0.0, "Epochs over which the learning rates rise from 0.", low=0)
    player_rate: tuple[str, ...] = setting(
        (), "A learning rate of one player's own, such as critic=1e-4.", metavar="PLAYER=RATE"
    )
    max_time: str | None = setting(
        None, "Stop after the epoch that passes this time.", metavar="[DD:]HH:MM:SS"
    )
    early_stop: str | None = setting(
        None,
        "Stop once this term no longer falls on the rows that are not trained on; TERM:max for "
        "one that is to rise.",
        metavar="TERM[:max]",
    )
    patience: int = setting(10, "Epochs that --early-stop waits for an improvement.", low=1)
    init: str | None = setting(
        None, "Begin with the weights of another run of the same networks.", metavar="RUN"
    )
    seed: int = setting(0, "Seed for weight initialisation, data order and noise.", low=0)
    device: Literal["auto", "cpu", "cuda", "gpu", "mps"] = setting(
        "auto", "Kind of device to train on; auto takes a GPU where there is one."
    )
    devices: int = setting(1, "Devices of each node; one process trains on each.", low=1)
    nodes: int = setting(1, "Machines that train together, started by torchrun or SLURM.", low=1)
    strategy: Literal["auto", "ddp", "fsdp"] = setting(
        "auto",
        "How several devices share a model: ddp copies it; fsdp, which shards it, is refused.",
    )
    precision: Literal["32-true", "64-true", "bf16-mixed"] = setting(
        "32-true", "Precision of weights and of networks, in Lightning's words."
    )
    workers: int = setting(0, "Processes that read batches ahead.", low=0)
    compile: bool = setting(False, "Compile the module by torch.compile.")
    log: tuple[str, ...] = setting(
        (),
        "Also log each epoch to tensorboard, wandb or mlflow; csv is metrics.csv, always written.",
        metavar="LOGGER",
    )

    def stalls(self, held_out: Sequence[Mapping[str, float]]) -> bool:
        """Say whether the term of ``early_stop`` has not improved for as many epochs as it may.

        It is a function of the epochs done: a run that goes on stops where the unbroken one does.

        >>> epochs = [{"loss": value} for value in (3.0, 1.0, 2.0, 1.5)]
        >>> wait = TrainingSettings(early_stop="loss", patience=2)
        >>> wait.stalls(epochs[:3]), wait.stalls(epochs)
        (False, True)
        """
        if self.early_stop is None or not held_out:
            return False
        term, _, way = self.early_stop.partition(":")
        sign = -1.0 if way == "max" else 1.0
        values = [sign * means[term] for means in held_out]
        return len(values) - 1 - values.index(min(values)) >= self.patience

    def problems(self) -> Iterator[tuple[Setting, float, str]]:
        """Find each number that is out of range, and say what it has to be."""
        for one in settings_of(type(self)).values():
            value = getattr(self, one.name)
            if expected := one.problem(value):
                yield one, value, expected
