"""The lowest versions that `pyproject.toml` claims, as constraints of an installation.

    python -m tests.oldest > oldest.txt

torch is left to the environment: its old releases are builds for other machines.
"""

from __future__ import annotations

__all__ = ["oldest"]

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).parent.parent
_EXTRAS = ("train", "draw", "data")
_LOWEST = re.compile(r"([A-Za-z0-9_.-]+)(?:\[\w+\])?>=([0-9][0-9.]*)")


def oldest() -> Iterator[str]:
    """A line for each dependency and each of those extras: `sympy==1.13`."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(one for name in _EXTRAS for one in extras[name])]
    found = (_LOWEST.match(one) for one in dict.fromkeys(wanted))
    pairs = dict.fromkeys((one[1], one[2]) for one in found if one is not None)
    yield from (f"{name}=={version}" for name, version in pairs if name != "torch")


if __name__ == "__main__":
    print("\n".join(oldest()))
