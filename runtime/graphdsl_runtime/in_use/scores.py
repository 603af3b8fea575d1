"""What each row costs: the terms of a loss row by row, where they are sums over rows.

An emitted ``forward`` averages over the rows of a batch by the one word `expect`. Run with a word
in its place that keeps the rows apart, it gives the terms of every row. A term that compares rows
with each other, such as a total correlation by minibatch or a distance of samples, has no such
values: it is recognised by numbers, not by its name.
"""

from __future__ import annotations

__all__ = ["RowTerms", "mean_terms", "row_terms"]

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import cast

import torch
from torch import Tensor

from graphdsl_runtime.batch import Batch
from graphdsl_runtime.distributions.expectation import HALF
from graphdsl_runtime.in_use.blocks import BATCH, Piece, pieces, rows_in
from graphdsl_runtime.losses import Losses
from graphdsl_runtime.module import Objective

#: How far rounding takes apart what is equal: relative to the largest number in sight.
_ROUNDING = 1e-3
_LOSS = "loss"


@dataclass(frozen=True, slots=True, eq=False)
class RowTerms:
    """The terms of every row, and the names of those that a row by itself does not have."""

    terms: Mapping[str, Tensor]  #: ``(n,)`` each; with ``loss``, if all of the loss is of rows
    of_batches: tuple[str, ...]  #: terms that compare rows, or are no sum over rows


def row_terms(
    objective: Objective,
    batch: Batch,
    *,
    batch_size: int = BATCH,
    seed: int = 0,
    same_noise: bool = False,
) -> RowTerms:
    """Give the terms of the loss, row by row: over the rows of a batch, their means are the loss's.

    Unit: nats.  One sample of the latents for each row, by the seed and by the row's place; with
    ``same_noise``, all rows have the noise of the first.
    Raises what the objective's ``forward`` does.
    """
    rows: list[dict[str, Tensor]] = []
    apart: frozenset[str] = frozenset()
    with _unchanged(objective):
        for piece in pieces(
            objective,
            batch,
            rows_in(batch),
            batch_size=batch_size,
            seed=seed,
            same_noise=same_noise,
        ):
            apart = apart if rows else _of_rows(objective, piece)
            rows.append(_by_row(objective, piece))
    return RowTerms(
        {name: torch.cat([row[name].cpu() for row in rows]) for name in rows[0] if name in apart},
        tuple(name for name in rows[0] if name not in apart),
    )


def mean_terms(
    objective: Objective, batch: Batch, *, batch_size: int = BATCH, seed: int = 0
) -> dict[str, float]:
    """Give the means of the loss and its terms over batches, each as heavy as it has rows.

    Unit: nats per row.
    """
    sums: dict[str, float] = {}
    with _unchanged(objective):
        whole = pieces(objective, batch, rows_in(batch), batch_size=batch_size, seed=seed)
        for piece in _without_single_rows(whole):
            for name, one in _by_batch(objective, piece).items():
                sums[name] = sums.get(name, 0.0) + piece.rows * one.item()
    return {name: total / rows_in(batch) for name, total in sums.items()}


def _of_rows(objective: Objective, piece: Piece) -> frozenset[str]:
    """Name the terms that are sums over rows: by their means, and without each other's company."""
    piece = piece if piece.rows > 1 else _twice(piece)
    rows, whole = _by_row(objective, piece), _by_batch(objective, piece)
    half = (piece.rows + 1) // 2
    parts = [
        _by_row(objective, _cut(piece, slice(start, stop)))
        for start, stop in ((0, half), (half, piece.rows))
    ]
    of_rows = {
        name
        for name, row in rows.items()
        if row.shape == (piece.rows,)
        and _close(row.mean(), whole[name])
        and all(part[name].ndim == 1 for part in parts)
        and _close(row, torch.cat([part[name] for part in parts]))
    }
    of_none = {
        name
        for name, row in rows.items()
        if row.numel() == 1 and all(torch.equal(row, part[name]) for part in parts)
    }
    all_of_rows = rows.keys() - {_LOSS} <= of_rows | of_none
    return frozenset(of_rows if all_of_rows else of_rows - {_LOSS})


def _twice(piece: Piece) -> Piece:
    return _together(piece, piece)


def _together(piece: Piece, other: Piece) -> Piece:
    def of(one: Mapping[str, Tensor], two: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {
            name: torch.cat([value, two[name]]) if len(value) == piece.rows else value
            for name, value in one.items()
        }

    return Piece(
        of(piece.batch, other.batch),
        of(piece.noise, other.noise),
        piece.first,
        piece.rows + other.rows,
    )


def _without_single_rows(several: Iterable[Piece]) -> Iterator[Piece]:
    """Put a row that is left at the end to the rows before: some terms compare rows."""
    last: Piece | None = None
    for piece in several:
        if last is not None and piece.rows > 1:
            yield last
            last = piece
        else:
            last = piece if last is None else _together(last, piece)
    if last is not None:
        yield last


def _cut(piece: Piece, here: slice) -> Piece:
    def of(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: one[here] if len(one) == piece.rows else one for name, one in values.items()}

    return Piece(of(piece.batch), of(piece.noise), piece.first, here.stop - here.start)


def _close(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape:
        return False
    largest = max(1.0, one.abs().max().item(), other.abs().max().item())
    return bool((one - other).abs().max() <= _ROUNDING * largest)


def _by_row(objective: Objective, piece: Piece) -> dict[str, Tensor]:
    """Run ``forward`` with the rows kept apart; what compares rows is a number of no axis."""
    if piece.rows == 1:  # some terms are not defined for a row alone, and others do not mind
        by_row = _by_row(objective, _twice(piece))
        return {name: one[:1] if one.shape == (2,) else one for name, one in by_row.items()}
    forward = _keeping_rows(type(objective).forward, piece.rows)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        losses = forward(objective, piece.batch, _with_edges(objective, piece))
    return _named(losses)


def _by_batch(objective: Objective, piece: Piece) -> dict[str, Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        losses: Losses = objective(piece.batch, _with_edges(objective, piece))
    return _named(losses)


def _with_edges(objective: Objective, piece: Piece) -> dict[str, Tensor]:
    """Give the noise with the edges that it draws, for each row: they need no gradient here."""
    noise = {**piece.noise}
    with torch.no_grad():
        for mask in objective.edge_masks():
            edges = mask.sample(noise[mask.name]) > 0.5
            noise[mask.name] = edges.expand(piece.rows, *edges.shape[1:])
    return noise


def _named(losses: Losses) -> dict[str, Tensor]:
    return {name: one.detach() for name, one in {_LOSS: losses.loss, **losses.terms}.items()}


def _keeping_rows(forward: object, rows: int) -> Callable[..., Losses]:
    """Give ``forward`` with another `expect`; the class keeps its own."""

    def each(nats: Tensor, seen: Tensor | None = None) -> Tensor:
        return _each(nats, seen, rows)

    emitted = cast("FunctionType", forward)
    words = emitted.__globals__
    if "expect" in words:
        words = {**words, "expect": each}
    copy = FunctionType(
        emitted.__code__, words, emitted.__name__, emitted.__defaults__, emitted.__closure__
    )
    return cast("Callable[..., Losses]", copy)


def _each(nats: Tensor, seen: Tensor | None, rows: int) -> Tensor:
    """Add up what `expect` adds up, and leave the rows apart; of several samples, the mean.

    Shapes: ``(B, *)``, or ``(B k, *)`` for k samples of each row ``-> (B,)``.
    """
    if nats.dtype in HALF:
        nats = nats.float()
    if seen is not None:
        if nats.ndim > seen.ndim:
            nats = nats.flatten(seen.ndim).sum(dim=-1)
        nats = torch.where(seen, nats, 0.0)
    sums = nats.flatten(1).sum(dim=1) if nats.ndim > 1 else nats
    many = len(sums) > rows and len(sums) % rows == 0
    return sums.reshape(rows, -1).mean(dim=1) if many else sums


@contextmanager
def _unchanged(objective: Objective) -> Iterator[None]:
    """Put buffers back as they were: a moving average is of training."""
    before = {name: buffer.clone() for name, buffer in objective.named_buffers()}
    try:
        yield
    finally:
        for name, buffer in objective.named_buffers():
            buffer.copy_(before[name])
