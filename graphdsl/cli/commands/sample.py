"""`graphdsl sample`: rows that a model makes up."""

from __future__ import annotations

__all__ = ["command"]

from typing import TYPE_CHECKING, Annotated

import typer

from graphdsl.cli.console import fail
from graphdsl.cli.records import with_settings
from graphdsl.cli.using import (
    Device,
    Loading,
    Reading,
    Result,
    Run,
    Seed,
    data_of,
    means_and_samples,
    opened,
    refusals,
    rows_of,
    write_table,
)

if TYPE_CHECKING:
    from graphdsl_runtime import Batch
    from graphdsl_runtime.data import ReadRows


@with_settings(reading=Reading, loading=Loading)
def command(
    *,
    run: Run,
    out: Result,
    number: Annotated[
        int | None, typer.Option("-n", "--number", min=1, help="How many rows; with --data, its.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="What p conditions on and does not generate.")
    ] = None,
    reading: Reading,
    seed: Seed = 0,
    device: Device = "cpu",
    loading: Loading,
) -> None:
    """Draw rows from a trained model: latents from their priors, means and a sample of the data."""
    from graphdsl_runtime.in_use import sample
    from graphdsl_runtime.in_use.codes import generated

    objective = opened(run, loading, device)
    given: Batch = {}
    rows: ReadRows | None = None
    if data is not None:
        with refusals():
            names = generated(objective)
        conditions = [name for name in data_of(objective) if name not in names]
        if not conditions:
            fail("graphdsl: this model conditions on no data: leave out --data", code=2)
        rows = rows_of(objective, conditions, data, reading)
        given, count = rows.batch, len(rows.places)
        if number is not None and number != count:
            fail(f"graphdsl: the data hold {count} rows, and -n asks for {number}", code=2)
        number = count
    if number is None:
        fail("graphdsl: say how many rows: -n 100", code=2)
    with refusals():
        drawn = sample(objective, number, given, batch_size=reading.batch_size, seed=seed)
    means = {f"{one.name}.mean" for one in objective.variables if one.role == "latent"}
    columns = means_and_samples(drawn)
    results = {name: one for name, one in columns.items() if name not in means}
    write_table(out, results, objective, f"{number} rows: {', '.join(drawn)}", rows)
