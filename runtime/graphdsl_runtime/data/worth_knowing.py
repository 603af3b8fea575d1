"""What one should know of values that are all right: warnings, and no refusals."""

from __future__ import annotations

__all__ = ["worth_knowing"]

from collections.abc import Iterator

import numpy as np

from graphdsl_runtime.data.errors import Finding
from graphdsl_runtime.data.pieces import Owner
from graphdsl_runtime.data.values import Facts, Values

_FAR = 30  # spreads between a value and the mean: a long tail


def worth_knowing(
    owner: Owner, values: Values, facts: Facts, names: tuple[str, ...]
) -> Iterator[Finding]:
    """What one should know of values that are all in the support."""
    kind, there = owner.variable.kind, facts.count > 0
    constant = there & (facts.low == facts.high)
    images = any(piece.entry is None and piece.column.shape for piece in owner.pieces)
    minds = kind == "real" or (kind != "categorical" and not images)  # an image has margins
    if constant.any() and minds and facts.count.max() > 1:
        which = [values.names[at] for at in np.flatnonzero(constant)[:3]]
        more = int(constant.sum()) - len(which)
        listed = ", ".join(f"`{one}`" for one in which) + (f" and {more} more" if more else "")
        risk = "its likelihood has no upper limit" if kind == "real" else "it tells nothing"
        yield Finding("DATA21", owner.name, f"{listed} is constant: {risk}", "leave it out")
    if kind == "binary" and not facts.whole:
        yield Finding(
            "DATA22",
            owner.name,
            "has values strictly between 0 and 1, which have no normalised likelihood",
            "round them, or declare it `real`",
        )
    if kind == "real" and there.any():
        yield from _scale(owner, values, facts)
    if kind == "categorical" and names:
        yield from _unused(owner, values, names)


def _scale(owner: Owner, values: Values, facts: Facts) -> Iterator[Finding]:
    spread = np.where(facts.spread > 0, facts.spread, np.nan)
    with np.errstate(invalid="ignore", over="ignore"):
        far = np.maximum(facts.high - facts.mean, facts.mean - facts.low) / spread
    if np.isnan(far).all():
        return
    at = int(np.nanargmax(far))
    if far[at] > _FAR:
        yield Finding(
            "DATA24",
            owner.name,
            f"`{values.names[at]}` has a value {far[at]:.0f} spreads from its mean "
            f"({facts.low[at]:.4g} to {facts.high[at]:.4g})",
            "declare whole numbers of 0 or more `count`, or take the logarithm of the column",
        )


def _unused(owner: Owner, values: Values, names: tuple[str, ...]) -> Iterator[Finding]:
    seen: set[int] = set()
    for _, block, there in values.blocks():
        seen |= set(np.unique(block[there]).astype(int).tolist())
    classes = owner.variable.classes or len(names)
    if unused := [one for one in range(classes) if one not in seen]:
        listed = ", ".join(names[one] if one < len(names) else str(one) for one in unused[:5])
        more = f" and {len(unused) - 5} more" if len(unused) > 5 else ""
        yield Finding(
            "DATA23",
            owner.name,
            f"has {classes} classes, of which {listed}{more} never occur",
            f"the data have {len(seen)}",
        )
