"""`graphdsl evaluate`: what a trained model comes to on data."""

from __future__ import annotations

__all__ = ["command"]

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdsl.cli.console import print_lines, say, write
from graphdsl.cli.records import with_settings
from graphdsl.cli.using import (
    Data,
    Device,
    Loading,
    Reading,
    Rows,
    Run,
    Seed,
    data_of,
    opened,
    refusals,
    rows_of,
    trained_on,
)
from graphdsl_files import shown

if TYPE_CHECKING:
    from graphdsl.api.evaluation import Evaluation


@with_settings(reading=Reading, loading=Loading)
def command(
    *,
    run: Run,
    data: Data,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write the figures as JSON, too.")
    ] = None,
    samples: Annotated[
        int, typer.Option(min=0, help="Importance weights of each row; 0 leaves -log p out.")
    ] = 64,
    rows: Annotated[
        Rows | None, typer.Option(help="By default held-out, where the data are split.")
    ] = None,
    probe: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Predict a column of the data from the codes."),
    ] = None,
    factor: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Measure if one unit of the codes holds a factor."),
    ] = None,
    coherence: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Predict a column from views that are translated."),
    ] = None,
    reading: Reading,
    seed: Seed = 0,
    device: Device = "cpu",
    loading: Loading,
) -> None:
    """Measure a trained model: its loss and terms, a bound of -log p, active units, and more."""
    from graphdsl.api.evaluation import evaluate
    from graphdsl.cli.measuring import Measured, more_lines

    objective = opened(run, loading, device)
    which = rows or (Rows.held_out if trained_on(objective, data) else Rows.all)
    reading = replace(reading, rows=which)
    given = rows_of(objective, data_of(objective), data, reading)
    with refusals():
        evaluation = evaluate(
            objective, given.batch, samples=samples, batch_size=reading.batch_size, seed=seed
        )
    measured = Measured(objective, data, reading)
    evaluation = replace(
        evaluation,
        probes=measured.probes(probe or ()),
        gaps=measured.gaps(factor or (), given),
        coherences=measured.coherences(coherence or ()),
        remarks=(*evaluation.remarks, *measured.remarks),
    )
    print_lines(_lines(evaluation, which))
    for line in evaluation.remarks:
        say(line)
    print_lines(more_lines(evaluation))
    if out is not None:
        write(json.dumps(evaluation.to_dict(), indent=1) + "\n", out)
        say(f"{shown(out)}: the figures")


def _lines(evaluation: Evaluation, which: Rows) -> Iterator[str]:
    kind = "" if which is Rows.all else f"{which} "
    yield f"nats per row, of {evaluation.rows} {kind}rows"
    for name, value in evaluation.terms.items():
        yield f"  {name:<24} {value:.4f}"
    if evaluation.bound is not None:
        label = f"-log p, {evaluation.samples} samples"
        yield f"  {label:<24} {evaluation.bound:.4f}  (standard error {evaluation.bound_error:.4f})"
