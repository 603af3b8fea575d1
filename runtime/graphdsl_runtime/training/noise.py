"""Noise that several processes share: what one process would draw for the whole batch."""

from __future__ import annotations

__all__ = ["SharedNoise"]

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from graphdsl_runtime import Noise, Objective
from graphdsl_runtime.ranks import own_rows, ranks


class SharedNoise:
    """The noise of one batch after another, from a stream that all processes have alike.

    Each process draws the noise of the whole batch and takes that of its own rows, so that a step
    of W processes is the step of one process on the same rows. What a module draws by itself, such
    as the keys of a permutation, comes from the process's own stream, which is left as it is.

    >>> class Sampler(Objective):
    ...     def draw_noise(self, like: Tensor) -> dict[str, Tensor]:
    ...         return {"z": torch.randn(len(like), 2)}
    >>> noise = SharedNoise(Sampler(), seed=0, device=torch.device("cpu"))
    >>> first, second = noise.of(3), noise.of(3)
    >>> with torch.random.fork_rng():
    ...     _ = torch.manual_seed(0)
    ...     bool((torch.cat([first["z"], second["z"]]) == torch.randn(6, 2)).all())
    True
    """

    def __init__(self, objective: Objective, seed: int, device: torch.device) -> None:
        self._objective, self._device = objective, device
        self._accelerators = [device] if device.type == "cuda" else []
        with self._forked():
            torch.manual_seed(seed)
            self._states = self._now()

    def of(self, rows: int) -> Noise:
        """Draw the noise of the next batch, of which this process has so many rows."""
        with self._forked():
            torch.set_rng_state(self._states[0])
            for state in self._states[1:]:
                torch.cuda.set_rng_state(state, self._device)
            dtype = next(
                (parameter.dtype for parameter in self._objective.parameters()), torch.float32
            )
            like = torch.empty(rows * ranks(), dtype=dtype, device=self._device)
            whole = self._objective.draw_noise(like)
            self._states = self._now()
        return {name: _own(value, rows * ranks()) for name, value in whole.items()}

    @contextmanager
    def _forked(self) -> Iterator[None]:
        with torch.random.fork_rng(devices=self._accelerators):
            yield

    def _now(self) -> list[Tensor]:
        accelerators = [torch.cuda.get_rng_state(one) for one in self._accelerators]
        return [torch.get_rng_state(), *accelerators]


def _own(noise: Tensor, rows: int) -> Tensor:
    """Take this process's rows, unless all rows have the one draw."""
    return own_rows(noise) if len(noise) == rows else noise
