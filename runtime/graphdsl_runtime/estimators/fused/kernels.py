r"""Triton kernels of the batch's mixture of posteriors: pairs are made, and made again, never kept.

With :math:`d_{bck} = (z_{bk} - \mu_{ck}) s_{ck}`, where :math:`s^2` is half the precision, and
:math:`n_c` the log-normaliser, each kernel makes

.. math:: \log q_{bc} = n_c - \sum_k d_{bck}^2

A thread keeps one sample, or one posterior, and goes through the others, a few at a time: its sums
need no other thread and no atomics, and are the same at every run. Where there are too few of those
to fill a device, the others are split among programs, and the parts added up by who launched them.

Tables are ``(M, D, b)`` of samples and ``(M, D, B)`` of posteriors, rows last; the factor of a
program is the second axis of its grid, and its split of the others the third.
"""

from __future__ import annotations

__all__ = ["log_sums", "posterior_gradients", "sample_gradients"]

import triton
import triton.language as tl

# mypy ignores the lines below: triton ships no types.


@triton.jit  # type: ignore[untyped-decorator]
def log_sums(
    z: tl.tensor,
    mean: tl.tensor,
    scale: tl.tensor,
    normaliser: tl.tensor,
    own: tl.tensor,
    sums: tl.tensor,
    first: tl.tensor,
    samples: tl.tensor,
    posteriors: tl.tensor,
    span: tl.tensor,
    size: tl.constexpr,
    limit: tl.constexpr,
    kept: tl.constexpr,
    others: tl.constexpr,
) -> None:
    """Write the log of the sum of densities that a span of posteriors has at each sample."""
    factor, split = tl.program_id(1), tl.program_id(2)
    row = tl.program_id(0) * kept + tl.arange(0, kept)
    dtype = sums.dtype.element_ty
    highest, total = tl.full([kept], float("-inf"), dtype), tl.zeros([kept], dtype)
    for start in range(split * span, tl.minimum(split * span + span, posteriors), others):
        rows, columns = row[None, :], (start + tl.arange(0, others))[:, None]
        log_q = _log_densities(
            z,
            mean,
            scale,
            normaliser,
            own,
            rows,
            columns,
            factor,
            first,
            samples,
            posteriors,
            size,
            limit,
        )
        higher = tl.maximum(highest, tl.max(log_q, 0))
        base = tl.where(higher == float("-inf"), 0.0, higher)  # nothing is in sight yet
        total = total * tl.exp(highest - base) + tl.sum(tl.exp(log_q - base[None, :]), 0)
        highest = higher
    place = (split * tl.num_programs(1) + factor) * samples + row
    tl.store(sums + place, highest + tl.log(total), mask=row < samples)


@triton.jit  # type: ignore[untyped-decorator]
def sample_gradients(
    z: tl.tensor,
    mean: tl.tensor,
    scale: tl.tensor,
    normaliser: tl.tensor,
    own: tl.tensor,
    sums: tl.tensor,
    upstream: tl.tensor,
    pulls: tl.tensor,
    first: tl.tensor,
    samples: tl.tensor,
    posteriors: tl.tensor,
    span: tl.tensor,
    size: tl.constexpr,
    limit: tl.constexpr,
    kept: tl.constexpr,
    others: tl.constexpr,
    width: tl.constexpr,
) -> None:
    """Write how a span of posteriors pulls at each sample, in width coordinates of a factor."""
    parts: tl.constexpr = (size + width - 1) // width
    factor, begin = tl.program_id(1) // parts, tl.program_id(1) % parts * width
    split = tl.program_id(2)
    row = tl.program_id(0) * kept + tl.arange(0, kept)
    lane = tl.arange(0, width)[:, None]
    pulled = tl.zeros([width, kept], pulls.dtype.element_ty)
    for start in range(split * span, tl.minimum(split * span + span, posteriors), others):
        rows, columns = row[None, :], (start + tl.arange(0, others))[:, None]
        share = _shares(
            z,
            mean,
            scale,
            normaliser,
            own,
            sums,
            upstream,
            rows,
            columns,
            factor,
            first,
            samples,
            posteriors,
            size,
            limit,
        )
        for k in tl.static_range(width):
            coordinate = factor * size + tl.minimum(begin + k, size - 1)
            pull, _, per_unit = _pulls(
                share, z, mean, scale, rows, columns, coordinate, samples, posteriors, limit
            )
            pulled = tl.where(lane == k, pulled + tl.sum(pull * per_unit, 0)[None, :], pulled)
    factors = tl.num_programs(1) // parts
    place = ((split * factors + factor) * size + begin + lane) * samples + row[None, :]
    tl.store(pulls + place, pulled, mask=(begin + lane < size) & (row[None, :] < samples))


@triton.jit  # type: ignore[untyped-decorator]
def posterior_gradients(
    z: tl.tensor,
    mean: tl.tensor,
    scale: tl.tensor,
    normaliser: tl.tensor,
    own: tl.tensor,
    sums: tl.tensor,
    upstream: tl.tensor,
    pulls: tl.tensor,
    spreads: tl.tensor,
    first: tl.tensor,
    samples: tl.tensor,
    posteriors: tl.tensor,
    span: tl.tensor,
    size: tl.constexpr,
    limit: tl.constexpr,
    kept: tl.constexpr,
    others: tl.constexpr,
    width: tl.constexpr,
) -> None:
    """Write how a span of samples pulls at each posterior, and widens it, in width coordinates."""
    parts: tl.constexpr = (size + width - 1) // width
    factor, begin = tl.program_id(1) // parts, tl.program_id(1) % parts * width
    split = tl.program_id(2)
    column = tl.program_id(0) * kept + tl.arange(0, kept)
    lane = tl.arange(0, width)[:, None]
    dtype = pulls.dtype.element_ty
    pulled, spread = tl.zeros([width, kept], dtype), tl.zeros([width, kept], dtype)
    for start in range(split * span, tl.minimum(split * span + span, samples), others):
        rows, columns = (start + tl.arange(0, others))[:, None], column[None, :]
        share = _shares(
            z,
            mean,
            scale,
            normaliser,
            own,
            sums,
            upstream,
            rows,
            columns,
            factor,
            first,
            samples,
            posteriors,
            size,
            limit,
        )
        spread -= 0.5 * tl.sum(share, 0)[None, :]
        for k in tl.static_range(width):
            coordinate = factor * size + tl.minimum(begin + k, size - 1)
            pull, distance, _ = _pulls(
                share, z, mean, scale, rows, columns, coordinate, samples, posteriors, limit
            )
            pulled = tl.where(lane == k, pulled + tl.sum(pull, 0)[None, :], pulled)
            spread = tl.where(lane == k, spread + tl.sum(pull * distance, 0)[None, :], spread)
    factors = tl.num_programs(1) // parts
    place = ((split * factors + factor) * size + begin + lane) * posteriors + column[None, :]
    inside = (begin + lane < size) & (column[None, :] < posteriors)
    tl.store(pulls + place, pulled, mask=inside)
    tl.store(spreads + place, spread, mask=inside)


@triton.jit  # type: ignore[untyped-decorator]
def _distances(
    z: tl.tensor,
    mean: tl.tensor,
    scale: tl.tensor,
    rows: tl.tensor,
    columns: tl.tensor,
    coordinate: tl.tensor,
    samples: tl.tensor,
    posteriors: tl.tensor,
    limit: tl.constexpr,
) -> tl.tuple:
    """Give (z - mean) scale in one coordinate, where rows and columns meet; and the scale."""
    value = tl.load(z + coordinate * samples + rows, mask=rows < samples, other=0.0)
    here, there = coordinate * posteriors + columns, columns < posteriors
    per_unit = tl.load(scale + here, mask=there, other=0.0)
    distance = (value - tl.load(mean + here, mask=there, other=0.0)) * per_unit
    if limit is not None:
        distance = tl.minimum(tl.maximum(distance, -limit), limit)
    return distance, per_unit


@triton.jit  # type: ignore[untyped-decorator]
def _log_densities(
    z: tl.tensor,
    mean: tl.tensor,
    scale: tl.tensor,
    normaliser: tl.tensor,
    own: tl.tensor,
    rows: tl.tensor,
    columns: tl.tensor,
    factor: tl.tensor,
    first: tl.tensor,
    samples: tl.tensor,
    posteriors: tl.tensor,
    size: tl.constexpr,
    limit: tl.constexpr,
) -> tl.tensor:
    """Give the weighted log-densities where rows and columns meet; -inf past the last posterior."""
    here = factor * posteriors + columns
    log_q = tl.load(normaliser + here, mask=columns < posteriors, other=float("-inf"))
    log_q = log_q + tl.zeros_like(rows + columns).to(log_q.dtype)
    for k in range(size):
        distance, _ = _distances(
            z, mean, scale, rows, columns, factor * size + k, samples, posteriors, limit
        )
        log_q -= distance * distance
    return tl.where(columns == rows + first, log_q + tl.load(own), log_q)


@triton.jit  # type: ignore[untyped-decorator]
def _shares(
    z: tl.tensor,
    mean: tl.tensor,
    scale: tl.tensor,
    normaliser: tl.tensor,
    own: tl.tensor,
    sums: tl.tensor,
    upstream: tl.tensor,
    rows: tl.tensor,
    columns: tl.tensor,
    factor: tl.tensor,
    first: tl.tensor,
    samples: tl.tensor,
    posteriors: tl.tensor,
    size: tl.constexpr,
    limit: tl.constexpr,
) -> tl.tensor:
    """Give the posteriors' responsibilities for samples, times the samples' upstream gradients."""
    log_q = _log_densities(
        z,
        mean,
        scale,
        normaliser,
        own,
        rows,
        columns,
        factor,
        first,
        samples,
        posteriors,
        size,
        limit,
    )
    here = factor * samples + rows
    log_sum = tl.load(sums + here, mask=rows < samples, other=float("inf"))  # shares of 0 beyond
    return tl.exp(log_q - log_sum) * tl.load(upstream + here, mask=rows < samples, other=0.0)


@triton.jit  # type: ignore[untyped-decorator]
def _pulls(
    share: tl.tensor,
    z: tl.tensor,
    mean: tl.tensor,
    scale: tl.tensor,
    rows: tl.tensor,
    columns: tl.tensor,
    coordinate: tl.tensor,
    samples: tl.tensor,
    posteriors: tl.tensor,
    limit: tl.constexpr,
) -> tl.tuple:
    """Give share times distance in one coordinate, 0 where that is limited; distance; scale."""
    distance, per_unit = _distances(
        z, mean, scale, rows, columns, coordinate, samples, posteriors, limit
    )
    pull = share * distance  # before it is squared: a density of 0 pulls nothing
    if limit is not None:
        pull = tl.where(tl.abs(distance) < limit, pull, 0.0)
    return pull, distance, per_unit
