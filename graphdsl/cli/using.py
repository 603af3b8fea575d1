"""What the commands have in common that use a trained model: which one, on what, and where to."""

from __future__ import annotations

__all__ = [
    "Data",
    "Device",
    "Loading",
    "Reading",
    "Result",
    "Rows",
    "Run",
    "Seed",
    "data_of",
    "means_and_samples",
    "opened",
    "refusals",
    "rows_of",
    "trained_on",
    "write_bytes",
    "write_table",
]

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdsl.cli.console import fail, say, write
from graphdsl.cli.devices import device_of, lacks_memory
from graphdsl.cli.networks import NETWORKS_HELP, NETWORKS_METAVAR, networks_of
from graphdsl.ir.symbols import entry_word
from graphdsl.runs.reading import (
    IMAGES,
    DataOptions,
    read_rows,
    setting_of_drop_incomplete,
    setting_of_maps,
)
from graphdsl_files import setting, shown, write_whole

if TYPE_CHECKING:
    from torch import Tensor

    from graphdsl_runtime import Objective
    from graphdsl_runtime.data import ReadRows
    from graphdsl_runtime.in_use.codes import Drawn

_SUFFIXES = (".npz", ".csv", ".parquet", ".h5ad")


class Rows(StrEnum):
    """Which rows of the data."""

    all = "all"
    train = "train"
    validation = "validation"
    held_out = "held-out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the data are read, and how many rows are computed at once."""

    rows: Rows = setting(Rows.all, "Which rows, where the data are split.")  # noqa: RUF009  # a field
    maps: tuple[str, ...] = setting_of_maps()
    drop_incomplete: bool = setting_of_drop_incomplete()
    batch_size: int = setting(256, "Rows at once; no result depends on it.", low=1)


class Part(StrEnum):
    """Which checkpoint of a run."""

    best = "best"
    last = "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """Which checkpoint of a run is loaded, and what it lacks."""

    checkpoint: Part | None = setting(None, "Of a run, by default best/, else last/.")  # noqa: RUF009  # a field
    spec: str | None = setting(None, "The spec of a run that did not keep it.")
    networks: str | None = setting(None, NETWORKS_HELP, metavar=NETWORKS_METAVAR)


def _ending(out: Path) -> Path:
    """Refuse a file's name before anything is computed for it."""
    if str(out) != "-" and out.suffix.lower() not in _SUFFIXES:
        raise typer.BadParameter(f"{shown(out)} ends with none of {', '.join(_SUFFIXES)}")
    return out


Run = Annotated[Path, typer.Argument(help="A run's folder, or a saved model.")]
Data = Annotated[str, typer.Option(help="A file, or digits, mnist:DIR, ..., as for train.")]
Result = Annotated[
    Path,
    typer.Option(
        "-o",
        "--out",
        callback=_ending,
        help="Where to write: .npz, .csv, .parquet or .h5ad; - is CSV.",
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the samples.")]
Device = Annotated[
    str, typer.Option(metavar="DEVICE", help="Where to compute: cpu, cuda, cuda:1, mps, or auto.")
]


def opened(run: Path, loading: Loading, device: str = "cpu") -> Objective:
    """The trained model, on a device; stops with a line and code 1 where it cannot be loaded."""
    from graphdsl.api import load
    from graphdsl.cli.sources import open_source

    gc.enable()
    place = device_of(device)
    with refusals():
        return load(
            run,
            checkpoint=None if loading.checkpoint is None else loading.checkpoint.value,
            spec=None if loading.spec is None else open_source(loading.spec),
            networks=networks_of(loading.networks),
        ).to(place)


@contextmanager
def refusals() -> Iterator[None]:
    """Stop with a line and code 1 for what a model or its data can be refused for."""
    from graphdsl.api.likelihood import NoLikelihood
    from graphdsl_runtime import ObjectiveError
    from graphdsl_runtime.data import DataRefused
    from graphdsl_runtime.training import TrainingError

    try:
        yield
    except DataRefused as problem:
        fail(f"graphdsl: these data cannot be used\n{problem}")
    except (NoLikelihood, ObjectiveError, TrainingError) as problem:
        fail(f"graphdsl: {problem}")
    except RuntimeError as problem:
        if not lacks_memory(problem):
            raise
        fail("graphdsl: there is not enough memory: write a smaller --batch-size")


def data_of(objective: Objective) -> list[str]:
    """The variables that a loss reads the data of."""
    return [variable.name for variable in objective.variables if variable.role != "latent"]


def rows_of(
    objective: Objective,
    needed: Sequence[str],
    data: str,
    options: Reading,
) -> ReadRows:
    """The data of the variables that are needed; stops with code 1 for any mistake in them.

    The rows of a data set that ships are those for training, and then those that are held out.
    """
    with refusals():
        rows = _read(objective, needed, data, options)
    for line in (line for finding in rows.findings for line in finding.lines()):
        say(line)
    return rows


def trained_on(objective: Objective, data: str) -> bool:
    """Whether data are, by their name, those that a model was trained on, or ship with a split."""
    record = objective.data_record
    name = None if record is None else record.get("source")
    return name in (data, Path(data).name) or data.partition(":")[0] in IMAGES


def means_and_samples(distributions: Mapping[str, Drawn]) -> dict[str, Tensor]:
    """The columns `z.mean` and `z.sample` of each variable."""
    return {
        f"{name}.{word}": one
        for name, drawn in distributions.items()
        for word, one in (("mean", drawn.mean), ("sample", drawn.sample))
    }


def write_table(
    out: Path,
    results: Mapping[str, Tensor],
    objective: Objective,
    what: str,
    rows: ReadRows | None = None,
) -> None:
    """Write results as their file's name ends, whole or not at all.

    Where not all rows of the data were ``found``, the first column says which they are.
    """
    import torch

    from graphdsl_runtime.in_use.cells import cells_bytes
    from graphdsl_runtime.in_use.tables import table_bytes

    if rows is not None and len(rows.places) != rows.total:
        results = {"row": torch.tensor(rows.places), **results}
    suffix = ".csv" if str(out) == "-" else out.suffix.lower()
    with refusals():
        if suffix == ".h5ad":
            names = () if rows is None else rows.names
            content = cells_bytes(results, objective.variables, _classes(objective), names)
        else:
            content = table_bytes(suffix, results, objective.variables, _classes(objective))
    if str(out) == "-":
        write(content.decode("utf-8"), out)
        return
    write_bytes(out, content)
    say(f"{shown(out)}: {what}")


def write_bytes(out: Path, content: bytes) -> None:
    """Write a file, whole or not at all; stops with a line where it cannot be written."""
    try:
        write_whole(out, content)
    except OSError as problem:
        why = (problem.strerror or str(problem)).lower()
        fail(f"graphdsl: {shown(out)} cannot be written: {why}")


def _classes(objective: Objective) -> dict[str, list[str]]:
    """The names of classes in the record of the data, which anybody may have written."""
    classes = (objective.data_record or {}).get("classes")
    return {
        name: names
        for name, names in (classes.items() if isinstance(classes, dict) else ())
        if isinstance(names, list) and all(isinstance(one, str) for one in names)
    }


def _read(objective: Objective, needed: Sequence[str], data: str, options: Reading) -> ReadRows:
    import torch

    from graphdsl_runtime.data import ReadRows, open_table, read_batch, refused
    from graphdsl_runtime.training import DataSet

    plain = objective.data_record is None and not options.maps
    if plain and data.partition(":")[0] in IMAGES:  # as `train` reads them
        rows = read_rows(data, objective.variables, DataOptions())
        if isinstance(rows, DataSet):
            fitted = rows.fit_to(objective.variables)
            parts = [fitted.train, fitted.test]
            counts = [len(next(iter(part.values()))) for part in parts]
            if options.rows is Rows.validation:
                said = "comes split in two parts, and no record says which rows validated"
                raise refused("DATA12", data, said, "ask for --rows train or --rows held-out")
            chosen = {"all": (0, 2), "train": (0, 1), "held-out": (1, 2)}[options.rows.value]
            return ReadRows(
                batch={
                    name: torch.cat([part[name] for part in parts[slice(*chosen)]])
                    for name in fitted.train
                    if any(entry_word(one) == name for one in needed)
                },
                places=tuple(range(sum(counts[: chosen[0]]), sum(counts[: chosen[1]]))),
                total=sum(counts),
            )
    return read_batch(
        open_table(data),
        objective.variables,
        needed,
        record=objective.data_record,
        maps=options.maps,
        which=options.rows.value,
        drop_incomplete=options.drop_incomplete,
    )
