"""Whether single units of the codes hold single factors: the mutual information gap."""

from __future__ import annotations

__all__ = ["Gap", "gap"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from graphdsl_runtime.in_use import Drawn

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

_BINS = 20  # of a unit's mean: Locatello et al. 2019


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """How much more information the best unit has about a factor than the second best."""

    of: str
    rows: int
    gap: float  #: from 0 to 1
    unit: str  #: that tells most
    information: float  #: of this unit with the factor, in nats
    second: float  #: of the second best unit, in nats; 0 where there is one unit
    entropy: float  #: of the factor, in nats

    def to_dict(self) -> dict[str, object]:
        """Give it as plain values."""
        return {
            "of": self.of,
            "rows": self.rows,
            "gap": self.gap,
            "unit": self.unit,
            "information": self.information,
            "second": self.second,
            "entropy": self.entropy,
        }


def gap(of: str, codes: Mapping[str, Drawn], factor: Array) -> Gap:
    r"""Measure the mutual information gap of a factor.

    .. math:: \frac{I(z_{(1)}; v) - I(z_{(2)}; v)}{H(v)}

    where the units are in the order of their information with the factor v. Information and entropy
    are those of the table of counts. A unit is one number of a latent's mean, cut in 20 bins of
    equal width between its least and its largest value; of a category, it is the likeliest class.
    Counts overestimate information: with K values of the factor by about 19 (K - 1) / 2n nats.

    Shapes: ``factor`` is ``(n,)``, of classes.  Unit: none; of information, nats.
    Raises ValueError where all rows have the same value.
    Reference: Chen et al. 2018; the bins, Locatello et al. 2019.

    >>> import torch
    >>> from graphdsl_runtime.in_use import Drawn
    >>> v = np.arange(4)
    >>> means = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 1.0], [3.0, 1.0]])
    >>> found = gap("v", {"z": Drawn(means, means)}, v)
    >>> round(found.gap, 6), found.unit
    (0.5, 'z_0')
    """
    from sklearn.metrics import mutual_info_score

    entropy = float(mutual_info_score(factor, factor))
    if len(np.unique(factor)) < 2:
        raise ValueError(f"all rows have the same {of}: it has no information to hold")
    known = {name: float(mutual_info_score(cut, factor)) for name, cut in _units(codes).items()}
    best, *others = sorted(known, key=lambda name: -known[name])
    second = known[others[0]] if others else 0.0
    return Gap(
        of=of,
        rows=len(factor),
        gap=(known[best] - second) / entropy,
        unit=best,
        information=known[best],
        second=second,
        entropy=entropy,
    )


def _units(codes: Mapping[str, Drawn]) -> dict[str, Array]:
    """Give every unit as whole numbers.  Shapes: ``-> (n,)`` each."""
    units: dict[str, Array] = {}
    for name, code in codes.items():
        if not code.sample.is_floating_point():  # a category: the mean has the classes last
            likeliest = code.mean.argmax(dim=-1).reshape(len(code.mean), -1).numpy()
            cuts = likeliest.T
        else:
            means = code.mean.double().reshape(len(code.mean), -1).numpy()
            cuts = np.array([_cut(one) for one in means.T])
        for place, one in enumerate(cuts):
            units[f"{name}_{place}"] = one
    return units


def _cut(values: Array) -> Array:
    edges = np.histogram_bin_edges(values, bins=_BINS)
    return np.digitize(values, edges[1:-1])
