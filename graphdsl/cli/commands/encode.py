"""`graphdsl encode`: the codes of rows."""

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
    """Write what a trained model infers: of every latent the posterior's mean, and a sample."""
    from graphdsl_runtime.in_use import encode, read_by_infer
    from graphdsl_runtime.in_use.codes import refuse_no_codes

    objective = opened(run, checkpoint, spec, networks, device)
    with refusals():
        refuse_no_codes(objective)
        read = read_by_infer(objective)
    options = Reading(rows=rows, maps=maps or (), drop_incomplete=drop_incomplete)
    found = rows_of(objective, read, data, options)
    with refusals():
        codes = encode(objective, found.batch, batch_size=batch_size, seed=seed)
    what = f"codes of {len(found.places)} rows: {', '.join(codes)}"
    write_table(out, means_and_samples(codes), objective, what, found)
