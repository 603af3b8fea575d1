"""`graphdsl encode`: the codes of rows."""

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
    """Write what a trained model infers: of every latent the posterior's mean, and a sample."""
    from graphdsl_runtime.in_use import encode, read_by_infer
    from graphdsl_runtime.in_use.codes import refuse_no_codes

    objective = opened(run, loading, device)
    with refusals():
        refuse_no_codes(objective)
        read = read_by_infer(objective)
    rows = rows_of(objective, read, data, reading)
    with refusals():
        codes = encode(objective, rows.batch, batch_size=reading.batch_size, seed=seed)
    what = f"codes of {len(rows.places)} rows: {', '.join(codes)}"
    write_table(out, means_and_samples(codes), objective, what, rows)
