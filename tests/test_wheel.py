"""The wheel: four names at its top, every file that is no module, and it runs by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.conftest import ROOT, SPECS

PACKAGES = {
    "graphdsl": ROOT / "graphdsl",
    "graphdsl_files": ROOT / "graphdsl_files",
    "graphdsl_grammar": ROOT / "grammar" / "graphdsl_grammar",
    "graphdsl_runtime": ROOT / "runtime" / "graphdsl_runtime",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, made by the build back end itself."""
    folder = tmp_path_factory.mktemp("wheel")
    code = "import sys, hatchling.build; print(hatchling.build.build_wheel(sys.argv[1]))"
    name = _run(sys.executable, "-c", code, str(folder), cwd=ROOT).strip()
    return folder / name


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_it_brings_four_import_names_and_no_other(names: set[str]) -> None:
    top = {name.partition("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == set(PACKAGES)


def test_it_holds_every_module(names: set[str]) -> None:
    modules = {
        f"{package}/{path.relative_to(folder).as_posix()}"
        for package, folder in PACKAGES.items()
        for path in folder.rglob("*.py")
    }
    assert {name for name in names if name.endswith(".py")} == modules


def test_it_holds_every_file_that_is_no_module(names: set[str]) -> None:
    others = {name for name in names if not name.endswith(".py") and ".dist-info/" not in name}
    kept = {"ruff.toml", ".ruff_cache", "__pycache__", ".mypy_cache"}  # not for who installs it
    found = {
        f"{package}/{path.relative_to(folder).as_posix()}"
        for package, folder in PACKAGES.items()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".py" and kept.isdisjoint(path.parts)
    }
    specs = (f"graphdsl/specs/{path.name}" for path in (ROOT / "specs").glob("*.mib"))
    assert others == found.union(specs)
    for name in ("mib.lark", "mib.tables.json", "mib.tmLanguage.json"):
        assert f"graphdsl_grammar/{name}" in others
    assert any(name.endswith("/py.typed") for name in others)


def test_it_names_its_licence(wheel: Path, names: set[str]) -> None:
    (licence,) = (name for name in names if name.endswith(".dist-info/licenses/LICENSE"))
    with ZipFile(wheel) as archive:
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()


def test_installed_it_compiles_a_spec_by_its_bare_name(wheel: Path, tmp_path: Path) -> None:
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site))
    _run(*pip, str(wheel), cwd=elsewhere)
    environment = os.environ | {"PYTHONPATH": str(site)}
    python = (sys.executable, "-c")
    where = "import graphdsl, graphdsl_grammar; print(graphdsl.__file__, graphdsl_grammar.__file__)"
    assert _run(*python, where, cwd=elsewhere, environment=environment).count(str(site)) == 2
    program = str(site / "bin" / "graphdsl")
    text = _run(program, "compile", "infovae", "-o", "-", cwd=elsewhere, environment=environment)
    assert "class Infovae(Objective):" in text
    listed = _run(program, "specs", cwd=elsewhere, environment=environment).splitlines()
    assert [line.split()[0] for line in listed] == [path.stem for path in SPECS]
    assert all(len(line.split()) > 3 for line in listed)
    colour = "from pygments.lexers import get_lexer_by_name as get; print(get('mib').filenames)"
    assert _run(*python, colour, cwd=elsewhere, environment=environment) == "['*.mib']\n"
    text = _run(program, "explain", "MIB204", cwd=elsewhere, environment=environment)
    assert text.startswith("# MIB204: ")
    text = _run(program, "new", "mine", "-o", "-", cwd=elsewhere, environment=environment)
    assert "model mine\n" in text


def _run(*command: str, cwd: Path, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
