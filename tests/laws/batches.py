"""Batches for any objective, and every kind of mistake that may be made with one."""

from __future__ import annotations

__all__ = ["Mistake", "all_noise", "batch_for", "mistakes", "permuted"]

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from graphdsl_runtime import Objective, Variable

ROWS = 6

#: Values that a kind has not.
OUTSIDE: dict[str, tuple[float, ...]] = {
    "real": (math.inf, -math.inf),
    "positive": (0.0, -1.0, math.inf),
    "unit": (-0.1, 1.5, math.inf),
    "binary": (255.0, -1.0, 1.5, math.inf),
    "count": (-1.0, 0.5, math.inf),
    "categorical": (-1.0, 0.5, 1e9, math.inf),
}


@dataclass(frozen=True)
class Mistake:
    """A batch that is wrong in one thing, and what a message has to name."""

    what: str
    name: str  #: of the variable
    batch: Mapping[str, Any]
    words: tuple[str, ...] = ()


def batch_for(objective: Objective, rows: int = ROWS, seed: int = 0) -> dict[str, Tensor]:
    """Values of all that is data, whole numbers for all kinds but two."""
    generator = torch.Generator().manual_seed(seed)
    batch = {}
    for one in objective.variables:
        if one.role != "latent":
            batch[one.name] = values_of(one, rows, generator)
            if one.inferred:  # some rows know it, and some do not
                batch[f"seen({one.name})"] = torch.arange(rows) % 3 == 0
    return batch


def values_of(one: Variable, rows: int, generator: torch.Generator) -> Tensor:
    size = (rows, *one.tensor_shape)
    if one.kind in ("real", "positive"):
        drawn = torch.randn(size, generator=generator)
        return drawn.exp() if one.kind == "positive" else drawn
    top = {"binary": 2, "count": 9}.get(one.kind, one.classes or 0)
    drawn = torch.randint(top, size, generator=generator)
    return drawn if one.kind == "categorical" else drawn.float()


def mistakes(objective: Objective, batch: Mapping[str, Tensor]) -> Iterator[Mistake]:
    """Every kind of mistake with every variable."""
    for one in objective.variables:
        if one.role != "latent":
            yield from _with_name(one, batch)
            yield from _with_shape(one, batch)
            yield from _with_values(one, batch)
    yield Mistake("no rows", "rows", {name: value[:0] for name, value in batch.items()})


def _with_name(one: Variable, batch: Mapping[str, Tensor]) -> Iterator[Mistake]:
    name, rest = one.name, {key: value for key, value in batch.items() if key != one.name}
    yield Mistake("a name in capitals", name, {**rest, name.upper() + "_": batch[name]})
    yield Mistake("a name besides", name, {**batch, f"{name}2": batch[name]}, (f"{name}2",))
    for key in (f"seen({name}_)", f"seen({name}[99])", f"{name}[99]"):
        yield Mistake("no such member", name, {**batch, key: torch.ones(ROWS) > 0}, (key,))
    for value in ("text", None, batch[name].to(torch.complex64), {"a": 1}):
        yield Mistake(f"a {type(value).__name__}", name, {**batch, name: value})


def _with_shape(one: Variable, batch: Mapping[str, Tensor]) -> Iterator[Mistake]:
    name, value = one.name, batch[one.name]
    if len(batch) > 1:
        for rows in (1, ROWS - 1):
            yield Mistake(f"{rows} rows", name, {**batch, name: value[:rows]})
        more = value.repeat(2, *(1,) * (value.ndim - 1))
        yield Mistake("twice the rows", name, {**batch, name: more})
    yield Mistake("an axis more", name, {**batch, name: value[..., None]})
    yield Mistake("no axis", name, {**batch, name: torch.zeros(())})
    if value.ndim > 1:
        yield Mistake("one column", name, {**batch, name: torch.cat([value, value], dim=-1)})
        yield Mistake("an axis less", name, {**batch, name: value.flatten()[:ROWS]})


def _with_values(one: Variable, batch: Mapping[str, Tensor]) -> Iterator[Mistake]:
    name, row = one.name, 2
    of_a_row = batch.get(f"seen({name})")
    if of_a_row is not None:
        row = int(of_a_row.nonzero()[-1])
    member = one.member_names[0]
    unseen = () if one.optional else (math.nan,)
    for value in (*OUTSIDE[one.kind], *unseen):
        wrong = batch[name].double()
        wrong[row].view(-1)[0] = value
        words = (member, str(row)) if math.isinf(value) or math.isnan(value) else (
            member, str(row), f"{value:g}" if value < 1e6 else "1"
        )  # fmt: skip
        yield Mistake(f"{value} in row {row}", name, {**batch, name: wrong}, words)
    flags = torch.ones(ROWS, *one.grid) > 0
    if not one.optional:
        flags[row] = False
        yield Mistake("unseen", name, {**batch, f"seen({name})": flags}, (str(row),))
    else:
        yield Mistake("half seen", name, {**batch, f"seen({name})": 0.5 * flags.float()}, ("0.5",))
    yield Mistake("flags of one row", name, {**batch, f"seen({name})": flags[:1]})


def all_noise(objective: Objective, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Noise for all that is drawn by rows, with what a pass would draw by itself."""
    first = next(value for name, value in batch.items() if not name.startswith("seen"))
    torch.manual_seed(7)
    noise = objective.draw_noise(first.to(next(objective.parameters()).dtype))
    for one in objective.variables:
        generator = torch.Generator().manual_seed(len(noise))
        shape = (len(first), *one.noise_shape)
        noise[f"prior({one.name})"] = torch.randn(shape, generator=generator)
    return noise


def permuted(values: Mapping[str, Tensor], order: Tensor) -> dict[str, Tensor]:
    """The rows in another order; what all rows have in common stays."""
    return {
        name: value[order] if len(value) == len(order) else value for name, value in values.items()
    }
