"""Drawings as TikZ, for a paper: `tikz` and its library `arrows.meta` are all that they need."""

from __future__ import annotations

__all__ = ["PREAMBLE", "tikz"]

from collections.abc import Iterator

from graphdsl.draw.labels import lines_of
from graphdsl.draw.layout import Drawing, Point, Route, Spot
from graphdsl.draw.sheet import Sheet

#: What the preamble of a document has to say.
PREAMBLE = r"\usepackage{tikz}\usetikzlibrary{arrows.meta}"
_PER_CM = 38.0

_STYLES = r"""[
  >={Stealth[length=2mm]}, font=\small,
  latent/.style={draw, fill=white, rounded corners=4.9mm, minimum height=9.9mm, inner sep=1mm,
    align=center},
  observed/.style={latent, fill=black!15},
  selector/.style={draw, fill=black, minimum size=2.8mm, inner sep=0pt},
  plate/.style={draw=black!60, rounded corners=2mm},
  kept/.style={->, semithick}, learned/.style={dashed},
  added/.style={->, thick, blue!60!black}, removed/.style={->, dotted, thick, red!70!black}]"""


def tikz(sheet: Sheet) -> str:
    """A `tikzpicture`, which the preamble has to make possible: a comment says how."""
    lines = [f"% {PREAMBLE}", rf"\begin{{tikzpicture}}{_STYLES}"]
    for number, (drawing, corner) in enumerate(sheet.drawings):
        lines += _drawing(drawing, corner, f"n{number}x")
    return "\n".join([*lines, r"\end{tikzpicture}"]) + "\n"


def _drawing(drawing: Drawing, corner: Point, prefix: str) -> Iterator[str]:
    x, y = _cm(corner, 0.0, -16.0)
    title = _verbatim(drawing.picture.title)
    yield rf"  \node[anchor=west, inner sep=0pt] at ({x},{y}) {{{title}}};"
    for plate, box in drawing.plates:
        low = _cm(corner, box.left, box.bottom)
        high = _cm(corner, box.right, box.top)
        yield f"  \\draw[plate] ({low[0]},{low[1]}) rectangle ({high[0]},{high[1]});"
        end = _cm(corner, box.right - 5, box.bottom - 8)
        yield (
            rf"  \node[anchor=east, inner sep=0pt, font=\footnotesize] at ({end[0]},{end[1]}) "
            rf"{{${plate.latex}$}};"
        )
    for place, spot in enumerate(drawing.spots):
        yield _mark(spot, corner, f"{prefix}{place}")
    for route in drawing.routes:
        yield _arrow(route, corner)


def _mark(spot: Spot, corner: Point, key: str) -> str:
    x, y = _cm(corner, *spot.middle)
    if spot.mark.kind == "selector":
        return rf"  \node[selector] ({key}) at ({x},{y}) {{}};"
    lines = [", ".join(one.latex for one in line) for line in lines_of(spot.mark.label)]
    inner = r",\\ ".join(f"${line}$" for line in lines)
    width = f"{spot.width / _PER_CM * 10:.1f}mm"
    return rf"  \node[{spot.mark.kind}, minimum width={width}] ({key}) at ({x},{y}) {{{inner}}};"


def _arrow(route: Route, corner: Point) -> str:
    style = route.arrow.tone + ", learned" * route.arrow.learned
    points = [_cm(corner, *point) for point in route.points]
    written = [f"({x},{y})" for x, y in points]
    if len(written) == 2:
        return f"  \\draw[{style}] {written[0]} -- {written[1]};"
    if len(written) == 3:
        return f"  \\draw[{style}] {written[0]} .. controls {written[1]} .. {written[2]};"
    return f"  \\draw[{style}, rounded corners=3mm] {' -- '.join(written)};"


def _verbatim(name: str) -> str:
    """The name of a network, which may have braces: `{x; u}`."""
    signs = {"_": r"\_", "{": r"\{", "}": r"\}", "^": r"\^{}", "&": r"\&", "#": r"\#", "%": r"\%"}
    escaped = "".join(signs.get(one, one) for one in name)
    return rf"\texttt{{{escaped}}}"


def _cm(corner: Point, x: float, y: float) -> tuple[str, str]:
    return f"{(corner.x + x) / _PER_CM:.2f}", f"{-(corner.y + y) / _PER_CM:.2f}"
