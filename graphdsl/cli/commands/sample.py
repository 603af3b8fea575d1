"""`graphdsl sample`: rows that a model makes up."""

from __future__ import annotations

__all__ = ["command"]

from typing import TYPE_CHECKING, Annotated

import typer

from graphdsl.cli.console import fail
from graphdsl.cli.using import (
    BatchSize,
    Checkpoint,
    OldSpec,
    Result,
    Rows,
    Run,
    Seed,
    opened,
    refusals,
    rows_of,
    write_table,
)

if TYPE_CHECKING:
    from graphdsl_runtime import Batch


def command(
    run: Run,
    out: Result,
    number: Annotated[
        int | None, typer.Option("-n", "--number", min=1, help="How many rows; with --data, its.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="What p conditions on and does not generate.")
    ] = None,
    rows: Rows = Rows.all,
    batch_size: BatchSize = 256,
    seed: Seed = 0,
    checkpoint: Checkpoint = None,
    spec: OldSpec = None,
) -> None:
    """Draw rows from a trained model: latents from their priors, means and a sample of the data."""
    from graphdsl_runtime.in_use import sample
    from graphdsl_runtime.in_use.codes import generated

    objective = opened(run, checkpoint, spec)
    given: Batch = {}
    if data is not None:
        with refusals():
            made = generated(objective)
        conditions = [
            one for one in objective.variables if one.role != "latent" and one.name not in made
        ]
        if not conditions:
            fail("graphdsl: this model conditions on no data: leave out --data", code=2)
        given, found = rows_of(conditions, data, rows)
        if number is not None and number != found:
            fail(f"graphdsl: the data hold {found} rows, and -n asks for {number}", code=2)
        number = found
    if number is None:
        fail("graphdsl: say how many rows: -n 100", code=2)
    with refusals():
        drawn = sample(objective, number, given, batch_size=batch_size, seed=seed)
    latents = {one.name for one in objective.variables if one.role == "latent"}
    results = {
        f"{name}.{word}": one
        for name, value in drawn.items()
        for word, one in (("mean", value.mean), ("sample", value.sample))
        if word == "sample" or name not in latents
    }
    write_table(out, results, objective.variables, f"{number} rows: {', '.join(drawn)}")
