"""Data that are drawn: sprites, images whose colour tells a label, sources, and counts of cells."""

from __future__ import annotations

__all__ = ["cells", "coloured_digits", "coloured_mnist", "sources", "sprites"]

from itertools import product

import numpy as np

from graphdsl_runtime.data.table import Array, Column, Table
from graphdsl_runtime.training.data import load_data

_SIDE = 16  # pixels
_SHAPES = ("ellipse", "rectangle", "triangle")
_SIZES = (3.0, 4.0, 5.0)  # half the length of a sprite, in pixels
_TURNS = 8  # orientations
_PLACES = 6  # along each axis
_WRONG_LABELS = 0.25
_WRONG_COLOURS = (0.2, 0.1)  # in each environment
_ENVIRONMENTS = ("wrong in 0.2", "wrong in 0.1")
_SEGMENTS, _LENGTH, _SOURCES = 40, 100, 5
_CELLS, _GENES, _TYPES, _BATCHES = 2000, 64, 5, 2
_DISPERSION, _DROPPED = 2.0, 0.1  # inverse; and the share of counts that are lost


def sprites() -> Table:
    """Draw 2,592 binary images ``x`` of 16 x 16 pixels, one for each value of five factors.

    Factors: ``shape``, ``size``, ``turn``, ``across`` and ``down``, as classes.

    >>> table = sprites()
    >>> table.columns[0].values.shape, table.names[1:]
    ((2592, 16, 16), ('shape', 'size', 'turn', 'across', 'down'))
    """
    spans = (len(_SHAPES), len(_SIZES), _TURNS, _PLACES, _PLACES)
    factors = np.array(list(product(*map(range, spans))))
    images = np.stack([_sprite(*row) for row in factors.tolist()])
    names = (
        _SHAPES,
        tuple(f"{size:g}" for size in _SIZES),
        *(tuple(map(str, range(span))) for span in spans[2:]),
    )
    columns = [
        Column(name, factors[:, at], categories=names[at], ordered=True)
        for at, name in enumerate(("shape", "size", "turn", "across", "down"))
    ]
    return Table("sprites", (Column("x", images), *columns), by_order=True)


def coloured_mnist(folder: str) -> Table:
    """Colour MNIST's training images so that a colour tells the label, better in some places.

    Columns: ``x``, ``(2, 14, 14)``, in one of the two colours; ``y``, whether the digit is 5 or
    more, wrong in a quarter of the rows; ``e``, the environment, in which the colour differs from y
    in a fifth or in a tenth of the rows; ``digit``.
    Raises `TrainingError`.  Reference: Arjovsky et al. 2019.
    """
    data = load_data(f"mnist:{folder}")
    images = data.train.numpy().reshape(len(data.train), data.layout.rows, data.layout.columns)
    small, digits = images[:, ::2, ::2], data.train_labels.numpy()
    y, e, colour = _spurious(digits)
    x = np.zeros((len(small), 2, *small.shape[1:]), dtype=np.float32)
    x[np.arange(len(small)), colour.astype(int)] = small
    return Table(
        f"coloured-mnist:{folder}",
        (
            Column("x", x),
            Column("y", y),
            Column("e", e, categories=_ENVIRONMENTS, ordered=True),
            Column("digit", digits.astype(np.int64), categories=tuple("0123456789"), ordered=True),
        ),
        by_order=True,
    )


def coloured_digits() -> Table:
    """Colour the digits in the same way: a bar on the left, or on the right, tells the label.

    Columns: ``x``, ``(8, 8)``; the attributes ``colour``, ``even`` and ``large``; ``y``; ``e``.
    Raises `MissingExtra`.  Reference: Arjovsky et al. 2019.
    """
    data = load_data("digits")
    x = np.concatenate([data.train.numpy(), data.test.numpy()]).reshape(-1, 8, 8).copy()
    digits = np.concatenate([data.train_labels.numpy(), data.test_labels.numpy()])
    y, e, colour = _spurious(digits)
    x[:, :, 0], x[:, :, 7] = ~colour[:, None], colour[:, None]
    attributes = {
        "colour": (colour, ("left", "right")),
        "even": (digits % 2 == 0, ("odd", "even")),
        "large": (digits >= 5, ("small", "large")),
    }
    columns = [
        Column(name, values.astype(np.int64), categories=names, ordered=True)
        for name, (values, names) in attributes.items()
    ]
    return Table(
        "coloured-digits",
        (
            Column("x", x),
            *columns,
            Column("y", y),
            Column("e", e, categories=_ENVIRONMENTS, ordered=True),
        ),
        held_out=np.arange(len(x)) >= len(data.train),
        by_order=True,
    )


def sources() -> Table:
    """Mix five sources ``s`` into ``x``; each is normal in each of the 40 segments ``w``.

    Means are in [-3, 3], standard deviations in [0.5, 3]; the mixing is two rotations with a leaky
    ReLU between them.  Reference: Khemakhem et al. 2020.

    >>> table = sources()
    >>> [(one.name, one.values.shape) for one in table.columns]
    [('x', (4000, 5)), ('w', (4000,)), ('s', (4000, 5))]
    """
    dice = np.random.RandomState(0)
    mean = dice.uniform(-3, 3, size=(_SEGMENTS, _SOURCES))
    scale = dice.uniform(0.5, 3, size=(_SEGMENTS, _SOURCES))
    w = np.repeat(np.arange(_SEGMENTS), _LENGTH)
    s = mean[w] + scale[w] * dice.standard_normal((len(w), _SOURCES))
    first, second = (np.linalg.qr(dice.standard_normal((_SOURCES, _SOURCES)))[0] for _ in range(2))
    mixed = s @ first
    x = np.where(mixed > 0, mixed, 0.2 * mixed) @ second
    names = tuple(map(str, range(_SEGMENTS)))
    return Table(
        "sources",
        (
            Column("x", (x - x.mean(axis=0)) / x.std(axis=0)),
            Column("w", w, categories=names, ordered=True),
            Column("s", s),
        ),
        by_order=True,
    )


def cells() -> Table:
    """Simulate counts ``x`` of 64 genes in 2,000 cells of five types, in two batches.

    A gene's share of a cell's counts depends on the ``type`` and on the ``batch``; a count is
    negative binomial, of inverse dispersion 2, and lost in a tenth of the cells. The ``size`` of a
    cell is the sum of its counts.

    >>> table = cells()
    >>> [(one.name, one.values.shape) for one in table.columns]
    [('x', (2000, 64)), ('size', (2000,)), ('batch', (2000,)), ('type', (2000,))]
    """
    dice = np.random.RandomState(0)
    kind, batch = dice.randint(_TYPES, size=_CELLS), dice.randint(_BATCHES, size=_CELLS)
    activity = dice.normal(0.0, 1.2, size=(_TYPES, _GENES))
    shift = dice.normal(0.0, 0.4, size=(_BATCHES, _GENES))
    share = np.exp(activity[kind] + shift[batch])
    share /= share.sum(axis=1, keepdims=True)
    library = np.exp(dice.normal(6.0, 0.5, size=(_CELLS, 1)))
    rate = library * share * dice.gamma(_DISPERSION, 1 / _DISPERSION, size=share.shape)
    x = dice.poisson(rate) * (dice.random_sample(rate.shape) >= _DROPPED)
    types = tuple(f"type {place}" for place in range(1, _TYPES + 1))
    batches = tuple(f"batch {place}" for place in range(1, _BATCHES + 1))
    return Table(
        "cells",
        (
            Column("x", x),
            Column("size", x.sum(axis=1)),
            Column("batch", batch, categories=batches, ordered=True),
            Column("type", kind, categories=types, ordered=True),
        ),
        by_order=True,
    )


def _spurious(digits: Array) -> tuple[Array, Array, Array]:
    """Labels, environments, and colours that go with the labels as the environment has it."""
    dice = np.random.RandomState(0).random_sample((3, len(digits)))
    y = (digits >= 5) ^ (dice[0] < _WRONG_LABELS)
    e = (dice[1] * len(_WRONG_COLOURS)).astype(np.int64)
    return y, e, y ^ (dice[2] < np.array(_WRONG_COLOURS)[e])


def _sprite(shape: int, size: int, turn: int, across: int, down: int) -> Array:
    """Draw one sprite: which pixels' centres it covers."""
    margin = max(_SIZES)
    places = np.linspace(margin, _SIDE - margin, _PLACES)
    rows, columns = np.mgrid[:_SIDE, :_SIDE] + 0.5
    angle = np.pi * turn / _TURNS if _SHAPES[shape] != "triangle" else 2 * np.pi * turn / _TURNS
    along = (columns - places[across]) * np.cos(angle) + (rows - places[down]) * np.sin(angle)
    aside = (rows - places[down]) * np.cos(angle) - (columns - places[across]) * np.sin(angle)
    along, aside = along / _SIZES[size], 2 * aside / _SIZES[size]
    inside: Array
    if _SHAPES[shape] == "ellipse":
        inside = along**2 + aside**2 <= 1
    elif _SHAPES[shape] == "rectangle":
        inside = np.maximum(abs(along), abs(aside)) <= 0.8
    else:
        inside = (abs(along) <= 1) & (abs(aside) <= (1 - along) / 1.5)
    return inside.astype(np.float32)
