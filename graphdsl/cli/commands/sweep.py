"""`graphdsl sweep`: many runs of one spec, and a choice among them."""

from __future__ import annotations

__all__ = ["CONTEXT", "command"]

import gc
from pathlib import Path
from typing import Annotated

import click
import typer

from graphdsl.cli.console import fail, print_lines, say
from graphdsl.cli.ending import Terminated
from graphdsl.cli.options import Spec
from graphdsl.cli.sources import open_source

#: Options that it does not know are those of `graphdsl train`.
CONTEXT = {"ignore_unknown_options": True, "allow_extra_args": True}

_VALUES = "NAME=VALUE,VALUE,..."
_Data = Annotated[str, typer.Option(help="A file, or a name such as digits, as for train.")]
_Out = Annotated[
    Path, typer.Option("-o", "--out", help="The sweep's folder; of a sweep begun, goes on.")
]
_Params = Annotated[
    list[str] | None,
    typer.Option("--param", metavar=_VALUES, help="Values of a parameter, such as beta=1,4."),
]
_Consts = Annotated[
    list[str] | None,
    typer.Option("--const", metavar=_VALUES, help="Values of a constant, such as latents=4,8."),
]
_Seeds = Annotated[int, typer.Option(min=1, help="Runs of each setting: seeds 0, 1, ...")]
_Rule = Annotated[
    str,
    typer.Option(
        metavar="RULE",
        help="What the chosen setting has the best mean of, on validation rows: min(loss), "
        "max(TERM), min(TERM + 2*TERM).",
    ),
]
_Fraction = Annotated[
    float, typer.Option(min=0.001, max=0.99, help="The fraction of the training rows to choose by.")
]
_Samples = Annotated[
    int, typer.Option(min=0, help="Importance weights of each held-out row, as for evaluate.")
]
_Jobs = Annotated[
    int, typer.Option(min=0, help="Runs at a time; 0 is one for each GPU, or else core.")
]
_Threads = Annotated[int, typer.Option(min=1, help="Threads of each run.")]
_Place = Annotated[str, typer.Option(metavar="PLACE", help="ray, or ray:ADDRESS of a cluster.")]
_Gpus = Annotated[float, typer.Option(min=0, help="GPUs of each run on Ray, such as 0.5.")]
_WithoutFailed = Annotated[
    bool, typer.Option("--without-failed", help="Choose although runs failed, among the others.")
]


def command(
    context: typer.Context,
    spec: Spec,
    data: _Data,
    out: _Out,
    param: _Params = None,
    const: _Consts = None,
    seeds: _Seeds = 3,
    select: _Rule = "min(loss)",
    validation: _Fraction = 0.2,
    samples: _Samples = 64,
    jobs: _Jobs = 0,
    threads: _Threads = 1,
    on: _Place = "",
    gpus: _Gpus = 0.0,
    without_failed: _WithoutFailed = False,
) -> None:
    """Train SPEC with all combinations of values and seeds, and choose one by validation rows.

    Other options are those of `graphdsl train`, such as --epochs 10, for every run.
    """
    from graphdsl.cli.run_options import mistakes_in_training
    from graphdsl.cli.sweeping import sweep
    from graphdsl.sweeps.folder import SweepFolder
    from graphdsl.sweeps.mistakes import SweepRefused
    from graphdsl.sweeps.planning import Asked, plan_of, workers_of

    gc.enable()
    source = open_source(spec)
    asked = Asked(
        data=data,
        param=tuple(param or ()),
        const=tuple(const or ()),
        select=select,
        seeds=seeds,
        validation=validation,
        samples=samples,
        threads=threads,
        training=tuple(context.args),
    )
    wrong = mistakes_in_training(data, asked.training, _train(context))
    folder = SweepFolder(out)
    try:
        plan, remarks = plan_of(source, asked, wrong)
        workers = workers_of(on, jobs=jobs, threads=threads, gpus=gpus)
        folder.refuse_another(plan)
        for remark in remarks:
            say(str(remark))
        text = sweep(plan, folder, source.text, workers, without_failed=without_failed)
    except SweepRefused as problem:
        fail(f"graphdsl: this sweep cannot be carried out\n{problem}", code=problem.exit_code)
    except (KeyboardInterrupt, Terminated):
        say("graphdsl: the runs have stopped; repeat the command to go on")
        raise
    print_lines(text.splitlines())


def _train(context: click.Context) -> click.Command:
    """The command that carries out a run."""
    root = context.find_root().command
    assert isinstance(root, click.Group)
    return root.commands["train"]
