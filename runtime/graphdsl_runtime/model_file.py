"""The entries of a saved model's `model.json`, each read whole or refused."""

# ruff: noqa: N818  (errors are named after the mistake, as in `errors`)

from __future__ import annotations

__all__ = [
    "MODEL",
    "CannotLoad",
    "checkpoint_in",
    "lines_in",
    "numbers_in",
    "object_in",
    "record_in",
    "refuse",
    "shown",
    "version_in",
    "word_in",
    "words_in",
]

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from graphdsl_files import present, visible
from graphdsl_runtime.errors import ObjectiveError

MODEL = "model.json"


class CannotLoad(ObjectiveError):
    """A folder is no saved model, or none that this version can make an objective of.

    >>> CannotLoad(Path("mine"), "there is no such folder")
    CannotLoad('mine cannot be loaded: there is no such folder')
    """

    def __init__(self, path: Path, said: str) -> None:
        super().__init__(f"{visible(str(path), keep='')} cannot be loaded: {visible(said)}")
        self.path = path


def checkpoint_in(run: Path, names: Sequence[str] = ("best", "last")) -> Path | None:
    """Find the first checkpoint of these names that a run's folder holds."""
    return next((run / name for name in names if present(run / name).is_dir()), None)


def refuse(path: Path, said: str) -> NoReturn:
    """Raise `CannotLoad`."""
    raise CannotLoad(path, said)


def object_in(path: Path, content: bytes) -> Mapping[str, object]:
    """Read the whole file."""
    try:
        content_of = json.loads(content.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        refuse(path, f"`{MODEL}` is no JSON")
    if not isinstance(content_of, dict):
        refuse(path, f"`{MODEL}` is no JSON object")
    return content_of


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def word_in(path: Path, name: str, value: object) -> str:
    """Check a text."""
    if not isinstance(value, str):
        refuse(path, f"`{name}` in `{MODEL}` is no text")
    return value


def words_in(path: Path, name: str, value: object) -> dict[str, str] | None:
    """Check texts by their names; None where the file does not say."""
    if value is None:
        return None
    if not isinstance(value, dict):
        refuse(path, f"`{name}` in `{MODEL}` is no object")
    return {key: word_in(path, key, one) for key, one in value.items()}


def numbers_in(path: Path, value: object) -> dict[str, float] | None:
    """Check the parameters; None where the file does not say."""
    if value is None:
        return None
    if not isinstance(value, dict):
        refuse(path, f"`parameters` in `{MODEL}` is no object")
    for name, one in value.items():
        if type(one) not in (int, float) or abs(one) > 1e300 or not math.isfinite(one):
            refuse(path, f"the parameter {shown(name)} is no number")
    return {name: float(one) for name, one in value.items()}


def lines_in(path: Path, value: object) -> tuple[str, ...]:
    """Check the printed module."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        refuse(path, f"`{MODEL}` does not say which module was saved")
    return tuple(value)


def record_in(path: Path, value: object) -> Mapping[str, object] | None:
    """Check how the data were read; None where the file does not say."""
    if value is not None and not isinstance(value, dict):
        refuse(path, f"`data` in `{MODEL}` is no object")
    return value


def version_in(model: Mapping[str, object]) -> str:
    """Name the version that a model was saved by."""
    versions = model.get("versions")
    found: Iterable[str] = versions if isinstance(versions, dict) else ()
    if "graphdsl" not in found:
        return "the version that saved it"
    return f"graphdsl {shown(versions['graphdsl'])}"  # type: ignore[index]  # it is a dict here


def shown(value: object) -> str:
    """Show a value of the file in a message."""
    return visible(repr(value)[:100], keep="")
