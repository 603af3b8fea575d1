"""The numbers of an objective: weights, schedules, and how many rows its data set has."""

from __future__ import annotations

__all__ = ["Weighing"]

import math
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from graphdsl_runtime.errors import OutOfRange
from graphdsl_runtime.schedules import Schedule

# Keys of a state that are no attributes: a weight is a plain number, which compiled code may read.
_ROWS, _STEP, _WEIGHT = "run.rows", "run.step", "weights."


class Weighing(nn.Module):
    """The part of an objective that keeps its weights in their ranges, and moves them.

    Weights, schedules, the step and `rows` belong to the state: `state_dict` has them, as tensors,
    and `load_state_dict` sets them. A state without them, of an older version, leaves them as they
    are.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ranges: dict[str, tuple[float, float]] = {}
        self._schedules: dict[str, Schedule] = {}
        self._step = 0
        self._rows: int | None = None
        self._rows_asked_for = False

    @property
    def rows(self) -> int | None:
        """How many rows the training set has; the trainer sets it.

        Estimators of the aggregate posterior (total correlation by `mss` or `mws`) depend on it.
        Where it is None they take the batch for the whole data set, and a warning says so once.
        Raises `OutOfRange` below 1.
        """
        if self._rows is None and not self._rows_asked_for and not torch.compiler.is_compiling():
            self._rows_asked_for = True
            warnings.warn(
                "`rows` is unset, so that total correlations are estimated as if each batch were "
                "the whole data set: nats too large. Set `objective.rows` to the number of "
                "training rows",
                stacklevel=2,
            )
        return self._rows

    @rows.setter
    def rows(self, rows: int | None) -> None:
        if rows is not None and rows < 1:
            raise OutOfRange("rows", rows, low=1, high=math.inf)
        self._rows = rows

    def constant(self, name: str, value: Tensor) -> Tensor:
        """Keep a tensor that goes where the module goes, and is no part of its state."""
        self.register_buffer(name, value, persistent=False)
        return self.get_buffer(name)

    def weight(
        self, name: str, value: float, low: float = -math.inf, high: float = math.inf
    ) -> float:
        """Take a parameter of the objective, which may be set anew within its range.

        Raises `OutOfRange` outside ``low..high``: there the derivation may not hold.
        """
        self._ranges[name] = (low, high)
        return self._in_range(name, value)

    def ramp(
        self,
        name: str,
        start: float,
        end: float,
        steps: int,
        first: int = 0,
        low: float = -math.inf,
        high: float = math.inf,
    ) -> Tensor:
        """Take a parameter that moves from one value to another, in equal steps from ``first`` on.

        It is a tensor that `advance` writes into, so that a compiled objective stays compiled.
        Raises `OutOfRange` where either end is outside ``low..high``.
        """
        return self._scheduled(name, Schedule(start, end, steps, first=first), low, high)

    def cycle(
        self,
        name: str,
        start: float,
        end: float,
        steps: int,
        cycles: int,
        low: float = -math.inf,
        high: float = math.inf,
    ) -> Tensor:
        """Take a parameter that begins anew in each cycle: it moves in the first half, then stays.

        After the last cycle it stays at its end. Raises `OutOfRange` as `ramp` does.
        Reference: Fu et al. 2019, "Cyclical annealing schedule", with R = 1/2.
        """
        return self._scheduled(name, Schedule(start, end, steps, cycles=cycles), low, high)

    def _scheduled(self, name: str, schedule: Schedule, low: float, high: float) -> Tensor:
        self.weight(name, schedule.start, low, high)
        self.weight(name, schedule.end, low, high)
        self._schedules[name] = schedule
        self.register_buffer(name, torch.tensor(float(schedule.start)))
        return self.get_buffer(name)

    def advance(self, step: int) -> None:
        """Set the parameters that move to where they are at a step of training, from 0 on."""
        self._step = step
        for name, schedule in self._schedules.items():
            self.get_buffer(name).fill_(schedule.at(step))

    @property
    def settled(self) -> bool:
        """Whether all parameters that move have come to their end."""
        return all(self._step >= one.last for one in self._schedules.values())

    def settings(self) -> dict[str, float]:
        """Give the parameters, as the constructor takes them: of one that moves, its end."""
        ends = {name: schedule.end for name, schedule in self._schedules.items()}
        return {
            name: ends[name] if name in ends else float(getattr(self, name))
            for name in self._ranges
        }

    def _weights(self) -> Iterator[str]:
        """Print each weight, and each schedule as it was declared: where it is is no identity."""
        for name in self._ranges:
            yield f"{name} = {self._schedules.get(name, getattr(self, name, '?'))}"

    def _in_range(self, name: str, value: float) -> float:
        low, high = self._ranges[name]
        if not low <= value <= high:
            raise OutOfRange(name, value, low=low, high=high)
        return float(value)

    def __setattr__(self, name: str, value: Any) -> None:  # noqa: ANN401  (as `nn.Module` has it)
        if name in self.__dict__.get("_ranges", ()) and name not in self._schedules:
            value = self._in_range(name, value)
        super().__setattr__(name, value)

    def _save_to_state_dict(
        self, destination: dict[str, Any], prefix: str, keep_vars: bool
    ) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        for name in self._plain():
            number = torch.tensor(getattr(self, name), dtype=torch.float64)
            destination[f"{prefix}{_WEIGHT}{name}"] = number
        destination[prefix + _STEP] = torch.tensor(self._step)
        if self._rows is not None:
            destination[prefix + _ROWS] = torch.tensor(self._rows)

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        super()._load_from_state_dict(
            state_dict,
            prefix,
            local_metadata,
            strict,
            missing_keys,
            unexpected_keys,
            error_msgs,
        )
        keys = {f"{prefix}{_WEIGHT}{name}": name for name in self._plain()}
        for key, name in keys.items():
            if key in state_dict:
                setattr(self, name, state_dict[key].item())
        if prefix + _STEP in state_dict:
            self._step = int(state_dict[prefix + _STEP])
        if prefix + _ROWS in state_dict:
            self.rows = int(state_dict[prefix + _ROWS])
        ours = {*keys, prefix + _STEP, prefix + _ROWS}
        unexpected_keys[:] = [key for key in unexpected_keys if key not in ours]
        moving = {prefix + name for name in self._schedules}  # older states have none
        missing_keys[:] = [key for key in missing_keys if key not in moving]

    def _plain(self) -> Iterator[str]:
        """Weights that do not move."""
        return (name for name in self._ranges if name not in self._schedules)
