"""`graphdsl translate`: one view from another."""

from __future__ import annotations

__all__ = ["command"]

from typing import TYPE_CHECKING, Annotated

import typer

from graphdsl.cli.console import fail, say
from graphdsl.cli.records import with_settings
from graphdsl.cli.using import (
    Data,
    Device,
    Loading,
    Reading,
    Result,
    Run,
    opened,
    refusals,
    rows_of,
    write_table,
)
from graphdsl.diagnostics import nearest
from graphdsl_files import shown

if TYPE_CHECKING:
    from graphdsl_runtime import Batch, Objective, Variable


@with_settings(reading=Reading, loading=Loading)
def command(
    *,
    run: Run,
    data: Data,
    out: Result,
    source: Annotated[
        list[str],
        typer.Option("--from", metavar="NAME", help="A view to predict from, such as x[1]."),
    ],
    to: Annotated[
        list[str], typer.Option("--to", metavar="NAME", help="A view to predict, such as x[2].")
    ],
    reading: Reading,
    device: Device = "cpu",
    loading: Loading,
) -> None:
    """Predict views from others of the same rows: the means, at the means of the codes."""
    from graphdsl_runtime.in_use import translate

    objective = opened(run, loading, device)
    owners = _owners(objective, [*source, *to])
    if both := set(source) & set(to):
        fail(f"graphdsl: {', '.join(sorted(both))} is both in --from and in --to", code=2)
    given = rows_of(objective, source, data, reading)
    seen = _only(given.batch, source, owners)
    with refusals():
        _say_unseen(objective, seen, source, owners)
        drawn = translate(objective, seen, to, batch_size=reading.batch_size)
    results = {f"{name}.mean": one for name, one in drawn.items()}
    what = f"{', '.join(to)} of {len(given.places)} rows from {', '.join(source)}"
    write_table(out, results, objective, what, given)


def _owners(objective: Objective, names: list[str]) -> dict[str, Variable]:
    """The variable of each name, which is its own or a member's; stops with code 2 for another."""
    known = {
        name: variable
        for variable in objective.variables
        if variable.role != "latent"
        for name in (variable.name, *variable.member_names)
    }
    for name in names:
        if name not in known:
            close = nearest(name, known)
            hint = f"did you mean {close}?" if close else f"there are {', '.join(known)}"
            fail(f"graphdsl: the model observes no {shown(name)}; {hint}", code=2)
    return {name: known[name] for name in names}


def _say_unseen(
    objective: Objective, batch: Batch, source: list[str], owners: dict[str, Variable]
) -> None:
    """Say how many rows have none of the views that are translated: nothing tells their others."""
    from graphdsl.api.coherence import view_of

    members = [
        member
        for name in source
        for member in (owners[name].member_names if name == owners[name].name else (name,))
    ]
    unseen = ~view_of(objective, batch, members[0])[1]
    for member in members[1:]:
        unseen &= ~view_of(objective, batch, member)[1]
    if unseen.any():
        say(
            f"{int(unseen.sum())} of {len(unseen)} rows have none of {', '.join(source)}: what is "
            "written there is what the model says of any row"
        )


def _only(batch: Batch, names: list[str], owners: dict[str, Variable]) -> Batch:
    """What the batch has of these variables and members, and nothing of the others."""
    seen = {}
    for name in names:
        owner = owners[name]
        if name in batch:
            seen[name] = batch[name]
        elif name == owner.name:
            seen |= {member: batch[member] for member in owner.member_names}
        else:
            whole = owner.side_by_side(batch[owner.name])
            seen[name] = whole[:, owner.member_names.index(name)]
        if (mask := f"seen({name})") in batch:
            seen[mask] = batch[mask]
    return seen
