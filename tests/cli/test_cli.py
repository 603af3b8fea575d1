"""The command line as a user meets it: exit codes, streams, files, and no traceback.

Most of it runs in the test's process, which has loaded what it needs; some has its own.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import Ended
from tests.command_line import run as run_here

ROOT = Path(__file__).parents[2]
WYNER = str(ROOT / "specs" / "wyner.mib")


def run(*words: str, cwd: Path | None = None) -> Ended:
    with contextlib.chdir(cwd or ROOT):
        done = run_here(*words)
    assert "Traceback" not in done.err
    return done


def run_apart(*words: str, cwd: Path) -> Ended:
    """In a process of its own."""
    command = [sys.executable, "-m", "graphdsl", *words]
    environment = {**os.environ, "COLUMNS": "120"}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env=environment, check=False
    )
    assert "Traceback" not in done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


def test_compile_writes_build(tmp_path: Path) -> None:
    done = run("compile", WYNER, cwd=tmp_path)
    assert done.code == 0
    assert done.out == ""
    assert "class Wyner" in (tmp_path / "build" / "wyner.py").read_text()
    assert [path.name for path in (tmp_path / "build").iterdir()] == ["wyner.py"]


def test_results_on_stdout_messages_on_stderr(tmp_path: Path) -> None:
    done = run_apart("compile", WYNER, "-o", "-", cwd=tmp_path)
    assert done == run("compile", WYNER, "-o", "-")
    assert done.out.startswith('"""Wyner VAE')
    assert done.err == ""


def test_bare_name_and_constants() -> None:
    done = run("compile", "wyner", "--const", "pixels=392", "--param", "cross=0.5", "-o", "-")
    assert "shape=(392,)" in done.out
    assert "cross: float = 0.5" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--const", "pixel=3"), "did you mean `pixels`?"),
        (("--const", "pixels"), "NAME=VALUE"),
        (("--param", "cross=much"), "NAME=VALUE"),
    ],
)
def test_wrong_usage_is_two(words: tuple[str, ...], said: str) -> None:
    done = run("compile", WYNER, *words, "-o", "-")
    assert done.code == 2
    assert said in done.err


def test_parameter_out_of_its_range_is_one() -> None:
    done = run("check", WYNER, "--param", "cross=-1")
    assert done.code == 1
    assert "MIB209" in done.err


def test_unknown_spec_is_two() -> None:
    done = run("compile", "winer")
    assert done.code == 2
    assert "did you mean `wyner`?" in done.err
    assert run("compile", "no/such/file.mib").code == 2
    assert run("compile").code == 2
    assert run("nonsense").code == 2


@pytest.mark.parametrize(
    ("stage", "part"),
    [
        ("syntax", "NetworkBlock"),
        ("model", "latent u[1..2] : real[8] ~ normal"),
        ("graphs", "x[1], z -> u[1]"),
        ("terms", "cross H(z | x[1])"),
        ("loss", "(1 + cross) reconstruction_x"),
        ("program", "sample q_z with noise[z]"),
        ("code", "class Wyner(Objective)"),
    ],
)
def test_every_stage_can_be_shown(stage: str, part: str) -> None:
    done = run("compile", WYNER, "--emit", stage, "-o", "-")
    assert done.code == 0
    assert part in done.out


def test_a_failed_compilation_leaves_what_was_there(tmp_path: Path) -> None:
    spec, out = tmp_path / "a.mib", tmp_path / "a.py"
    spec.write_text("model a\nobserved x : binary\nq { x -> }\n")
    out.write_text("precious")
    assert run("compile", str(spec), "-o", str(out)).code == 1
    assert out.read_text() == "precious"


def test_a_folder_in_the_way_is_said(tmp_path: Path) -> None:
    done = run("compile", WYNER, "-o", str(tmp_path))
    assert done.code == 1
    assert "cannot be written" in done.err


def test_strict_makes_warnings_errors(tmp_path: Path) -> None:
    spec = tmp_path / "a.mib"
    spec.write_text(
        "model a\nobserved x : binary\nobserved w : binary\nlatent z : real ~ normal\n"
        "q { x -> z }\np { z -> x }\nminimize KL(q || p)\n"
    )
    assert run("check", str(spec)).code == 0
    done = run("check", str(spec), "--strict")
    assert done.code == 1
    assert "MIB226" in done.err


def test_audit_writes_text_and_json(tmp_path: Path) -> None:
    assert "PROJECTIONS" in run("audit", WYNER).out
    out = tmp_path / "audit.json"
    assert run("audit", WYNER, "--format", "json", "-o", str(out)).code == 0
    assert '"schema": "graphdsl.audit/1"' in out.read_text()


def test_version_and_specs() -> None:
    assert run("--version").out.strip() == "graphdsl 0.1.0"
    listed = run("specs").out
    assert all(name in listed for name in ("vae", "beta_tcvae", "jmvae", "wyner"))


def test_train_with_wrong_data_teaches(tmp_path: Path) -> None:
    done = run("train", WYNER, "--data", "digit-halves", cwd=tmp_path)
    assert done.code == 1
    assert "digits-halves" in done.err
    done = run("train", "vae", "--data", "digits", "--const", "pixels=784", cwd=tmp_path)
    assert done.code == 1
    assert "64" in done.err


def test_train_and_resume(tmp_path: Path) -> None:
    """A run that a process has begun is gone on with by another."""
    begun = run_apart("train", "vae", "--data", "digits", "--epochs", "1", cwd=tmp_path)
    assert begun.code == 0, begun.err
    more = ("--epochs", "2", "--resume", "runs/vae/0001")
    done = run("train", "vae", "--data", "digits", *more, cwd=tmp_path)
    assert done.code == 0, done.err
    run_folder = tmp_path / "runs" / "vae" / "0001"
    rows = (run_folder / "metrics.csv").read_text().splitlines()
    assert len(rows) == 3
    assert "rate_u" in rows[0]
    assert {"last", "best", "run.toml", "metrics.csv", "objective.py", "pictures.png"} == {
        path.name for path in run_folder.iterdir()
    }
