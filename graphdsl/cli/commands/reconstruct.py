"""`graphdsl reconstruct`: rows, from their codes."""

from __future__ import annotations

__all__ = ["command"]

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
    means_and_samples,
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
    reading: Reading,
    seed: Seed = 0,
    device: Device = "cpu",
    loading: Loading,
) -> None:
    """Write what a trained model says of rows at their own codes: means, and a sample of each."""
    from graphdsl_runtime.in_use import reconstruct
    from graphdsl_runtime.in_use.codes import refuse_no_codes

    objective = opened(run, loading, device)
    with refusals():
        refuse_no_codes(objective)
    given = rows_of(objective, data_of(objective), data, reading)
    with refusals():
        drawn = reconstruct(objective, given.batch, batch_size=reading.batch_size, seed=seed)
    what = f"{len(given.places)} rows: {', '.join(drawn)}"
    write_table(out, means_and_samples(drawn), objective, what, given)
