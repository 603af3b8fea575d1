"""`graphdsl reconstruct`: rows, from their codes."""

from __future__ import annotations

__all__ = ["command"]

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
    means_and_samples,
    opened,
    refusals,
    rows_of,
    write_table,
)


def command(
    run: Run,
    data: Data,
    out: Result,
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
    """Write what a trained model says of rows at their own codes: means, and a sample of each."""
    from graphdsl_runtime.in_use import reconstruct
    from graphdsl_runtime.in_use.codes import refuse_no_codes

    objective = opened(run, checkpoint, spec, networks, device)
    with refusals():
        refuse_no_codes(objective)
    options = Reading(rows=rows, maps=maps or (), drop_incomplete=drop_incomplete)
    given = rows_of(objective, data_of(objective), data, options)
    with refusals():
        found = reconstruct(objective, given.batch, batch_size=batch_size, seed=seed)
    what = f"{len(given.places)} rows: {', '.join(found)}"
    write_table(out, means_and_samples(found), objective, what, given)
