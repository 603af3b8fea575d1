"""The pages that are made of the specs are what the specs say, and each spec says it all."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from graphdsl.report.header import read_header
from tests.conftest import ROOT, SPECS

DOCS = ROOT / "docs"

by_name = pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)


def script(name: str) -> ModuleType:
    found = spec_from_file_location(name, DOCS / f"{name}.py")
    assert found is not None
    assert found.loader is not None
    module = module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_table_is_what_the_specs_say(request: pytest.FixtureRequest) -> None:
    text: str = script("unified_table").unified_table(SPECS)
    page = DOCS / "unified-table.md"
    if request.config.getoption("--update-golden"):
        page.write_text(text, encoding="utf-8")
    assert text == page.read_text(encoding="utf-8")
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")][:-1] == [
        path.stem for path in SPECS
    ]


def test_the_models_pages_are_what_the_specs_say(request: pytest.FixtureRequest) -> None:
    pages: dict[str, str] = script("model_pages").model_pages(SPECS)
    folder = DOCS / "models"
    if request.config.getoption("--update-golden"):
        folder.mkdir(exist_ok=True)
        for old in folder.glob("*.md"):
            old.unlink()
        for name, text in pages.items():
            (folder / name).write_text(text, encoding="utf-8")
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")} == pages
    for path in SPECS:
        page = pages[f"{path.stem}.md"]
        assert read_header(path.read_text(encoding="utf-8")).body in page
        assert "\nLOSS, " in page
        assert "def forward(" in page


def test_the_drawings_of_the_models_are_those_of_the_specs(
    request: pytest.FixtureRequest,
) -> None:
    drawings: dict[str, str] = script("model_pages").model_drawings(SPECS)
    folder = DOCS / "models"
    if request.config.getoption("--update-golden"):
        for old in folder.glob("*.svg"):
            old.unlink()
        for name, text in drawings.items():
            (folder / name).write_text(text, encoding="utf-8")
    kept = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.svg")}
    assert kept == drawings
    assert list(kept.keys() - {f"{path.stem}.svg" for path in SPECS}) == []


@by_name
def test_every_header_says_what_it_is_for_where_it_is_from_and_what_is_published(
    path: Path,
) -> None:
    header = read_header(path.read_text(encoding="utf-8"))
    for said in (header.sentence, header.printed, header.published):
        assert said.endswith(".")
    assert header.body.startswith(f"model {path.stem}\n")
    assert "\nassert " in header.body
