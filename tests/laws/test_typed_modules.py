"""Emitted modules are typed: mypy accepts them as strictly as it accepts this project."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

from tests.corpus import compiling, documented, generated, shipped

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.slow
def test_mypy_accepts_emitted_modules(tmp_path: Path) -> None:
    cases = chain(shipped(), documented(), generated("typed", share=60))
    for case, module in compiling(cases):
        tmp_path.joinpath(f"emitted_{case.name}.py").write_text(module.text, encoding="utf-8")
    settings = tmp_path / "mypy.ini"
    settings.write_text("[mypy]\nstrict = true\nincremental = false\n")
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(settings), str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "MYPYPATH": str(ROOT / "runtime")},
    )
    assert not found.returncode, found.stdout + found.stderr
