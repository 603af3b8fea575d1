"""Synthetic rows of every variable that a module takes: all kinds, and some that rows lack."""

from __future__ import annotations

__all__ = ["Synthetic", "synthetic_rows"]

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphdsl.ir.audit import Audit
from graphdsl.ir.loss import LossModule, NetworkSlot, VariableSlot
from graphdsl.verify.networks import Affine, affine_networks
from graphdsl.verify.trial import Numbers

_Entry: TypeAlias = "Numbers | NDArray[np.bool_]"

_ROWS = 6
_MOST = 20_000_000  #: weights, in double precision and moved back and forth
_SEEN = 0.6  #: the share of rows that have something optional
_MEAN = 2.0  #: of counts


@dataclass(frozen=True, slots=True)
class Synthetic:
    """A batch, and the networks that a spec leaves to its user."""

    batch: Mapping[str, _Entry]
    networks: Mapping[str, Affine]


def synthetic_rows(audit: Audit, seed: int = 0) -> Synthetic | str:
    """Draw rows for the module of an audit; or say why there are none."""
    weights = sum(map(_weights, audit.module.networks))
    if weights > _MOST:
        return f"its networks have {weights:,} weights, more than {_MOST:,}: make them smaller"
    rng = np.random.default_rng((seed, 5))
    own = {
        name
        for network in audit.module.networks
        if network.builder.name == "own"
        for name in network.names
    }
    heads = affine_networks(audit.model, audit.module, rng) if own else ()
    return Synthetic(
        batch=_batch(audit.module, rng),
        networks={head.name: head.affine for head in heads if head.name in own},
    )


def _weights(slot: NetworkSlot) -> int:
    """How many weights a network has, about: none that counts where it is convolutional."""
    builder = slot.builder
    if builder.name in ("conv_encoder", "conv_decoder"):
        return 0
    outputs = builder.outputs
    ends = prod(outputs) if isinstance(outputs, tuple) else outputs
    widths = (sum(prod(shape) for shape, _ in builder.inputs), *builder.hidden, ends)
    return (builder.count or 1) * sum(one * other for one, other in pairwise(widths))


def _batch(module: LossModule, rng: np.random.Generator) -> dict[str, _Entry]:
    """What is optional is there in some rows, and members are missing one by one."""
    return dict(entry for variable in module.variables for entry in _entries(variable, _ROWS, rng))


def _entries(
    one: VariableSlot, rows: int, rng: np.random.Generator
) -> Iterator[tuple[str, _Entry]]:
    if one.role == "latent":
        return
    members = one.members or ()
    values = _values(one, (rows, *members, *one.shape), rng)
    if one.optional:
        seen = rng.random((rows, *members)) < _SEEN
        yield f"seen({one.name})", seen
        if one.kind == "real":
            values[~seen] = np.nan
    yield one.name, values


def _values(one: VariableSlot, shape: tuple[int, ...], rng: np.random.Generator) -> Numbers:
    match one.kind:
        case "real":
            return rng.normal(size=shape)
        case "unit":
            return rng.uniform(0.02, 0.98, size=shape)
        case "positive":
            return np.exp(rng.normal(size=shape))
        case "binary":
            return rng.integers(0, 2, shape).astype(np.float64)
        case "categorical":
            return rng.integers(0, one.classes or 1, shape)
        case "count":
            return rng.poisson(_MEAN, shape).astype(np.float64)
