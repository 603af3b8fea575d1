"""`graphdsl fmt`: which files it writes, what it says, and its exit codes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from graphdsl.cli import app, main

LOOSE = "model  a\nobserved x:real # data\n"
NEAT = "model a\nobserved x : real                 # data\n"
WRONG = "model a\nobserved x real\n"


def run(*words: str | Path) -> Result:
    result = CliRunner().invoke(app, ["fmt", *map(str, words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def loose(tmp_path: Path) -> Path:
    """A spec that is not in golden form."""
    return _written(tmp_path / "loose.mib", LOOSE)


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_formats_in_place_and_says_what(loose: Path, tmp_path: Path) -> None:
    neat = _written(tmp_path / "neat.mib", NEAT)
    result = run(loose, neat)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr == f"{loose}: formatted\n"
    assert loose.read_text(encoding="utf-8") == NEAT
    assert sorted(path.name for path in tmp_path.iterdir()) == ["loose.mib", "neat.mib"]


def test_a_link_stays_a_link(loose: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.mib"
    link.symlink_to(loose)
    assert run(link).exit_code == 0
    assert link.is_symlink()
    assert loose.read_text(encoding="utf-8") == NEAT


def test_check_writes_nothing(loose: Path, tmp_path: Path) -> None:
    result = run("--check", loose)
    assert result.exit_code == 1
    assert result.stderr == f"{loose}: would change\n"
    assert loose.read_text(encoding="utf-8") == LOOSE
    assert run("--check", _written(tmp_path / "neat.mib", NEAT), "wyner").exit_code == 0


def test_diff_shows_and_writes_nothing(loose: Path) -> None:
    result = run("--diff", loose)
    assert result.exit_code == 0
    shown = result.stdout.splitlines()
    assert [line[1:] for line in shown if line[0] == "-"][1:] == LOOSE.splitlines()
    assert [line[1:] for line in shown if line[0] == "+"][1:] == NEAT.splitlines()
    assert loose.read_text(encoding="utf-8") == LOOSE
    assert run("--diff", "--check", loose).exit_code == 1


def test_out_goes_elsewhere(loose: Path, tmp_path: Path) -> None:
    assert run(loose, "-o", "-").stdout == NEAT
    assert run(loose, "-o", tmp_path / "new" / "neat.mib").exit_code == 0
    assert (tmp_path / "new" / "neat.mib").read_text(encoding="utf-8") == NEAT
    assert loose.read_text(encoding="utf-8") == LOOSE


def test_mistakes_are_shown_and_other_specs_formatted(loose: Path, tmp_path: Path) -> None:
    wrong = _written(tmp_path / "wrong.mib", WRONG)
    result = run(wrong, loose)
    assert result.exit_code == 1
    assert "MIB1" in result.stderr
    assert "wrong.mib: 1 mistake\n" in result.stderr
    assert wrong.read_text(encoding="utf-8") == WRONG
    assert loose.read_text(encoding="utf-8") == NEAT


@pytest.mark.parametrize("words", [("no/such.mib",), ("wyner",), (), ("vae", "wyner", "-o", "-")])
def test_wrong_usage_is_two(words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2


def test_a_bug_of_ours_leaves_the_file(loose: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphdsl.fmt.format.set_in_columns", lambda _: "model other\n# data\n")
    monkeypatch.setattr(sys, "argv", ["graphdsl", "fmt", str(loose)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 70
    assert loose.read_text(encoding="utf-8") == LOOSE
