"""Notebooks as pages of the site: their text, their code and what it printed."""

from __future__ import annotations

__all__ = ["cells", "notebook_pages"]

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "notebooks"


def notebook_pages() -> dict[str, str]:
    """The Markdown of each notebook, by its place in the site."""
    return {
        f"notebooks/{path.stem}.md": "\n\n".join(_parts(path)) + "\n"
        for path in sorted(_FOLDER.glob("*.ipynb"))
    }


def cells(path: Path) -> list[dict[str, Any]]:
    """The cells of a notebook, each source as one text."""
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [{**cell, "source": "".join(cell["source"])} for cell in found]


def _parts(path: Path) -> Iterator[str]:
    for cell in cells(path):
        if cell["cell_type"] == "markdown":
            yield cell["source"]
            continue
        language = "mib" if cell["source"].startswith("%%mib") else "python"
        yield f"```{language}\n{cell['source']}\n```"
        for output in cell["outputs"]:
            text = output.get("text") or output["data"]["text/plain"]
            yield f"```text\n{''.join(text).rstrip()}\n```"
    yield f"[Download this notebook]({path.name})"
