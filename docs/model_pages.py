"""`docs/models/`: a page for each spec that ships, with its audit and the loss that is emitted.

`make golden` writes them, and a test holds them against the specs.
"""

from __future__ import annotations

__all__ = ["model_drawings", "model_pages"]

from collections.abc import Iterable
from pathlib import Path

from graphdsl.compiler import check_spec, compile_spec, derive, read
from graphdsl.diagnostics import Source
from graphdsl.draw import drawable, sheet_of, svg
from graphdsl.report import audit_text
from graphdsl.report.header import Header, as_markdown, read_header

_MOST = 6  #: networks of a drawing
_HEAD = """\
# Models

Specs that ship, with what is derived from them. Each compiles by its bare name, as in
`graphdsl compile vae`. The [unified table](../unified-table.md) has them side by side.
"""


_CAPTION = """\
Shaded nodes are observed, a frame stands for all indices that it names, and dashed edges are
learned. In a network that is projected on, blue edges are new and dotted ones are left out."""


def model_drawings(specs: Iterable[Path]) -> dict[str, str]:
    """The networks of each spec, drawn, by the names of the files."""
    models = {path.stem: check_spec(Source.read(path)).model for path in specs}
    return {
        f"{name}.svg": svg(sheet_of(drawable(model)[:_MOST], model), name)
        for name, model in models.items()
    }


def model_pages(specs: Iterable[Path]) -> dict[str, str]:
    """The pages by their names: `index.md`, and one for each spec."""
    sources = {path.stem: Source.read(path) for path in specs}
    headers = {name: read_header(source.text) for name, source in sources.items()}
    listed = (f"- [{name}]({name}.md): {one.sentence}\n" for name, one in headers.items())
    pages = {"index.md": _HEAD + "\n" + "".join(listed)}
    for name, source in sources.items():
        pages[f"{name}.md"] = _page(name, source, headers[name])
    return pages


def _page(name: str, source: Source, header: Header) -> str:
    """One model: what it is, the spec, the derivation, and the loss as it is computed."""
    rows = {
        "in the paper": header.printed,
        "published": header.published,
        "here": header.here,
    }
    table = "".join(f"| {title} | {as_markdown(said)} |\n" for title, said in rows.items() if said)
    audit = audit_text(read(derive(check_spec(source)))).split("\n\n", 1)[1]
    parts = [
        f"# {name}",
        header.sentence,
        f"| | |\n| --- | --- |\n{table}".rstrip(),
        _block("mib", header.body),
        f"![The networks of {name}]({name}.svg)\n\n{_CAPTION}",
        f"`graphdsl audit {name}` says of it:",
        _block("text", audit),
        f"`graphdsl compile {name}` writes its loss as:",
        _block("python", _forward(compile_spec(source).text)),
    ]
    return "\n\n".join(parts) + "\n"


def _forward(code: str) -> str:
    """The method of an emitted module that computes the loss."""
    start = code.index("    def forward(")
    lines = code[start : code.index("\n        return Losses(", start)].splitlines()
    return "\n".join(line.removeprefix("    ") for line in lines)


def _block(language: str, text: str) -> str:
    lines = text.strip("\n")
    return f"```{language}\n{lines}\n```"
