"""The notebooks run, and print what they show; the pages made of them are whole."""

from __future__ import annotations

import contextlib
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from docs.notebook_pages import cells, notebook_pages
from tests.conftest import ROOT

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
TRAINS = ("first-model",)

by_notebook = pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=pytest.mark.slow if path.stem in TRAINS else ())
        for path in NOTEBOOKS
    ],
    ids=lambda path: path.stem,
)


@by_notebook
def test_cells_print_what_the_notebook_shows(path: Path) -> None:
    space: dict[str, Any] = {}
    for cell in cells(path):
        if cell["cell_type"] == "code":
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(cell["source"], path.name, "exec"), space)
            shown = "".join(line for one in cell["outputs"] for line in one["text"])
            assert printed.getvalue() == shown, cell["source"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_what_jupyter_reads(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    assert (content["nbformat"], content["metadata"]["kernelspec"]["language"]) == (4, "python")
    ids = [cell["id"] for cell in content["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in content["cells"]:
        assert set(cell) >= {"cell_type", "metadata", "source"}
        assert (cell["cell_type"] == "code") == ("outputs" in cell)


def test_the_pages_hold_every_cell() -> None:
    pages = notebook_pages()
    for path in NOTEBOOKS:
        page = pages[f"notebooks/{path.stem}.md"]
        for cell in cells(path):
            assert cell["source"] in page
        links = re.findall(r"\]\(([^):]+)\)", page)
        assert all((path.parent / link).exists() for link in links if not link.startswith("http"))
