"""How a model is trained: one record, of which the command line, `run.toml` and the loop are made.

Each field carries its help and its limits, so that an option is declared in one place. The standard
library is all that it needs: a command line shows its help without loading torch.
"""

from __future__ import annotations

__all__ = ["Setting", "TrainingSettings", "settings_of"]

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_type_hints


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is known of one field of a record of settings."""

    name: str
    kind: Any  #: its type: int, float, str, bool, a Literal or a union of these with None
    default: Any
    help: str
    low: float | None = None  #: the least value
    above: float | None = None  #: a value that is too small by itself

    def problem(self, value: object) -> str:
        """Say what a number has to be, if this one is out of range.

        >>> settings_of(TrainingSettings)["epochs"].problem(0)
        '1 or more'
        """
        if not isinstance(value, int | float):
            return ""
        if self.low is not None and not self.low <= value < math.inf:
            return f"{self.low:g} or more"
        if self.above is not None and not self.above < value < math.inf:
            return f"more than {self.above:g}"
        return ""


def setting(default: Any, text: str, **limits: float) -> Any:  # noqa: ANN401  # as `field` is typed
    """Declare a field with its help and its limits, ``low`` or ``above``."""
    return field(default=default, metadata={"help": text, **limits})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """How a model is trained.

    >>> TrainingSettings(epochs=3).epochs
    3
    """

    epochs: int = setting(150, "Epochs in all, counted from the very start.", low=1)
    batch_size: int = setting(32, "Rows of a step, on all devices together.", low=1)
    learning_rate: float = setting(5e-4, "Step size of the optimiser.", above=0)
    seed: int = setting(0, "Seed for weight initialisation, data order and noise.", low=0)
    device: Literal["auto", "cpu", "gpu", "mps", "tpu"] = setting(
        "auto", "Kind of device to train on; auto takes a GPU where there is one."
    )
    devices: int = setting(1, "Devices of each node; one process trains on each.", low=1)
    nodes: int = setting(1, "Machines that train together, started by torchrun or SLURM.", low=1)
    strategy: Literal["auto", "ddp", "fsdp"] = setting(
        "auto", "How several devices share a model: ddp copies it, fsdp shards it."
    )

    def problems(self) -> Iterator[tuple[Setting, float, str]]:
        """Find each number that is out of range, and say what it has to be."""
        for one in settings_of(type(self)).values():
            value = getattr(self, one.name)
            if expected := one.problem(value):
                yield one, value, expected


def settings_of(record: type[Any]) -> dict[str, Setting]:
    """List the settings that a record declares, by name.

    >>> settings_of(TrainingSettings)["batch_size"].default
    32
    """
    kinds = get_type_hints(record)
    return {
        one.name: Setting(
            name=one.name,
            kind=kinds[one.name],
            default=one.default,
            **one.metadata,
        )
        for one in fields(record)
    }
