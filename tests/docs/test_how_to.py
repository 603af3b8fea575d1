"""The how-to pages: their specs compile, and the compiler prints what they show."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphdsl.cli import app
from tests.conftest import ROOT

PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: Commands that print the same on every machine, in a moment.
CHECKED = ("audit", "check", "explain")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_page_shows_what_the_compiler_prints(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for language, text in FENCE.findall(path.read_text(encoding="utf-8")):
        if language == "mib":
            (name,) = re.findall(r"^model (\w+)", text, re.MULTILINE)
            (tmp_path / f"{name}.mib").write_text(text, encoding="utf-8")
            done = CliRunner().invoke(app, ["check", "--strict", f"{name}.mib"])
            assert done.exit_code == 0, done.output
        elif language == "console":
            _compare(text)


def _compare(block: str) -> None:
    """Each part between lines of dots is printed, in this order."""
    command, _, shown = block.partition("\n")
    words = shlex.split(command.removeprefix("$ "))
    assert words[0] == "graphdsl", command
    if words[1] not in CHECKED or "--verify" in words or not shown.strip():
        return
    printed = CliRunner().invoke(app, words[1:]).stdout
    for part in re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE):
        if part.strip():
            _, found, printed = printed.partition(part.strip("\n"))
            assert found, (command, part)


def test_every_command_of_a_page_is_one_that_there_is() -> None:
    known = {str(command.name) for command in app.registered_commands}
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r"(?:^\$ |`)graphdsl (\w+)", text, re.MULTILINE)) <= known
