"""The gallery: every spec that ships, with its drawing, its report and its results."""

from __future__ import annotations

__all__ = ["gallery_page", "reports"]

from collections.abc import Iterable
from pathlib import Path

from graphdsl.compiler import compile_spec, read
from graphdsl.diagnostics import Source
from graphdsl.report import audit_html
from graphdsl.report.header import read_header

_RESULTS = Path(__file__).parent / "results" / "models.md"
_HEAD = """\
---
hide: [toc]
---

# Gallery

Every spec that ships. Shaded nodes are observed, a frame stands for all indices that it names, and
dashed edges are learned. The report of a spec is one page with its networks, its terms, their gaps,
the proofs and the code; the [unified table](unified-table.md) has all specs side by side."""


def gallery_page(specs: Iterable[Path]) -> str:
    """The Markdown of the gallery: a card for each spec."""
    trained = _RESULTS.read_text(encoding="utf-8")
    cards = "\n\n".join(_card(path, f"| `{path.stem}`" in trained) for path in specs)
    return f'{_HEAD}\n\n<div class="gallery" markdown>\n\n{cards}\n\n</div>\n'


def _card(path: Path, is_trained: bool) -> str:
    name = path.stem
    header = read_header(Source.read(path).text)
    links = [f"[derivation and loss](models/{name}.md)", f"[report](reports/{name}.html)"]
    if is_trained:
        links.append("[results](results/models.md)")
    return (
        f'<div class="card" markdown>\n\n'
        f"**[{name}](models/{name}.md)**\n\n"
        f"[![The networks of {name}](models/{name}.svg)](models/{name}.md)\n\n"
        f"{header.sentence}\n\n{' · '.join(links)}\n\n</div>"
    )


def reports(specs: Iterable[Path]) -> dict[str, str]:
    """The report of each spec, by its place in the site."""
    found = {}
    for path in specs:
        source = Source.read(path)
        module = compile_spec(source)
        found[f"reports/{path.stem}.html"] = audit_html(read(module.compiled), source, module.text)
    return found
