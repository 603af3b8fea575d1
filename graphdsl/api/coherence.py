"""Whether a view that is predicted from another one says the same of its row as the real one."""

from __future__ import annotations

__all__ = ["Coherence", "Part", "coherence", "view_of", "views_of"]

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from graphdsl.api.targets import Targets

if TYPE_CHECKING:
    import torch

    from graphdsl_runtime import Batch, Objective

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

_MOST_ROWS = 5000  # real rows that the predictor is fitted to


@dataclass(frozen=True, slots=True, kw_only=True)
class Coherence:
    """How well a column of the data is predicted from a translated view.

    Of classes it is the share of rows that are right; of numbers the share of the variance that is
    explained.
    """

    source: str  #: the view that is translated
    to: str  #: the view that it is translated to
    of: str  #: the column
    kind: str  #: "accuracy" or "R2"
    rows: int  #: it was measured on
    translated: float  #: by the predictor, from the translated view
    real: float  #: by the same predictor, from the real view of the same rows
    without: float  #: by the most frequent class, or by the mean

    def to_dict(self) -> dict[str, object]:
        """Give it as plain values."""
        return {
            "from": self.source,
            "to": self.to,
            "of": self.of,
            "kind": self.kind,
            "rows": self.rows,
            "translated": self.translated,
            "real": self.real,
            "without": self.without,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Training rows, or held-out ones: their views, and what is to be predicted."""

    batch: Batch
    targets: Targets


def views_of(objective: Objective, column: str) -> tuple[str, ...]:
    """Name the views that p generates: variables and members, less what holds the column itself.

    Raises `ObjectiveError` where p generates nothing.

    >>> import graphdsl
    >>> views_of(graphdsl.compile("jmvae", pixels=4).objective(), "y")
    ('x[1]', 'x[2]')
    """
    from graphdsl_runtime.in_use.codes import generated

    taken = (objective.data_record or {}).get("columns")
    columns = taken if isinstance(taken, dict) else {}
    names = generated(objective)
    return tuple(
        member
        for variable in objective.variables
        if variable.name in names
        and variable.name != column
        and columns.get(variable.name) != [column]
        for member in variable.member_names
        if member != column and columns.get(member) != [column]
    )


def view_of(objective: Objective, batch: Batch, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Give a view, whether its family is given whole or by members, and which rows have it.

    Shapes: ``(n, *shape)`` and bool ``(n,)``.  Raises as `Objective.observe_some`.

    >>> import graphdsl, torch
    >>> objective = graphdsl.compile("mvae", pixels=4).objective()
    >>> rows = torch.tensor([[[0.0, 1, 1, 0], [0, 1, 1, 0]], [[0, 0, 1, 1], [torch.nan] * 4]])
    >>> view_of(objective, {"x": rows}, "x[2]")[1]
    tensor([ True, False])
    """
    variable = next(one for one in objective.variables if name in one.member_names)
    values, seen = objective.observe_some(_as_placed(objective, batch), variable.name)
    if variable.members is None:
        return values, seen
    place = variable.member_names.index(name)
    return variable.side_by_side(values)[:, place], seen[:, place]


def coherence(
    objective: Objective, source: str, to: str, train: Part, test: Part, *, batch_size: int = 256
) -> Coherence:
    """Translate a view of the held-out rows, and predict the column from the translation.

    The predictor, logistic or ridge regression on standardised values, is fitted to the real view
    ``to`` of at most 5,000 training rows. The translation is the mean of p at the mean of the code
    that ``source`` alone gives, with what p conditions on. Rows that lack one of the two views, or
    a value of the column, are left out.
    Raises ValueError where the rows that are left are too few or have one value, and what
    `Objective.translate` raises.
    Reference: Shi et al. 2019, cross-generation coherence.
    """
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from graphdsl.api.probing import without_codes
    from graphdsl_runtime.in_use import translate

    of, classes = train.targets.of, train.targets.classes
    seen, there = _view(objective, train.batch, to)
    fitted = np.flatnonzero(there & train.targets.there)[:_MOST_ROWS]
    new, asked = _view(objective, test.batch, to)
    _, given = _view(objective, test.batch, source)
    rows = np.flatnonzero(asked & given & test.targets.there)
    known, truth = train.targets.values[fitted], test.targets.values[rows]
    if len(np.unique(known)) < 2 or not len(rows):
        raise ValueError(f"too few rows have {source}, {to} and more than one value of {of}")
    given_views = _alone(objective, test.batch, source, rows)
    drawn = translate(objective, given_views, [to], batch_size=batch_size)[to]
    predictor = make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000) if classes else Ridge()
    ).fit(seen[fitted], known)
    return Coherence(
        source=source,
        to=to,
        of=of,
        kind="accuracy" if classes else "R2",
        rows=len(rows),
        translated=float(predictor.score(_flat(drawn), truth)),
        real=float(predictor.score(new[rows], truth)),
        without=without_codes(known, truth, classes),
    )


def _view(objective: Objective, batch: Batch, name: str) -> tuple[Array, Array]:
    """Give the real values of a view, flat, and which rows have it.  Shapes: ``(n, k), (n,)``."""
    values, seen = view_of(objective, batch, name)
    classes = next(
        variable.classes for variable in objective.variables if name in variable.member_names
    )
    if classes is not None:
        values = objective.one_hot(values, classes)
    return _flat(values), seen.cpu().numpy()


def _alone(objective: Objective, batch: Batch, source: str, rows: Array) -> Batch:
    """Give one view of some rows, and what p conditions on."""
    import torch

    from graphdsl_runtime.in_use.codes import generated

    chosen = torch.from_numpy(rows)
    names = generated(objective)
    conditions = {
        key: one
        for key, one in batch.items()
        for variable in objective.variables
        if variable.role != "latent" and variable.name not in names
        if key in _keys((variable.name, *variable.member_names))
    }
    view, _ = view_of(objective, batch, source)
    return {name: one[chosen] for name, one in {**conditions, source: view.cpu()}.items()}


def _keys(names: Sequence[str]) -> set[str]:
    return {key for name in names for key in (name, f"seen({name})")}


def _as_placed(objective: Objective, batch: Batch) -> Batch:
    import torch

    device = next(objective.parameters(), torch.empty(0)).device
    return {name: torch.as_tensor(one).to(device) for name, one in batch.items()}


def _flat(values: torch.Tensor) -> Array:
    flat: Array = values.detach().double().reshape(len(values), -1).cpu().numpy()
    return flat
