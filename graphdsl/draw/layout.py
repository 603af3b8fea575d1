"""A place for every mark: layers by fast-sugiyama, plates kept clear of what is not in them."""

from __future__ import annotations

__all__ = ["Drawing", "Point", "Rectangle", "Route", "Spot", "laid_out"]

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from graphdsl.draw.labels import Label, lines_of
from graphdsl.draw.picture import Arrow, Mark, Picture, Plate

_UNIT = 100.0  #: what the library calls the distance of two nodes
_HEIGHT, _LINE, _GAP, _ROWS = 38.0, 17.0, 26.0, 44.0
_SELECTOR = 12.0
_PAD = 10.0  #: of a plate, around its marks
_FOOT = 18.0  #: of a plate, for its label


class Point(NamedTuple):
    """A place, from the left and from the top."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A box by its corners."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Rectangle) -> bool:
        """Whether they have a point in common."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


@dataclass(frozen=True, slots=True)
class Spot:
    """A mark with its middle and its size."""

    mark: Mark
    middle: Point
    width: float
    height: float

    @property
    def box(self) -> Rectangle:
        """All that it covers."""
        x, y, a, b = *self.middle, self.width / 2, self.height / 2
        return Rectangle(x - a, y - b, x + a, y + b)

    def holds(self, point: Point) -> bool:
        """Whether a point is in it: its ends are round, those of a selector are not."""
        x, y = abs(point.x - self.middle.x), abs(point.y - self.middle.y)
        if self.mark.kind == "selector":
            return max(x, y) <= self.width / 2
        radius = min(self.height, self.width) / 2
        outside = max(0.0, x - (self.width / 2 - radius)), max(0.0, y - (self.height / 2 - radius))
        return (outside[0] ** 2 + outside[1] ** 2) <= radius**2


@dataclass(frozen=True, slots=True)
class Route:
    """An arrow with the points that it runs through, from border to border."""

    arrow: Arrow
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture in which everything has its place."""

    picture: Picture
    spots: tuple[Spot, ...]
    routes: tuple[Route, ...]
    plates: tuple[tuple[Plate, Rectangle], ...]
    width: float
    height: float


def laid_out(picture: Picture) -> Drawing:
    """Give every mark a place, in layers along the arrows.

    Raises:
        ImportError: If fast-sugiyama is not installed.
    """
    sizes = [_size(mark) for mark in picture.marks]
    column = max((width for width, _ in sizes), default=_HEIGHT) + _GAP
    row = max((height for _, height in sizes), default=_HEIGHT) + _ROWS
    grid, bends = _side_by_side(_parts(picture), picture.upwards)
    spots = [
        Spot(mark, Point(grid[k].x * column, grid[k].y * row), *sizes[k])
        for k, mark in enumerate(picture.marks)
    ]
    spots, moved = _clear(spots, picture.plates)
    routes = []
    for arrow in picture.arrows:
        through = [Point(x * column, y * row) for x, y in bends.get((arrow.start, arrow.end), ())]
        if arrow.tone == "removed" or moved & {arrow.start, arrow.end}:
            through = []
        routes.append(_route(arrow, spots, through))
    return _framed(picture, spots, routes)


def _size(mark: Mark) -> tuple[float, float]:
    if mark.kind == "selector":
        return _SELECTOR, _SELECTOR
    lines = lines_of(mark.label)
    width = max(sum(_letters(name) for name in line) + 8.0 * (len(line) - 1) for line in lines)
    return max(_HEIGHT, width + 22), max(_HEIGHT, len(lines) * _LINE + 14)


def _letters(one: Label) -> float:
    return 9.0 * len(one.base) + 6.5 * len(one.below)


class _Part(NamedTuple):
    """Marks that hang together: columns and rows, the first row that of what has no parents."""

    places: dict[int, Point]
    bends: dict[tuple[int, int], list[Point]]


def _parts(picture: Picture) -> list[_Part]:
    pairs = [(arrow.start, arrow.end) for arrow in picture.arrows if arrow.tone != "removed"]
    tied = {end for pair in pairs for end in pair}
    alone = [_Part({k: Point(0.0, 0.0)}, {}) for k in range(len(picture.marks)) if k not in tied]
    parts = [*_layered(list(dict.fromkeys(pairs)), len(picture.marks)), *alone]
    return sorted(parts, key=lambda part: min(part.places))


def _layered(pairs: list[tuple[int, int]], count: int) -> Iterator[_Part]:
    """The connected parts, each with the crossings of its arrows reduced."""
    if not pairs:
        return
    from fast_sugiyama import from_edges

    layout = from_edges(pairs, vertex_spacing=_UNIT, dummy_vertices=True, dummy_size=0.4)
    for positions, _, height, edges in layout:
        place = {int(k): Point(x / _UNIT, round((height - y) / _UNIT)) for k, (x, y) in positions}
        after = {int(a): int(b) for a, b in edges or () if int(a) >= count}
        bends: dict[tuple[int, int], list[Point]] = {}
        for a, b in edges or ():
            through, here = [], int(b)
            while here >= count:
                through.append(place[here])
                here = after[here]
            if int(a) < count and through:
                bends[int(a), here] = through
        yield _Part({k: one for k, one in place.items() if k < count}, bends)


def _side_by_side(
    parts: list[_Part], upwards: bool
) -> tuple[dict[int, Point], dict[tuple[int, int], list[Point]]]:
    """All parts in one grid, with data at the bottom: rows are counted from the top."""
    last = max((one.y for part in parts for one in part.places.values()), default=0.0)
    grid: dict[int, Point] = {}
    bends: dict[tuple[int, int], list[Point]] = {}
    left = 0.0
    for part in parts:
        low = max(one.y for one in part.places.values())

        def at(one: Point, left: float = left, low: float = low) -> Point:
            return Point(left + one.x, last - one.y if upwards else last - low + one.y)

        grid |= {k: at(place) for k, place in part.places.items()}
        bends |= {pair: [*map(at, points)] for pair, points in part.bends.items()}
        left = max(one.x for k, one in grid.items() if k in part.places) + 1.0
    return grid, bends


def _clear(spots: list[Spot], plates: Iterable[Plate]) -> tuple[list[Spot], set[int]]:
    """Move the marks of a plate to the right where something else would be in it."""
    spots, moved = [*spots], set[int]()
    done: list[Rectangle] = []
    for plate in plates:
        box = _around(plate, spots)
        others = [spot.box for k, spot in enumerate(spots) if k not in plate.marks] + done
        if any(box.meets(one) for one in others):
            beside = [one.right for one in others if one.top < box.bottom and box.top < one.bottom]
            by = max(beside) + _GAP - box.left
            for k in plate.marks:
                one = spots[k]
                spots[k] = replace(one, middle=Point(one.middle.x + by, one.middle.y))
            moved |= {*plate.marks}
        done.append(_around(plate, spots))
    return spots, moved


def _around(plate: Plate, spots: list[Spot]) -> Rectangle:
    """The border of a plate: its label stands at the foot, right of the arrows of the last mark."""
    boxes = [spots[k].box for k in plate.marks]
    lowest = max((spots[k] for k in plate.marks), key=lambda one: one.middle[::-1])
    label = 6.5 * len(plate.label) + 14
    return Rectangle(
        min(box.left for box in boxes) - _PAD,
        min(box.top for box in boxes) - _PAD,
        max([box.right + _PAD for box in boxes] + [lowest.middle.x + label]),
        max(box.bottom for box in boxes) + _FOOT,
    )


def _route(arrow: Arrow, spots: list[Spot], through: list[Point]) -> Route:
    """From border to border; bowed where it would run through another mark, or is one of two."""
    start, end = spots[arrow.start], spots[arrow.end]
    if not through:
        others = [spot for k, spot in enumerate(spots) if k not in (arrow.start, arrow.end)]
        bow = next(
            (
                by
                for by in (0.0, 0.25, -0.25, 0.45, -0.45)
                if not (by == 0.0 and arrow.tone == "removed")
                and not _hits(start.middle, end.middle, by, others)
            ),
            0.25,
        )
        through = [_bowed(start.middle, end.middle, bow)] if bow else []
    inner = (start.middle, *through, end.middle)
    first = _border(start, inner[1])
    last = _border(end, inner[-2])
    return Route(arrow, (first, *through, last))


def _bowed(start: Point, end: Point, by: float) -> Point:
    """A point beside the middle of a line, `by` of its length away."""
    x, y = end.x - start.x, end.y - start.y
    return Point((start.x + end.x) / 2 - by * y, (start.y + end.y) / 2 + by * x)


def _hits(start: Point, end: Point, by: float, others: list[Spot]) -> bool:
    control = _bowed(start, end, by)
    for step in range(1, 24):
        t = step / 24
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
        here = Point(
            a * start.x + b * control.x + c * end.x, a * start.y + b * control.y + c * end.y
        )
        if any(one.holds(here) for one in others):
            return True
    return False


def _border(spot: Spot, towards: Point) -> Point:
    """Where a line from the middle of a mark leaves it."""
    inside, outside = 0.0, 1.0
    for _ in range(20):
        middle = (inside + outside) / 2
        if spot.holds(_between(spot.middle, towards, middle)):
            inside = middle
        else:
            outside = middle
    return _between(spot.middle, towards, outside)


def _between(start: Point, end: Point, part: float) -> Point:
    return Point(start.x + part * (end.x - start.x), start.y + part * (end.y - start.y))


def _framed(picture: Picture, spots: list[Spot], routes: list[Route]) -> Drawing:
    """The same with its left upper corner at zero."""
    plates = [(one, _around(one, spots)) for one in picture.plates]
    boxes = [spot.box for spot in spots] + [box for _, box in plates]
    points = [point for route in routes for point in route.points]
    lefts = [one.left for one in boxes] + [one.x for one in points]
    tops = [one.top for one in boxes] + [one.y for one in points]
    x, y = min(lefts, default=0.0) - 2, min(tops, default=0.0) - 2
    right = max([one.right for one in boxes] + [one.x for one in points], default=0.0)
    bottom = max([one.bottom for one in boxes] + [one.y for one in points], default=0.0)

    def at(one: Point) -> Point:
        return Point(round(one.x - x, 2), round(one.y - y, 2))

    return Drawing(
        picture=picture,
        spots=tuple(replace(spot, middle=at(spot.middle)) for spot in spots),
        routes=tuple(replace(route, points=tuple(map(at, route.points))) for route in routes),
        plates=tuple(
            (plate, Rectangle(*at(Point(box.left, box.top)), *at(Point(box.right, box.bottom))))
            for plate, box in plates
        ),
        width=right - x + 2,
        height=bottom - y + 2,
    )
