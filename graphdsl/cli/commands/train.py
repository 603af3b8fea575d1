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

import click
import typer

from graphdsl.api.emitted import class_of
from graphdsl.cli.compiling import compiled
from graphdsl.cli.console import fail, say, shown
from graphdsl.cli.devices import lacks_memory
from graphdsl.cli.ending import INTERRUPTED
from graphdsl.cli.networks import OwnNetworks, networks_of
from graphdsl.cli.options import (
    Consts,
    DropIncomplete,
    HeldOut,
    Maps,
    Params,
    Spec,
    SplitBy,
    SplitSeed,
    Validation,
)
from graphdsl.cli.papers import Plain, papers
from graphdsl.cli.reading import DataOptions, read_rows, refuse_other_data
from graphdsl.cli.records import with_settings
from graphdsl.cli.sources import open_source
from graphdsl.cli.structure import write_structure
from graphdsl_files import TrainingSettings

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


@with_settings(TrainingSettings)
def command(
    spec: Spec,
    data: Annotated[str, typer.Option(help="A file, or a name such as digits: docs/your-data.md.")],
    maps: Maps = None,
    held_out: HeldOut = None,
    split: SplitBy = None,
    split_seed: SplitSeed = 0,
    drop_incomplete: DropIncomplete = False,
    validation: Validation = 0.0,
    check_data: Annotated[
        bool, typer.Option("--check-data", help="Check the data against the spec, and stop.")
    ] = False,
    given: Mapping[str, Plain] = MappingProxyType({}),
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="The run's folder; by default runs/MODEL/0001, ..."),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with a run: its folder, or a checkpoint.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the run that the folder holds.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only the summary.")] = False,
    networks: OwnNetworks = None,
    const: Consts = None,
    param: Params = None,
) -> None:
    """Compile SPEC and train it on real data."""
    from graphdsl_runtime.data import Prepared
    from graphdsl_runtime.training import is_first_process

    gc.enable()
    source = open_source(spec)
    module = compiled(source, const, param, strict=False)
    if networks is None:
        _refuse_own_networks(module)
    settings = TrainingSettings(**given)  # type: ignore[arg-type]  # the options were made of it
    options = DataOptions(
        maps=tuple(maps or ()),
        held_out=held_out,
        split=split,
        split_seed=split_seed,
        drop_incomplete=drop_incomplete,
        validation=validation,
    )
    with _refusals():
        made = class_of(module, source, "graphdsl_emitted")
        rows = read_rows(data, made.variables, options)
        first = is_first_process()
        if not isinstance(rows, Prepared):
            if check_data:
                others = "to validate on" if validation else "held out"
                say(f"{data}: {len(rows.train)} rows to train on, {len(rows.test)} {others}")
        elif first and (check_data or not quiet):
            say(rows.shown)
        if check_data:
            return
        if resume is not None:
            refuse_other_data(resume, rows)
        with _folder(out, resume, module.compiled.checked.model.name, first) as folder:
            words = _words()
            own = {} if networks is None else {"networks": networks}
            record = {**own, "data": data, **options.settings(), "seed": settings.seed, **given}
            prepared = rows.record if isinstance(rows, Prepared) else None
            run = _Run(
                folder=folder,
                resume=resume,
                force=force,
                quiet=quiet,
                networks=networks,
                command=words,
                papers=papers(module, words, record, prepared),
            )
            _train(module, made, source, rows, settings, run)


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
def _folder(out: Path | None, resume: Path | None, model: str, first: bool) -> Iterator[Path]:
    """The run's folder: the one asked for, that of the run to go on with, or one of its own.

    Of several processes the first alone makes one and writes to it.
    """
    from graphdsl_runtime.training import numbered, run_of

    found = out or (run_of(resume) if resume else None)
    if not first:
        yield found or Path("runs") / model
        return
    folder = found or numbered(Path("runs") / model)
    try:
        yield folder
    finally:
        if found is None and not any(folder.iterdir()):
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
    made: type[Objective],
    source: Source,
    rows: DataSet | Prepared,
    settings: TrainingSettings,
    run: _Run,
) -> None:
    import torch

    from graphdsl_runtime.data import Prepared
    from graphdsl_runtime.training import is_first_process, train

    torch.manual_seed(settings.seed)
    objective = made(networks=networks_of(run.networks))
    objective.data_record = rows.record if isinstance(rows, Prepared) else None
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


def _words() -> list[str]:
    """The command that this is, without what says where a run begins."""
    words, rest = ["graphdsl"], iter(click.get_current_context().find_root().obj)
    for word in rest:
        if word == "--resume":
            next(rest, None)
        elif word != "--force" and not word.startswith("--resume="):
            words.append(word)
    return words
