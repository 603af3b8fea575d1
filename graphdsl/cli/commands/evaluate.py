"""`graphdsl evaluate`: what a trained model comes to on data."""

from __future__ import annotations

__all__ = ["command"]

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdsl.cli.console import fail, print_lines, say, shown, write
from graphdsl.cli.networks import OwnNetworks
from graphdsl.cli.options import DropIncomplete, Maps
from graphdsl.cli.using import (
    BatchSize,
    Checkpoint,
    Data,
    Device,
    OldSpec,
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

if TYPE_CHECKING:
    from graphdsl.api.evaluation import Evaluation
    from graphdsl.api.probing import Probe
    from graphdsl_runtime import Objective


def command(
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
    maps: Maps = None,
    drop_incomplete: DropIncomplete = False,
    batch_size: BatchSize = 256,
    seed: Seed = 0,
    device: Device = "cpu",
    checkpoint: Checkpoint = None,
    spec: OldSpec = None,
    networks: OwnNetworks = None,
) -> None:
    """Measure a trained model: the loss and its terms, a bound of -log p, and active units."""
    from graphdsl.api.evaluation import evaluate

    objective = opened(run, checkpoint, spec, networks, device)
    which = rows or (Rows.held_out if trained_on(objective, data) else Rows.all)
    options = Reading(rows=which, maps=maps or (), drop_incomplete=drop_incomplete)
    given = rows_of(objective, data_of(objective), data, options)
    with refusals():
        found = evaluate(objective, given.batch, samples=samples, batch_size=batch_size, seed=seed)
        probes = _probes(objective, data, probe or (), options, batch_size)
    found = replace(found, probes=probes)
    print_lines(_lines(found, which))
    for line in found.remarks:
        say(line)
    if found.active:
        print_lines(["active units"])
        print_lines(
            f"  {name:<24} {active} of {units}" for name, (active, units) in found.active.items()
        )
    if found.probes:
        print_lines(["from the codes, on held-out rows"])
        print_lines(map(_probed, found.probes))
    if out is not None:
        write(json.dumps(found.to_dict(), indent=1) + "\n", out)
        say(f"{shown(out)}: the figures")


def _probes(
    objective: Objective, data: str, names: Sequence[str], options: Reading, batch_size: int
) -> tuple[Probe, ...]:
    """Fit probes to the codes of the training rows, and try them on those of the held-out ones."""
    if not names:
        return ()
    from graphdsl.api.probing import probe_of_column
    from graphdsl_runtime.data import open_table
    from graphdsl_runtime.in_use import encode, read_by_infer
    from graphdsl_runtime.in_use.codes import refuse_no_codes

    refuse_no_codes(objective)
    train, test = (
        rows_of(objective, read_by_infer(objective), data, replace(options, rows=part))
        for part in (Rows.train, Rows.held_out)
    )
    codes = tuple(encode(objective, part.batch, batch_size=batch_size) for part in (train, test))
    table, places = open_table(data), (train.places, test.places)
    try:
        return tuple(probe_of_column(table, name, (codes[0], codes[1]), places) for name in names)
    except ValueError as problem:
        fail(f"graphdsl: {problem}")


def _probed(one: Probe) -> str:
    return (
        f"  {one.of:<24} {one.kind}: {one.linear:.4f} linear, {one.neighbours:.4f} by neighbours, "
        f"{one.without:.4f} without codes, of {one.rows} rows"
    )


def _lines(found: Evaluation, which: Rows) -> Iterator[str]:
    kind = "" if which is Rows.all else f"{which} "
    yield f"nats per row, of {found.rows} {kind}rows"
    for name, value in found.terms.items():
        yield f"  {name:<24} {value:.4f}"
    if found.bound is not None:
        label = f"-log p, {found.samples} samples"
        yield f"  {label:<24} {found.bound:.4f}  (standard error {found.bound_error:.4f})"
