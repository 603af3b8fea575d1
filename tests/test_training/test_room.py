"""The room is entered only to train, and its libraries are loaded only when they are needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIBRARIES = ("lightning", "sklearn", "matplotlib")
READERS = ("PIL", "anndata", "datasets", "mudata", "pandas", "pyarrow")


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("graphdsl_runtime", ("graphdsl_runtime.training", "rich", *LIBRARIES)),
        ("graphdsl_runtime.data", (*LIBRARIES, *READERS)),
    ],
)
def test_importing_does_not_import(module: str, absent: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(sorted(set({absent!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
