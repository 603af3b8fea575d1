"""What it takes to go on with a run: weights, optimisers, epochs done, and whose weights they are.

A checkpoint is a plain dictionary of tensors, numbers and words: it is loaded without Lightning,
and without running any code that a file might hold.
"""

from __future__ import annotations

__all__ = ["Checkpoint"]

import copy
import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor
from torch.optim import Optimizer

from graphdsl_runtime import Objective
from graphdsl_runtime.training.errors import CannotResume
from graphdsl_runtime.training.files import write_whole
from graphdsl_runtime.training.metrics import Epoch

_FORMAT = "graphdsl.checkpoint/1"

#: What an optimiser keeps, as `Optimizer.state_dict` gives it.
OptimizerState: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    """A run at the end of an epoch."""

    weights: Mapping[str, Tensor]  #: of the objective
    optimizers: Mapping[str, OptimizerState]  #: player -> state; none before the first epoch
    history: tuple[Epoch, ...]  #: of the epochs done
    module: str  #: the objective as it prints itself: variables, parameters, networks
    spec_hash: str  #: of the spec it was compiled from, where the caller knows it

    @staticmethod
    def take(
        objective: Objective,
        optimizers: Mapping[str, Optimizer],
        history: tuple[Epoch, ...],
        spec_hash: str,
    ) -> Checkpoint:
        """Copy the state of a run, so that going on does not change it."""
        return Checkpoint(
            weights=copy.deepcopy(objective.state_dict()),
            optimizers={
                player: copy.deepcopy(optimizer.state_dict())
                for player, optimizer in optimizers.items()
            },
            history=history,
            module=repr(objective),
            spec_hash=spec_hash,
        )

    def save(self, path: Path) -> None:
        """Write it; a run stopped meanwhile leaves the file that was there."""
        content = {
            "format": _FORMAT,
            "weights": dict(self.weights),
            "optimizers": dict(self.optimizers),
            "history": [asdict(epoch) for epoch in self.history],
            "module": self.module,
            "spec_hash": self.spec_hash,
        }
        write_whole(path, lambda unfinished: torch.save(content, unfinished))

    @staticmethod
    def load(path: Path) -> Checkpoint:
        """Read one that `save` wrote.  Raises `CannotResume`."""
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            raise CannotResume(path, "there is no such file") from None
        except IsADirectoryError:
            raise CannotResume(path, "it is a folder; the file in it is `last.ckpt`") from None
        except (RuntimeError, EOFError, OSError, pickle.UnpicklingError):
            raise CannotResume(path, "it is not a checkpoint, or not a whole one") from None
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            raise CannotResume(path, f"it is not a checkpoint of the form {_FORMAT}")
        return Checkpoint(
            weights=content["weights"],
            optimizers=content["optimizers"],
            history=tuple(Epoch(**epoch) for epoch in content["history"]),
            module=content["module"],
            spec_hash=content["spec_hash"],
        )

    def check_module(self, objective: Objective, spec_hash: str, path: Path) -> None:
        """Raise `CannotResume`, with the first difference, if another module was trained."""
        if differs := _first_difference(self.module, repr(objective)):
            there, here = differs
            raise CannotResume(
                path,
                "another module was trained.\n"
                f"  in the checkpoint: {there}\n"
                f"  in this module:    {here}\n"
                "Take the spec, constants and parameters of that run, or train anew without it",
            )
        if spec_hash and self.spec_hash and spec_hash != self.spec_hash:
            raise CannotResume(
                path,
                "the spec has changed since.\n"
                f"  hash in the checkpoint: {self.spec_hash}\n"
                f"  hash of this module:    {spec_hash}\n"
                "Compile the spec of that run, or train anew without the checkpoint",
            )


def _first_difference(one: str, other: str) -> tuple[str, str] | None:
    lines = zip_longest(one.splitlines(), other.splitlines(), fillvalue="(nothing)")
    return next(((a.strip(), b.strip()) for a, b in lines if a != b), None)
