"""What codes tell of something else: simple predictors, fitted to codes and tried on others."""

from __future__ import annotations

__all__ = ["Probe", "probe", "probe_of_targets", "without_codes"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from graphdsl.api.targets import Targets

if TYPE_CHECKING:
    from torch import Tensor

    from graphdsl_runtime.in_use import Drawn

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

_NEIGHBOURS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """How well something is predicted from codes, on rows that the predictor has not seen.

    Of classes it is the share of rows that are right; of numbers the share of the variance that is
    explained, which is negative for a predictor that is worse than their mean.
    """

    of: str
    kind: str  #: "accuracy" or "R2"
    rows: int  #: it was measured on
    linear: float  #: by logistic regression, or by ridge regression
    neighbours: float  #: by the five nearest codes
    without: float  #: by the most frequent class, or by the mean: without any code

    def to_dict(self) -> dict[str, object]:
        """Give it as plain values."""
        return {
            "of": self.of,
            "kind": self.kind,
            "rows": self.rows,
            "linear": self.linear,
            "neighbours": self.neighbours,
            "without": self.without,
        }


def probe(
    of: str, codes: tuple[Tensor, Tensor], targets: tuple[Array, Array], *, classes: bool
) -> Probe:
    """Fit predictors to training codes, and try them on held-out codes.

    Shapes: codes ``(n, d)`` and targets ``(n,)``, of training and of held-out rows. Codes are
    standardised first. Raises ValueError where all training rows have the same target.
    Reference: Alain and Bengio 2017 (linear probes).

    >>> import torch
    >>> numbers = torch.arange(40.0)[:, None]
    >>> found = probe("y", (numbers, numbers), ((numbers > 20).numpy()[:, 0],) * 2, classes=True)
    >>> found.linear, found.neighbours, found.without
    (1.0, 1.0, 0.525)
    """
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    (seen, new), (known, asked) = (code.double().numpy() for code in codes), targets
    if len(np.unique(known)) < 2:
        raise ValueError(f"all training rows have the same {of}: there is nothing to predict")
    near = min(_NEIGHBOURS, len(known))
    linear, nearest = (
        (LogisticRegression(max_iter=1000), KNeighborsClassifier(near))
        if classes
        else (Ridge(), KNeighborsRegressor(near))
    )
    scores = [
        float(make_pipeline(StandardScaler(), one).fit(seen, known).score(new, asked))
        for one in (linear, nearest)
    ]
    return Probe(
        of=of,
        kind="accuracy" if classes else "R2",
        rows=len(asked),
        linear=scores[0],
        neighbours=scores[1],
        without=without_codes(known, asked, classes),
    )


def probe_of_targets(
    codes: tuple[Mapping[str, Drawn], Mapping[str, Drawn]], targets: tuple[Targets, Targets]
) -> Probe:
    """Predict a column of a table from the means of all codes; rows without a value are left out.

    ``codes`` and ``targets`` are those of training and of held-out rows.
    Raises ValueError where one of the two has no value, and as `probe` does.
    """
    import torch

    of, classes = targets[0].of, targets[0].classes
    parts: list[tuple[Tensor, Array]] = []
    for coded, part in zip(codes, targets, strict=True):
        count = len(part.there)
        means = torch.cat([one.mean.reshape(count, -1) for one in coded.values()], dim=1)
        parts.append((means[torch.from_numpy(part.there)], part.values[part.there]))
    (seen, known), (new, asked) = parts
    if not len(known) or not len(asked):
        raise ValueError(f"{of} has no value in the rows of one part: there is nothing to predict")
    return probe(of, (seen, new), (known, asked), classes=classes)


def without_codes(known: Array, asked: Array, classes: bool) -> float:
    """Score a prediction of the most frequent class, or of the mean, of training rows.

    >>> without_codes(np.array([1, 1, 2]), np.array([1, 2]), True)
    0.5
    """
    if classes:
        values, counts = np.unique(known, return_counts=True)
        return float((asked == values[counts.argmax()]).mean())
    spread = float(((asked - asked.mean()) ** 2).sum())
    return 1.0 - float(((asked - known.mean()) ** 2).sum()) / spread if spread else 0.0
