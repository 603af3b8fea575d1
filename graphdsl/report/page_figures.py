"""Figures of the page: networks, drawn or in a list."""

from __future__ import annotations

__all__ = ["MOST_FIGURES", "figure", "more_figures"]

from collections.abc import Sequence

from markupsafe import Markup

from graphdsl.draw import projected, sheet_of, svg_inline
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network
from graphdsl.notation.folding import listed
from graphdsl.notation.networks import network_title
from graphdsl.report.page_views import Figure

MOST_FIGURES = 8  #: networks that are drawn


def figure(network: Network, model: Model) -> Figure:
    """Draw a network, and say what it is for."""
    base = projected(network, model).name
    said = {
        "inference": "infers the latents from the data.",
        "further": "is a further inference network.",
        "generation": "generates the data from the latents.",
        "regularizer": f"is projected on: blue edges are new to {base}, dotted ones only there.",
    }
    return Figure(
        name=str(network_title(network)),
        drawing=_drawing(network, model),
        said=said[network.role],
    )


def _drawing(network: Network, model: Model) -> Markup:
    """The drawing; or the edges in a list, where nothing lays them out."""
    try:
        return Markup(svg_inline(sheet_of([network], model), network.name))  # escaped there
    except ImportError:
        edges = [
            f"{listed(network.nodes[start])} -> {listed(network.nodes[end])}"
            for start, end in network.edges
        ]
        items = Markup("").join(Markup("<li>{}</li>").format(edge) for edge in edges)
        return Markup("<ul>{}</ul>").format(items)


def more_figures(networks: Sequence[Network]) -> str:
    """Name the networks that are not drawn."""
    rest = networks[MOST_FIGURES:]
    if not rest:
        return ""
    names = ", ".join(str(network_title(one)) for one in rest[:12])
    dots = " and others" if len(rest) > 12 else ""
    return f"Not drawn here: {names}{dots}. `graphdsl draw --network NAME` draws each."
