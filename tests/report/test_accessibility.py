"""The report of a spec by axe-core: no serious barrier, on a wide screen and on a narrow one."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphdsl.cli.app import program
from tests.browser import CHROMIUM, Browser

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.slow,
]

SPECS = {"wyner": (), "structured_mm": ("--const", "N=6"), "hfvae": (), "fair_mmd": (), "corex": ()}
#: What axe finds, as JSON: the rule, how grave it is, and one element.
RUN = """
axe.run(document, {resultTypes: ["violations"]}).then((found) => JSON.stringify(
    found.violations.map((one) => [one.id, one.impact, one.nodes[0].html])))
"""


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe-core, from npm."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed, and axe-core comes from it")
    folder = tmp_path_factory.mktemp("axe")
    got = subprocess.run([npm, "pack", "axe-core@4"], cwd=folder, capture_output=True, check=False)
    if got.returncode:
        pytest.skip("npm cannot fetch axe-core")
    (archive,) = folder.glob("axe-core-*.tgz")
    with tarfile.open(archive) as files:
        content = files.extractfile("package/axe.min.js")
        assert content is not None
        return content.read().decode()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("spec", SPECS)
def test_no_serious_barrier(
    spec: str, width: int, axe: str, browser: Browser, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    words = ["audit", spec, *SPECS[spec], "--format", "html", "-o", str(page)]
    assert program(words) == 0
    browser.open(page, width)
    assert browser.complaints() == []
    browser.value(f"{axe};0")
    given = browser.call("Runtime.evaluate", expression=RUN, awaitPromise=True, returnByValue=True)
    found = json.loads(given["result"]["value"])
    assert [one for one in found if one[1] in ("serious", "critical")] == []
