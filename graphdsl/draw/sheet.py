"""Drawings beside each other: which networks of a spec there are to draw."""

from __future__ import annotations

__all__ = ["TITLE_HEIGHT", "Sheet", "drawable", "sheet_of"]

from collections.abc import Iterable
from dataclasses import dataclass

from graphdsl.draw.layout import Drawing, Point, laid_out
from graphdsl.draw.pictured import pictured
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network

TITLE_HEIGHT = 34.0  #: of the name above a drawing
_GAP, _WIDEST = 48.0, 1100.0


@dataclass(frozen=True, slots=True)
class Sheet:
    """Drawings, the left upper corner of each below its title, and the size of all."""

    drawings: tuple[tuple[Drawing, Point], ...]
    width: float
    height: float


def drawable(model: Model) -> tuple[Network, ...]:
    """The networks of a spec by their names: q, p, further ones, and those projected on."""
    own = (model.inference, model.generation, *model.further)
    projected = (projection.network for projection in model.projections)
    named = {one.name: one for one in (*own, *projected) if one and one.nodes}
    return tuple(named.values())


def sheet_of(networks: Iterable[Network], model: Model, *, full: bool = False) -> Sheet:
    """Draw networks beside each other, in rows that are not too wide."""
    placed: list[tuple[Drawing, Point]] = []
    left, top, bottom, width = 0.0, TITLE_HEIGHT, 0.0, 0.0
    for network in networks:
        drawing = laid_out(pictured(network, model, full=full))
        if left and left + drawing.width > _WIDEST:
            left, top = 0.0, bottom + TITLE_HEIGHT + _GAP / 2
        placed.append((drawing, Point(left, top)))
        left += max(drawing.width, 7.5 * len(drawing.picture.title)) + _GAP
        width, bottom = max(width, left - _GAP), max(bottom, top + drawing.height)
    return Sheet(tuple(placed), width, bottom)
