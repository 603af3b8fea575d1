"""The figure of the rule for each setting, as SVG: a dot for a seed, a bar for the deviation."""

from __future__ import annotations

__all__ = ["plot"]

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from graphdsl.sweeps.choice import Choice, Spread
from graphdsl.sweeps.grid import Setting

_ROW, _TOP, _BOTTOM, _PLOT, _RIGHT = 26, 40, 44, 420, 30  # pixels
_LETTER = 7.4  # width of one, at the size of the labels
_TICKS = 5
_STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #1a1a1a; }
.axis { stroke: #767676; } .grid { stroke: #e4e4e4; }
.seed { fill: #0b5cad; fill-opacity: 0.35; }
.mean { fill: #0b5cad; } .deviation { stroke: #0b5cad; stroke-width: 2; }
.chosen text { font-weight: bold; } .chosen .mean { fill: #b03a1e; }
.chosen .deviation { stroke: #b03a1e; }"""


def plot(choice: Choice, seeds: Mapping[int, Sequence[float]], label: str) -> str:
    """Draw a row for each setting; ``seeds`` has the figures of each, by its number.

    Unit: nats, along the horizontal axis.
    """
    left = 20 + _LETTER * max(len(str(setting)) for setting, _ in choice.figures)
    scale = _Scale(_extremes(choice, seeds), left)
    height = _TOP + _ROW * len(choice.figures) + _BOTTOM
    width = left + _PLOT + _RIGHT
    body = [
        *_axis(scale, height, label),
        *(
            line
            for place, (setting, figure) in enumerate(choice.figures)
            for line in _setting(setting, figure, seeds[setting.number], choice, place, scale)
        ),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width:.0f}" '
        f'height="{height}" viewBox="0 0 {width:.0f} {height}">\n'
        f"<title>{escape(label)} of each setting</title>\n<style>\n{_STYLE}\n</style>\n"
        f'<rect width="{width:.0f}" height="{height}" fill="#fff"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


class _Scale:
    """Where a number of nats is drawn."""

    def __init__(self, extremes: tuple[float, float], left: float) -> None:
        low, high = extremes
        room = 0.05 * (high - low) or 0.5 * abs(low) or 0.5
        self.low, self.high, self.left = low - room, high + room, left

    def of(self, nats: float) -> float:
        """Give the place of a number."""
        return self.left + _PLOT * (nats - self.low) / (self.high - self.low)

    def ticks(self) -> Iterator[float]:
        """Give round numbers, about as many as there should be ticks."""
        rough = (self.high - self.low) / _TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(one * power for one in (1, 2, 5, 10) if one * power >= rough)
        first = math.ceil(self.low / step)
        return (step * one for one in range(first, math.floor(self.high / step) + 1))


def _extremes(choice: Choice, seeds: Mapping[int, Sequence[float]]) -> tuple[float, float]:
    ends = [value for setting, _ in choice.figures for value in seeds[setting.number]]
    for _, figure in choice.figures:
        width = figure.deviation or 0.0
        ends += [figure.mean - width, figure.mean + width]
    return min(ends), max(ends)


def _axis(scale: _Scale, height: int, label: str) -> Iterator[str]:
    bottom = height - _BOTTOM
    for nats in scale.ticks():
        at = f"{scale.of(nats):.1f}"
        yield f'<line class="grid" x1="{at}" x2="{at}" y1="{_TOP - 10}" y2="{bottom}"/>'
        yield f'<text x="{at}" y="{bottom + 18}" text-anchor="middle">{nats:g}</text>'
    ends = f'x1="{scale.left:.1f}" x2="{scale.left + _PLOT:.1f}"'
    yield f'<line class="axis" {ends} y1="{bottom}" y2="{bottom}"/>'
    middle = scale.left + _PLOT / 2
    text = f"{escape(label)} on validation rows, nats"
    yield f'<text x="{middle:.1f}" y="{height - 8}" text-anchor="middle">{text}</text>'


def _setting(
    setting: Setting,
    spread: Spread,
    values: Sequence[float],
    choice: Choice,
    place: int,
    scale: _Scale,
) -> Iterator[str]:
    y = _TOP + _ROW * place + _ROW / 2 - 10
    yield f'<g class="{"chosen" if setting == choice.setting else "setting"}">'
    name = escape(str(setting))
    yield f'<text x="{scale.left - 10:.1f}" y="{y + 4:.1f}" text-anchor="end">{name}</text>'
    if spread.deviation:
        ends = (scale.of(spread.mean - spread.deviation), scale.of(spread.mean + spread.deviation))
        yield (
            f'<line class="deviation" x1="{ends[0]:.1f}" x2="{ends[1]:.1f}" '
            f'y1="{y:.1f}" y2="{y:.1f}"/>'
        )
    for value in values:
        yield f'<circle class="seed" cx="{scale.of(value):.1f}" cy="{y:.1f}" r="3.5"/>'
    yield f'<circle class="mean" cx="{scale.of(spread.mean):.1f}" cy="{y:.1f}" r="5"/>'
    yield "</g>"
