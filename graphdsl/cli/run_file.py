"""`--config`: the `run.toml` of a run, or one of one's own, that says what to train."""

from __future__ import annotations

__all__ = ["RunFile", "kept_specs", "read_run_file"]

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from graphdsl.cli.console import fail
from graphdsl.cli.records import Given
from graphdsl.diagnostics import nearest
from graphdsl.runs.reading import DataOptions
from graphdsl_files import Setting, TooLarge, TrainingSettings, read_at_most, settings_of, shown

_MOST = 2**20  # bytes of a file
_TABLE = "run"

#: Entries of a run's record that make nothing again.
_NOTED = ("model", "command")
_TEXTS = ("spec", "data", "networks", "spec_sha256", "init_sha256")
_LISTS = ("const", "param")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFile:
    """What a `run.toml` says."""

    place: Path
    spec: str | None = None
    data: str | None = None
    networks: str | None = None
    spec_sha256: str | None = None
    init_sha256: str | None = None  #: of the weights that it began with
    const: tuple[str, ...] = ()
    param: tuple[str, ...] = ()
    options: Given
    training: Given


def read_run_file(place: Path) -> RunFile:
    """Read the table ``[run]``; stops with code 1, and all that is wrong."""
    table = _table(place)
    problems: list[str] = []
    values: dict[str, Any] = {}
    settings = {
        **{name: (one, "text") for name, one in _own().items()},
        **{one.key: (one, "options") for one in settings_of(DataOptions).values()},
        **{one.key: (one, "training") for one in settings_of(TrainingSettings).values()},
    }
    parts: dict[str, dict[str, Any]] = {"options": {}, "training": {}, "text": values}
    for key, value in table.items():
        if key in _NOTED:
            continue
        if key not in settings:
            close = nearest(key, settings)
            hint = f"did you mean `{close}`?" if close else "`graphdsl train --help` lists options"
            problems.append(f"`{shown(key)}` is no setting of a run; {hint}")
            continue
        one, part = settings[key]
        try:
            parts[part][one.name] = one.admit(value)
        except ValueError as expected:
            problems.append(f"`{key}` is {shown(repr(value))}; {expected}")
    if problems:
        _refuse(place, problems)
    return RunFile(place=place, **values, options=parts["options"], training=parts["training"])


def _own() -> dict[str, Setting]:
    """The entries that are no settings of a record."""
    texts = {name: Setting(name=name, kind=str, default=None, help="") for name in _TEXTS}
    lists = {name: Setting(name=name, kind=tuple[str, ...], default=(), help="") for name in _LISTS}
    return {**texts, **lists}


def _table(place: Path) -> Mapping[str, object]:
    try:
        content = tomllib.loads(read_at_most(place, _MOST).decode("utf-8"))
    except OSError as problem:
        why = (problem.strerror or str(problem)).lower()
        fail(f"graphdsl: {shown(place)} cannot be read: {why}", code=2)
    except (TooLarge, ValueError, RecursionError) as problem:
        _refuse(place, [f"it is no TOML: {' '.join(str(problem).split())[:200]}"])
    table = content.get(_TABLE)
    if not isinstance(table, dict):
        _refuse(place, [f"it has no table [{_TABLE}]"])
    return table


def _refuse(place: Path, problems: list[str]) -> NoReturn:
    lines = "".join(f"\nRUN05  {problem}" for problem in problems)
    fail(f"graphdsl: {shown(place)} cannot be used{lines}")


def kept_specs(place: Path) -> Iterator[Path]:
    """The copies of the spec that the run of a `run.toml` keeps."""
    for part in ("last", "best"):
        yield place.parent / part / "spec.mib"
