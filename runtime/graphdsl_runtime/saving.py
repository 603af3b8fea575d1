"""A saved model: a folder that holds all that makes a trained objective again, and no code.

- ``spec.mib``: the spec, to be compiled anew;
- ``model.json``: the constants and parameters, which spec and which versions they are of;
- ``weights.safetensors``: the state, data statistics included;
- ``SHA256SUMS``, which ``sha256sum -c`` reads as well.

The checkpoints of a run are saved models with more files. Nothing is run or unpickled: whatever a
folder holds, it is read whole or refused.
"""

# ruff: noqa: N818  (errors are named after the mistake, as in `errors`)

from __future__ import annotations

__all__ = [
    "CannotSave",
    "Saved",
    "model_entries",
    "read_saved",
    "refuse_other_shapes",
    "restore",
    "save",
]

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from graphdsl_files import TooLarge, present, read_at_most, visible, write_folder
from graphdsl_runtime.errors import ObjectiveError
from graphdsl_runtime.model_file import (
    MODEL,
    lines_in,
    numbers_in,
    object_in,
    record_in,
    refuse,
    shown,
    version_in,
    word_in,
    words_in,
)
from graphdsl_runtime.origin import EMITTED_FORMAT

if TYPE_CHECKING:
    from graphdsl_runtime.module import Objective

_FORMAT = "graphdsl.model/1"
_SPEC, _SUMS, _WEIGHTS = "spec.mib", "SHA256SUMS", "weights.safetensors"
_OURS = frozenset((MODEL, _SPEC, _SUMS, _WEIGHTS))
#: The forms of ``model.json`` that are read: checkpoints of version 0.1 had one of their own.
_READ = (_FORMAT, "graphdsl.checkpoint/2")
_ROWS = "run.rows"  # in a state once the rows are known
_LARGEST = 16 * 2**20  # bytes of a text


class CannotSave(ObjectiveError):
    """An objective does not know its spec, or its folder is not free."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Saved:
    """What a folder holds."""

    path: Path
    spec: str | None  #: None in checkpoints of runs that kept none
    sha256: str  #: of the spec
    constants: Mapping[str, str] | None  #: None where the folder does not say
    parameters: Mapping[str, float] | None
    networks: Mapping[str, str]  #: of the caller's own: where each class was
    module: tuple[str, ...]  #: the objective as it prints itself
    data: Mapping[str, object] | None  #: how its data were read
    weights: Mapping[str, Tensor]


def save(objective: Objective, folder: Path) -> None:
    """Write a saved model, in one step: a folder that is one is replaced, no other is touched.

    Raises `CannotSave`, and `OSError` where the system refuses.
    """
    origin = objective.origin
    if origin is None:
        raise CannotSave(
            f"{type(objective).__name__} does not know its spec, which a saved model has to hold: "
            "a module that is imported from an emitted file has no text of it. Make the class from "
            "the spec, graphdsl.compile(SPEC).objective, and give it these weights by "
            "load_state_dict"
        )
    _refuse_other_content(folder)
    files = {
        MODEL: as_json({**model_entries(objective), "format": _FORMAT}),
        _SPEC: origin.spec.encode("utf-8"),
        _WEIGHTS: as_safetensors(objective.state_dict()),
    }
    sums = (f"{hashlib.sha256(files[file]).hexdigest()}  {file}\n" for file in sorted(files))
    write_folder(folder, {**files, _SUMS: "".join(sums).encode()})


def model_entries(objective: Objective) -> dict[str, object]:
    """Give the entries of ``model.json``; without those of a spec that the class does not know."""
    origin = objective.origin
    known: dict[str, object] = {}
    if origin is not None:
        known = {
            "emitted_format": objective.emitted_format,
            "spec": origin.name,
            "spec_sha256": origin.sha256,
            "constants": dict(origin.constants),
        }
    if objective.data_record is not None:
        known["data"] = dict(objective.data_record)
    compiler = {} if origin is None else {"graphdsl": origin.compiler}
    return {
        **known,
        "parameters": objective.settings(),
        "networks": {
            name: f"{type(network).__module__}:{type(network).__qualname__}"
            for name, network in objective.own_networks.items()
        },
        "module": repr(objective).splitlines(),
        "versions": {**compiler, "python": platform.python_version(), "torch": torch.__version__},
    }


def as_json(content: object) -> bytes:
    """Write JSON as text of UTF-8."""
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode("utf-8")


def as_safetensors(tensors: Mapping[str, Tensor]) -> bytes:
    """Write tensors, each with memory of its own, from whichever device."""
    with _safetensors():
        from safetensors.torch import save as written

    return written(
        {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    )


def read_saved(path: Path) -> Saved:
    """Read a saved model, or the one in a checkpoint.  Raises `CannotLoad`."""
    files = _files(path)
    model = object_in(path, files[MODEL])
    if model.get("format") not in _READ:
        refuse(path, f"it is not of the form {_FORMAT}, but of {shown(model.get('format'))}")
    number = model.get("emitted_format", EMITTED_FORMAT)
    if number != EMITTED_FORMAT:
        refuse(
            path,
            f"its module has the emitted format {shown(number)}, and this version of graphdsl "
            f"emits {EMITTED_FORMAT}: load it with {version_in(model)}",
        )
    spec = files.get(_SPEC)
    return Saved(
        path=path,
        spec=None if spec is None else _text(path, _SPEC, spec),
        sha256=word_in(path, "spec_sha256", model.get("spec_sha256")),
        constants=words_in(path, "constants", model.get("constants")),
        parameters=numbers_in(path, model.get("parameters")),
        networks=words_in(path, "networks", model.get("networks")) or {},
        module=lines_in(path, model.get("module")),
        data=record_in(path, model.get("data")),
        weights=_tensors(path, files[_WEIGHTS]),
    )


def refuse_other_shapes(objective: Objective, saved: Saved) -> None:
    """Refuse weights of other names or shapes than an objective's, which may be on ``meta``.

    So nothing is built that the weights are not there for, whatever sizes a spec asks for.
    Raises `CannotLoad`.
    """
    _check_names(saved.path, saved.weights, objective.state_dict())


def restore(objective: Objective, saved: Saved) -> None:
    """Give an objective the state of a saved model, in the precision that this has.

    Raises `CannotLoad`, with the first difference, where it is the state of another module.
    """
    path = saved.path
    floats = {
        saved.weights[name].dtype
        for name, parameter in objective.named_parameters()
        if parameter.is_floating_point() and name in saved.weights
    }
    if len(floats) == 1 and (kind := floats.pop()).is_floating_point:
        objective.to(kind)
    _check_state(path, saved.weights, objective)
    try:
        objective.load_state_dict(dict(saved.weights))
    except (ObjectiveError, RuntimeError, ValueError) as problem:
        refuse(path, " ".join(str(problem).split())[:300])
    here = repr(objective).splitlines()
    for there, ours in zip_longest(saved.module, here, fillvalue="(nothing)"):
        if there.strip() != ours.strip() and not saved.networks:
            refuse(
                path,
                "this version of graphdsl makes another module of its spec.\n"
                f"  saved: {visible(there.strip(), keep='')}\n"
                f"  made:  {ours.strip()}",
            )


def _refuse_other_content(folder: Path) -> None:
    """Refuse a folder that is not a saved model: what else it holds would be lost."""
    there = present(folder)
    if not os.path.lexists(there):
        return
    place = visible(str(folder), keep="")
    if not there.is_dir():
        raise CannotSave(f"{place} is a file: a model is saved in a folder of its own")
    others = sorted(one.name for one in there.iterdir() if one.name not in _OURS)
    if others:
        raise CannotSave(
            f"{place} holds `{visible(others[0], keep='')}`, which is no part of a saved model and "
            "would be lost: save to a folder of its own"
        )


def _files(path: Path) -> dict[str, bytes]:
    """Read the files of a saved model, and hold them against their hashes."""
    folder = present(path)
    if not os.path.lexists(folder):
        refuse(path, "there is no such folder")
    if not folder.is_dir():
        refuse(path, "it is a file, and a saved model is a folder")
    names = [_SUMS, MODEL, _WEIGHTS, *([_SPEC] if os.path.lexists(folder / _SPEC) else [])]
    try:
        files = {name: _content(folder / name) for name in names}
    except OSError as problem:
        missing = Path(os.fsdecode(problem.filename or _SUMS)).name
        refuse(path, f"`{missing}` cannot be read: {(problem.strerror or str(problem)).lower()}")
    except TooLarge as problem:
        refuse(path, f"{problem}: it is no part of a saved model")
    sums = files.pop(_SUMS).splitlines()
    for name, content in files.items():
        if f"{hashlib.sha256(content).hexdigest()}  {name}".encode() not in sums:
            refuse(path, f"`{name}` is damaged: its SHA-256 is not the one that was saved")
    return files


def _content(file: Path) -> bytes:
    """Read a file of any size if it holds weights, and of a text's size otherwise."""
    return file.read_bytes() if file.name == _WEIGHTS else read_at_most(file, _LARGEST)


def _check_state(path: Path, there: Mapping[str, Tensor], objective: nn.Module) -> None:
    here = objective.state_dict()
    _check_names(path, there, here)
    for name, other in here.items():
        one = there[name]
        if one.dtype != other.dtype:
            refuse(path, f"`{name}` is {_described(one)}; expected {_described(other)}")
    for name, _ in objective.named_parameters(remove_duplicate=False):
        if not there[name].isfinite().all():
            refuse(path, f"`{name}` is not finite")


def _check_names(path: Path, there: Mapping[str, Tensor], here: Mapping[str, Tensor]) -> None:
    for name, other in here.items():
        if name not in there:
            refuse(path, f"its weights lack `{name}`, which the spec's module has")
        if there[name].shape != other.shape:
            refuse(path, f"`{name}` is {_described(there[name])}; expected {_described(other)}")
    for name, one in there.items():
        if name not in here and (name != _ROWS or one.numel() != 1):
            refuse(path, f"its weights hold {shown(name)}, which the spec's module has not")


def _described(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} of shape {tuple(tensor.shape)}"


def _tensors(path: Path, content: bytes) -> dict[str, Tensor]:
    with _safetensors():
        from safetensors.torch import load as loaded
    try:
        return {name: one.clone() for name, one in loaded(content).items()}
    except Exception as problem:  # whatever another library says of a file that is none of ours
        said = visible(" ".join(str(problem).split())[:200], keep="")
        refuse(path, f"`{_WEIGHTS}` is no whole safetensors file: {said}")


def _text(path: Path, name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        refuse(path, f"`{name}` is no text in UTF-8")


class _Safetensors:
    """Say what to install where the library of the format is missing."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, problem: BaseException | None, __: object) -> None:
        if isinstance(problem, ModuleNotFoundError):
            raise ObjectiveError(
                "saved models need safetensors, which is not installed: "
                'pip install "graphdsl[train]"'
            ) from None


_safetensors = _Safetensors
