"""The unified table is what the specs say, and holds every row that the paper prints."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from tests.conftest import SPECS

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "unified-table.md"


def generated() -> str:
    found = spec_from_file_location("unified_table", ROOT / "docs" / "unified_table.py")
    assert found is not None
    assert found.loader is not None
    module = module_from_spec(found)
    found.loader.exec_module(module)
    text: str = module.unified_table(SPECS)
    return text


def test_the_page_is_what_the_specs_say(request: pytest.FixtureRequest) -> None:
    text = generated()
    if request.config.getoption("--update-golden"):
        PAGE.write_text(text, encoding="utf-8")
    assert text == PAGE.read_text(encoding="utf-8")
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")][:-1] == [
        path.stem for path in SPECS
    ]
