"""What it takes to go on with a run: weights, optimisers, epochs done, and whose weights they are.

A checkpoint is a folder that names what it holds and hashes it:

- ``weights.safetensors``, the objective's state, and ``optimizer.safetensors``, that of each
  player's optimiser, ``PLAYER/PARAMETER/ENTRY``;
- ``model.json``, the objective as it prints itself, and the spec's hash; ``spec.mib``, where known;
- ``state.json``, the losses of all epochs done;
- ``SHA256SUMS``, which ``sha256sum -c`` reads as well.

Nothing in it is run or unpickled: whatever it holds, it is loaded whole or refused.
"""

from __future__ import annotations

__all__ = ["Checkpoint", "OptimizerState"]

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor
from torch.optim import Optimizer

from graphdsl_files import present
from graphdsl_runtime import Objective
from graphdsl_runtime.saving import model_entries
from graphdsl_runtime.training.content import history_of, json_object, tensors_of, text_of
from graphdsl_runtime.training.errors import CannotResume
from graphdsl_runtime.training.extras import train_extra
from graphdsl_runtime.training.metrics import Epoch

_FORMAT = "graphdsl.checkpoint/2"
_SUMS, _SPEC = "SHA256SUMS", "spec.mib"
_OWN = ("format", "module", "spec_sha256", "torch")  #: entries of ``model.json``
_FILES = ("model.json", "optimizer.safetensors", "state.json", "weights.safetensors")

#: Parameter, by its name in the objective -> entry of Adam's state -> its value.
OptimizerState: TypeAlias = Mapping[str, Mapping[str, Tensor]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    """A run at the end of an epoch."""

    weights: Mapping[str, Tensor]  #: the objective's state
    optimizers: Mapping[str, OptimizerState]  #: by player; none before the first epoch
    history: tuple[Epoch, ...]  #: of the epochs done
    module: str  #: the objective as it prints itself: variables, parameters, networks
    spec_hash: str  #: of the spec it was compiled from, where the caller knows it
    #: What else ``model.json`` says: what makes the objective again from its spec.
    making: Mapping[str, object] = field(default_factory=dict)
    best: int | None = None  #: the epoch of the lowest held-out loss so far, where these compare

    @staticmethod
    def take(
        objective: Objective,
        optimizers: Mapping[str, Optimizer],
        history: tuple[Epoch, ...],
        spec_hash: str,
        best: int | None = None,
    ) -> Checkpoint:
        """Copy the state of a run, so that going on does not change it."""
        names = {id(one): name for name, one in objective.named_parameters()}
        return Checkpoint(
            weights=_copied(objective.state_dict()),
            optimizers={
                player: {
                    names[id(parameter)]: _copied(state)
                    for parameter, state in optimizer.state.items()
                }
                for player, optimizer in optimizers.items()
            },
            history=history,
            module=repr(objective),
            spec_hash=spec_hash,
            making=model_entries(objective),
            best=best,
        )

    def files(self, spec: str = "") -> dict[str, bytes]:
        """Give the files of a folder that `load` reads, by their names."""
        with train_extra():
            from safetensors.torch import save

        state = {
            f"{player}/{parameter}/{entry}": value
            for player, parameters in self.optimizers.items()
            for parameter, entries in parameters.items()
            for entry, value in entries.items()
        }
        model = {
            **self.making,
            "format": _FORMAT,
            "module": self.module.splitlines(),
            "spec_sha256": self.spec_hash,
            "torch": torch.__version__,
        }
        history = [asdict(epoch) for epoch in self.history]
        files = {
            "model.json": _json(model),
            "optimizer.safetensors": save(_copied(state, device="cpu")),
            "state.json": _json({"format": _FORMAT, "best": self.best, "history": history}),
            "weights.safetensors": save(_copied(self.weights, device="cpu")),
        }
        if spec:
            files[_SPEC] = spec.encode("utf-8")
        return {**files, _SUMS: _sums(files)}

    @staticmethod
    def load(path: Path) -> Checkpoint:
        """Read the folder that `files` were written to.  Raises `CannotResume`.

        What it holds is of the right kinds then; `fits` says whether it is of an objective.
        """
        files = _read(path)
        model = json_object(path, "model.json", files["model.json"])
        state = json_object(path, "state.json", files["state.json"])
        for content in (model, state):
            if content.get("format") != _FORMAT:
                raise CannotResume(path, f"it is not a checkpoint of the form {_FORMAT}")
        history = history_of(path, state.get("history"))
        flat = tensors_of(path, "optimizer.safetensors", files["optimizer.safetensors"])
        return Checkpoint(
            weights=tensors_of(path, "weights.safetensors", files["weights.safetensors"]),
            optimizers=_by_player(path, flat),
            history=history,
            module="\n".join(text_of(path, "module", line) for line in _lines(path, model)),
            spec_hash=text_of(path, "spec_sha256", model.get("spec_sha256")),
            making={key: one for key, one in model.items() if key not in _OWN},
            best=_best(path, state.get("best"), len(history)),
        )


def _read(path: Path) -> dict[str, bytes]:
    """Read the files of a checkpoint, and hold them against their hashes."""
    folder = present(path)
    files = {}
    try:
        sums = (folder / _SUMS).read_bytes()
        for name in (*_FILES, _SPEC):
            if name != _SPEC or (folder / name).exists():
                files[name] = (folder / name).read_bytes()
    except OSError as problem:
        missing = Path(str(problem.filename)).name
        why = (problem.strerror or str(problem)).lower()
        raise CannotResume(path, f"`{missing}` of the checkpoint cannot be read: {why}") from None
    if sums != _sums(files):
        lines = sums.splitlines()
        damaged = [name for name, file in files.items() if _sum(name, file).rstrip() not in lines]
        names = ", ".join(f"`{name}`" for name in damaged or [_SUMS])
        raise CannotResume(path, f"{names} is damaged: its SHA-256 is not the one that was saved")
    return files


def _sums(files: Mapping[str, bytes]) -> bytes:
    return b"".join(_sum(name, files[name]) for name in sorted(files))


def _sum(name: str, content: bytes) -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()


def _json(content: object) -> bytes:
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode("utf-8")


def _copied(tensors: Mapping[str, Tensor], device: str | None = None) -> dict[str, Tensor]:
    """Copy tensors, each with memory of its own."""
    return {
        name: torch.empty_like(one, device=device, memory_format=torch.contiguous_format).copy_(one)
        for name, one in ((name, tensor.detach()) for name, tensor in tensors.items())
    }


def _by_player(path: Path, flat: Mapping[str, Tensor]) -> dict[str, dict[str, dict[str, Tensor]]]:
    states: dict[str, dict[str, dict[str, Tensor]]] = {}
    for name, value in flat.items():
        player, first, rest = name.partition("/")
        parameter, second, entry = rest.rpartition("/")
        if not (first and second):
            raise CannotResume(path, f"`{name}` is no entry of an optimiser")
        states.setdefault(player, {}).setdefault(parameter, {})[entry] = value
    return states


def _lines(path: Path, model: Mapping[str, object]) -> list[object]:
    lines = model.get("module")
    if not isinstance(lines, list):
        raise CannotResume(path, "`model.json` does not say which module was trained")
    return lines


def _best(path: Path, best: object, epochs: int) -> int | None:
    if best is None:
        return None
    if type(best) is not int or not 1 <= best <= epochs:
        raise CannotResume(path, f"`best` in `state.json` is {best!r}, of {epochs} epochs")
    return best
