"""The structure that a run has learned, as a spec beside its checkpoint."""

from __future__ import annotations

__all__ = ["write_structure"]

from pathlib import Path
from typing import TYPE_CHECKING

from graphdsl.cli.console import say, write
from graphdsl.diagnostics import Source, SpecError

if TYPE_CHECKING:
    from graphdsl.compiler import GeneratedModule
    from graphdsl_runtime import Objective


def write_structure(
    objective: Objective, module: GeneratedModule, source: Source, folder: Path
) -> None:
    """Write `structure.mib`, with the edges that are likelier there than not, and say how many.

    A mask of more than two indices cannot be written out: it is left as it is.
    """
    from graphdsl.compiler import check_spec
    from graphdsl.fmt import with_structure

    learned = objective.structure()
    if not learned:
        return
    for name, edges in learned.items():
        say(f"{name}: {int(edges.sum())} of {edges.numel()} edges")
    rows = {
        name: [row.tolist() for row in edges.reshape(-1, edges.shape[-1])]
        for name, edges in learned.items()
        if edges.ndim <= 2
    }
    file = folder / "structure.mib"
    text = with_structure(source, rows, dict(module.compiled.checked.model.constants))
    write(text, file)
    try:
        check_spec(Source(file.name, text))
    except SpecError as problem:
        first = problem.diagnostics[0]
        say(f"{file} does not compile as it is: {first.message} (line {first.span.line})")
