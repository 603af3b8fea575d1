"""Drawings of networks: families folded into plates, nodes in layers, as SVG, TikZ, PNG or PDF."""

__all__ = [
    "TIKZ_PREAMBLE",
    "Sheet",
    "drawable",
    "png_or_pdf",
    "projected",
    "sheet_of",
    "svg",
    "svg_inline",
    "tikz",
]

from graphdsl.draw.pictured import projected
from graphdsl.draw.raster import png_or_pdf
from graphdsl.draw.sheet import Sheet, drawable, sheet_of
from graphdsl.draw.svg import svg, svg_inline
from graphdsl.draw.tikz import PREAMBLE as TIKZ_PREAMBLE
from graphdsl.draw.tikz import tikz
