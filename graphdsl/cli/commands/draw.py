"""`graphdsl draw`: the networks of a spec as a picture."""

from __future__ import annotations

__all__ = ["command"]

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdsl.cli.compiling import checked
from graphdsl.cli.console import fail, reported, write, write_bytes
from graphdsl.cli.options import Consts, Params, Spec
from graphdsl.cli.sources import open_source
from graphdsl.diagnostics import nearest
from graphdsl_files import shown

if TYPE_CHECKING:
    from graphdsl.draw import Sheet
    from graphdsl.ir.model import Model
    from graphdsl.ir.networks import Network

_KINDS = {".svg": "svg", ".tikz": "tikz", ".tex": "tikz", ".png": "png", ".pdf": "pdf"}


def command(
    spec: Spec,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="FILE.svg, .tikz, .png or .pdf; - is SVG on stdout.")
    ] = Path("-"),
    network: Annotated[
        str | None, typer.Option(help="The one to draw, by its name; otherwise all.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Draw every member, without plates and blocks.")
    ] = False,
    const: Consts = None,
    param: Params = None,
) -> None:
    """Draw the networks of SPEC: observed variables shaded, families as plates."""
    kind = "svg" if str(out) == "-" else _KINDS.get(out.suffix.lower(), "")
    if not kind:
        fail(f"graphdsl: {shown(out)} has to end with .svg, .tikz, .png or .pdf", code=2)
    from graphdsl.draw import sheet_of

    source = open_source(spec)
    model = reported(source, lambda: checked(source, const, param)).model
    try:
        sheet = sheet_of(_chosen(model, network), model, full=full)
    except ImportError:
        fail("graphdsl: a drawing needs fast-sugiyama: pip install 'graphdsl[draw]'")
    _write(sheet, kind, model.name, out)


def _chosen(model: Model, name: str | None) -> tuple[Network, ...]:
    from graphdsl.draw import drawable

    networks = drawable(model)
    if name is None:
        return networks
    chosen = tuple(network for network in networks if network.name == name)
    if not chosen:
        known = [network.name for network in networks]
        close = nearest(name, known)
        hint = f"did you mean `{close}`?" if close else f"there are {', '.join(known)}"
        fail(f"graphdsl: {model.name} has no network `{shown(name)}`; {hint}", code=2)
    return chosen


def _write(sheet: Sheet, kind: str, title: str, out: Path) -> None:
    from graphdsl.draw import png_or_pdf, svg, tikz

    if kind == "svg":
        write(svg(sheet, title), out)
    elif kind == "tikz":
        write(tikz(sheet), out)
    else:
        try:
            content = png_or_pdf(sheet, "png" if kind == "png" else "pdf")
        except ImportError:
            fail(
                f"graphdsl: a .{kind} file needs matplotlib: pip install 'graphdsl[draw]'; "
                "a .svg or .tikz file does not"
            )
        write_bytes(content, out)
