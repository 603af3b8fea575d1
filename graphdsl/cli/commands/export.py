"""`graphdsl export`: a trained model for programs without graphdsl."""

from __future__ import annotations

__all__ = ["command"]

import io
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdsl.cli.console import fail, say
from graphdsl.cli.records import with_settings
from graphdsl.cli.using import Loading, Run, opened, refusals, write_bytes
from graphdsl_files import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor
    from torch.export import ExportedProgram

_SUFFIXES = (".pt2", ".onnx")
_CLOSE = 1e-3  # of a difference that rounding explains


class Part(StrEnum):
    """Which of the two programs."""

    infer = "infer"
    decode = "decode"


def _ending(out: Path) -> Path:
    if out.suffix.lower() not in _SUFFIXES:
        raise typer.BadParameter(f"{shown(out)} ends with none of {', '.join(_SUFFIXES)}")
    return out


@with_settings(loading=Loading)
def command(
    *,
    run: Run,
    out: Annotated[
        Path,
        typer.Option("-o", "--out", callback=_ending, help="Where to write: .pt2 or .onnx."),
    ],
    part: Annotated[
        Part, typer.Option(help="From data to codes (infer), or from codes to data (decode).")
    ] = Part.infer,
    loading: Loading,
) -> None:
    """Write a trained model for programs without graphdsl: by torch.export, or as ONNX."""
    from graphdsl_runtime.in_use.exporting import example_rows, exported_decode, exported_infer

    objective = opened(run, loading)
    with refusals():
        try:
            program = (exported_infer if part is Part.infer else exported_decode)(objective)
        except NotImplementedError as problem:
            fail(f"graphdsl: {problem}")
        rows = example_rows(program)
        named = f"{', '.join(rows)} to {', '.join(program.module()(rows))}"
        content = _torch(program) if out.suffix.lower() == ".pt2" else _onnx(program, rows)
    write_bytes(out, content)
    say(f"{shown(out)}: {named}, for any number of rows")


def _torch(program: ExportedProgram) -> bytes:
    import torch

    written = io.BytesIO()
    torch.export.save(program, written)
    return written.getvalue()


def _onnx(program: ExportedProgram, rows: Mapping[str, Tensor]) -> bytes:
    """Write it as ONNX, and hold it to the numbers of torch where onnxruntime is installed."""
    from graphdsl_runtime.in_use.onnx_files import onnx_bytes, onnx_difference

    content = onnx_bytes(program)
    apart = onnx_difference(content, rows, program.module()(dict(rows)))
    if apart is None:
        say("onnxruntime is not installed: the numbers of the .onnx were not compared")
    elif not apart < _CLOSE:
        fail(f"graphdsl: the .onnx differs from the model by {apart:.3g}; write .pt2")
    return content
