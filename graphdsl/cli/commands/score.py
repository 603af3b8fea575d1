"""`graphdsl score`: what each row costs."""

from __future__ import annotations

__all__ = ["command"]

from typing import Annotated

import typer

from graphdsl.cli.console import say
from graphdsl.cli.using import (
    BatchSize,
    Checkpoint,
    Data,
    OldSpec,
    Result,
    Rows,
    Run,
    Seed,
    needed,
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
    batch_size: BatchSize = 256,
    seed: Seed = 0,
    checkpoint: Checkpoint = None,
    spec: OldSpec = None,
) -> None:
    """Write the loss and its terms of each row, in nats; or, with --samples, a bound of -log p."""
    from graphdsl_runtime.in_use import row_terms

    objective = opened(run, checkpoint, spec)
    batch, count = rows_of(needed(objective), data, rows)
    with refusals():
        if samples is not None:
            from graphdsl.api.likelihood import bound_of_rows

            found = {"importance": bound_of_rows(objective, batch, samples, seed=seed)}
        else:
            terms = row_terms(objective, batch, batch_size=batch_size, seed=seed)
            found = dict(terms.terms)
            if terms.of_batches:
                say(f"left out, as no row has it by itself: {', '.join(terms.of_batches)}")
    write_table(out, found, objective.variables, f"{count} rows, in nats: {', '.join(found)}")
