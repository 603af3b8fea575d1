"""What is exported computes what the model computes: by torch alone, and by onnxruntime."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import graphdsl
from graphdsl_runtime import ObjectiveError
from graphdsl_runtime.in_use.exporting import example_rows, exported_decode, exported_infer
from graphdsl_runtime.in_use.onnx_files import onnx_bytes, onnx_difference
from tests.command_line import run

SPEC = """model mixed
observed x[1..2] : real[3]
observed c : categorical(4)
latent z : real[2] ~ normal
latent k : categorical(3) ~ categorical
q { x, c -> z, k via mlp(4) }
p { z, k -> x[i] via mlp(4) for i in 1..2
    z -> c via mlp(4) }
minimize KL(q || p)
"""


def test_the_command_writes_a_program_of_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    objective = graphdsl.compile("vae", pixels=4).objective().eval()
    objective.save("mine")
    ended = run("export", "mine", "-o", "infer.pt2")
    assert ended.code == 0, ended.err
    assert "infer.pt2: x to u, for any number of rows" in ended.err
    rows = torch.rand(5, 4).round()
    made = torch.export.load("infer.pt2").module()({"x": rows})
    torch.testing.assert_close(made["u"], objective.infer({"x": rows})["u"].mean)
    assert run("export", "mine", "-o", "infer.bin").code == 2


def test_without_its_exporter_an_onnx_is_refused_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "onnx", None)
    graphdsl.compile("vae", pixels=4).objective().save("mine")
    ended = run("export", "mine", "-o", "infer.onnx")
    assert ended.code == 1
    assert ended.err.splitlines() == [
        "graphdsl: an .onnx needs onnx, which is not installed: "
        'pip install "graphdsl[onnx]", or write .pt2'
    ]
    assert not Path("infer.onnx").exists()


@pytest.mark.slow
def test_an_onnx_model_gives_the_numbers_of_the_model() -> None:
    """Of data, of codes and of categories, for other numbers of rows than it was traced with."""
    for name in ("onnx", "onnxscript"):
        pytest.importorskip(name, reason=f"{name} is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    torch.manual_seed(0)
    objective = graphdsl.compile(SPEC).objective().eval()
    program = exported_infer(objective)
    session = runtime.InferenceSession(onnx_bytes(program))
    for rows in (1, 7):
        batch = {"x": torch.randn(rows, 2, 3), "c": torch.randint(4, (rows,))}
        assert {one.name for one in session.get_inputs()} == set(batch)
        made = session.run(["z", "k"], {name: one.numpy() for name, one in batch.items()})
        for name, one in zip(("z", "k"), made, strict=True):
            np.testing.assert_allclose(one, objective.infer(batch)[name].mean.detach(), atol=1e-5)
    program = exported_decode(objective)
    given, content = example_rows(program), onnx_bytes(program)
    likelihoods = {name: one.mean.detach() for name, one in objective.decode(given).items()}
    assert onnx_difference(content, given, likelihoods) == pytest.approx(0, abs=1e-5)
    wrong = {name: one + 1 for name, one in likelihoods.items()}
    assert onnx_difference(content, given, wrong) == pytest.approx(1, abs=1e-4)


def test_an_operator_that_onnx_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", sys)
    monkeypatch.setitem(sys.modules, "onnxscript", sys)

    def refuse(*_: object, **__: object) -> None:
        raise torch.onnx.OnnxExporterError("no ONNX function found for aten.odd")

    monkeypatch.setattr(torch.onnx, "export", refuse)
    program = exported_infer(graphdsl.compile("vae", pixels=4).objective())
    with pytest.raises(ObjectiveError, match="ONNX cannot express this model: no ONNX function"):
        onnx_bytes(program)
