"""What runs came to: validation figures from their folders, and figures on held-out rows."""

from __future__ import annotations

__all__ = ["Result", "figures_on_held_out_rows", "is_complete", "read_result", "result_of"]

import csv
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphdsl.sweeps.folder import Run
from graphdsl.sweeps.mistakes import refused
from graphdsl_files import TrainingSettings, present, read_at_most

_FORMAT = "graphdsl.sweep-run/1"
_MOST = 2**26  # bytes of a file that is read
_ENDING = ("epochs", "early_stop", "patience")
_TRAIN, _HELD_OUT = "train/", "held_out/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a finished run came to, at the epoch of the checkpoint that `load` takes."""

    run: Run
    epoch: int
    epochs: int
    train: Mapping[str, float]
    validation: Mapping[str, float]


def is_complete(folder: Path) -> bool:
    """Say whether a run has done all the epochs that its `run.toml` asks for.

    A run that `--early-stop` has ended is complete.
    """
    try:
        settings = tomllib.loads(read_at_most(folder / "run.toml", _MOST).decode("utf-8"))["run"]
        held_out = [epoch["held_out"] for epoch in _state(folder)["history"]]
        known = {name: settings[name] for name in _ENDING if name in settings}
        asked = TrainingSettings(**known)
        return len(held_out) >= asked.epochs or asked.stalls(held_out)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def result_of(folder: Path) -> bytes:
    """Read what a run that is complete came to, as JSON.

    The figures are of the best epoch where the run has a `best/`, and of the last one otherwise:
    the checkpoint that `graphdsl evaluate` takes.
    """
    rows = list(csv.DictReader(_text(folder / "metrics.csv").splitlines()))
    best = _state(folder).get("best")
    chosen = rows[best - 1] if best and present(folder / "best").is_dir() else rows[-1]
    figures = {
        part: {
            name.removeprefix(prefix): float(value)
            for name, value in chosen.items()
            if name.startswith(prefix)
        }
        for part, prefix in (("train", _TRAIN), ("validation", _HELD_OUT))
    }
    content = {
        "format": _FORMAT,
        "epoch": int(chosen["epoch"]),
        "epochs": len(rows),
        **figures,
    }
    return (json.dumps(content, indent=1) + "\n").encode("utf-8")


def read_result(run: Run) -> Result | None:
    """Read the result of a run; None if it is not finished.  Raises `SweepRefused`."""
    if not run.result.exists():
        return None
    try:
        known = json.loads(_text(run.result))
        if known["format"] != _FORMAT:
            raise ValueError(known["format"])
        return Result(
            run=run,
            epoch=int(known["epoch"]),
            epochs=int(known["epochs"]),
            train=_figures(known["train"]),
            validation=_figures(known["validation"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise refused(
            "SWEEP11", str(run.result), "is no result of a run", "remove it: the run then goes on"
        ) from None


def figures_on_held_out_rows(run: Run) -> Mapping[str, float]:
    """Read what `graphdsl evaluate` found: the terms, and the bound of -log p where there is one.

    Raises `SweepRefused`.
    """
    try:
        known = json.loads(_text(run.test))
        bound = known["importance"]["bound"]
        return {**_figures(known["nats_per_row"]), **({} if bound is None else {"-log p": bound})}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise refused(
            "SWEEP11", str(run.test), "holds no figures", "remove it: it is computed again"
        ) from None


def _figures(known: Mapping[str, object]) -> dict[str, float]:
    return {str(name): float(value) for name, value in known.items()}  # type: ignore[arg-type]  # what is no number raises


def _state(folder: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(_text(present(folder / "last") / "state.json"))
    return state


def _text(path: Path) -> str:
    return read_at_most(path, _MOST).decode("utf-8")
