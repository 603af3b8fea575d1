"""Drawings as SVG: text that any browser shows, coloured by classes."""

from __future__ import annotations

__all__ = ["STYLE", "escaped", "svg", "svg_inline"]

from collections.abc import Iterator
from html import escape
from itertools import pairwise
from math import hypot

from graphdsl.draw.labels import Label, lines_of
from graphdsl.draw.layout import Drawing, Point, Rectangle, Route, Spot
from graphdsl.draw.picture import Mark
from graphdsl.draw.sheet import TITLE_HEIGHT, Sheet

_MARGIN = 12.0
#: Colours of the marks and arrows; a page that holds drawings may set others for its variables.
STYLE = """\
.net { font: 15px Georgia, 'Times New Roman', serif; fill: var(--ink, #1a1a1a); }
.net .mark { fill: var(--paper, #fff); stroke: var(--ink, #1a1a1a); stroke-width: 1.4; }
.net .observed .mark { fill: var(--shade, #d4d4d4); }
.net .selector .mark { fill: var(--ink, #1a1a1a); }
.net .plate { fill: none; stroke: var(--faint, #767676); stroke-width: 1.1; }
.net .range { font-size: 12px; fill: var(--faint, #5a5a5a); stroke: var(--paper, #fff);
  stroke-width: 4; paint-order: stroke; }
.net .arrow { fill: none; stroke: var(--ink, #1a1a1a); stroke-width: 1.4; }
.net .head { fill: var(--ink, #1a1a1a); stroke: none; }
.net .learned .arrow { stroke-dasharray: 6 4; }
.net .added .arrow { stroke: var(--added, #0b5cad); stroke-width: 2; }
.net .added .head { fill: var(--added, #0b5cad); }
.net .removed .arrow { stroke: var(--removed, #b03a1e); stroke-dasharray: 1.5 4; }
.net .removed .head { fill: var(--removed, #b03a1e); }
.net .name { font-size: 13px; font-weight: bold; font-family: system-ui, sans-serif; }
.net .index { font-size: 11px; }
.net .word { font-style: normal; }
.net .sign { font-style: italic; }
"""


def svg(sheet: Sheet, title: str) -> str:
    """A whole file."""
    width, height = sheet.width + 2 * _MARGIN, sheet.height + 2 * _MARGIN
    body = "\n".join(_body(sheet, title))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="net" role="img" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="{-_MARGIN:.0f} {-_MARGIN:.0f} {width:.0f} {height:.0f}">\n'
        f"<style>\n{STYLE}</style>\n"
        f'<rect x="{-_MARGIN:.0f}" y="{-_MARGIN:.0f}" width="{width:.0f}" height="{height:.0f}" '
        f'fill="#fff"/>\n{body}\n</svg>\n'
    )


def svg_inline(sheet: Sheet, title: str) -> str:
    """An element for a page that has its own style; the page names the networks."""
    width, height = sheet.width + _MARGIN, sheet.height - TITLE_HEIGHT + _MARGIN
    body = "\n".join(_body(sheet, title, named=False))
    return (
        f'<svg class="net" role="img" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="{-_MARGIN / 2:.0f} {TITLE_HEIGHT - _MARGIN / 2:.0f} {width:.0f} {height:.0f}">'
        f"\n{body}\n</svg>"
    )


def _body(sheet: Sheet, title: str, *, named: bool = True) -> Iterator[str]:
    """What stands in the file: each drawing at its place."""
    yield f"<title>{escaped(title)}</title>"
    for drawing, corner in sheet.drawings:
        yield f'<g transform="translate({corner.x:.1f} {corner.y:.1f})">'
        if named:
            yield f'<text class="name" x="0" y="-16">{escaped(drawing.picture.title)}</text>'
        yield from _drawing(drawing)
        yield "</g>"


def escaped(text: str) -> str:
    """Text as XML shows it: markup is escaped, and control characters are made visible."""
    return escape("".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in text))


def _drawing(drawing: Drawing) -> Iterator[str]:
    for _, box in drawing.plates:
        yield _box(box, "plate")
    for route in drawing.routes:
        yield from _arrow(route, drawing)
    for plate, box in drawing.plates:
        yield (
            f'<text class="range" text-anchor="end" x="{box.right - 7:.1f}" '
            f'y="{box.bottom - 5:.1f}">{escaped(plate.label)}</text>'
        )
    for spot in drawing.spots:
        yield from _mark(spot)


def _box(box: Rectangle, kind: str) -> str:
    return (
        f'<rect class="{kind}" x="{box.left:.1f}" y="{box.top:.1f}" '
        f'width="{box.right - box.left:.1f}" height="{box.bottom - box.top:.1f}" rx="8"/>'
    )


def _arrow(route: Route, drawing: Drawing) -> Iterator[str]:
    start, end = (drawing.spots[place].mark for place in (route.arrow.start, route.arrow.end))
    classes = f"edge {route.arrow.tone}{' learned' * route.arrow.learned}"
    yield (
        f'<g class="{classes}" data-from="{_variables(start)}" data-to="{_variables(end)}">'
        f"<title>{escaped(_said(route, start, end))}</title>"
    )
    tip, tail = route.points[-1], route.points[-2]
    length = hypot(tip.x - tail.x, tip.y - tail.y) or 1.0
    x, y = (tip.x - tail.x) / length, (tip.y - tail.y) / length
    neck = Point(tip.x - 8 * x, tip.y - 8 * y)
    yield f'<path class="arrow" d="{path_through((*route.points[:-1], neck))}"/>'
    corners = (tip, Point(neck.x - 4 * y, neck.y + 4 * x), Point(neck.x + 4 * y, neck.y - 4 * x))
    yield f'<path class="head" d="M{" L".join(_at(corner) for corner in corners)} Z"/></g>'


def _said(route: Route, start: Mark, end: Mark) -> str:
    ends = f"{start.text} -> {end.text}"
    said = {
        "kept": "",
        "added": ", not in what is projected",
        "removed": ", in what is projected alone",
    }
    return f"{ends}{', learned' * route.arrow.learned}{said[route.arrow.tone]}"


def path_through(points: tuple[Point, ...]) -> str:
    """A smooth line: a curve from the middle of each stretch to that of the next."""
    if len(points) == 2:
        return f"M{_at(points[0])} L{_at(points[1])}"
    written = f"M{_at(points[0])}"
    for here, after in pairwise(points[1:-1]):
        middle = Point((here.x + after.x) / 2, (here.y + after.y) / 2)
        written += f" Q{_at(here)} {_at(middle)}"
    return f"{written} Q{_at(points[-2])} {_at(points[-1])}"


def _at(point: Point) -> str:
    return f"{point.x:.1f} {point.y:.1f}"


def _mark(spot: Spot) -> Iterator[str]:
    mark, box = spot.mark, spot.box
    said = mark.label[0].plain if len(mark.variables) == 1 else ", ".join(mark.variables)
    yield (
        f'<g class="node {mark.kind}" data-variables="{_variables(mark)}">'
        f"<title>{escaped(said)}: {mark.kind}</title>"
    )
    round_by = 1.5 if mark.kind == "selector" else min(spot.width, spot.height) / 2
    yield (
        f'<rect class="mark" x="{box.left:.1f}" y="{box.top:.1f}" width="{spot.width:.1f}" '
        f'height="{spot.height:.1f}" rx="{round_by:.1f}"/>'
    )
    if mark.kind != "selector":
        lines = lines_of(mark.label)
        for place, line in enumerate(lines):
            y = spot.middle.y + 5 + (place - (len(lines) - 1) / 2) * 17
            yield _text(line, spot.middle.x, y, last=place == len(lines) - 1)
    yield "</g>"


def _text(line: tuple[Label, ...], x: float, y: float, *, last: bool) -> str:
    names = [_name(one) for one in line]
    comma = "" if last else ","
    return f'<text text-anchor="middle" x="{x:.1f}" y="{y:.1f}">{", ".join(names)}{comma}</text>'


def _name(one: Label) -> str:
    base = f'<tspan class="{"word" if one.upright else "sign"}">{escaped(one.base)}</tspan>'
    if not one.below:
        return base
    return f'{base}<tspan class="index" dy="4">{escaped(one.below)}</tspan><tspan dy="-4"> </tspan>'


def _variables(mark: Mark) -> str:
    return escaped("|".join(mark.variables))
