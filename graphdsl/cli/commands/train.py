"""`graphdsl train`: from a spec to a trained model."""

from __future__ import annotations

__all__ = ["command"]

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdsl.cli.compiling import compiled
from graphdsl.cli.console import fail, say, write
from graphdsl.cli.options import Consts, Params, Spec
from graphdsl.cli.sources import open_source
from graphdsl.cli.structure import write_structure
from graphdsl.diagnostics import CompilerBug

if TYPE_CHECKING:
    from graphdsl.compiler import GeneratedModule
    from graphdsl_runtime import Objective


def command(
    spec: Spec,
    data: Annotated[str, typer.Option(help="digits, digits-halves, mnist:PATH, mnist-halves:PATH")],
    epochs: Annotated[int | None, typer.Option(min=1, help="Counted from the very start.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1)] = None,
    learning_rate: Annotated[float | None, typer.Option()] = None,
    seed: Annotated[int, typer.Option(help="Of the weights, the order and the noise.")] = 0,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="A folder; runs/MODEL.")] = None,
    resume: Annotated[Path | None, typer.Option(help="A checkpoint to go on from.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only the summary.")] = False,
    const: Consts = None,
    param: Params = None,
) -> None:
    """Compile SPEC and train it on real data."""
    gc.enable()
    from graphdsl_runtime import ObjectiveError
    from graphdsl_runtime.training import TrainingError

    source = open_source(spec)
    module = compiled(source, const, param, strict=False)
    _refuse_own_networks(module)
    folder = out or Path("runs") / module.compiled.checked.model.name
    given = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    settings = {name: value for name, value in given.items() if value is not None}
    try:
        objective = _train(module, data, folder, seed, resume, quiet, settings)
        write_structure(objective, module, source, folder)
    except (TrainingError, ObjectiveError) as problem:
        fail(f"graphdsl: {problem}")


def _refuse_own_networks(module: GeneratedModule) -> None:
    """The command line builds every network itself: it has none to pass."""
    for slot in module.compiled.module.networks:
        if slot.builder.module:
            own, name = slot.builder.module, module.class_name
            fail(
                f"graphdsl: the spec computes {slot.names[0]} `via {own}`, which is for you to "
                "pass, and a command line cannot. Write `via mlp` or `via conv` to train with "
                "what graphdsl builds, or compile the spec and train it from Python:\n"
                f'    train({name}(networks={{"{slot.names[0]}": {own}}}), data)'
            )


def _train(
    module: GeneratedModule,
    data: str,
    folder: Path,
    seed: int,
    resume: Path | None,
    quiet: bool,
    settings: dict[str, int | float],
) -> Objective:
    import torch
    from rich.console import Console

    from graphdsl_runtime.training import (
        draw_pictures,
        evaluate_translations,
        load_data,
        summarise,
        train,
    )

    rows = load_data(data)
    write(module.text, folder / "objective.py")
    torch.manual_seed(seed)
    objective = _imported(folder / "objective.py", module.class_name)()
    summary = train(
        objective,
        rows,
        seed=seed,
        out=folder,
        resume=resume,
        quiet=quiet,
        resume_hint=_resume_hint(folder),
        spec_hash=module.compiled.checked.model.sha256,
        **settings,  # type: ignore[arg-type]  # epochs, batch_size, learning_rate
    )
    if summary.interrupted:
        return objective  # the trainer has said how to go on
    picture = draw_pictures(objective, rows, folder / "pictures.png")
    if rows.train.shape[1] > 1:
        say("measuring what each view tells of the others ...")
    translations = evaluate_translations(objective, rows)
    Console().print(summarise(summary.history[-1], translations))
    say(
        f"in {folder}: objective.py, last.ckpt, metrics.csv"
        + (f", {picture.name}" if picture else "")
    )
    return objective


def _imported(path: Path, class_name: str) -> Callable[[], Objective]:
    from importlib.util import module_from_spec, spec_from_file_location

    found = spec_from_file_location(path.stem, path)
    if found is None or found.loader is None:
        raise CompilerBug(f"{path} cannot be imported")
    module = module_from_spec(found)
    found.loader.exec_module(module)
    made: Callable[[], Objective] = getattr(module, class_name)
    return made


def _resume_hint(folder: Path) -> str:
    """The command that goes on after Ctrl-C: this one, from the checkpoint."""
    words, skip = [], False
    for word in sys.argv[1:]:
        if skip or word == "--resume":
            skip = not skip
            continue
        words.append(word)
    return " ".join(["graphdsl", *words, "--resume", str(folder / "last.ckpt")])
