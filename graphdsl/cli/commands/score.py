"""`graphdsl score`: what each row costs."""

from __future__ import annotations

__all__ = ["command"]

from typing import Annotated

import typer

from graphdsl.cli.console import say
from graphdsl.cli.networks import OwnNetworks
from graphdsl.cli.options import DropIncomplete, Maps
from graphdsl.cli.using import (
    BatchSize,
    Checkpoint,
    Data,
    Device,
    OldSpec,
    Reading,
    Result,
    Rows,
    Run,
    Seed,
    data_of,
    opened,
    refusals,
    rows_of,
    write_table,
)


def command(
    run: Run,
    data: Data,
    out: Result,
    samples: Annotated[
        int | None,
        typer.Option(min=1, help="Bound -log p of each row by so many importance weights instead."),
    ] = None,
    rows: Rows = Rows.all,
    maps: Maps = None,
    drop_incomplete: DropIncomplete = False,
    batch_size: BatchSize = 256,
    seed: Seed = 0,
    device: Device = "cpu",
    checkpoint: Checkpoint = None,
    spec: OldSpec = None,
    networks: OwnNetworks = None,
) -> None:
    """Write the loss and its terms of each row, in nats; or, with --samples, a bound of -log p."""
    from graphdsl_runtime.in_use import row_terms

    objective = opened(run, checkpoint, spec, networks, device)
    options = Reading(rows=rows, maps=maps or (), drop_incomplete=drop_incomplete)
    given = rows_of(objective, data_of(objective), data, options)
    with refusals():
        if samples is not None:
            from graphdsl.api.likelihood import bound_of_rows

            found = {"importance": bound_of_rows(objective, given.batch, samples, seed=seed)}
        else:
            terms = row_terms(objective, given.batch, batch_size=batch_size, seed=seed)
            found = dict(terms.terms)
            if terms.of_batches:
                say(f"left out, as no row has it by itself: {', '.join(terms.of_batches)}")
    write_table(
        out, found, objective, f"{len(given.places)} rows, in nats: {', '.join(found)}", given
    )
