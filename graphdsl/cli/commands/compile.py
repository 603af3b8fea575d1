"""`graphdsl compile`: the emitted module, or what an earlier stage made of the spec."""

from __future__ import annotations

__all__ = ["command"]

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from graphdsl.cli.compiling import checked, compiled
from graphdsl.cli.console import reported, say, write
from graphdsl.cli.options import Consts, Out, Params, Spec, Strict
from graphdsl.cli.sources import open_source
from graphdsl.diagnostics import Source
from graphdsl_files import shown


class Stage(StrEnum):
    """What `--emit` shows."""

    syntax = "syntax"
    model = "model"
    graphs = "graphs"
    terms = "terms"
    loss = "loss"
    program = "program"
    code = "code"


def command(
    spec: Spec,
    out: Out = None,
    emit: Annotated[Stage, typer.Option(help="Which stage to show or write.")] = Stage.code,
    strict: Strict = False,
    const: Consts = None,
    param: Params = None,
) -> None:
    """Compile SPEC to a PyTorch module, build/MODEL.py."""
    source = open_source(spec)
    if emit is not Stage.code:
        text = reported(source, lambda: _stage(emit, source, const, param))
        write(text, out or Path("-"))
        return
    module = compiled(source, const, param, strict)
    target = out or Path("build") / f"{module.compiled.checked.model.name}.py"
    write(module.text, target)
    if str(target) != "-":
        lowered = module.compiled.module
        say(
            f"{shown(target)}: class {module.class_name}, {len(lowered.terms)} terms, "
            f"{lowered.relation}"
        )


def _stage(stage: Stage, source: Source, const: list[str] | None, param: list[str] | None) -> str:
    from graphdsl.compiler import derive
    from graphdsl.report import (
        show_collected,
        show_graphs,
        show_loss,
        show_model,
        show_program,
    )

    right = checked(source, const, param)
    if stage is Stage.syntax:
        return "\n".join(map(str, right.spec.statements)) + "\n"
    if stage is Stage.model:
        return show_model(right.model)
    if stage is Stage.graphs:
        return show_graphs(right.independence, right.dags)
    derived = derive(right)
    if stage is Stage.terms:
        return "".join(map(show_collected, derived.collected))
    return (show_loss if stage is Stage.loss else show_program)(derived.module)
