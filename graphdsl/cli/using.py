"""What the commands have in common that use a trained model: which one, on what, and where to."""

from __future__ import annotations

__all__ = [
    "BatchSize",
    "Checkpoint",
    "Data",
    "OldSpec",
    "Part",
    "Result",
    "Rows",
    "Run",
    "Seed",
    "needed",
    "opened",
    "refusals",
    "rows_of",
    "write_table",
]

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdsl.cli.console import fail, say, shown, write
from graphdsl_files import write_whole

if TYPE_CHECKING:
    from torch import Tensor

    from graphdsl_runtime import Batch, Objective, Variable

_SUFFIXES = (".npz", ".csv", ".parquet")


class Rows(StrEnum):
    """Which rows of the data."""

    all = "all"
    train = "train"
    held_out = "held-out"


class Part(StrEnum):
    """Which checkpoint of a run."""

    best = "best"
    last = "last"


def _ending(out: Path) -> Path:
    """Refuse a file's name before anything is computed for it."""
    if str(out) != "-" and out.suffix.lower() not in _SUFFIXES:
        raise typer.BadParameter(f"{shown(out)} ends with none of {', '.join(_SUFFIXES)}")
    return out


Run = Annotated[Path, typer.Argument(help="A run's folder, or a saved model.")]
Data = Annotated[str, typer.Option(help="An .npz of arrays by name, or digits, mnist:PATH, ...")]
Result = Annotated[
    Path,
    typer.Option(
        "-o", "--out", callback=_ending, help="Where to write: .npz, .csv or .parquet; - is CSV."
    ),
]
BatchSize = Annotated[int, typer.Option(min=1, help="Rows at once; no result depends on it.")]
Seed = Annotated[int, typer.Option(min=0, help="Of the samples.")]
Checkpoint = Annotated[Part | None, typer.Option(help="Of a run; by default best, else last.")]
OldSpec = Annotated[str | None, typer.Option("--spec", help="Of a run that kept none.")]


def opened(run: Path, checkpoint: Part | None, spec: str | None) -> Objective:
    """The trained model; stops with a line and code 1 where it cannot be loaded."""
    from graphdsl.api import load
    from graphdsl.cli.sources import open_source

    gc.enable()
    with refusals():
        return load(
            run,
            checkpoint=None if checkpoint is None else checkpoint.value,
            spec=None if spec is None else open_source(spec),
        )


@contextmanager
def refusals() -> Iterator[None]:
    """Stop with a line and code 1 for what a model or its data can be refused for."""
    from graphdsl.api.likelihood import NoLikelihood
    from graphdsl_runtime import ObjectiveError
    from graphdsl_runtime.training import TrainingError

    try:
        yield
    except (NoLikelihood, ObjectiveError, TrainingError) as problem:
        fail(f"graphdsl: {problem}")


def needed(objective: Objective) -> list[Variable]:
    """The variables whose data a loss reads, and those that rows may lack."""
    return [one for one in objective.variables if one.role != "latent"]


def rows_of(variables: Sequence[Variable], data: str, which: Rows = Rows.all) -> tuple[Batch, int]:
    """The data of some variables, and how many rows there are; stops with code 1 for any lack.

    The rows of a built-in data set are those for training, and then those that are held out.
    """
    with refusals():
        batch = (
            _npz(variables, data, which)
            if data.endswith(".npz")
            else _named(variables, data, which)
        )
        _refuse_missing(variables, batch, data)
    return batch, len(next(iter(batch.values())))


def write_table(
    out: Path, results: Mapping[str, Tensor], variables: Sequence[Variable], what: str
) -> None:
    """Write results as their file's name ends, whole or not at all."""
    from graphdsl_runtime.in_use.tables import table_bytes

    suffix = ".csv" if str(out) == "-" else out.suffix.lower()
    with refusals():
        content = table_bytes(suffix, results, variables)
    if str(out) == "-":
        write(content.decode("utf-8"), out)
        return
    try:
        write_whole(out, content)
    except OSError as problem:
        why = (problem.strerror or str(problem)).lower()
        fail(f"graphdsl: {shown(out)} cannot be written: {why}")
    say(f"{shown(out)}: {what}")


def _npz(variables: Sequence[Variable], data: str, which: Rows) -> Batch:
    from graphdsl_runtime.in_use.tables import read_npz

    if which is not Rows.all:
        fail(f"graphdsl: {shown(data)} is not split: --rows {which} is for data sets that are", 2)
    return read_npz(Path(data).expanduser(), variables)


def _named(variables: Sequence[Variable], data: str, which: Rows) -> Batch:
    import torch

    from graphdsl_runtime.training import load_data

    fitted = load_data(data).fit_to(variables)
    parts = {
        Rows.all: [fitted.train, fitted.test],
        Rows.train: [fitted.train],
        Rows.held_out: [fitted.test],
    }[which]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _refuse_missing(variables: Iterable[Variable], batch: Batch, data: str) -> None:
    """Refuse data without a variable that no row may lack: it would be taken for unseen."""
    from graphdsl_runtime import ObjectiveError

    for one in variables:
        members = one.member_names
        there = one.name in batch or all(name in batch for name in members)
        if not there and not one.optional:
            raise ObjectiveError(f"{shown(data)} has no `{one.name}`, which the model reads")
