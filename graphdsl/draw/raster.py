"""Drawings as PNG and PDF, by matplotlib where it is installed."""

from __future__ import annotations

__all__ = ["png_or_pdf"]

from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from graphdsl.draw.labels import lines_of
from graphdsl.draw.layout import Drawing, Point, Rectangle, Route, Spot
from graphdsl.draw.sheet import Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARGIN, _PER_INCH = 12.0, 72.0
_INK, _FAINT, _SHADE = "#1a1a1a", "#767676", "#d4d4d4"
_COLOURS = {"kept": _INK, "added": "#0b5cad", "removed": "#b03a1e"}


def png_or_pdf(sheet: Sheet, kind: Literal["png", "pdf"]) -> bytes:
    """The bytes of a file, the same for the same drawing.

    Raises:
        ImportError: If matplotlib is not installed.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    width, height = sheet.width + 2 * _MARGIN, sheet.height + 2 * _MARGIN
    written = BytesIO()
    with rc_context({"mathtext.fontset": "cm", "pdf.compression": 6}):
        figure = Figure(figsize=(width / _PER_INCH, height / _PER_INCH))
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        axes.set(xlim=(-_MARGIN, width - _MARGIN), ylim=(height - _MARGIN, -_MARGIN))
        for drawing, corner in sheet.drawings:
            _draw(drawing, corner, axes)
        metadata: dict[str, Any] = (
            {"CreationDate": None, "Creator": "graphdsl"} if kind == "pdf" else {"Software": None}
        )
        figure.savefig(written, format=kind, dpi=144, metadata=metadata)
    return written.getvalue()


def _draw(drawing: Drawing, corner: Point, axes: Axes) -> None:
    axes.text(
        corner.x,
        corner.y - 16,
        drawing.picture.title,
        fontsize=11,
        fontweight="bold",
        parse_math=False,
        color=_INK,
    )
    for plate, box in drawing.plates:
        _box(box, corner, axes, 8.0, edgecolor=_FAINT, facecolor="none", linewidth=1.0, zorder=1)
        right, bottom = corner.x + box.right - 7, corner.y + box.bottom - 5
        axes.text(right, bottom, plate.label, fontsize=10, ha="right", color=_FAINT)
    for route in drawing.routes:
        _arrow(route, corner, axes)
    for spot in drawing.spots:
        _mark(spot, corner, axes)


def _mark(spot: Spot, corner: Point, axes: Axes) -> None:
    fill = {"observed": _SHADE, "latent": "white", "selector": _INK}[spot.mark.kind]
    radius = 1.5 if spot.mark.kind == "selector" else min(spot.width, spot.height) / 2
    _box(spot.box, corner, axes, radius, edgecolor=_INK, facecolor=fill, linewidth=1.3, zorder=3)
    if spot.mark.kind != "selector":
        lines = [", ".join(one.latex for one in line) for line in lines_of(spot.mark.label)]
        text = ",\n".join(f"${line}$" for line in lines)
        x, y = corner.x + spot.middle.x, corner.y + spot.middle.y
        axes.text(x, y, text, fontsize=13, ha="center", va="center", color=_INK, zorder=4)


def _box(box: Rectangle, corner: Point, axes: Axes, radius: float, **look: Any) -> None:  # noqa: ANN401  # matplotlib's own
    from matplotlib.patches import FancyBboxPatch

    width, height = box.right - box.left, box.bottom - box.top
    patch = FancyBboxPatch(
        (corner.x + box.left, corner.y + box.top),
        width,
        height,
        boxstyle=f"round,pad=0,rounding_size={radius}",
        **look,
    )
    axes.add_patch(patch)


def _arrow(route: Route, corner: Point, axes: Axes) -> None:
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    points = [(corner.x + point.x, corner.y + point.y) for point in route.points]
    codes = [Path.MOVETO, Path.LINETO]
    if len(points) > 2:
        points, codes = _smooth(points)
    styles = {"removed": (0, (1.2, 2.5)), "learned": (0, (5, 3))}
    style = styles.get(route.arrow.tone) or (styles["learned"] if route.arrow.learned else "solid")
    patch = FancyArrowPatch(
        path=Path(points, codes),
        arrowstyle="-|>,head_length=5,head_width=2.6",
        linestyle=style,
        linewidth=1.3,
        color=_COLOURS[route.arrow.tone],
        zorder=2,
        shrinkA=0,
        shrinkB=0,
    )
    axes.add_patch(patch)


def _smooth(points: list[tuple[float, float]]) -> tuple[list[tuple[float, float]], list[Any]]:
    """A curve from the middle of each stretch to that of the next."""
    from matplotlib.path import Path

    written, codes = [points[0]], [Path.MOVETO]
    for here, after in pairwise(points[1:-1]):
        middle = ((here[0] + after[0]) / 2, (here[1] + after[1]) / 2)
        written += [here, middle]
        codes += [Path.CURVE3, Path.CURVE3]
    return [*written, points[-2], points[-1]], [*codes, Path.CURVE3, Path.CURVE3]
