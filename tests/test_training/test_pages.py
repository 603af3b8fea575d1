"""The pages on training: their snippets run, and they list every code and every option."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch
from torch import distributed

import graphdsl
from graphdsl_files import TrainingSettings, settings_of
from graphdsl_runtime.training.errors import CODES
from graphdsl_runtime.training.watching import WARNINGS
from tests.command_line import run

DOCS = Path(__file__).parents[2] / "docs"
LOOP = (DOCS / "your-loop.md").read_text(encoding="utf-8")
TRAINING = (DOCS / "training.md").read_text(encoding="utf-8")


def script() -> str:
    (found,) = re.findall(r'^```python title="ddp.py"\n(.*?)^```$', LOOP, re.M | re.S)
    return str(found)


def test_the_page_of_your_loop_says_what_it_does() -> None:
    page = str(DOCS / "your-loop.md")
    found = doctest.testfile(page, module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted > 30
    assert found.failed == 0


def test_the_script_trains_in_a_group_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(
        distributed,
        "init_process_group",
        lambda backend, begin=distributed.init_process_group: begin(
            backend, init_method=f"file://{tmp_path}/meeting", rank=0, world_size=1
        ),
    )
    with torch.random.fork_rng():
        exec(compile(script(), "ddp.py", "exec"), {})
    assert graphdsl.load("trained").variables


@pytest.mark.slow
def test_the_script_trains_in_two_processes(tmp_path: Path) -> None:
    (tmp_path / "ddp.py").write_text(script())
    words = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "ddp.py")
    subprocess.run([sys.executable, *words], cwd=tmp_path, check=True, timeout=300)
    assert graphdsl.load(tmp_path / "trained").variables


def test_the_page_of_training_has_every_code_and_every_option() -> None:
    rows = re.findall(r"^\| (RUN\d\d) \| (.+) \|$", TRAINING.partition("## Codes")[2], re.M)
    assert dict(rows) == {**CODES, **WARNINGS}
    for one in settings_of(TrainingSettings).values():
        assert f"--{one.key.replace('_', '-')}" in TRAINING or one.key == "seed", one.key


def test_the_file_on_the_page_can_be_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (text,) = re.findall(r"^```toml\n(.*?)^```$", TRAINING, re.M | re.S)
    Path("mine.toml").write_text(text)
    ended = run("train", "--config", "mine.toml", "--epochs", 1, "--quiet", "-o", "run")
    assert ended.code == 0, ended.err
    record = tomllib.loads(Path("run/run.toml").read_text())["run"]
    assert record == {**record, **tomllib.loads(text)["run"], "epochs": 1}
