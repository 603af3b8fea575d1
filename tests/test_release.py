"""The wheel and the sdist, each installed in an environment of its own, outside of the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both, made by the build back end itself; the sdist's own wheel is made from what it holds."""
    folder = tmp_path_factory.mktemp("dist")
    sdist = folder / _built("sdist", folder, ROOT)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (inside,) = (folder / "unpacked").iterdir()
    from_sdist = folder / "from_sdist"
    from_sdist.mkdir()
    return {
        "wheel": folder / _built("wheel", folder, ROOT),
        "sdist": from_sdist / _built("wheel", from_sdist, inside),
    }


def _built(kind: str, folder: Path, root: Path) -> str:
    code = f"import sys, hatchling.build; print(hatchling.build.build_{kind}(sys.argv[1]))"
    return _run(sys.executable, "-c", code, str(folder), cwd=root).strip()


def test_the_sdist_makes_the_same_wheel(built: dict[str, Path]) -> None:
    contents = []
    for wheel in built.values():
        with ZipFile(wheel) as archive:
            contents.append({name: archive.read(name) for name in archive.namelist()})
    assert contents[0] == contents[1]


@pytest.fixture(params=["wheel", "sdist"])
def program(request: pytest.FixtureRequest, built: dict[str, Path], tmp_path: Path) -> Path:
    """`graphdsl` as a fresh environment has it."""
    _run(sys.executable, "-m", "venv", str(tmp_path / "venv"), cwd=tmp_path)
    binaries = tmp_path / "venv" / "bin"
    pip = (str(binaries / "python"), "-m", "pip", "install", "--quiet")
    constraints = str(ROOT / "constraints.txt")
    _run(*pip, "-c", constraints, f"{built[request.param]}[train]", cwd=tmp_path)
    return binaries / "graphdsl"


def test_installed_it_compiles_audits_and_trains(program: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def graphdsl(*arguments: str) -> str:
        return _run(str(program), *arguments, cwd=elsewhere)

    assert "class Wyner(Objective):" in graphdsl("compile", "wyner", "-o", "-")
    assert "VERIFICATION" in graphdsl("audit", "wyner", "--verify")
    graphdsl("train", "wyner", "--data", "digits-halves", "--epochs", "1", "-o", "run")
    assert (elsewhere / "run" / "last").is_dir()
    codes = "import graphdsl; print(type(graphdsl.load('run')).__name__)"
    assert _run(str(program.with_name("python")), "-c", codes, cwd=elsewhere).strip() == "Wyner"


def _run(*command: str, cwd: Path) -> str:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=kept, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
