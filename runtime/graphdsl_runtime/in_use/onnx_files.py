"""Exported programs as ONNX, for runtimes without torch."""

from __future__ import annotations

__all__ = ["onnx_bytes", "onnx_difference"]

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

from graphdsl_runtime.errors import ObjectiveError


def onnx_bytes(program: ExportedProgram) -> bytes:
    """Write what `exported_infer` or `exported_decode` gives as an ONNX model.

    Its inputs and outputs have the names of the variables, and any number of rows.
    Shapes: those of the program.  Raises `ObjectiveError` where torch's exporter to ONNX is not
    installed, or has no operator of ONNX for one of the program's.
    """
    try:
        import onnx  # noqa: F401  # the exporter imports it late
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as problem:
        raise ObjectiveError(
            f"an .onnx needs {problem.name}, which is not installed: "
            'pip install "graphdsl[onnx]", or write .pt2'
        ) from None
    try:
        with _quiet():
            exported: Any = torch.onnx.export(program, dynamo=True, verbose=False)
    except torch.onnx.OnnxExporterError as problem:
        words = " ".join(str(problem).split())[:200]
        raise ObjectiveError(f"ONNX cannot express this model: {words}; write .pt2") from None
    graph = exported.model.graph
    signature = program.call_spec
    (given,) = signature.in_spec.unflatten(list(graph.inputs))[0]
    for values in (given, signature.out_spec.unflatten(list(graph.outputs))):
        for name, value in values.items():
            value.name = name
    content: bytes = exported.model_proto.SerializeToString()
    return content


def onnx_difference(
    content: bytes, rows: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> float | None:
    """Run an ONNX model on rows, and give the largest difference to what is expected.

    It is None where onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    outputs = session.run(names, {name: row.numpy() for name, row in rows.items()})
    return max(
        float((torch.from_numpy(one) - expected[name]).abs().max())
        for name, one in zip(names, outputs, strict=True)
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what the exporter says of its own plans."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
