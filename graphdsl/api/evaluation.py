"""What a trained model comes to on data: its terms, a bound of -log p, and units in use."""

from __future__ import annotations

__all__ = ["Evaluation", "evaluate"]

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphdsl.api.likelihood import NoLikelihood, bound_of_rows

if TYPE_CHECKING:
    from graphdsl.api.coherence import Coherence
    from graphdsl.api.gaps import Gap
    from graphdsl.api.probing import Probe
    from graphdsl_runtime import Batch, Objective

_ACTIVE = 0.01  # of the variance of a code's mean over the rows: Burda et al. 2016, section 4.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Figures of a model on some rows."""

    rows: int
    terms: Mapping[str, float]  #: the loss and its terms, in nats per row
    samples: int  #: importance weights of each row
    bound: float | None  #: of -log p, by these; None where there is none
    bound_error: float  #: its standard error over the rows
    active: Mapping[str, tuple[int, int]]  #: of each real latent: units in use, and units
    remarks: tuple[str, ...]  #: what could not be measured, and why
    probes: tuple[Probe, ...] = ()  #: how well codes predict columns
    gaps: tuple[Gap, ...] = ()  #: the mutual information gap of each factor
    coherences: tuple[Coherence, ...] = ()  #: of views, translated to each other

    def to_dict(self) -> dict[str, object]:
        """Give all of it as plain values."""
        return {
            "rows": self.rows,
            "nats_per_row": dict(self.terms),
            "importance": {
                "samples": self.samples,
                "bound": self.bound,
                "standard_error": self.bound_error if math.isfinite(self.bound_error) else None,
            },
            "active_units": {
                name: {"active": active, "of": units}
                for name, (active, units) in self.active.items()
            },
            "remarks": list(self.remarks),
            "probes": [probe.to_dict() for probe in self.probes],
            "mutual_information_gaps": [gap.to_dict() for gap in self.gaps],
            "coherence": [coherence.to_dict() for coherence in self.coherences],
        }


def evaluate(
    objective: Objective,
    batch: Batch,
    *,
    samples: int = 64,
    batch_size: int = 256,
    seed: int = 0,
) -> Evaluation:
    """Measure a model on rows: see `Evaluation`.

    Without ``samples`` there is no bound of -log p.
    Raises `ObjectiveError` for what is no data of the model.
    """
    from graphdsl_runtime.in_use import mean_terms
    from graphdsl_runtime.in_use.blocks import rows_in

    terms = mean_terms(objective, batch, batch_size=batch_size, seed=seed)
    remarks: list[str] = []
    bound, error = None, math.inf
    if samples:
        try:
            rows = bound_of_rows(objective, batch, samples, seed=seed).double()
        except NoLikelihood as problem:
            remarks.append(str(problem))
        else:
            bound = rows.mean().item()
            error = rows.std().item() / math.sqrt(len(rows)) if len(rows) > 1 else math.inf
    return Evaluation(
        rows=rows_in(batch),
        terms=terms,
        samples=samples,
        bound=bound,
        bound_error=error,
        active=_active(objective, batch, batch_size),
        remarks=tuple(remarks),
    )


def _active(objective: Objective, batch: Batch, batch_size: int) -> dict[str, tuple[int, int]]:
    """Count the units of real latents whose means move with the rows."""
    from graphdsl_runtime.in_use import encode, read_part
    from graphdsl_runtime.in_use.blocks import rows_in

    seen = read_part(objective, batch)
    if not seen or rows_in(batch) < 2:
        return {}
    active = {}
    for name, code in encode(objective, seen, batch_size=batch_size).items():
        kind = next(variable.kind for variable in objective.variables if variable.name == name)
        if kind == "real":
            moved = code.mean.double().var(dim=0) > _ACTIVE
            active[name] = (int(moved.sum()), moved.numel())
    return active
