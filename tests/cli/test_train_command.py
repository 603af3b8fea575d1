"""`graphdsl train` as a user meets it: folders, signals, what is refused, and how to go on."""

from __future__ import annotations

import os
import py_compile
import shlex
import shutil
import signal
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from graphdsl_runtime.training.checkpoint import Checkpoint
from graphdsl_runtime.training.loop import Loop
from tests.command_line import Ended, run
from tests.laws.checkpoints import content

SPEC = """# A ramp that ends within two epochs
model annealed
param beta = ramp(0, 1, steps = 4)
observed x : binary[64]
latent   z : real[2] ~ normal
q { x -> z  via mlp(8) }
p { z -> x  via mlp(8) }
minimize CE(x | z) + beta * KL(q(z | x) || p(z))
"""


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    Path("annealed.mib").write_text(SPEC)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def train(*words: object) -> Ended:
    return run(
        *("train", "annealed.mib", "--data", "digits", "--batch-size", "512", "--quiet", *words)
    )


def one_line(text: str) -> bool:
    return text.endswith("\n") and text.count("\n") == 1


def at_step(number: int, act: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Do something at the training step of that number."""
    steps, step = [0], Loop.training_step

    def acting(self: Loop, batch: object, index: int) -> None:
        steps[0] += 1
        if steps[0] == number:
            act()
        step(self, batch, index)  # type: ignore[arg-type]

    monkeypatch.setattr(Loop, "training_step", acting)


def test_runs_are_numbered_and_none_is_written_over() -> None:
    for number in (1, 2):
        assert train("--epochs", 1).code == 0
        assert sorted(one.name for one in Path("runs/annealed").iterdir())[-1] == f"000{number}"
    before = content(Path("runs"))
    ended = train("--epochs", 1, "-o", "runs/annealed/0001")
    assert ended.code == 1
    assert one_line(ended.err)
    for word in ("holds a run already", "--resume runs/annealed/0001", "--force", "-o"):
        assert word in ended.err
    assert content(Path("runs")) == before
    assert train("--epochs", 2, "-o", "runs/annealed/0001", "--force").code == 0
    assert len(Path("runs/annealed/0001/metrics.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("name", ["", "last", "last.ckpt"])
def test_a_run_with_a_ramp_goes_on_from_wherever_it_is_named(name: str) -> None:
    """A ramp's present value is no part of what a module is: its place follows from the step."""
    assert train("--epochs", 3, "-o", "whole").code == 0
    assert train("--epochs", 1, "-o", "part").code == 0
    if name == "last.ckpt":
        kept = Checkpoint.load(Path("part/last"))
        weights = {key: one for key, one in kept.weights.items() if "." in key and "run" not in key}
        history = [
            {"number": one.number, "train": dict(one.train), "held_out": dict(one.held_out)}
            for one in kept.history
        ]
        shutil.rmtree("part/last")
        older = {
            "format": "graphdsl.checkpoint/1",
            "weights": weights,
            "optimizers": {},
            "history": history,
            "module": kept.module.replace(
                "beta = ramp(0.0, 1.0, steps = 4)", "beta = 0.5\n  beta = 0.5"
            ),
            "spec_hash": kept.spec_hash,
        }
        torch.save(older, "part/last.ckpt")
    ended = train("--epochs", 3, "--resume", Path("part") / name)
    assert ended.code == 0, ended.err
    rows = Path("part/metrics.csv").read_text().splitlines()
    assert len(rows) == 4
    if name != "last.ckpt":  # which had no state of its optimiser here
        assert rows == Path("whole/metrics.csv").read_text().splitlines()
        assert content(Path("part/last")) == content(Path("whole/last"))


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
@pytest.mark.parametrize("step", [2, 8])
def test_a_signal_stops_a_run_and_the_printed_command_goes_on(
    number: signal.Signals, code: int, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path("a folder; echo 'of mine'")
    assert train("--epochs", 4, "-o", "whole").code == 0
    with monkeypatch.context() as patch:
        at_step(step, lambda: os.kill(os.getpid(), number), patch)
        ended = train("--epochs", 4, "-o", folder)
    assert ended.code == code
    assert "Traceback" not in ended.err
    stopped, hint, *_ = ended.err.splitlines()
    going_on, _, command = hint.partition(": ")
    if step == 2:  # of three an epoch
        assert stopped == "Stopped; no epoch of it was complete."
        assert going_on == "To begin again"
        assert content(folder) == {}
    else:
        assert stopped == f"Stopped; {folder} holds epoch 2."
        assert going_on == "To go on"
        assert len(Checkpoint.load(folder / "last").history) == 2
    words = shlex.split(command)
    assert words[0] == "graphdsl"
    assert run(*words[1:]).code == 0
    assert content(folder)["metrics.csv"] == content(Path("whole"))["metrics.csv"]
    assert content(folder / "last") == content(Path("whole/last"))


def test_a_first_epoch_that_is_stopped_leaves_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    at_step(2, lambda: os.kill(os.getpid(), signal.SIGINT), monkeypatch)
    assert train().code == 130
    assert not any(Path("runs/annealed").iterdir())


@pytest.mark.parametrize(
    "place", ["annealed.mib", "data.csv", "folder", "none", "x" * 300, "/dev/null", "cut.ckpt"]
)
def test_what_is_no_run_is_refused_with_a_line(place: str) -> None:
    Path("data.csv").write_text("epoch,train/loss\n1,2.0\n")
    Path("folder").mkdir()
    Path("cut.ckpt").write_bytes(b"PK\x03\x04" + b"\0" * 99)
    before = content(Path())
    ended = train("--resume", place)
    assert ended.code == 1
    assert one_line(ended.err)
    assert "cannot resume from" in ended.err
    assert content(Path()) == before
    assert not Path("runs").exists() or not any(Path("runs").rglob("*/*"))


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("annealed.mib", "file exists"),
        ("annealed.mib/below", "not a directory"),
        ("/dev/null", "file exists"),
        ("x" * 300, "file name too long"),
        ("sealed/run", "permission denied"),
        ("sealed", "permission denied"),
    ],
)
def test_a_folder_that_cannot_be_written_is_refused_with_a_line(out: str, said: str) -> None:
    Path("sealed").mkdir(mode=0o500)
    if "sealed" in out and os.access("sealed", os.W_OK):
        pytest.skip("root may write everything")
    ended = train("-o", out)
    assert ended.code == 1
    assert one_line(ended.err)
    assert f"cannot be written: {said}" in ended.err


def test_a_file_that_lay_there_is_never_run() -> None:
    folder = Path("planted")
    cache = folder / "__pycache__"
    cache.mkdir(parents=True)
    trap = folder / "objective.py"
    trap.write_text("raise SystemExit('a file that lay there was run')\n")
    compiled = cache / f"objective.{sys.implementation.cache_tag}.pyc"
    for mode in py_compile.PycInvalidationMode:
        py_compile.compile(str(trap), str(compiled), invalidation_mode=mode)
        ended = train("--epochs", 1, "-o", folder, "--force")
        assert ended.code == 0, ended.err
        assert "class Annealed" in trap.read_text()


def test_a_run_says_what_makes_it_again() -> None:
    words = ["--epochs", 1, "--seed", 3, "--param", "beta=0.5", "-o", 'a "folder"\\\x1b\U0001f600']
    ended = train(*words)
    assert ended.code == 0, ended.err
    (folder,) = (one for one in Path().iterdir() if one.is_dir())
    made = tomllib.loads((folder / "run.toml").read_text(encoding="utf-8"))
    assert made["run"]["command"][:2] == ["graphdsl", "train"]
    assert made["run"]["command"][-1] == words[-1]
    assert (made["run"]["seed"], made["run"]["epochs"]) == (3, 1)
    assert made["parameters"] == {"beta": "1/2"}
    assert (folder / "last" / "spec.mib").read_text() == SPEC
    first = content(folder)
    shutil.rmtree(folder)
    assert run(*made["run"]["command"][1:]).code == 0
    assert content(folder) == first


def test_too_little_memory_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*anything: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate ...")

    monkeypatch.setattr("graphdsl.cli.commands.train.class_of", refused)
    ended = train()
    assert ended.code == 1
    assert one_line(ended.err)
    assert "not enough memory" in ended.err
