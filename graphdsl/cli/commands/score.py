"""`graphdsl score`: what each row costs."""

from __future__ import annotations

__all__ = ["command"]

from typing import Annotated

import typer

from graphdsl.cli.console import say
from graphdsl.cli.records import with_settings
from graphdsl.cli.using import (
    Data,
    Device,
    Loading,
    Reading,
    Result,
    Run,
    Seed,
    data_of,
    opened,
    refusals,
    rows_of,
    write_table,
)


@with_settings(reading=Reading, loading=Loading)
def command(
    *,
    run: Run,
    data: Data,
    out: Result,
    samples: Annotated[
        int | None,
        typer.Option(min=1, help="Bound -log p of each row by so many importance weights instead."),
    ] = None,
    reading: Reading,
    seed: Seed = 0,
    device: Device = "cpu",
    loading: Loading,
) -> None:
    """Write the loss and its terms of each row, in nats; or, with --samples, a bound of -log p."""
    from graphdsl_runtime.in_use import row_terms

    objective = opened(run, loading, device)
    given = rows_of(objective, data_of(objective), data, reading)
    with refusals():
        if samples is not None:
            from graphdsl.api.likelihood import bound_of_rows

            scores = {"importance": bound_of_rows(objective, given.batch, samples, seed=seed)}
        else:
            terms = row_terms(objective, given.batch, batch_size=reading.batch_size, seed=seed)
            scores = dict(terms.terms)
            if terms.of_batches:
                say(f"left out, as no row has it by itself: {', '.join(terms.of_batches)}")
    write_table(
        out, scores, objective, f"{len(given.places)} rows, in nats: {', '.join(scores)}", given
    )
