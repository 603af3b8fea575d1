"""`graphdsl new`: every template compiles strictly, and no file is lost."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from graphdsl.cli import app
from graphdsl.cli.commands.new import Template
from graphdsl.compiler import compile_spec, read
from graphdsl.diagnostics import Source
from tests import command_line
from tests.corpus import some

FOLDER = Path(__file__).parents[2] / "graphdsl" / "cli" / "templates"


def run(*words: str) -> Result:
    result = CliRunner().invoke(app, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_every_template_is_offered() -> None:
    assert {path.stem for path in FOLDER.glob("*.mib")} == set(Template)


@pytest.mark.parametrize("template", Template)
def test_a_template_compiles_and_audits_without_a_warning(template: Template) -> None:
    text = run("new", "mine", "--template", template, "-o", "-").stdout
    compiled = compile_spec(Source("mine.mib", text)).compiled
    assert compiled.checked.model.name == "mine"
    assert compiled.warnings == ()
    game = template in (Template.fair, Template.environments)  # a critic, a predictor
    assert compiled.module.relation == ("saddle" if game else "upper")
    proofs = read(compiled).proofs
    assert proofs
    assert {proof.status for proof in proofs} == {"proved"}


@pytest.mark.parametrize("template", Template)
def test_a_template_teaches(template: Template) -> None:
    lines = (FOLDER / f"{template}.mib").read_text(encoding="utf-8").splitlines()
    assert max(map(len, lines)) <= 103
    assert sum(line.startswith("#") for line in lines) >= 10
    assert sum(line.startswith("model ") for line in lines) == 1


@pytest.mark.parametrize(
    ("template", "data"),
    some(
        "templates", [(Template.single_view, "digits"), (Template.multi_view, "digits-halves")], 1
    ),
)
def test_a_template_trains(template: Template, data: str, tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        done = command_line.run("new", "mine", "--template", template)
        assert done.code == 0, done.err
        done = command_line.run("train", "mine.mib", "--data", data, "--epochs", "1", "--quiet")
        assert done.code == 0, done.err
    assert (tmp_path / "runs" / "mine" / "0001" / "last").is_dir()


def test_it_writes_and_says_what_is_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("new", "first")
    assert done.exit_code == 0
    assert done.stdout == ""
    assert "graphdsl audit first.mib" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["first.mib"]


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    spec = tmp_path / "mine.mib"
    spec.write_text("precious", encoding="utf-8")
    done = run("new", "mine", "-o", str(spec))
    assert done.exit_code == 1
    assert "--force" in done.stderr
    assert spec.read_text(encoding="utf-8") == "precious"
    assert run("new", "mine", "-o", str(spec), "--force").exit_code == 0
    assert "model mine\n" in spec.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("my-vae", "is no name"),
        ("../vae", "is no name"),
        ("vae\nminimize", "is no name"),
        ("vae.mib", "is no name"),
        ("latent", "MIB113"),
        ("none", "MIB203"),
    ],
)
def test_a_name_that_no_model_can_have(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("new", name)
    assert done.exit_code == 2
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_template_is_wrong_usage() -> None:
    assert run("new", "mine", "--template", "fairy").exit_code == 2
