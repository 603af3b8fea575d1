"""`graphdsl train`: from a spec to a trained model."""

from __future__ import annotations

__all__ = ["command"]

import gc
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from graphdsl.api.emitted import class_of
from graphdsl.cli.compiling import compiled
from graphdsl.cli.completing import completed_spec
from graphdsl.cli.console import fail, say
from graphdsl.cli.devices import lacks_memory
from graphdsl.cli.ending import INTERRUPTED
from graphdsl.cli.networks import OwnNetworks, networks_of
from graphdsl.cli.options import Consts, Params
from graphdsl.cli.records import Given, with_settings
from graphdsl.cli.request import Request, command_line
from graphdsl.cli.run_file import RunFile, read_run_file
from graphdsl.cli.structure import write_structure
from graphdsl.runs.papers import Plain, papers
from graphdsl.runs.reading import DataOptions, read_rows, refuse_other_data
from graphdsl_files import TrainingSettings, shown

if TYPE_CHECKING:
    from graphdsl.compiler import GeneratedModule
    from graphdsl.diagnostics import Source
    from graphdsl_runtime import Objective
    from graphdsl_runtime.data import Prepared
    from graphdsl_runtime.training import DataSet, Summary, Translation

#: Why a run came to an end before its last epoch.
_ENDINGS = {
    "early stop": "the term of --early-stop has not improved for --patience epochs",
    "max time": "the time of --max-time has passed",
}


_SpecOrConfig = Annotated[
    str | None,
    typer.Argument(
        help="A path, or the name of a spec that ships; --config may say it.",
        autocompletion=completed_spec,
    ),
]
_Data = Annotated[
    str | None, typer.Option(help="A file, or a name such as digits: docs/your-data.md.")
]
_CheckData = Annotated[
    bool, typer.Option("--check-data", help="Check the data against the spec, and stop.")
]
_Config = Annotated[
    Path | None, typer.Option(help="A run.toml that says what the command line does not.")
]
_Out = Annotated[
    Path | None,
    typer.Option("-o", "--out", help="The run's folder; by default runs/MODEL/0001, ..."),
]
_Resume = Annotated[
    Path | None,
    typer.Option(help="Go on with a run: its folder, or a checkpoint. SPEC is then optional."),
]
_Force = Annotated[bool, typer.Option("--force", help="Replace the run that the folder holds.")]
_Quiet = Annotated[bool, typer.Option("--quiet", help="Only the summary.")]


@with_settings(options=DataOptions, training=TrainingSettings)
def command(
    spec: _SpecOrConfig = None,
    data: _Data = None,
    options: Given = MappingProxyType({}),
    check_data: _CheckData = False,
    training: Given = MappingProxyType({}),
    config: _Config = None,
    out: _Out = None,
    resume: _Resume = None,
    force: _Force = False,
    quiet: _Quiet = False,
    networks: OwnNetworks = None,
    const: Consts = None,
    param: Params = None,
) -> None:
    """Compile SPEC and train it on real data."""
    gc.enable()
    asked = Request(
        spec=spec,
        data=data,
        networks=networks,
        const=tuple(const or ()),
        param=tuple(param or ()),
        options=options,
        training=training,
    )
    request = _completed(asked, config, resume)
    source = request.source()
    module = compiled(source, [*request.const], [*request.param], strict=False)
    if request.networks is None:
        _refuse_own_networks(module)
    with _refusals():
        emitted = class_of(module, source, "graphdsl_emitted")
        rows = _rows(request, emitted, quiet, check_data)
        if check_data:
            return
        if resume is not None:
            refuse_other_data(resume, rows)
        with _folder(out, resume, module.compiled.checked.model.name) as folder:
            words = command_line() if spec is not None else request.command(out)
            run = _Run(
                folder=folder,
                resume=resume,
                force=force,
                quiet=quiet,
                networks=request.networks,
                command=words,
                papers=papers(module, words, _record(request), _data_record(rows)),
            )
            _train(module, emitted, source, rows, request.settings, run)


def _completed(asked: Request, config: Path | None, resume: Path | None) -> Request:
    """What is asked for, with what files say: of `--config`, or of the run to go on with."""
    from graphdsl_runtime.training import run_of

    if config is None and asked.spec is None and resume is not None:
        with _refusals():
            run = run_of(resume)
        config = None if run is None else run / "run.toml"
    if config is not None:
        asked = asked.completed(_without_code(read_run_file(config), asked))
    if asked.spec is None or asked.data is None:
        lacks = "SPEC" if asked.spec is None else "--data"
        fail(f"graphdsl: {lacks} is missing: write it, or name a run.toml by --config", code=2)
    return asked


def _without_code(file: RunFile, asked: Request) -> RunFile:
    """Refuse a file that names code to run, unless the command line names it too."""
    from graphdsl_runtime.data import runs_code

    code = {
        "networks": file.networks if asked.networks is None else None,
        "data": file.data if asked.data is None and runs_code(file.data or "") else None,
    }
    lines = [
        f"\nRUN07  `{name} = {shown(value)}` runs code: if you trust it, write "
        f"--{name} {shown(value)} on the command line"
        for name, value in code.items()
        if value is not None
    ]
    if lines:
        fail(f"graphdsl: {shown(file.place)} cannot be used{''.join(lines)}")
    return file


def _rows(
    request: Request, emitted: type[Objective], quiet: bool, check_data: bool
) -> DataSet | Prepared:
    """Read the data, and show what there is to know of them; the first process alone says it."""
    from graphdsl_runtime.data import Prepared
    from graphdsl_runtime.training import is_first_process

    data = str(request.data)
    rows = read_rows(data, emitted.variables, request.data_options)
    if isinstance(rows, Prepared):
        if is_first_process() and (check_data or not quiet):
            say(rows.shown)
    elif check_data:
        others = "to validate on" if request.data_options.validation else "held out"
        say(f"{data}: {len(rows.train)} rows to train on, {len(rows.test)} {others}")
    return rows


def _data_record(rows: DataSet | Prepared) -> Mapping[str, object] | None:
    from graphdsl_runtime.data import Prepared

    return rows.record if isinstance(rows, Prepared) else None


def _record(request: Request) -> dict[str, Plain]:
    """What makes the run again, with the hash of the weights that it begins with."""
    from graphdsl_runtime.training import weights_digest

    record: dict[str, Plain] = request.record()
    init, file = request.settings.init, request.file
    if init is None:
        return record
    digest = weights_digest(Path(init))
    wanted = None if file is None else file.init_sha256
    if wanted not in (None, digest):
        fail(
            f"graphdsl: the run cannot be made again\n"
            f"RUN06  the weights of `--init {shown(init)}` have changed since\n"
            f"         their hash then: {shown(str(wanted))}\n"
            f"         their hash now:  {digest}\n"
            "        name the run by --init on the command line to begin with them as they are"
        )
    return {**record, "init_sha256": digest}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """Where a run is written, and what is kept beside it."""

    folder: Path
    resume: Path | None
    force: bool
    quiet: bool
    networks: str | None  #: MODULE:FUNCTION, of the user's own
    command: list[str]  #: that makes it again
    papers: Mapping[str, str]


@contextmanager
def _refusals() -> Iterator[None]:
    """Stop with a line and code 1 for what a run can be refused for."""
    from graphdsl_runtime import ObjectiveError
    from graphdsl_runtime.data import DataRefused
    from graphdsl_runtime.training import TrainingError

    try:
        yield
    except DataRefused as problem:
        fail(f"graphdsl: these data cannot be used\n{problem}")
    except (TrainingError, ObjectiveError) as problem:
        fail(f"graphdsl: {problem}")
    except RuntimeError as problem:
        if not lacks_memory(problem):
            raise
        fail("graphdsl: there is not enough memory for these networks and this batch size")


@contextmanager
def _folder(out: Path | None, resume: Path | None, model: str) -> Iterator[Path]:
    """The run's folder: the one asked for, that of the run to go on with, or one of its own.

    Of several processes the first alone makes one and writes to it.
    """
    from graphdsl_runtime.training import is_first_process, numbered, run_of

    place = out or (run_of(resume) if resume else None)
    if not is_first_process():
        yield place or Path("runs") / model
        return
    folder = place or numbered(Path("runs") / model)
    try:
        yield folder
    finally:
        if place is None and not any(folder.iterdir()):
            folder.rmdir()  # no epoch came to its end


def _refuse_own_networks(module: GeneratedModule) -> None:
    """Refuse a spec that leaves networks to its user, who gave none."""
    own = {
        name: slot.builder.module
        for slot in module.compiled.module.networks
        if slot.builder.module
        for name in slot.names
    }
    if own:
        listed = ", ".join(f"{name} `via {word}`" for name, word in own.items())
        entries = ", ".join(f"{json.dumps(name)}: {word}" for name, word in own.items())
        fail(
            f"graphdsl: the spec computes {listed}, which is for you to pass. Write `via mlp` or "
            "`via conv` to train with what graphdsl builds; or write nets.py and add "
            f"--networks nets:make:\n    def make():\n        return {{{entries}}}"
        )


def _train(
    module: GeneratedModule,
    emitted: type[Objective],
    source: Source,
    rows: DataSet | Prepared,
    settings: TrainingSettings,
    run: _Run,
) -> None:
    import torch

    from graphdsl_runtime.training import is_first_process, train

    torch.manual_seed(settings.seed)
    objective = emitted(networks=networks_of(run.networks))
    objective.data_record = _data_record(rows)
    summary = train(
        objective,
        rows,
        settings,
        out=run.folder,
        resume=run.resume,
        force=run.force,
        quiet=run.quiet,
        command=run.command,
        spec=source.text,
        spec_hash=module.compiled.checked.model.sha256,
        papers=run.papers,
    )
    if summary.interrupted:
        raise typer.Exit(INTERRUPTED)  # the trainer has said how to go on
    if is_first_process():
        _conclude(objective, rows, summary)
        write_structure(objective, module, source, run.folder)


def _conclude(objective: Objective, rows: DataSet | Prepared, summary: Summary) -> None:
    """Draw, measure and sum up what a run came to."""
    from rich.console import Console

    from graphdsl_runtime.training import (
        DataSet,
        draw_pictures,
        evaluate_translations,
        summarise,
    )

    picture: Path | None = None
    translations: tuple[Translation, ...] = ()
    if isinstance(rows, DataSet):
        picture = draw_pictures(objective, rows, summary.folder / "pictures.png")
        if rows.train.shape[1] > 1:
            say("measuring how well each view predicts the others ...")
        translations = evaluate_translations(objective, rows)
    if summary.ending in _ENDINGS:
        say(f"stopped after epoch {len(summary.history)}: {_ENDINGS[summary.ending]}")
    Console().print(summarise(summary.history[-1], translations))
    best = "best/, " if (summary.folder / "best").is_dir() else ""
    record = "" if isinstance(rows, DataSet) else "data.json, "
    say(
        f"in {shown(summary.folder)}: objective.py, run.toml, {record}last/, {best}metrics.csv"
        + (f", {picture.name}" if picture else "")
    )
