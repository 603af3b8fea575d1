"""What a checkpoint's files hold, read as something that anybody may have written."""

from __future__ import annotations

__all__ = ["history_of", "json_object", "tensors_of", "text_of"]

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from torch import Tensor

from graphdsl_runtime.training.errors import CannotResume
from graphdsl_runtime.training.extras import train_extra
from graphdsl_runtime.training.metrics import Epoch


def json_object(path: Path, name: str, content: bytes) -> Mapping[str, object]:
    """Read a JSON object.  Raises `CannotResume`.

    >>> json_object(Path("last"), "state.json", b'{"best": null}')
    {'best': None}
    """
    try:
        found = json.loads(content.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):  # of broken text, absurd numbers, absurd nesting
        raise CannotResume(path, f"`{name}` is no JSON") from None
    if not isinstance(found, dict):
        raise CannotResume(path, f"`{name}` is no JSON object")
    return found


def tensors_of(path: Path, name: str, content: bytes) -> dict[str, Tensor]:
    """Read the tensors of a safetensors file.  Raises `CannotResume`."""
    with train_extra():
        from safetensors.torch import load
    try:
        return {key: one.clone() for key, one in load(content).items()}
    except Exception as problem:  # whatever another library says of a file that is none of ours
        said = " ".join(str(problem).split())[:200]
        raise CannotResume(path, f"`{name}` is no whole safetensors file: {said}") from None


def text_of(path: Path, name: str, value: object) -> str:
    """Take a text.  Raises `CannotResume`."""
    if not isinstance(value, str):
        raise CannotResume(path, f"`{name}` is {_kind(value)}, not a text")
    return value


def history_of(path: Path, value: object) -> tuple[Epoch, ...]:
    """Take the losses of all epochs done, at least one.  Raises `CannotResume`.

    >>> means = {"loss": 2.0}
    >>> history_of(Path("last"), [{"number": 1, "train": means, "held_out": means}])
    (Epoch(number=1, train={'loss': 2.0}, held_out={'loss': 2.0}),)
    """
    if not isinstance(value, list):
        raise CannotResume(path, f"its history is {_kind(value)}, not a list of the epochs done")
    if not value:
        raise CannotResume(path, "no epoch of its run came to an end: train anew without it")
    history = tuple(_epoch(path, number, one) for number, one in enumerate(value, 1))
    terms = list(history[0].train)
    for epoch in history:
        if terms[:1] != ["loss"] or not terms == list(epoch.train) == list(epoch.held_out):
            raise CannotResume(path, f"epoch {epoch.number} does not have the terms of the first")
    return history


def _epoch(path: Path, number: int, value: object) -> Epoch:
    if not isinstance(value, dict) or value.keys() != {"number", "train", "held_out"}:
        raise CannotResume(path, f"entry {number} of its history is no epoch")
    if type(value["number"]) is not int or value["number"] != number:
        raise CannotResume(path, f"epoch {number} of its history says {value['number']!r}")
    return Epoch(
        number=number,
        train=_means(path, number, value["train"]),
        held_out=_means(path, number, value["held_out"]),
    )


def _means(path: Path, number: int, value: object) -> dict[str, float]:
    if not isinstance(value, dict):
        raise CannotResume(path, f"epoch {number} of its history has no losses")
    means = {}
    for name, one in value.items():
        if not isinstance(name, str) or type(one) not in (float, int) or not _is_finite(one):
            raise CannotResume(path, f"`{name}` of epoch {number} is no finite number")
        means[name] = float(one)
    return means


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number beyond the floats
        return False


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _kind(value: object) -> str:
    return "missing" if value is None else f"of type {type(value).__name__}"
