"""Rows in batches, with noise that does not depend on where the batches end."""

from __future__ import annotations

__all__ = ["BATCH", "Piece", "pieces", "rows_in"]

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import unwrap

import torch
from torch import Tensor

from graphdsl_runtime.batch import Batch
from graphdsl_runtime.distributions import Likelihood
from graphdsl_runtime.errors import OutOfRange
from graphdsl_runtime.module import Objective
from graphdsl_runtime.sampling import draw_data

#: Rows of a batch, where the caller does not say.
BATCH = 256

_BLOCK = 1024  # rows that have their noise drawn together: a fixed number, or results would move
_FEW = 16  # samples of a row in a bound
_GRAIN = 32  # rows that have their data drawn together


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a data set, on the objective's device, and their noise."""

    batch: Batch
    noise: Mapping[str, Tensor]
    first: int  #: the place of its first row in the data set, a multiple of 32
    rows: int

    def drawn(self, likelihood: Likelihood, seed: int) -> Tensor:
        """Draw data, whatever other rows are in the piece.  Shapes: as of `draw_data`."""
        samples = []
        for start in range(0, self.rows, _GRAIN):
            with _seeded(seed, self.first + start, 1), torch.random.fork_rng():
                places = torch.arange(start, start + _GRAIN).clamp(max=self.rows - 1)
                samples.append(draw_data(likelihood[places])[: self.rows - start])
        return torch.cat(samples)


def rows_in(batch: Batch) -> int:
    """Say how many rows a batch has.

    >>> rows_in({"x": torch.zeros(3, 2)})
    3
    """
    return len(next(iter(batch.values())))


def pieces(
    objective: Objective,
    batch: Batch,
    rows: int,
    *,
    batch_size: int = BATCH,
    seed: int = 0,
    same_noise: bool = False,
) -> Iterator[Piece]:
    """Cut rows in batches of that many, up to the next multiple of 32, with the noise of each row.

    The noise is the same for every ``batch_size``, and with ``same_noise`` for every row. The
    caller's generators stay as they are.
    Raises `OutOfRange` for a batch size or a seed that is none.
    """
    for name, value, low in (("batch size", batch_size, 1), ("seed", seed, 0)):
        if value < low:
            raise OutOfRange(name, value, low=low, high=float("inf"))
    block = _BLOCK if objective.samples <= _FEW else _GRAIN  # or the noise would fill the memory
    step = min(-(-batch_size // _GRAIN) * _GRAIN, block)
    device = next(objective.parameters(), torch.empty(0)).device
    for start in range(0, rows, block):
        count = min(block, rows - start)
        with _seeded(seed, 0 if same_noise else start // block):
            noise = _noise(objective, block)  # whole: a row has the same with others after it
        if same_noise:
            noise = {
                name: tensor[:1].expand_as(tensor) if len(tensor) == block else tensor
                for name, tensor in noise.items()
            }
        for first in range(0, count, step):
            here = slice(first, min(first + step, count))
            yield Piece(
                {
                    name: torch.as_tensor(one)[start + here.start : start + here.stop].to(device)
                    for name, one in batch.items()
                },
                {
                    name: (tensor[here] if len(tensor) == block else tensor).to(device)
                    for name, tensor in noise.items()
                },
                start + first,
                here.stop - here.start,
            )


def _noise(objective: Objective, rows: int) -> dict[str, Tensor]:
    """Draw all that a pass, or `ancestral_sample`, may draw by itself, row by row; on the CPU."""
    dtype = objective._dtype()
    like = torch.empty(rows, dtype=dtype)
    noise = objective.draw_noise(like)
    for variable in objective.variables:
        noise[f"prior({variable.name})"] = torch.randn(rows, *variable.noise_shape, dtype=dtype)
    for name in _selectors(objective):
        noise[name] = torch.rand(rows, dtype=dtype)
    return noise


def _selectors(objective: Objective) -> list[str]:
    """Name the noise by which experts are drawn: emitted methods have the names as they are."""
    own = type(objective)
    words = [*unwrap(own.forward).__code__.co_consts, *unwrap(own.infer).__code__.co_consts]
    return sorted(
        {word for word in words if isinstance(word, str) and word.startswith("selector_")}
    )


@contextmanager
def _seeded(*purpose: int) -> Iterator[None]:
    """Seed the generator of the CPU by these numbers, and put it back as it was afterwards."""
    with torch.random.fork_rng(devices=[]):
        mixed = 0
        for number in purpose:
            mixed = (mixed * 6364136223846793005 + number * 1442695040888963407 + 1) % 2**63
        torch.manual_seed(mixed)
        yield
