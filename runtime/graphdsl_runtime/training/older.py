"""Checkpoints of the form graphdsl.checkpoint/1, a file, as this module's own.

It is a zip of tensors and plain values. It has no hash of its own; its parts have checksums, which
torch does not look at.
"""

from __future__ import annotations

__all__ = ["load_older"]

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from graphdsl_runtime import Objective
from graphdsl_runtime.training.checkpoint import Checkpoint
from graphdsl_runtime.training.content import history_of, text_of
from graphdsl_runtime.training.errors import CannotResume

_FORMAT = "graphdsl.checkpoint/1"
_FOLDER = 0x10  #: the attribute of a zip's entry that says so


def load_older(path: Path, objective: Objective) -> Checkpoint:
    """Read a checkpoint file of an older version.  Raises `CannotResume`."""
    content = _content(path)
    if content.get("format") != _FORMAT:
        raise CannotResume(path, f"it is not a checkpoint of the form {_FORMAT}")
    weights = _tensors(path, "weights", content.get("weights"))
    state = objective.state_dict()
    kept = {name for name, _ in objective.named_parameters(remove_duplicate=False)}
    missing = {
        name: tensor for name, tensor in state.items() if name not in weights and name not in kept
    }
    return Checkpoint(
        weights={**missing, **weights},  # what had no place in the state yet is the module's own
        optimizers=_optimizers(path, content.get("optimizers"), objective),
        history=history_of(path, content.get("history")),
        module=_module(text_of(path, "module", content.get("module")), repr(objective)),
        spec_hash=text_of(path, "spec_hash", content.get("spec_hash")),
    )


def _content(path: Path) -> Mapping[str, object]:
    try:
        damage, content = _loaded(path)
    except Exception:  # whatever other libraries say of a file that is none of ours
        raise CannotResume(path, "it is not a checkpoint, or not a whole one") from None
    if damage:
        raise CannotResume(path, damage)
    if not isinstance(content, dict):
        raise CannotResume(path, f"it is not a checkpoint of the form {_FORMAT}")
    return content


def _loaded(path: Path) -> tuple[str, object]:
    """Say how a part is damaged, or give the content; no code of the file is run."""
    with zipfile.ZipFile(path) as archive:
        if any(one.compress_type != zipfile.ZIP_STORED for one in archive.infolist()):
            raise zipfile.BadZipFile("packed: it could be of any size")
        if folder := next((one for one in archive.infolist() if _is_folder(one)), None):
            return f"`{folder.filename}` in it is damaged: it is marked as a folder", None
        if damaged := archive.testzip():
            return f"`{damaged}` in it is damaged: its checksum is not the saved one", None
    return "", torch.load(path, map_location="cpu", weights_only=True)


def _is_folder(part: zipfile.ZipInfo) -> bool:
    """Whether torch takes a part for a folder, and reads nothing of it."""
    return part.is_dir() or bool(part.external_attr & _FOLDER)


def _tensors(path: Path, name: str, value: object) -> dict[str, Tensor]:
    if not isinstance(value, dict) or not all(
        isinstance(key, str) and isinstance(one, Tensor) and one.layout == torch.strided
        for key, one in value.items()
    ):
        raise CannotResume(path, f"its {name} are not tensors by name")
    return value


def _optimizers(
    path: Path, value: object, objective: Objective
) -> dict[str, dict[str, dict[str, Tensor]]]:
    if not isinstance(value, dict):
        raise CannotResume(path, "its optimisers are not a state by player")
    names = {id(parameter): name for name, parameter in objective.named_parameters()}
    groups = objective.parameter_groups()
    optimizers = {}
    for player, state in value.items():
        if player not in groups:
            raise CannotResume(path, f"there is no player `{player}` in this module")
        trained = [names[id(one)] for one in groups[player] if one.requires_grad]
        optimizers[player] = dict(_by_name(path, player, state, trained))
    return optimizers


def _by_name(
    path: Path, player: str, state: object, trained: list[str]
) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Give the entries of each parameter, which are numbered as the player trains them."""
    entries = state.get("state") if isinstance(state, dict) else None
    if not isinstance(entries, dict):
        raise CannotResume(path, f"the optimiser of `{player}` has no state")
    for number, entry in entries.items():
        if type(number) is not int or not 0 <= number < len(trained):
            raise CannotResume(path, f"`{player}` trains {len(trained)} tensors, not {number!r}")
        yield trained[number], _tensors(path, f"entries of `{trained[number]}`", entry)


def _module(there: str, here: str) -> str:
    """Write a module's ramps as this version does: by their ends, not twice by where they were."""
    ramps = {line.split(" = ")[0]: line for line in here.splitlines() if " = ramp(" in line}
    lines = [ramps.get(line.split(" = ")[0], line) for line in there.splitlines()]
    before = ["", *lines]
    return "\n".join(
        line
        for line, last in zip(lines, before, strict=False)
        if line != last or line not in ramps.values()
    )
