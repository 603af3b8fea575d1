"""Where counterexamples are looked for: copies, sums and independent bits first, then anything."""

from __future__ import annotations

__all__ = ["random_factors", "structured_factors"]

from itertools import product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphdsl.prove.frames import Array, Factors, Frame

Integers: TypeAlias = NDArray[np.int64]


def structured_factors(frame: Frame, base: int, count: int, rng: np.random.Generator) -> Factors:
    """Data that are linear in a few fair digits to a base; latents, functions or fair noise.

    Most extreme points of the entropies of few variables are of this kind.
    """
    shapes = frame.shapes
    return [
        _linear_data(frame, base, count, rng),
        *(_structured_table(shape, count, rng) for shape in shapes[1:]),
    ]


def random_factors(frame: Frame, count: int, rng: np.random.Generator) -> Factors:
    """Dirichlet tables, from nearly deterministic ones to nearly uniform ones."""
    return [
        _dirichlet(frame.shapes[0], 0, count, rng),
        *(_dirichlet(shape, len(shape) - 1, count, rng) for shape in frame.shapes[1:]),
    ]


def _linear_data(frame: Frame, base: int, count: int, rng: np.random.Generator) -> Array:
    """The joint of linear functions of one to three independent fair digits."""
    sizes = frame.sizes[: frame.data]
    if not sizes:
        return np.ones(count)
    joint = np.zeros((count, *sizes))
    for one in range(count):
        digits = np.array(list(product(range(base), repeat=int(rng.integers(1, 4)))))
        cells = tuple(_digits_to_state(digits, base, size, rng) for size in sizes)
        np.add.at(joint[one], cells, 1 / len(digits))
    return joint


def _digits_to_state(digits: Integers, base: int, size: int, rng: np.random.Generator) -> Integers:
    """A random linear function of the digits, or two of them where there are states for both."""
    state: Integers = digits @ rng.integers(0, base, digits.shape[1]) % base
    if base * base <= size:
        state = state * base + digits @ rng.integers(0, base, digits.shape[1]) % base
    return np.minimum(state, size - 1, dtype=np.int64)


def _structured_table(shape: tuple[int, ...], count: int, rng: np.random.Generator) -> Array:
    """For each of a batch: linear, any function, fair noise, half of each, or constant."""
    *above, size = shape
    grid = np.array(list(product(*map(range, above))), dtype=np.int64)
    functions = rng.integers(0, size, (count, len(grid)))
    kind = rng.choice(5, count, p=[0.45, 0.15, 0.2, 0.1, 0.1])
    if above:
        factors = rng.integers(0, 2, (count, len(above)))
        linear = (factors @ grid.T + rng.integers(0, 2, (count, 1))) % size
        functions = np.where((kind == 0)[:, None], linear, functions)
    functions[kind == 4] = 0
    table = np.eye(size)[functions]
    table[kind == 2] = 1 / size
    # Half a function, half its shifted copy: with four states, a function and a bit of its own.
    table[kind == 3] = (table[kind == 3] + np.roll(table[kind == 3], size // 2, axis=2)) / 2
    return table.reshape(count, *shape)


def _dirichlet(shape: tuple[int, ...], own: int, count: int, rng: np.random.Generator) -> Array:
    """Rows over the axes from `own` on, each summing to one."""
    rows = int(np.prod(shape[:own], dtype=np.int64))
    cells = int(np.prod(shape[own:], dtype=np.int64))
    sharp = rng.choice([0.1, 0.4, 1.0], (count, 1, 1))
    numbers: Array = rng.gamma(np.broadcast_to(sharp, (count, rows, cells))) + 1e-12
    numbers = numbers / numbers.sum(axis=2, keepdims=True)
    return numbers.reshape(count, *shape)
